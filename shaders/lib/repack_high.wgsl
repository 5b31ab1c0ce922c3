// High bits as 32 bytes hold them: some of each weight of one sub-block, above them those of the next.
fn high_bits(start: u32, sub: u32, j: u32) -> u32 {
    let per = 8u / HIGH_STEP;
    return (word_at(start + HIGH_FROM + 32u * (sub / per) + 4u * j) >> (HIGH * (sub % per))) & HIGH_MASK;
}
