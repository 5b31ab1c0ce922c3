// Formats of integers, f32 products: sum (q - ZERO) d x - m x = d sum q x - (ZERO d + m) sum x, so that a weight costs a
// conversion and a product; the sums of x serve every row.
//!import {{FORMAT}}
//!import loaded

struct Inputs {
    x: Loaded,
    sum: vec2<f32>, // of either half
}

fn inputs(at: u32) -> Inputs {
    let v = loaded(at);
    let ones = vec4<f32>(1.0);
    return Inputs(v, vec2<f32>(dot(v.x0 + v.x1 + v.x2 + v.x3, ones), dot(v.x4 + v.x5 + v.x6 + v.x7, ones)));
}

fn products(row: u32, block: u32, i: Inputs) -> f32 {
    let b = quants32(row * params.wq_stride, row * params.wd_stride, block);
    let low = dot(
        fma(bytes4(b.q.low.x), i.x.x0, fma(bytes4(b.q.low.y), i.x.x1, fma(bytes4(b.q.low.z), i.x.x2, bytes4(b.q.low.w) * i.x.x3))),
        vec4<f32>(1.0),
    );
    let high = dot(
        fma(bytes4(b.q.high.x), i.x.x4, fma(bytes4(b.q.high.y), i.x.x5, fma(bytes4(b.q.high.z), i.x.x6, bytes4(b.q.high.w) * i.x.x7))),
        vec4<f32>(1.0),
    );
    return dot(b.d, vec2<f32>(low, high)) - dot(fma(vec2<f32>(ZERO), b.d, b.m), i.sum);
}
