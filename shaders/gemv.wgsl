// out[n] = sum_k w[n, k] * x[k] for one token. What goes in (x as it is, or through a norm), what multiplies (f32, f16,
// bytes), how a team of threads sums and what becomes of the sums (stored, added, gated) are fragments.
// Rows out of range (the grid is rounded up) repeat the last row and store nothing.
//!import step
//!import grid
//!import gemv_weight
//!import {{INPUT}}
//!import {{MATH}}
//!import {{ROWS}}
//!import {{REDUCE}}
//!import {{OUTPUT}}

const LANES = {{LANES}}u;     // threads of a team: they share four rows of w, and for them the loads of x
const THREADS = {{THREADS}}u; // of a workgroup: several teams

// Lane i of a team takes the sub-blocks i, i + LANES, …
@compute @workgroup_size(THREADS)
fn team(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let quad = (THREADS / LANES) * group_index(group, groups) + thread / LANES;
    let rows = min(rows_of(quad), vec4<u32>(params.rows - 1u));
    let blocks = (params.cols + 31u) / 32u;
    var sum = vec4<f32>();
    for (var block = thread % LANES; block < blocks; block += LANES) {
        let i = inputs(8u * block);
        sum += rows_products(rows, block, i);
    }
    let total = reduce(thread, sum, squares);
    if (thread % LANES == 0u) {
        finish(quad, total.sum * input_scale(total.squares));
    }
}
