// keys[h, pos + t] = k[t, h], values[h, pos + t] = v[t, h]
//!import step
//!import {{CACHE}}

struct Params {
    n_head: u32,
    n_head_kv: u32,
    head_dim: u32,
    n_ctx: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> keys: array<CachePair>;   // [n_head_kv, n_ctx, head_dim/2]
@group(0) @binding(3) var<storage, read_write> values: array<CachePair>; // [n_head_kv, n_ctx, head_dim/2]
@group(0) @binding(4) var<storage, read> qkv: array<vec2<f32>>;          // [T, (n_head + 2*n_head_kv) * head_dim / 2]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pairs = params.head_dim / 2u;
    let head = id.x / pairs;
    let pair = id.x - head * pairs;
    if (head >= params.n_head_kv) {
        return;
    }
    let cols = (params.n_head + 2u * params.n_head_kv) * params.head_dim;
    let k_at = id.y * (row_stride(cols) / 2u) + (params.n_head + head) * pairs + pair;
    let v_at = k_at + params.n_head_kv * pairs;
    let to = (head * params.n_ctx + step.pos + id.y) * pairs + pair;
    keys[to] = cache_store(qkv[k_at]);
    values[to] = cache_store(qkv[v_at]);
}
