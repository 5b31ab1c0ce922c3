// Formats of integers, products of bytes, four at a time: lossy. x is rounded to 8 bits of its largest magnitude in the
// sub-block; integer sums are exact.
//!import {{FORMAT}}
//!import loaded

struct Inputs {
    low: vec4<u32>,
    high: vec4<u32>,
    d: f32,         // x = d * bytes
    sum: vec2<f32>, // of either half, with d
}

fn packed(v: vec4<f32>) -> u32 {
    let b = bitcast<vec4<u32>>(vec4<i32>(round(v))) & vec4<u32>(255u);
    return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
}

fn inputs(at: u32) -> Inputs {
    let v = loaded(at);
    let d = largest(v) / 127.0;
    let r = select(1.0 / d, 0.0, d < 1e-35);
    let low = vec4<u32>(packed(v.x0 * r), packed(v.x1 * r), packed(v.x2 * r), packed(v.x3 * r));
    let high = vec4<u32>(packed(v.x4 * r), packed(v.x5 * r), packed(v.x6 * r), packed(v.x7 * r));
    let ones = vec4<u32>(0x01010101u);
    return Inputs(low, high, d, d * vec2<f32>(vec2<i32>(dot16(low, ones), dot16(high, ones))));
}

fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
    return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

fn products(row: u32, block: u32, i: Inputs) -> f32 {
    let b = quants32(row * params.wq_stride, row * params.wd_stride, block);
    let sums = vec2<f32>(vec2<i32>(dot16(b.q.low, i.low), dot16(b.q.high, i.high)));
    return i.d * dot(b.d, sums) - dot(fma(vec2<f32>(ZERO), b.d, b.m), i.sum);
}
