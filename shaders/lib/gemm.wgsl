// What products with several tokens declare. A row has a partner half the matrix away: gate and up of one column, where a
// weight has both. Threads compute pairs; MATH says what is multiplied.
//!import {{FORMAT}}

struct Params {
    rows: u32,      // N of this piece
    cols: u32,      // K
    out_cols: u32,
    out_first: u32, // column of out that row 0 writes
    wq_stride: u32, // vec4s of wq per weight row
    wd_stride: u32, // words of wd per weight row
    pairs: u32,     // from a row to its partner: half of the rows, rounded up
    finish: u32,    // what becomes of the sums: 0 out = sums, 1 out += sums, 2 out = silu(gate) * up
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [T, out_cols]
@group(0) @binding(4) var<storage, read> wq: array<vec4<u32>>;  // [N, wq_stride]
@group(0) @binding(5) var<storage, read> wd: array<u32>;        // [N, wd_stride]

// Sub-blocks in a row of w, and of x: both are padded with zeros to whole ones.
fn row_blocks() -> u32 {
    return (params.cols + 31u) / 32u;
}

// Rows and tokens out of range (grids are rounded up) repeat the last one.
fn existing(row: u32) -> u32 {
    return min(row, params.rows - 1u);
}

// First vec4 of a sub-block of x.
fn x_start(token: u32, block: u32) -> u32 {
    return (min(token, step.rows - 1u) * row_blocks() + block) * X_VEC4S;
}

//!import {{MATH}}
// The same for all threads: it costs nothing beside the sums, and one pipeline serves all three.
fn finish(token: u32, pair: u32, a: f32, b: f32) {
    if (token >= step.rows || pair >= params.pairs) {
        return;
    }
    let at = token * row_stride(params.out_cols) + params.out_first + pair;
    if (params.finish == 2u) {
        out[at] = a / (1.0 + exp(min(-a, 80.0))) * b; // as in silu_mul.wgsl
        return;
    }
    let both = pair + params.pairs < params.rows;
    if (params.finish == 1u) {
        out[at] += a;
        if (both) {
            out[at + params.pairs] += b;
        }
        return;
    }
    out[at] = a;
    if (both) {
        out[at + params.pairs] = b;
    }
}

// The sums of pairs of rows: a the first rows, b their partners.
struct Sums {
    a: vec4<f32>,
    b: vec4<f32>,
}

// One pair, four neighbouring tokens.
fn finish_tokens(token: u32, pair: u32, s: Sums) {
    finish(token, pair, s.a.x, s.b.x);
    finish(token + 1u, pair, s.a.y, s.b.y);
    finish(token + 2u, pair, s.a.z, s.b.z);
    finish(token + 3u, pair, s.a.w, s.b.w);
}
