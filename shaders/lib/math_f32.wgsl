// Formats of integers, f32 products: sum (q - ZERO) d x - m x = d sum q x - (ZERO d + m) sum x, so that a weight costs a
// conversion and a product; the sums of x serve every row.
//!import {{FORMAT}}

struct Inputs {
    x0: vec4<f32>,
    x1: vec4<f32>,
    x2: vec4<f32>,
    x3: vec4<f32>,
    x4: vec4<f32>,
    x5: vec4<f32>,
    x6: vec4<f32>,
    x7: vec4<f32>,
    sum: vec2<f32>, // of either half
}

fn inputs(at: u32) -> Inputs {
    let x0 = load(at);
    let x1 = load(at + 1u);
    let x2 = load(at + 2u);
    let x3 = load(at + 3u);
    let x4 = load(at + 4u);
    let x5 = load(at + 5u);
    let x6 = load(at + 6u);
    let x7 = load(at + 7u);
    let ones = vec4<f32>(1.0);
    return Inputs(x0, x1, x2, x3, x4, x5, x6, x7, vec2<f32>(dot(x0 + x1 + x2 + x3, ones), dot(x4 + x5 + x6 + x7, ones)));
}

fn products(row: u32, block: u32, i: Inputs) -> f32 {
    let b = quants32(row * params.wq_stride, row * params.wd_stride, block);
    let low = dot(
        fma(bytes4(b.q.low.x), i.x0, fma(bytes4(b.q.low.y), i.x1, fma(bytes4(b.q.low.z), i.x2, bytes4(b.q.low.w) * i.x3))),
        vec4<f32>(1.0),
    );
    let high = dot(
        fma(bytes4(b.q.high.x), i.x4, fma(bytes4(b.q.high.y), i.x5, fma(bytes4(b.q.high.z), i.x6, bytes4(b.q.high.w) * i.x7))),
        vec4<f32>(1.0),
    );
    return dot(b.d, vec2<f32>(low, high)) - dot(fma(vec2<f32>(ZERO), b.d, b.m), i.sum);
}
