// Q5_K: w = (d * sc) * q - dmin * m
//!import half
//!import quantised

const ZERO = 0.0;
//!import k_scales

fn quants32(q_row: u32, d_row: u32, block: u32) -> SubBlock {
    let super_block = d_row + block / 8u * 12u;
    let sub = block & 7u;
    let d = halves(wd[super_block]);
    let dm = d * scale_min(wd[super_block + 1u], wd[super_block + 2u], wd[super_block + 3u], sub);
    let q = above(quants4(wq[q_row + block]), quants1(wd[super_block + 4u + sub]), 4u);
    return SubBlock(q, dm.xx, dm.yy);
}
