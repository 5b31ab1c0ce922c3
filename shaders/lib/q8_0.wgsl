// Q8_0: w = q * d
//!import half
//!import quantised

const ZERO = 0.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let d = half_of(wd[d_row + block / 2u], block & 1u);
    return SubBlock(Quants(wq[q_row + 2u * block], wq[q_row + 2u * block + 1u]), vec2<f32>(d), vec2<f32>(0.0));
}
