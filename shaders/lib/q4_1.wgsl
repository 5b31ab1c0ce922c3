// Q4_1: w = q * d + m
//!import half
//!import quantised

const ZERO = 0.0;

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let dm = halves(wd[d_row + block]);
    return SubBlock(quants4(wq[q_row + block]), dm.xx, -dm.yy);
}
