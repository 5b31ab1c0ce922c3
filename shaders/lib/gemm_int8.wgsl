// Products of bytes, four at a time, in i32. Lossy: activations have 8 bits and a scale for each 32 (quantize.wgsl).
alias X = vec4<u32>;
const X_VEC4S: u32 = 3u; // of a sub-block of x

@group(0) @binding(3) var<storage, read> x: array<vec4<u32>>; // [T, K]: for each sub-block 32 bytes and their sums

fn load_x(at: u32) -> X {
    return x[at];
}

struct Weights {
    q: Quants,
    d: vec2<f32>, // scales of the halves
    e: vec2<f32>, // what to take off for each unit of an activation: ZERO * d + m
}

struct Activations {
    q: Quants,
    d: vec4<f32>, // scale, and scale times the sum of each half
}

fn weight_block(row: u32, block: u32) -> Weights {
    let b = quants32(existing(row) * params.wq_stride, existing(row) * params.wd_stride, block);
    return Weights(b.q, b.d, b.d * ZERO + b.m);
}

// A sub-block of what the kernel has in its x_at.
fn activations(at: u32) -> Activations {
    return Activations(Quants(x_at(at), x_at(at + 1u)), bitcast<vec4<f32>>(x_at(at + 2u)));
}

fn times(w: Weights, v: Activations) -> f32 {
    let low = dot4I8Packed(w.q.low.x, v.q.low.x) + dot4I8Packed(w.q.low.y, v.q.low.y)
        + dot4I8Packed(w.q.low.z, v.q.low.z) + dot4I8Packed(w.q.low.w, v.q.low.w);
    let high = dot4I8Packed(w.q.high.x, v.q.high.x) + dot4I8Packed(w.q.high.y, v.q.high.y)
        + dot4I8Packed(w.q.high.z, v.q.high.z) + dot4I8Packed(w.q.high.w, v.q.high.w);
    return v.d.x * dot(w.d, vec2<f32>(f32(low), f32(high))) - dot(w.e, v.d.yz);
}
