// Many tokens: tiles of 64 rows and 64 tokens in workgroup memory, in which every weight is decoded once.
//!import step
//!import grid
//!import gemm

// K in steps of one sub-block; vec4s along K. The first 32 rows of the tile are the first ones of 32 pairs.
const TILE: u32 = 64u;
var<workgroup> w_tile: array<X, 512>; // [8, TILE]
var<workgroup> x_tile: array<X, 512>; // [8, TILE]

fn x_at(at: u32) -> X {
    return x_tile[at];
}

// Four tokens against one vec4 of a row.
fn dot4(w: X, x0: X, x1: X, x2: X, x3: X) -> vec4<f32> {
    return vec4<f32>(f32(dot(w, x0)), f32(dot(w, x1)), f32(dot(w, x2)), f32(dot(w, x3)));
}

// 128 threads. For the loads thread i < 64 has row i, the others a token each; for the product a thread has the pairs
// tx, tx + 16 and eight tokens: neighbours read neighbouring words of one tile and the same words of the other.
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
    // Two pairs (a and b) of rows; tokens 0 .. 3 (l) and 4 .. 7 (h).
    var a0l = vec4<f32>(0.0);
    var a0h = a0l;
    var a1l = a0l;
    var a1h = a0l;
    var b0l = a0l;
    var b0h = a0l;
    var b1l = a0l;
    var b1h = a0l;
    for (var block = 0u; block < blocks; block += 1u) {
        if (thread < 64u) {
            let b = weight_block(row, block);
            w_tile[lane] = b.w0;
            w_tile[TILE + lane] = b.w1;
            w_tile[2u * TILE + lane] = b.w2;
            w_tile[3u * TILE + lane] = b.w3;
            w_tile[4u * TILE + lane] = b.w4;
            w_tile[5u * TILE + lane] = b.w5;
            w_tile[6u * TILE + lane] = b.w6;
            w_tile[7u * TILE + lane] = b.w7;
        } else {
            let at = x_row + block * 8u;
            x_tile[lane] = load_x(at);
            x_tile[TILE + lane] = load_x(at + 1u);
            x_tile[2u * TILE + lane] = load_x(at + 2u);
            x_tile[3u * TILE + lane] = load_x(at + 3u);
            x_tile[4u * TILE + lane] = load_x(at + 4u);
            x_tile[5u * TILE + lane] = load_x(at + 5u);
            x_tile[6u * TILE + lane] = load_x(at + 6u);
            x_tile[7u * TILE + lane] = load_x(at + 7u);
        }
        workgroupBarrier();
        for (var k = 0u; k < 8u; k += 1u) {
            let wi = k * TILE + tx;
            let wa0 = w_tile[wi];
            let wa1 = w_tile[wi + 16u];
            let wb0 = w_tile[wi + 32u];
            let wb1 = w_tile[wi + 48u];
            let xi = k * TILE + ty;
            let x0 = x_at(xi);
            let x1 = x_at(xi + 1u);
            let x2 = x_at(xi + 2u);
            let x3 = x_at(xi + 3u);
            a0l += dot4(wa0, x0, x1, x2, x3);
            a1l += dot4(wa1, x0, x1, x2, x3);
            b0l += dot4(wb0, x0, x1, x2, x3);
            b1l += dot4(wb1, x0, x1, x2, x3);
            let x4 = x_at(xi + 4u);
            let x5 = x_at(xi + 5u);
            let x6 = x_at(xi + 6u);
            let x7 = x_at(xi + 7u);
            a0h += dot4(wa0, x4, x5, x6, x7);
            a1h += dot4(wa1, x4, x5, x6, x7);
            b0h += dot4(wb0, x4, x5, x6, x7);
            b1h += dot4(wb1, x4, x5, x6, x7);
        }
        workgroupBarrier();
    }
    let token = first_token + ty;
    let pair = first_pair + tx;
    finish_tokens(token, pair, Sums(a0l, b0l));
    finish_tokens(token + 4u, pair, Sums(a0h, b0h));
    finish_tokens(token, pair + 16u, Sums(a1l, b1l));
    finish_tokens(token + 4u, pair + 16u, Sums(a1h, b1h));
}
