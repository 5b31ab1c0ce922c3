// Bias, norms of heads, rotation: queries in place, keys and values into the cache at pos + t
//
// Thread or workgroup (head, row); heads of queries, of keys, of values.
//!import heads
//!import {{TOGETHER}}
//!import turn
//!import {{PUT}}

var<{{SPACE}}> memory: array<vec4<f32>, QUADS>;

// The projection is what is written.
fn projected(at: u32) -> f32 {
    return out[at];
}

fn width() -> u32 {
    return params.n_head + 2u * params.n_head_kv;
}

fn work(lane: u32, head: u32, row: u32) {
    let position = step.pos + row;
    let row_at = qkv_row(row);
    let keys_at = params.n_head;
    let values_at = keys_at + params.n_head_kv;
    fetch(lane, 0u, row_at, head * DIM);
    sync();
    if (head < values_at) {
        turn(lane, 0u, u32(head >= keys_at), position);
    }
    to_memory(lane);
    if (head < keys_at) {
        for (var i = lane; i < DIM; i += LANES) {
            out[row_at + head * DIM + i] = raw[i];
        }
        return;
    }
    for (var c = lane; c < CHUNKS; c += LANES) {
        let scale = block_scale(0u, c);
        let chunk = packed(wide_load(c * PER), scale);
        if (head < values_at) {
            put_key((head - keys_at) * params.n_ctx + position, c, chunk, scale);
        } else {
            put_value((head - values_at) * params.n_ctx + position, c, chunk, scale);
        }
    }
}
