// x through a norm: x / sqrt(mean(x^2) + eps) * gain. Every team sees all of x, so that the squares are summed along the
// way; the root, a factor of all products, comes at the end.
@group(0) @binding(6) var<storage, read> gain: array<vec4<f32>>; // [K]

fn load(i: u32) -> vec4<f32> {
    let v = x[i];
    squares += dot(v, v);
    return v * gain[i];
}

fn input_scale(squares: f32) -> f32 {
    return inverseSqrt(squares / f32(params.cols) + params.eps);
}
