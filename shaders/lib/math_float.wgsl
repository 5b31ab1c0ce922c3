// Formats of floats: f32 products.
//!import {{FORMAT}}
//!import loaded

alias Inputs = Loaded;

fn inputs(at: u32) -> Inputs {
    return loaded(at);
}

fn products(row: u32, block: u32, i: Inputs) -> f32 {
    let b = block32(row * params.wq_stride, row * params.wd_stride, block);
    let low = dot(b.w0, i.x0) + dot(b.w1, i.x1) + dot(b.w2, i.x2) + dot(b.w3, i.x3);
    let high = dot(b.w4, i.x4) + dot(b.w5, i.x5) + dot(b.w6, i.x6) + dot(b.w7, i.x7);
    return low + high;
}
