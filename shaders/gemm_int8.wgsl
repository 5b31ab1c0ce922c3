// Many tokens: tiles of 64 rows and 64 tokens in workgroup memory, as bytes. Compare gemm.wgsl.
//!import step
//!import grid
//!import gemm

// K in steps of one sub-block: two vec4s of bytes and one of scales or sums. The first 32 rows of the tile are the first
// ones of 32 pairs.
const TILE: u32 = 64u;
var<workgroup> w_low: array<vec4<u32>, TILE>;
var<workgroup> w_high: array<vec4<u32>, TILE>;
var<workgroup> w_scales: array<vec4<f32>, TILE>;
var<workgroup> x_tile: array<X, 192>; // [TILE, 3]

fn x_at(at: u32) -> X {
    return x_tile[at];
}

fn w_at(row: u32) -> Weights {
    let s = w_scales[row];
    return Weights(Quants(w_low[row], w_high[row]), s.xy, s.zw);
}

// 128 threads. For the loads thread i < 64 has row i, the others a token each; for the product a thread has the pairs
// tx, tx + 16 and eight tokens.
@compute @workgroup_size(128)
fn tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first_pair = 32u * group_index(group, groups);
    let first_token = TILE * group.y;
    let blocks = row_blocks();
    let lane = thread & 63u;
    let row = first_pair + (lane & 31u) + select(0u, params.pairs, lane >= 32u);
    let x_row = x_start(first_token + lane, 0u);
    let tx = thread & 15u;
    let ty = thread / 16u * 8u;
    // For each of eight tokens the sums of four rows: a0, a1, b0, b1 of two pairs.
    var s0 = vec4<f32>(0.0);
    var s1 = s0;
    var s2 = s0;
    var s3 = s0;
    var s4 = s0;
    var s5 = s0;
    var s6 = s0;
    var s7 = s0;
    for (var block = 0u; block < blocks; block += 1u) {
        if (thread < 64u) {
            let b = weight_block(row, block);
            w_low[lane] = b.q.low;
            w_high[lane] = b.q.high;
            w_scales[lane] = vec4<f32>(b.d, b.e);
        } else {
            let at = x_row + block * 3u;
            x_tile[lane * 3u] = load_x(at);
            x_tile[lane * 3u + 1u] = load_x(at + 1u);
            x_tile[lane * 3u + 2u] = load_x(at + 2u);
        }
        workgroupBarrier();
        let a0 = w_at(tx);
        let a1 = w_at(tx + 16u);
        let b0 = w_at(tx + 32u);
        let b1 = w_at(tx + 48u);
        let v0 = activations(ty * 3u);
        s0 += vec4<f32>(times(a0, v0), times(a1, v0), times(b0, v0), times(b1, v0));
        let v1 = activations(ty * 3u + 3u);
        s1 += vec4<f32>(times(a0, v1), times(a1, v1), times(b0, v1), times(b1, v1));
        let v2 = activations(ty * 3u + 6u);
        s2 += vec4<f32>(times(a0, v2), times(a1, v2), times(b0, v2), times(b1, v2));
        let v3 = activations(ty * 3u + 9u);
        s3 += vec4<f32>(times(a0, v3), times(a1, v3), times(b0, v3), times(b1, v3));
        let v4 = activations(ty * 3u + 12u);
        s4 += vec4<f32>(times(a0, v4), times(a1, v4), times(b0, v4), times(b1, v4));
        let v5 = activations(ty * 3u + 15u);
        s5 += vec4<f32>(times(a0, v5), times(a1, v5), times(b0, v5), times(b1, v5));
        let v6 = activations(ty * 3u + 18u);
        s6 += vec4<f32>(times(a0, v6), times(a1, v6), times(b0, v6), times(b1, v6));
        let v7 = activations(ty * 3u + 21u);
        s7 += vec4<f32>(times(a0, v7), times(a1, v7), times(b0, v7), times(b1, v7));
        workgroupBarrier();
    }
    let token = first_token + ty;
    let pair = first_pair + tx;
    finish_tokens(token, pair, Sums(vec4<f32>(s0.x, s1.x, s2.x, s3.x), vec4<f32>(s0.z, s1.z, s2.z, s3.z)));
    finish_tokens(token + 4u, pair, Sums(vec4<f32>(s4.x, s5.x, s6.x, s7.x), vec4<f32>(s4.z, s5.z, s6.z, s7.z)));
    finish_tokens(token, pair + 16u, Sums(vec4<f32>(s0.y, s1.y, s2.y, s3.y), vec4<f32>(s0.w, s1.w, s2.w, s3.w)));
    finish_tokens(token + 4u, pair + 16u, Sums(vec4<f32>(s4.y, s5.y, s6.y, s7.y), vec4<f32>(s4.w, s5.w, s6.w, s7.w)));
}
