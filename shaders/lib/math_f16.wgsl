// Formats of integers, products of halves: lossy. x is rounded to 11 bits of its largest magnitude in the sub-block, so
// that nothing overflows; four products are summed as halves, all else as f32.
//!import {{FORMAT}}
//!import loaded

struct Inputs {
    x0: vec4<f16>,
    x1: vec4<f16>,
    x2: vec4<f16>,
    x3: vec4<f16>,
    x4: vec4<f16>,
    x5: vec4<f16>,
    x6: vec4<f16>,
    x7: vec4<f16>,
    d: f32,         // x = d * halves
    sum: vec2<f32>, // of either half, with d
}

fn total(v: vec4<f16>) -> f32 {
    return dot(vec4<f32>(v), vec4<f32>(1.0));
}

fn inputs(at: u32) -> Inputs {
    let v = loaded(at);
    let d = largest(v);
    let r = select(1.0 / d, 0.0, d < 1e-35);
    let h0 = vec4<f16>(v.x0 * r);
    let h1 = vec4<f16>(v.x1 * r);
    let h2 = vec4<f16>(v.x2 * r);
    let h3 = vec4<f16>(v.x3 * r);
    let h4 = vec4<f16>(v.x4 * r);
    let h5 = vec4<f16>(v.x5 * r);
    let h6 = vec4<f16>(v.x6 * r);
    let h7 = vec4<f16>(v.x7 * r);
    let low = total(h0) + total(h1) + total(h2) + total(h3);
    let high = total(h4) + total(h5) + total(h6) + total(h7);
    return Inputs(h0, h1, h2, h3, h4, h5, h6, h7, d, d * vec2<f32>(low, high));
}

fn products4(words: vec4<u32>, x0: vec4<f16>, x1: vec4<f16>, x2: vec4<f16>, x3: vec4<f16>) -> f32 {
    let a = f32(dot(vec4<f16>(bytes4(words.x)), x0)) + f32(dot(vec4<f16>(bytes4(words.y)), x1));
    return a + f32(dot(vec4<f16>(bytes4(words.z)), x2)) + f32(dot(vec4<f16>(bytes4(words.w)), x3));
}

fn products(row: u32, block: u32, i: Inputs) -> f32 {
    let b = quants32(row * params.wq_stride, row * params.wd_stride, block);
    let sums = vec2<f32>(products4(b.q.low, i.x0, i.x1, i.x2, i.x3), products4(b.q.high, i.x4, i.x5, i.x6, i.x7));
    return i.d * dot(b.d, sums) - dot(fma(vec2<f32>(ZERO), b.d, b.m), i.sum);
}
