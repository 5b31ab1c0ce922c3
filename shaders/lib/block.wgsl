// A sub-block: 32 neighbouring weights of a row. Each format's fragment has
//
//   fn block32(q_row: u32, d_row: u32, block: u32) -> Block32
//
// with the sub-block's number in the row and the row's first element in the planes `wq: array<vec4<u32>>` and
// `wd: array<u32>`, which the kernel declares. The layout is drawn in src/quant/planes.rs.

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

// Unsigned quants, one per byte: byte c of low[j] belongs to weight 4j + c, of high[j] to weight 16 + 4j + c.
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
    return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

// (q - zero) * d - m, with d.x and m.x for the first 16 weights and d.y and m.y for the others.
fn weights(q: Quants, zero: f32, d: vec2<f32>, m: vec2<f32>) -> Block32 {
    return Block32(
        (bytes4(q.low.x) - zero) * d.x - m.x,
        (bytes4(q.low.y) - zero) * d.x - m.x,
        (bytes4(q.low.z) - zero) * d.x - m.x,
        (bytes4(q.low.w) - zero) * d.x - m.x,
        (bytes4(q.high.x) - zero) * d.y - m.y,
        (bytes4(q.high.y) - zero) * d.y - m.y,
        (bytes4(q.high.z) - zero) * d.y - m.y,
        (bytes4(q.high.w) - zero) * d.y - m.y,
    );
}
