// What a product with one token is given.
struct Params {
    rows: u32,      // of this piece of w
    cols: u32,      // K
    out_first: u32, // element of out that row 0 writes
    half: u32,      // gated: rows of gate, which as many rows of up follow
    wq_stride: u32, // vec4s of wq per weight row
    wd_stride: u32, // words of wd per weight row
    eps: f32,       // of the norm
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [out_cols]
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;   // [K], padded with zeros to whole sub-blocks
@group(0) @binding(4) var<storage, read> wq: array<vec4<u32>>;  // [N, wq_stride]
@group(0) @binding(5) var<storage, read> wd: array<u32>;        // [N, wd_stride]

// The sum of the squares of what this thread has loaded of x, where a norm wants it.
var<private> squares = 0.0;
