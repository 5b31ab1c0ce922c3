// Q5_0: w = (q - 16) * d
//!import half
//!import quantised

const ZERO = 16.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let pair = d_row + block / 2u * 3u;
    let d = half_of(wd[pair + 2u], block & 1u);
    let q = above(quants4(wq[q_row + block]), quants1(wd[pair + (block & 1u)]), 4u);
    return SubBlock(q, vec2<f32>(d), vec2<f32>(0.0));
}
