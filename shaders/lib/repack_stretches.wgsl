// Q8_0, Q2_K, Q3_K, Q4_K, Q5_K: 32 bytes hold some bits of each weight of one sub-block, above them those of the next.
//!import repack_high

fn low_bits(start: u32, sub: u32, j: u32) -> u32 {
    let per = 8u / LOW;
    return (word_at(start + LOW_FROM + 32u * (sub / per) + 4u * j) >> (LOW * (sub % per))) & LOW_MASK;
}
