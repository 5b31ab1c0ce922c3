// Products of f32.
//!import activations

alias X = vec4<f32>;
const X_VEC4S: u32 = 8u; // of a sub-block of x
alias Weights = Block32;
alias Activations = Block32;

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>; // [T, K]

fn load_x(at: u32) -> X {
    return x[at];
}

fn weight_block(row: u32, block: u32) -> Weights {
    return block32(existing(row) * params.wq_stride, existing(row) * params.wd_stride, block);
}

fn times(w: Weights, v: Activations) -> f32 {
    let s = w.w0 * v.w0 + w.w1 * v.w1 + w.w2 * v.w2 + w.w3 * v.w3 + w.w4 * v.w4 + w.w5 * v.w5 + w.w6 * v.w6 + w.w7 * v.w7;
    return s.x + s.y + s.z + s.w;
}
