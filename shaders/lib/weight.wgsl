// What every kernel that multiplies a weight declares.
//!import {{FORMAT}}

struct Params {
    rows: u32,      // N of this part
    cols: u32,      // K
    out_cols: u32,
    out_first: u32, // column of out that row 0 writes
    wq_stride: u32, // vec4s of wq per weight row
    wd_stride: u32, // words of wd per weight row
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [T, out_cols]
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;   // [T, K]
@group(0) @binding(4) var<storage, read> wq: array<vec4<u32>>;  // [N, wq_stride]
@group(0) @binding(5) var<storage, read> wd: array<u32>;        // [N, wd_stride]

// Sub-blocks in a row of w, and of x: both are padded with zeros to whole ones.
fn row_blocks() -> u32 {
    return (params.cols + 31u) / 32u;
}

fn weight_block(row: u32, block: u32) -> Block32 {
    return block32(row * params.wq_stride, row * params.wd_stride, block);
}

// The sub-block times x[at ..], 8 vec4s.
fn block_dot(b: Block32, at: u32) -> f32 {
    let low = dot(b.w0, x[at]) + dot(b.w1, x[at + 1u]) + dot(b.w2, x[at + 2u]) + dot(b.w3, x[at + 3u]);
    let high = dot(b.w4, x[at + 4u]) + dot(b.w5, x[at + 5u]) + dot(b.w6, x[at + 6u]) + dot(b.w7, x[at + 7u]);
    return low + high;
}

fn store(token: u32, row: u32, value: f32) {
    if (token < step.rows && row < params.rows) {
        out[token * row_stride(params.out_cols) + params.out_first + row] = value;
    }
}
