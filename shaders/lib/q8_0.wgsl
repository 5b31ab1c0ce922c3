// Q8_0: w = q * d, q signed: with its top bit flipped a signed byte is an unsigned one that is 128 larger.
//!import half
//!import block

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let d = half_of(wd[d_row + block / 2u], block & 1u);
    let flip = vec4<u32>(0x80808080u);
    let q = Quants(wq[q_row + 2u * block] ^ flip, wq[q_row + 2u * block + 1u] ^ flip);
    return weights(q, 128.0, vec2<f32>(d), vec2<f32>(0.0));
}
