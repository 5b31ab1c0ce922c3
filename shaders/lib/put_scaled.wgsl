// Writes pieces of a vector, which lies as fours in `memory` from `at` on, into the cache, and the scale of each block.

// The largest number of the block that piece c lies in, over 127. As integers, absolute values are ordered as the numbers
// are, with infinity and NaN above.
fn block_scale(at: u32, c: u32) -> f32 {
    let first = (c * PER) & ~7u;
    let end = min(first + 8u, QUADS);
    var most = vec4<u32>();
    for (var i = first; i < end; i++) {
        most = max(most, bitcast<vec4<u32>>(memory[at + i]) & vec4<u32>(0x7fffffffu));
    }
    return bitcast<f32>(max(max(most.x, most.y), max(most.z, most.w))) / 127.0;
}

fn put_key(vector: u32, c: u32, chunk: Chunk, d: f32) {
    keys[vector * CHUNKS + c] = chunk;
    if (((c * PER) & 7u) == 0u) {
        scales[key_scale_at(vector, c)] = d;
    }
}

fn put_value(vector: u32, c: u32, chunk: Chunk, d: f32) {
    values[vector * CHUNKS + c] = chunk;
    if (((c * PER) & 7u) == 0u) {
        scales[value_scale_at(vector, c)] = d;
    }
}
