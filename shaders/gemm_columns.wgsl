// A few tokens: weights stay in registers, where they are decoded once for all tokens; activations go through workgroup memory.
//!import step
//!import grid
//!import gemm

// 64 threads: K_LANES neighbours share a pair of rows, each has every K_LANES-th sub-block.
const K_LANES: u32 = 8u;
const PAIRS: u32 = 64u / K_LANES;
const TOKENS: u32 = {{TOKENS}}u;
// Of x for one token, K_LANES neighbouring sub-blocks.
const RUN: u32 = K_LANES * X_VEC4S;
// vec4s from a lane's sub-blocks to the next one's: one more than there are, so that the lanes read from different banks.
const STRIDE: u32 = TOKENS * X_VEC4S + 1u;
var<workgroup> x_tile: array<X, K_LANES * STRIDE>; // at most 8,320 bytes
var<workgroup> lane_sums: array<vec4<f32>, 128>;     // sums of a and of b

fn x_at(at: u32) -> X {
    return x_tile[at];
}

// Neighbours fetch neighbouring words. Behind the end of a row they fetch what nobody uses.
fn fetch(first_token: u32, first_block: u32, thread: u32) {
    for (var i = thread; i < TOKENS * RUN; i += 64u) {
        let token = i / RUN;
        let at = i % RUN;
        x_tile[at / X_VEC4S * STRIDE + token * X_VEC4S + at % X_VEC4S] = load_x(x_start(first_token + token, first_block) + at);
    }
}

// Adds what four tokens contribute.
fn add(sums: Sums, a: Weights, b: Weights, at: u32) -> Sums {
    let v0 = activations(at);
    let v1 = activations(at + X_VEC4S);
    let v2 = activations(at + 2u * X_VEC4S);
    let v3 = activations(at + 3u * X_VEC4S);
    return Sums(
        sums.a + vec4<f32>(times(a, v0), times(a, v1), times(a, v2), times(a, v3)),
        sums.b + vec4<f32>(times(b, v0), times(b, v1), times(b, v2), times(b, v3)),
    );
}

// Sums what the lanes of each pair have of four tokens.
fn finish_quad(token: u32, first_pair: u32, thread: u32, sums: Sums) {
    lane_sums[thread] = sums.a;
    lane_sums[64u + thread] = sums.b;
    workgroupBarrier();
    if (thread < PAIRS) {
        var all = Sums();
        for (var k = 0u; k < K_LANES; k += 1u) {
            all.a += lane_sums[thread * K_LANES + k];
            all.b += lane_sums[64u + thread * K_LANES + k];
        }
        finish_tokens(token, first_pair + thread, all);
    }
    workgroupBarrier();
}

@compute @workgroup_size(64)
fn four(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first_pair = PAIRS * group_index(group, groups);
    let first_token = TOKENS * group.y;
    let pair = first_pair + thread / K_LANES;
    let k = thread & (K_LANES - 1u);
    let blocks = row_blocks();
    var s0 = Sums();
    for (var first = 0u; first < blocks; first += K_LANES) {
        fetch(first_token, first, thread);
        workgroupBarrier();
        if (first + k < blocks) {
            let a = weight_block(pair, first + k);
            let b = weight_block(pair + params.pairs, first + k);
            s0 = add(s0, a, b, k * STRIDE);
        }
        workgroupBarrier();
    }
    finish_quad(first_token, first_pair, thread, s0);
}

@compute @workgroup_size(64)
fn eight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first_pair = PAIRS * group_index(group, groups);
    let first_token = TOKENS * group.y;
    let pair = first_pair + thread / K_LANES;
    let k = thread & (K_LANES - 1u);
    let blocks = row_blocks();
    var s0 = Sums();
    var s1 = Sums();
    for (var first = 0u; first < blocks; first += K_LANES) {
        fetch(first_token, first, thread);
        workgroupBarrier();
        if (first + k < blocks) {
            let a = weight_block(pair, first + k);
            let b = weight_block(pair + params.pairs, first + k);
            s0 = add(s0, a, b, k * STRIDE);
            s1 = add(s1, a, b, k * STRIDE + 4u * X_VEC4S);
        }
        workgroupBarrier();
    }
    finish_quad(first_token, first_pair, thread, s0);
    finish_quad(first_token + 4u, first_pair, thread, s1);
}
