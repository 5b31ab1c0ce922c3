// Several tokens without barriers, for adapters that run threads one after the other: a thread computes two pairs of rows.
// Every weight is decoded once for all tokens of a thread, every activation is loaded once for four rows.
//!import step
//!import grid
//!import gemm

// Four rows of one sub-block: the first rows and their partners.
struct Rows {
    a0: Weights,
    a1: Weights,
    b0: Weights,
    b1: Weights,
}

fn load_rows(pair: u32, block: u32) -> Rows {
    let partner = pair + params.pairs;
    return Rows(
        weight_block(pair, block),
        weight_block(pair + 1u, block),
        weight_block(partner, block),
        weight_block(partner + 1u, block),
    );
}

fn x_at(at: u32) -> X {
    return load_x(at);
}

// What one token adds to the four rows.
fn against(w: Rows, token: u32, block: u32) -> vec4<f32> {
    let v = activations(x_start(token, block));
    return vec4<f32>(times(w.a0, v), times(w.a1, v), times(w.b0, v), times(w.b1, v));
}

fn finish_rows(token: u32, pair: u32, sums: vec4<f32>) {
    finish(token, pair, sums.x, sums.z);
    finish(token, pair + 1u, sums.y, sums.w);
}

@compute @workgroup_size(16)
fn eight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pair = 2u * (16u * group_index(group, groups) + lane);
    let token = 8u * group.y;
    let blocks = row_blocks();
    var s0 = vec4<f32>(0.0);
    var s1 = vec4<f32>(0.0);
    var s2 = vec4<f32>(0.0);
    var s3 = vec4<f32>(0.0);
    var s4 = vec4<f32>(0.0);
    var s5 = vec4<f32>(0.0);
    var s6 = vec4<f32>(0.0);
    var s7 = vec4<f32>(0.0);
    for (var block = 0u; block < blocks; block += 1u) {
        let w = load_rows(pair, block);
        s0 += against(w, token, block);
        s1 += against(w, token + 1u, block);
        s2 += against(w, token + 2u, block);
        s3 += against(w, token + 3u, block);
        s4 += against(w, token + 4u, block);
        s5 += against(w, token + 5u, block);
        s6 += against(w, token + 6u, block);
        s7 += against(w, token + 7u, block);
    }
    finish_rows(token, pair, s0);
    finish_rows(token + 1u, pair, s1);
    finish_rows(token + 2u, pair, s2);
    finish_rows(token + 3u, pair, s3);
    finish_rows(token + 4u, pair, s4);
    finish_rows(token + 5u, pair, s5);
    finish_rows(token + 6u, pair, s6);
    finish_rows(token + 7u, pair, s7);
}
