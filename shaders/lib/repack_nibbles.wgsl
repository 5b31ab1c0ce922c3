// Q4_0, Q4_1, Q5_0, Q5_1: byte i has the nibbles of weights i and i + 16; bit i of a word is the high bit of weight i.
fn low_bits(start: u32, sub: u32, j: u32) -> u32 {
    return (word_at(start + LOW_FROM + 4u * (j % 4u)) >> (4u * (j / 4u))) & LOW_MASK;
}

// Four neighbouring bits, one into each byte.
fn high_bits(start: u32, sub: u32, j: u32) -> u32 {
    let bits = (word_at(start + HIGH_FROM) >> (4u * j)) & 15u;
    return (bits * 0x00204081u) & 0x01010101u;
}
