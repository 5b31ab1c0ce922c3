// Multiplies and adds in registers, eight independent chains for each thread: how fast this device computes.
//!import step
//!import grid

const ROUNDS: u32 = 256u;

struct Params {
    a: f32, // 1, which the compiler does not know
    b: f32, // 1
    w: u32, // four bytes
    threads: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

fn keep(thread: u32, value: u32) {
    if (thread < params.threads) {
        out[thread] = value;
    }
}

fn begin(thread: u32, chain: u32) -> vec4<f32> {
    let first = f32((thread & 15u) + 4u * chain);
    return vec4<f32>(first, first + 1.0, first + 2.0, first + 3.0);
}

@compute @workgroup_size(64)
fn fused(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = group_index(group, groups) * 64u + lane;
    let a = vec4<f32>(params.a);
    let b = vec4<f32>(params.b);
    var x0 = begin(thread, 0u);
    var x1 = begin(thread, 1u);
    var x2 = begin(thread, 2u);
    var x3 = begin(thread, 3u);
    var x4 = begin(thread, 4u);
    var x5 = begin(thread, 5u);
    var x6 = begin(thread, 6u);
    var x7 = begin(thread, 7u);
    for (var i = 0u; i < ROUNDS; i++) {
        x0 = fma(x0, a, b);
        x1 = fma(x1, a, b);
        x2 = fma(x2, a, b);
        x3 = fma(x3, a, b);
        x4 = fma(x4, a, b);
        x5 = fma(x5, a, b);
        x6 = fma(x6, a, b);
        x7 = fma(x7, a, b);
    }
    keep(thread, u32(dot(x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7, vec4<f32>(1.0))));
}

// The same, where fma() is a call and not an instruction.
@compute @workgroup_size(64)
fn separate(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = group_index(group, groups) * 64u + lane;
    let a = vec4<f32>(params.a);
    let b = vec4<f32>(params.b);
    var x0 = begin(thread, 0u);
    var x1 = begin(thread, 1u);
    var x2 = begin(thread, 2u);
    var x3 = begin(thread, 3u);
    var x4 = begin(thread, 4u);
    var x5 = begin(thread, 5u);
    var x6 = begin(thread, 6u);
    var x7 = begin(thread, 7u);
    for (var i = 0u; i < ROUNDS; i++) {
        x0 = x0 * a + b;
        x1 = x1 * a + b;
        x2 = x2 * a + b;
        x3 = x3 * a + b;
        x4 = x4 * a + b;
        x5 = x5 * a + b;
        x6 = x6 * a + b;
        x7 = x7 * a + b;
    }
    keep(thread, u32(dot(x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7, vec4<f32>(1.0))));
}

// Four products of bytes and their sum in one instruction, where the device has it.
@compute @workgroup_size(64)
fn dot4(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = group_index(group, groups) * 64u + lane;
    let w = params.w;
    var x0 = thread & 15u;
    var x1 = x0 + 1u;
    var x2 = x0 + 2u;
    var x3 = x0 + 3u;
    var x4 = x0 + 4u;
    var x5 = x0 + 5u;
    var x6 = x0 + 6u;
    var x7 = x0 + 7u;
    for (var i = 0u; i < ROUNDS; i++) {
        x0 += bitcast<u32>(dot4I8Packed(x0, w));
        x1 += bitcast<u32>(dot4I8Packed(x1, w));
        x2 += bitcast<u32>(dot4I8Packed(x2, w));
        x3 += bitcast<u32>(dot4I8Packed(x3, w));
        x4 += bitcast<u32>(dot4I8Packed(x4, w));
        x5 += bitcast<u32>(dot4I8Packed(x5, w));
        x6 += bitcast<u32>(dot4I8Packed(x6, w));
        x7 += bitcast<u32>(dot4I8Packed(x7, w));
    }
    keep(thread, x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7);
}

// Adds one to one number: what a dispatch costs that waits for the one before.
@compute @workgroup_size(1)
fn count() {
    out[0] += params.w;
}
