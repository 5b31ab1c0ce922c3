// Q2_K: w = (d * sc) * q - dmin * m; byte s of the scales has sc (low nibble) and m (high) of 16 weights.
//!import half
//!import quantised

const ZERO = 0.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let super_block = d_row + block / 8u * 5u;
    let d = halves(wd[super_block + 4u]);
    // Two bytes for our two halves of 16 weights.
    let scales = wd[super_block + (block & 7u) / 2u] >> (16u * (block & 1u));
    let sc = vec2<f32>(vec2<u32>(scales, scales >> 8u) & vec2<u32>(15u));
    let m = vec2<f32>(vec2<u32>(scales >> 4u, scales >> 12u) & vec2<u32>(15u));
    let words = wq[q_row + block / 2u];
    return SubBlock(quants2(select(words.xy, words.zw, (block & 1u) == 1u)), d.x * sc, d.y * m);
}
