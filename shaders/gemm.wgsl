// out[t, out_first + n] = sum_k w[n, k] * x[t, k] for many tokens: every weight is decoded once per tile of tokens.
// Rows and tokens out of range (the grid is rounded up) repeat the last one and store nothing.
//!import step
//!import grid
//!import weight

// A workgroup computes 32 tokens x 64 rows of w, K in steps of one sub-block; vec4s along K.
const TILE_T: u32 = 32u;
const TILE_N: u32 = 64u;
var<workgroup> x_tile: array<vec4<f32>, 256>; // [8, TILE_T], 4 KiB
var<workgroup> w_tile: array<vec4<f32>, 512>; // [8, TILE_N], 8 KiB

// One row of w against four tokens.
fn dot4(w: vec4<f32>, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(dot(w, x0), dot(w, x1), dot(w, x2), dot(w, x3));
}

fn store4(token: u32, row: u32, value: vec4<f32>) {
    store(token, row, value.x);
    store(token + 8u, row, value.y);
    store(token + 16u, row, value.z);
    store(token + 24u, row, value.w);
}

// 64 threads. For the loads thread i has row i of w and half of token i / 2; for the product it has
// tokens ty + 8 * (0 .. 4) and rows tx + 8 * (0 .. 8): neighbours read neighbouring words of the tiles.
@compute @workgroup_size(64)
fn tree(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first_row = TILE_N * group_index(group, groups);
    let first_token = TILE_T * group.y;
    let blocks = row_blocks();
    let row = min(first_row + lane, params.rows - 1u);
    let token = min(first_token + lane / 2u, step.rows - 1u);
    let part = 4u * (lane & 1u);
    let tx = lane & 7u;
    let ty = lane / 8u;
    var a0 = vec4<f32>(0.0);
    var a1 = vec4<f32>(0.0);
    var a2 = vec4<f32>(0.0);
    var a3 = vec4<f32>(0.0);
    var a4 = vec4<f32>(0.0);
    var a5 = vec4<f32>(0.0);
    var a6 = vec4<f32>(0.0);
    var a7 = vec4<f32>(0.0);
    for (var block = 0u; block < blocks; block += 1u) {
        let b = weight_block(row, block);
        w_tile[lane] = b.w0;
        w_tile[TILE_N + lane] = b.w1;
        w_tile[2u * TILE_N + lane] = b.w2;
        w_tile[3u * TILE_N + lane] = b.w3;
        w_tile[4u * TILE_N + lane] = b.w4;
        w_tile[5u * TILE_N + lane] = b.w5;
        w_tile[6u * TILE_N + lane] = b.w6;
        w_tile[7u * TILE_N + lane] = b.w7;
        let x_at = (token * blocks + block) * 8u + part;
        let tile_at = part * TILE_T + lane / 2u;
        x_tile[tile_at] = x[x_at];
        x_tile[tile_at + TILE_T] = x[x_at + 1u];
        x_tile[tile_at + 2u * TILE_T] = x[x_at + 2u];
        x_tile[tile_at + 3u * TILE_T] = x[x_at + 3u];
        workgroupBarrier();
        for (var k = 0u; k < 8u; k += 1u) {
            let xi = k * TILE_T + ty;
            let x0 = x_tile[xi];
            let x1 = x_tile[xi + 8u];
            let x2 = x_tile[xi + 16u];
            let x3 = x_tile[xi + 24u];
            let wi = k * TILE_N + tx;
            a0 += dot4(w_tile[wi], x0, x1, x2, x3);
            a1 += dot4(w_tile[wi + 8u], x0, x1, x2, x3);
            a2 += dot4(w_tile[wi + 16u], x0, x1, x2, x3);
            a3 += dot4(w_tile[wi + 24u], x0, x1, x2, x3);
            a4 += dot4(w_tile[wi + 32u], x0, x1, x2, x3);
            a5 += dot4(w_tile[wi + 40u], x0, x1, x2, x3);
            a6 += dot4(w_tile[wi + 48u], x0, x1, x2, x3);
            a7 += dot4(w_tile[wi + 56u], x0, x1, x2, x3);
        }
        workgroupBarrier();
    }
    let t = first_token + ty;
    let n = first_row + tx;
    store4(t, n, a0);
    store4(t, n + 8u, a1);
    store4(t, n + 16u, a2);
    store4(t, n + 24u, a3);
    store4(t, n + 32u, a4);
    store4(t, n + 40u, a5);
    store4(t, n + 48u, a6);
    store4(t, n + 56u, a7);
}

// One thread per row and four tokens, no barriers.
@compute @workgroup_size(64)
fn serial(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = 64u * group_index(group, groups) + lane;
    let source = min(row, params.rows - 1u);
    let token = 4u * group.y;
    let tokens = min(vec4<u32>(token) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(step.rows - 1u));
    let blocks = row_blocks();
    var sum = vec4<f32>(0.0);
    for (var block = 0u; block < blocks; block += 1u) {
        let b = weight_block(source, block);
        let at = (tokens * blocks + block) * 8u;
        sum += vec4<f32>(block_dot(b, at.x), block_dot(b, at.y), block_dot(b, at.z), block_dot(b, at.w));
    }
    store(token, row, sum.x);
    store(token + 1u, row, sum.y);
    store(token + 2u, row, sum.z);
    store(token + 3u, row, sum.w);
}
