// The bias of the projection.
@group(0) @binding({{A}}) var<storage, read> bias: array<f32>; // [1, (n_head + 2*n_head_kv) * DIM]

fn bias_at(col: u32) -> f32 {
    return bias[col];
}
