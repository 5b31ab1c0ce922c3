// Scores of a tile of keys: the threads that share a key, neighbours in a subgroup, sum their parts.
var<workgroup> parts: array<f32, TILE>;

// All lanes come here.
fn put_score(key: u32, sharer: u32, part: f32) {
    var sum = part;
    if (SHARERS > 1u) {
        sum += subgroupShuffleXor(sum, 1u);
    }
    if (SHARERS > 2u) {
        sum += subgroupShuffleXor(sum, 2u);
    }
    if (sharer == 0u) {
        parts[key] = sum;
    }
}

fn score_of(key: u32) -> f32 {
    return parts[key];
}
