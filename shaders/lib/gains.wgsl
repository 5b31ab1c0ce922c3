// Each query head and each key head goes through a norm.
@group(0) @binding({{A}}) var<storage, read> q_gain: array<f32>; // [1, DIM]
@group(0) @binding({{B}}) var<storage, read> k_gain: array<f32>; // [1, DIM]

const NORMED = true;

fn gain(kind: u32, i: u32) -> f32 {
    if (kind == 0u) {
        return q_gain[i];
    }
    return k_gain[i];
}
