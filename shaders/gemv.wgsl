// out[t, out_first + n] = sum_k w[n, k] * x[t, k] for one token or a few: every weight is read once per token.
// Rows out of range (the grid is rounded up) repeat the last row and store nothing.
//!import step
//!import grid
//!import weight

const LANES: u32 = {{LANES}}u;
// Four rows of w per workgroup, one in each component: they share the loads of x.
var<workgroup> sums: array<vec4<f32>, LANES>;

// One workgroup per four rows; lane i takes the sub-blocks i, i + LANES, …
@compute @workgroup_size({{LANES}})
fn tree(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = 4u * group_index(group, groups);
    let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.rows - 1u));
    let blocks = row_blocks();
    var sum = vec4<f32>(0.0);
    for (var block = lane; block < blocks; block += LANES) {
        let at = (group.y * blocks + block) * 8u;
        sum += vec4<f32>(
            block_dot(weight_block(rows.x, block), at),
            block_dot(weight_block(rows.y, block), at),
            block_dot(weight_block(rows.z, block), at),
            block_dot(weight_block(rows.w, block), at),
        );
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = LANES / 2u; width > 0u; width /= 2u) {
        if (lane < width) {
            sums[lane] += sums[lane + width];
        }
        workgroupBarrier();
    }
    if (lane < 4u) {
        store(group.y, row + lane, sums[0][lane]);
    }
}

// One thread per row, no barriers.
@compute @workgroup_size(64)
fn serial(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = 64u * group_index(group, groups) + lane;
    let source = min(row, params.rows - 1u);
    let blocks = row_blocks();
    var sum = 0.0;
    for (var block = 0u; block < blocks; block += 1u) {
        sum += block_dot(weight_block(source, block), (group.y * blocks + block) * 8u);
    }
    store(group.y, row, sum);
}
