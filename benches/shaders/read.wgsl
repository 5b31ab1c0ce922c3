// Reads every vector of data once and keeps a sum for each thread: how fast this device streams.
//!import step
//!import grid

const STEPS: u32 = {{STEPS}}u;
const WIDTH: u32 = 64u;

struct Params {
    vectors: u32, // a multiple of STEPS * WIDTH
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> sums: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

fn keep(thread: u32, sum: vec4<u32>) {
    sums[thread] = sum.x + sum.y + sum.z + sum.w;
}

// Neighbouring threads read neighbouring vectors: what the memory of a GPU wants.
@compute @workgroup_size(64)
fn strided(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group_index(group, groups);
    if (index * STEPS * WIDTH >= params.vectors) {
        return;
    }
    var sum = vec4<u32>(0u);
    for (var i = 0u; i < STEPS; i++) {
        sum += data[(index * STEPS + i) * WIDTH + lane];
    }
    keep(index * WIDTH + lane, sum);
}

// Each thread reads a stretch: what a processor wants that runs threads one after the other.
@compute @workgroup_size(64)
fn stretch(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = group_index(group, groups) * WIDTH + lane;
    if (thread * STEPS >= params.vectors) {
        return;
    }
    var sum = vec4<u32>(0u);
    for (var i = 0u; i < STEPS; i++) {
        sum += data[thread * STEPS + i];
    }
    keep(thread, sum);
}
