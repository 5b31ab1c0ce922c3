// What the formats of integers share. Each has
//
//   const ZERO: f32, and fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock
//!import block

// A sub-block as it is stored: w = (q - ZERO) * d - m, with d.x and m.x for the first 16 weights and d.y and m.y for the
// others.
struct SubBlock {
    q: Quants,
    d: vec2<f32>,
    m: vec2<f32>,
}

// Quants, one per signed byte: byte c of low[j] belongs to weight 4j + c, of high[j] to weight 16 + 4j + c.
struct Quants {
    low: vec4<u32>,
    high: vec4<u32>,
}

// bits(4) of planes.rs.
fn quants4(words: vec4<u32>) -> Quants {
    return Quants(words & vec4<u32>(0x0f0f0f0fu), (words >> vec4<u32>(4u)) & vec4<u32>(0x0f0f0f0fu));
}

// bits(2) of planes.rs.
fn quants2(words: vec2<u32>) -> Quants {
    let mask = vec4<u32>(0x03030303u);
    return Quants(
        (words.xyxy >> vec4<u32>(0u, 0u, 2u, 2u)) & mask,
        (words.xyxy >> vec4<u32>(4u, 4u, 6u, 6u)) & mask,
    );
}

// bits(1) of planes.rs.
fn quants1(word: u32) -> Quants {
    let mask = vec4<u32>(0x01010101u);
    return Quants(
        (vec4<u32>(word) >> vec4<u32>(0u, 1u, 2u, 3u)) & mask,
        (vec4<u32>(word) >> vec4<u32>(4u, 5u, 6u, 7u)) & mask,
    );
}

// Puts higher bits above the lowest `shift` bits of each quant.
fn above(low: Quants, high: Quants, shift: u32) -> Quants {
    return Quants(low.low | (high.low << vec4<u32>(shift)), low.high | (high.high << vec4<u32>(shift)));
}

fn bytes4(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<i32>(bitcast<i32>(word)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let b = quants32(q_row, d_row, block);
    return Block32(
        (bytes4(b.q.low.x) - ZERO) * b.d.x - b.m.x,
        (bytes4(b.q.low.y) - ZERO) * b.d.x - b.m.x,
        (bytes4(b.q.low.z) - ZERO) * b.d.x - b.m.x,
        (bytes4(b.q.low.w) - ZERO) * b.d.x - b.m.x,
        (bytes4(b.q.high.x) - ZERO) * b.d.y - b.m.y,
        (bytes4(b.q.high.y) - ZERO) * b.d.y - b.m.y,
        (bytes4(b.q.high.z) - ZERO) * b.d.y - b.m.y,
        (bytes4(b.q.high.w) - ZERO) * b.d.y - b.m.y,
    );
}
