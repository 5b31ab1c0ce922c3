// Several tokens without barriers, for adapters that run threads one after the other: a thread computes two pairs of rows.
// Every weight is decoded once for all tokens of a thread, every activation is loaded once for four rows.
//
// Loops, where a GPU would want the code written out: these adapters take as long to compile it as to run it.
//!import step
//!import grid
//!import gemm

const TOKENS = 8u; // of a thread

fn x_at(at: u32) -> X {
    return load_x(at);
}

@compute @workgroup_size(16)
fn eight(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pair = 2u * (16u * group_index(group, groups) + lane);
    let rows = vec4<u32>(pair, pair + 1u, pair + params.pairs, pair + params.pairs + 1u);
    let first = TOKENS * group.y;
    let tokens = min(TOKENS, step.rows - min(first, step.rows));
    let blocks = row_blocks();
    var sums: array<vec4<f32>, TOKENS>;
    for (var block = 0u; block < blocks; block += 1u) {
        let a0 = weight_block(rows.x, block);
        let a1 = weight_block(rows.y, block);
        let b0 = weight_block(rows.z, block);
        let b1 = weight_block(rows.w, block);
        for (var t = 0u; t < tokens; t += 1u) {
            let v = activations(x_start(first + t, block));
            sums[t] += vec4<f32>(times(a0, v), times(a1, v), times(b0, v), times(b1, v));
        }
    }
    for (var t = 0u; t < tokens; t += 1u) {
        for (var r = 0u; r < 2u; r += 1u) {
            finish(first + t, pair + r, sums[t][r], sums[t][r + 2u]);
        }
    }
}
