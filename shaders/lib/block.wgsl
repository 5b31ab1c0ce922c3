// A sub-block: 32 neighbouring weights of a row. Each format's fragment has
//
//   fn block32(q_row: u32, d_row: u32, block: u32) -> Block32
//
// with the sub-block's number in the row and the row's first element in the planes `wq: array<vec4<u32>>` and
// `wd: array<u32>`, which the kernel declares. The layout is drawn in src/quant/planes.rs. Formats of integers have
// quants32 (quantised.wgsl), too.

// Weights 4i .. 4i + 3 in w<i>. Named, not an array: indexed arrays end up in memory.
struct Block32 {
    w0: vec4<f32>,
    w1: vec4<f32>,
    w2: vec4<f32>,
    w3: vec4<f32>,
    w4: vec4<f32>,
    w5: vec4<f32>,
    w6: vec4<f32>,
    w7: vec4<f32>,
}
