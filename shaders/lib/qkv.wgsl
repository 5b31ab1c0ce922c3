// The projection, read only.
@group(0) @binding(5) var<storage, read> qkv: array<f32>; // [T, (n_head + 2*n_head_kv) * DIM]

fn projected(at: u32) -> f32 {
    return qkv[at];
}
