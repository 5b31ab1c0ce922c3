// Products of f16, four of them summed as f16. Lossy: operands and these sums have 11 bits, and end at 65,504.
//!import activations

alias X = vec4<f16>;
const X_VEC4S: u32 = 8u; // of a sub-block of x

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>; // [T, K]

fn half4_of(v: vec4<f32>) -> vec4<f16> {
    return vec4<f16>(clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0)));
}

fn load_x(at: u32) -> X {
    return half4_of(x[at]);
}

struct Weights {
    w0: vec4<f16>,
    w1: vec4<f16>,
    w2: vec4<f16>,
    w3: vec4<f16>,
    w4: vec4<f16>,
    w5: vec4<f16>,
    w6: vec4<f16>,
    w7: vec4<f16>,
}
alias Activations = Weights;

fn weight_block(row: u32, block: u32) -> Weights {
    let b = block32(existing(row) * params.wq_stride, existing(row) * params.wd_stride, block);
    return Weights(
        half4_of(b.w0),
        half4_of(b.w1),
        half4_of(b.w2),
        half4_of(b.w3),
        half4_of(b.w4),
        half4_of(b.w5),
        half4_of(b.w6),
        half4_of(b.w7),
    );
}

fn times(w: Weights, v: Activations) -> f32 {
    let low = f32(dot(w.w0, v.w0)) + f32(dot(w.w1, v.w1)) + f32(dot(w.w2, v.w2)) + f32(dot(w.w3, v.w3));
    let high = f32(dot(w.w4, v.w4)) + f32(dot(w.w5, v.w5)) + f32(dot(w.w6, v.w6)) + f32(dot(w.w7, v.w7));
    return low + high;
}
