// Q6_K: w = (d * sc) * (q - 32), sc a signed byte for each 16 weights.
//!import half
//!import quantised

const ZERO = 32.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let pair = d_row + block / 16u * 41u;
    let odd = (block / 8u) & 1u;
    let super_block = pair + 20u * odd;
    let sub = block & 7u;
    let d = half_of(wd[pair + 40u], odd);
    // Two bytes for our two halves of 16 weights, sign-extended.
    let scales = wd[super_block + 16u + sub / 2u] >> (16u * (sub & 1u));
    let sc = vec2<f32>(vec2<i32>(vec2<u32>(scales << 24u, scales << 16u)) >> vec2<u32>(24u));
    let high = quants2(vec2<u32>(wd[super_block + 2u * sub], wd[super_block + 2u * sub + 1u]));
    return SubBlock(above(quants4(wq[q_row + block]), high, 4u), d * sc, vec2<f32>(0.0));
}
