// Q4_0: w = (q - 8) * d
//!import half
//!import quantised

const ZERO = 8.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let d = half_of(wd[d_row + block / 2u], block & 1u);
    return SubBlock(quants4(wq[q_row + block]), vec2<f32>(d), vec2<f32>(0.0));
}
