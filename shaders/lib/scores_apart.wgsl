// Scores of a tile of keys: the threads that share a key leave their parts side by side.
var<{{SPACE}}> parts: array<f32, TILE * SHARERS>;

fn put_score(key: u32, sharer: u32, part: f32) {
    parts[key * SHARERS + sharer] = part;
}

fn score_of(key: u32) -> f32 {
    var sum = parts[key * SHARERS];
    for (var i = 1u; i < SHARERS; i++) {
        sum += parts[key * SHARERS + i];
    }
    return sum;
}
