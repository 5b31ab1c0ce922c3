// Q3_K: w = (d * (sc - 32)) * (q - 4), q of two low bits and one high bit.
//!import half
//!import quantised

const ZERO = 4.0;

// The 6-bit scale of 16 weights, s in 0..16, from its three words: low nibbles in a and b, two high bits in c.
fn scale6(a: u32, b: u32, c: u32, s: u32) -> f32 {
    let byte = 8u * (s & 3u);
    let low = (select(a, b, (s & 4u) != 0u) >> (byte + s / 8u * 4u)) & 15u;
    let high = (c >> (byte + s / 4u * 2u)) & 3u;
    return f32(low | (high << 4u)) - 32.0;
}

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let pair = d_row + block / 16u * 23u;
    let odd = (block / 8u) & 1u;
    let super_block = pair + 11u * odd;
    let sub = block & 7u;
    let d = half_of(wd[pair + 22u], odd);
    let a = wd[super_block + 8u];
    let b = wd[super_block + 9u];
    let c = wd[super_block + 10u];
    let sc = vec2<f32>(scale6(a, b, c, 2u * sub), scale6(a, b, c, 2u * sub + 1u));
    let words = wq[q_row + block / 2u];
    let low = quants2(select(words.xy, words.zw, (block & 1u) == 1u));
    return SubBlock(above(low, quants1(wd[super_block + sub]), 2u), d * sc, vec2<f32>(0.0));
}
