// Q4_1: w = q * d + m
//!import half
//!import block

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let dm = halves(wd[d_row + block]);
    return weights(quants4(wq[q_row + block]), 0.0, dm.xx, -dm.yy);
}
