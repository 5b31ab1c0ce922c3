// Pair (a, b) of each query and key head becomes (a*cos - b*sin, a*sin + b*cos), in place
//!import step

struct Params {
    n_head: u32,
    n_head_kv: u32,
    head_dim: u32,
    n_rot: u32,
    pair_step: u32, // pair i is (i * pair_step, i * pair_step + pair_gap)
    pair_gap: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> qkv: array<f32>;     // [T, (n_head + 2*n_head_kv) * head_dim]
@group(0) @binding(3) var<storage, read> table: array<vec2<f32>>;   // [n_ctx, n_rot]: (cos, sin) of each pair

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pairs = params.n_rot / 2u;
    let head = id.x / pairs;
    let pair = id.x - head * pairs;
    if (head >= params.n_head + params.n_head_kv) {
        return;
    }
    let cols = (params.n_head + 2u * params.n_head_kv) * params.head_dim;
    let a_at = id.y * row_stride(cols) + head * params.head_dim + pair * params.pair_step;
    let b_at = a_at + params.pair_gap;
    let angle = table[(step.pos + id.y) * (row_stride(params.n_rot) / 2u) + pair];
    let a = qkv[a_at];
    let b = qkv[b_at];
    qkv[a_at] = a * angle.x - b * angle.y;
    qkv[b_at] = a * angle.y + b * angle.x;
}
