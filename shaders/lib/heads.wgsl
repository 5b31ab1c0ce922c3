// What the kernels of attention share: shapes, the cache, the projection.
//!import step
//!import {{CACHE}}
//!import {{SCALED}}

struct Params {
    n_head: u32,
    n_head_kv: u32,
    n_ctx: u32,
    window: u32,   // keys that a query sees, itself included
    scale: f32,    // of q·k
    eps: f32,      // of the heads' norms
    rotated: u32,  // pairs of a head that rotate: pair i is (i * pair_step, i * pair_step + pair_gap)
    pair_step: u32,
    pair_gap: u32,
}

const DIM = {{DIM}}u;            // elements of a head
const QUADS = (DIM + 3u) / 4u;   // fours of its vector; the last may end with zeros
const CHUNKS = QUADS / PER;      // loads of its vector
const LOWEST = -3.4e38;          // below every score; WGSL has no portable infinity

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, {{ACCESS}}> keys: array<Chunk>;   // [n_head_kv, n_ctx, CHUNKS]
@group(0) @binding(4) var<storage, {{ACCESS}}> values: array<Chunk>; // [n_head_kv, n_ctx, CHUNKS]

fn key_at(vector: u32, c: u32) -> Wide {
    return unpacked(keys[vector * CHUNKS + c], key_scale(vector, c));
}

fn value_at(vector: u32, c: u32) -> Wide {
    return unpacked(values[vector * CHUNKS + c], value_scale(vector, c));
}

// The vector of position 0 of the key/value head that serves query head `head`.
fn first_vector(head: u32) -> u32 {
    return head / (params.n_head / params.n_head_kv) * params.n_ctx;
}

// Where row `row` of the projection [T, (n_head + 2*n_head_kv) * DIM] begins.
fn qkv_row(row: u32) -> u32 {
    return row * row_stride((params.n_head + 2u * params.n_head_kv) * DIM);
}

fn first_key(last: u32) -> u32 {
    return select(0u, last + 1u - params.window, last >= params.window);
}
