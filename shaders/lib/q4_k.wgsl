// Q4_K: w = (d * sc) * q - dmin * m
//!import half
//!import block
//!import k_scales

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let super_block = d_row + block / 8u * 4u;
    let d = halves(wd[super_block]);
    let dm = d * scale_min(wd[super_block + 1u], wd[super_block + 2u], wd[super_block + 3u], block & 7u);
    return weights(quants4(wq[q_row + block]), 0.0, dm.xx, dm.yy);
}
