// Q6_K: of 64 bytes, the first 32 have the nibbles of sub-blocks 0 and 2, the others those of 1 and 3.
//!import repack_high

fn low_bits(start: u32, sub: u32, j: u32) -> u32 {
    return (word_at(start + LOW_FROM + 64u * (sub / 4u) + 32u * (sub % 2u) + 4u * j) >> (4u * (sub / 2u % 2u))) & LOW_MASK;
}
