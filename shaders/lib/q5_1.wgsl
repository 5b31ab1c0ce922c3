// Q5_1: w = q * d + m
//!import half
//!import quantised

const ZERO = 0.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let dm = halves(wd[d_row + 2u * block]);
    let q = above(quants4(wq[q_row + block]), quants1(wd[d_row + 2u * block + 1u]), 4u);
    return SubBlock(q, dm.xx, -dm.yy);
}
