// Formats of floats: f32 products.
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
}

fn inputs(at: u32) -> Inputs {
    return Inputs(
        load(at), load(at + 1u), load(at + 2u), load(at + 3u), load(at + 4u), load(at + 5u), load(at + 6u), load(at + 7u)
    );
}

fn products(row: u32, block: u32, i: Inputs) -> f32 {
    let b = block32(row * params.wq_stride, row * params.wd_stride, block);
    let low = dot(b.w0, i.x0) + dot(b.w1, i.x1) + dot(b.w2, i.x2) + dot(b.w3, i.x3);
    let high = dot(b.w4, i.x4) + dot(b.w5, i.x5) + dot(b.w6, i.x6) + dot(b.w7, i.x7);
    return low + high;
}
