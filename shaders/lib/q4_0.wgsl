// Q4_0: w = (q - 8) * d
//!import half
//!import block

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let d = half_of(wd[d_row + block / 2u], block & 1u);
    return weights(quants4(wq[q_row + block]), 8.0, vec2<f32>(d), vec2<f32>(0.0));
}
