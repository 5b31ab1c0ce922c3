// out[t] = w[tokens[t] - first_row] for the tokens that lie in this row part; other rows of out are left alone.
// One thread per 32 weights.
//!import step
//!import {{FORMAT}}

struct Params {
    rows: u32,      // of this part of w
    cols: u32,      // n_embd
    first_row: u32, // token id of row 0
    wq_stride: u32, // vec4s of wq per weight row
    wd_stride: u32, // words of wd per weight row
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>; // [T, cols]
@group(0) @binding(3) var<storage, read> tokens: array<u32>;          // [T]
@group(0) @binding(4) var<storage, read> wq: array<vec4<u32>>;        // [rows, wq_stride]
@group(0) @binding(5) var<storage, read> wd: array<u32>;              // [rows, wd_stride]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let blocks = (params.cols + 31u) / 32u;
    // A token below first_row wraps around to a huge row.
    let row = tokens[id.y] - params.first_row;
    if (id.x >= blocks || row >= params.rows) {
        return;
    }
    let b = block32(row * params.wq_stride, row * params.wd_stride, id.x);
    let at = (id.y * blocks + id.x) * 8u;
    out[at] = b.w0;
    out[at + 1u] = b.w1;
    out[at + 2u] = b.w2;
    out[at + 3u] = b.w3;
    out[at + 4u] = b.w4;
    out[at + 5u] = b.w5;
    out[at + 6u] = b.w6;
    out[at + 7u] = b.w7;
}
