// Softmax attention of one query over keys of the cache: one pass with a running maximum; what was summed before is
// rescaled when it rises. The query lies in `memory` from 0 on, multiplied by the scale.
//
// Keys go by in tiles. First SHARERS neighbouring threads score a key, four keys at a time; then each thread sums one
// piece of the values over some rows of the tile, four at a time: all that is read at once lies side by side.
//!import {{SCORES}}

const SHARERS = {{SHARERS}}u;               // threads that share a key; divides CHUNKS
const SLOTS = LANES / SHARERS;              // keys that are scored at once
const TILE = {{TILE}}u;                     // keys of a tile, a multiple of 4 * SLOTS
const COLS = min(CHUNKS, LANES);            // pieces of a value that are summed at once
const ROWS = LANES / COLS;                  // values that are summed at once
const SUMS = {{VECTORS}}u * QUADS;          // sums of each row in `memory`
var<{{SPACE}}> memory: array<vec4<f32>, SUMS + ROWS * QUADS>;
// Behind the tile lie zeros: rows are taken four at a time.
var<{{SPACE}}> weights: array<f32, TILE + 4u * ROWS>;
var<private> highest: f32 = LOWEST;
var<private> weight_sum: f32; // this lane's share

// Positions begin .. end of the vectors that begin at `vector`.
fn go_over(lane: u32, vector: u32, begin: u32, end: u32) {
    for (var first = begin; first < end; first += TILE) {
        let count = min(TILE, end - first);
        score(lane, vector + first, count);
        let shrink = weigh(lane, count);
        sum_up(lane, vector + first, count, shrink);
    }
}

fn score(lane: u32, vector: u32, count: u32) {
    let sharer = sharer_of(lane, SHARERS);
    let last = vector + count - 1u; // stands in for what is behind the end
    for (var base = 0u; base < count; base += 4u * SLOTS) {
        let first = base + group_of(lane, SHARERS);
        let k_0 = min(vector + first, last);
        let k_1 = min(vector + first + SLOTS, last);
        let k_2 = min(vector + first + 2u * SLOTS, last);
        let k_3 = min(vector + first + 3u * SLOTS, last);
        var parts_of = vec4<f32>();
        for (var c = sharer; c < CHUNKS; c += SHARERS) {
            let q = wide_load(c * PER);
            parts_of += vec4<f32>(
                wide_dot(q, key_at(k_0, c)),
                wide_dot(q, key_at(k_1, c)),
                wide_dot(q, key_at(k_2, c)),
                wide_dot(q, key_at(k_3, c)),
            );
        }
        put_score(first, sharer, parts_of.x);
        put_score(first + SLOTS, sharer, parts_of.y);
        put_score(first + 2u * SLOTS, sharer, parts_of.z);
        put_score(first + 3u * SLOTS, sharer, parts_of.w);
    }
    sync();
}

// Weights of a tile, relative to the highest score so far; returns what earlier sums are to be multiplied by.
fn weigh(lane: u32, count: u32) -> f32 {
    var top = highest;
    for (var j = lane; j < count; j += LANES) {
        top = max(top, score_of(j));
    }
    top = all_max(lane, top);
    let shrink = exp(highest - top);
    highest = top;
    weight_sum *= shrink;
    for (var j = lane; j < TILE; j += LANES) {
        var weight = 0.0;
        if (j < count) {
            weight = exp(score_of(j) - top);
        }
        weights[j] = weight;
        weight_sum += weight;
    }
    sync();
    return shrink;
}

fn sum_up(lane: u32, vector: u32, count: u32, shrink: f32) {
    let row = group_of(lane, COLS);
    if (row >= ROWS) {
        return;
    }
    let last = count - 1u; // stands in for what is behind the end, with weight 0
    for (var c = sharer_of(lane, COLS); c < CHUNKS; c += COLS) {
        let at = SUMS + row * QUADS + c * PER;
        var sum = wide_scaled(wide_load(at), shrink);
        for (var j = row; j < count; j += 4u * ROWS) {
            let v_0 = value_at(vector + j, c);
            let v_1 = value_at(vector + min(j + ROWS, last), c);
            let v_2 = value_at(vector + min(j + 2u * ROWS, last), c);
            let v_3 = value_at(vector + min(j + 3u * ROWS, last), c);
            sum = wide_fma(weights[j], v_0, sum);
            sum = wide_fma(weights[j + ROWS], v_1, sum);
            sum = wide_fma(weights[j + 2u * ROWS], v_2, sum);
            sum = wide_fma(weights[j + 3u * ROWS], v_3, sum);
        }
        wide_store(at, sum);
    }
}

// Writes the result of row `row` and head `head`: whole where the keys were not split, else with the highest score and
// the sum of weights behind it, for `combine`.
fn finish(lane: u32, row: u32, head: u32, part: u32) {
    let total = all_sum(lane, weight_sum);
    let splits = step.first;
    var at = row * row_stride(params.n_head * DIM) + head * DIM;
    var scale = 1.0 / total;
    if (splits > 1u) {
        at = ((row * params.n_head + head) * splits + part) * (DIM + 2u);
        scale = 1.0;
        if (lane == 0u) {
            out[at + DIM] = highest;
            out[at + DIM + 1u] = total;
        }
    }
    for (var i = lane; i < QUADS; i += LANES) {
        var sum = vec4<f32>();
        for (var r = 0u; r < ROWS; r++) {
            sum += memory[SUMS + r * QUADS + i];
        }
        sum *= scale;
        out[at + 4u * i] = sum.x;
        out[at + 4u * i + 1u] = sum.y;
        if (4u * i + 2u < DIM) {
            out[at + 4u * i + 2u] = sum.z;
            out[at + 4u * i + 3u] = sum.w;
        }
    }
}
