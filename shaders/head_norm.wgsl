// RMS norm of each query head with q_gain and each key head with k_gain, in place
//!import step

struct Params {
    n_head: u32,
    n_head_kv: u32,
    head_dim: u32,
    eps: f32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> qkv: array<f32>; // [T, (n_head + 2*n_head_kv) * head_dim]
@group(0) @binding(3) var<storage, read> q_gain: array<f32>;    // [1, head_dim]
@group(0) @binding(4) var<storage, read> k_gain: array<f32>;    // [1, head_dim]

fn head_offset(row: u32, head: u32) -> u32 {
    let cols = (params.n_head + 2u * params.n_head_kv) * params.head_dim;
    return row * row_stride(cols) + head * params.head_dim;
}

fn inverse_rms(sum: f32) -> f32 {
    return inverseSqrt(sum / f32(params.head_dim) + params.eps);
}

fn scaled(at: u32, head: u32, i: u32, scale: f32) -> f32 {
    if (head < params.n_head) {
        return qkv[at + i] * scale * q_gain[i];
    }
    return qkv[at + i] * scale * k_gain[i];
}

@compute @workgroup_size(8)
fn serial(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x;
    if (head >= params.n_head + params.n_head_kv) {
        return;
    }
    let at = head_offset(id.y, head);
    var sum = 0.0;
    for (var i = 0u; i < params.head_dim; i++) {
        sum = fma(qkv[at + i], qkv[at + i], sum);
    }
    let scale = inverse_rms(sum);
    for (var i = 0u; i < params.head_dim; i++) {
        qkv[at + i] = scaled(at, head, i, scale);
    }
}

const WIDTH = 32u;
var<workgroup> partial: array<f32, WIDTH>;

@compute @workgroup_size(WIDTH)
fn tree(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = head_offset(group.y, group.x);
    var sum = 0.0;
    for (var i = lane; i < params.head_dim; i += WIDTH) {
        sum = fma(qkv[at + i], qkv[at + i], sum);
    }
    partial[lane] = sum;
    for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    let scale = inverse_rms(partial[0]);
    for (var i = lane; i < params.head_dim; i += WIDTH) {
        qkv[at + i] = scaled(at, group.x, i, scale);
    }
}
