// 32 numbers of a vector share a scale: of the keys first, then of the values.
@group(0) @binding({{SCALES}}) var<storage, {{ACCESS}}> scales: array<f32>; // [2, n_head_kv, n_ctx, BLOCKS]

const BLOCKS = (QUADS + 7u) / 8u;

fn key_scale_at(vector: u32, c: u32) -> u32 {
    return vector * BLOCKS + c * PER / 8u;
}

fn value_scale_at(vector: u32, c: u32) -> u32 {
    return key_scale_at(vector + params.n_head_kv * params.n_ctx, c);
}

fn key_scale(vector: u32, c: u32) -> f32 {
    return scales[key_scale_at(vector, c)];
}

fn value_scale(vector: u32, c: u32) -> f32 {
    return scales[value_scale_at(vector, c)];
}
