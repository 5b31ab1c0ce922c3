// out[t, h] = sum_j softmax_j(scale * q[t, h] . k[j]) v[j],  j in the window that ends at pos + t
//
// Workgroup (head, tile of queries). Keys go by in tiles: each is read once for all queries of the tile, scored, and its
// values take its place. Eight threads share a query: each scores one or two keys of a tile and sums every eighth four of
// the values, with a running maximum; what was summed before is rescaled when it rises.
//!import heads
//!import qkv

const QUERIES = {{QUERIES}}u;
const KEYS = {{KEYS}}u;         // 4, 8 or 16
const LANES = 8u * QUERIES;
const STRIDE = QUADS | 1u;      // odd: neighbouring rows begin in different banks of the memory
const TILE = QUERIES * STRIDE;  // where the tile of keys begins
// Sums of the last eight fours may be of numbers behind the end; nobody uses them.
var<workgroup> memory: array<vec4<f32>, TILE + KEYS * STRIDE + 8u>;
var<workgroup> scores: array<f32, QUERIES * max(KEYS, 8u)>;
var<workgroup> weights: array<f32, QUERIES * KEYS>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let first_row = group.y * QUERIES;
    let rows = min(QUERIES, step.rows - first_row);
    for (var i = lane; i < rows * QUADS; i += LANES) {
        let r = i / QUADS;
        let quad = i - r * QUADS;
        let at = qkv_row(first_row + r) + head * DIM + 4u * quad;
        var q = vec4<f32>(qkv[at], qkv[at + 1u], 0.0, 0.0);
        if (4u * quad + 2u < DIM) {
            q.z = qkv[at + 2u];
            q.w = qkv[at + 3u];
        }
        memory[r * STRIDE + quad] = q * params.scale;
    }
    let row = lane / 8u;
    let sub = lane % 8u;
    let key_of = sub & (KEYS - 1u);
    let vector = first_vector(head);
    // Of this thread's query; rows behind the last are computed and not written.
    let my_last = step.pos + first_row + row;
    let my_first = first_key(my_last);
    let last = step.pos + first_row + rows - 1u;
    var highest = LOWEST;
    var weight_sum = 0.0;
    // Named, not an array: dynamic indexing of private memory is slow on GPUs.
    var sum_0 = vec4<f32>();
    var sum_1 = vec4<f32>();
    var sum_2 = vec4<f32>();
    var sum_3 = vec4<f32>();
    var sum_4 = vec4<f32>();
    var sum_5 = vec4<f32>();
    var sum_6 = vec4<f32>();
    var sum_7 = vec4<f32>();
    for (var first = first_key(step.pos + first_row); first <= last; first += KEYS) {
        workgroupBarrier();
        for (var i = lane; i < KEYS * CHUNKS; i += LANES) {
            let j = i / CHUNKS;
            let c = i - j * CHUNKS;
            wide_store(TILE + j * STRIDE + c * PER, key_at(vector + min(first + j, last), c));
        }
        workgroupBarrier();
        var score_0 = 0.0;
        var score_1 = 0.0;
        let q_at = row * STRIDE;
        let k_at = TILE + key_of * STRIDE;
        for (var i = 0u; i < QUADS; i++) {
            let q = memory[q_at + i];
            score_0 += dot(q, memory[k_at + i]);
            if (KEYS > 8u) {
                score_1 += dot(q, memory[k_at + 8u * STRIDE + i]);
            }
        }
        let at_0 = first + key_of;
        let at_1 = at_0 + 8u;
        let seen_0 = at_0 <= my_last && at_0 >= my_first && sub < KEYS;
        let seen_1 = KEYS > 8u && at_1 <= my_last && at_1 >= my_first;
        score_0 = select(LOWEST, score_0, seen_0);
        score_1 = select(LOWEST, score_1, seen_1);
        let scores_at = row * KEYS;
        if (sub < KEYS) {
            scores[scores_at + sub] = score_0;
        }
        if (KEYS > 8u) {
            scores[scores_at + 8u + sub] = score_1;
        }
        workgroupBarrier();
        var top = highest;
        for (var j = 0u; j < KEYS; j++) {
            top = max(top, scores[scores_at + j]);
        }
        let shrink = exp(highest - top);
        highest = top;
        let weight_0 = select(0.0, exp(score_0 - top), seen_0);
        let weight_1 = select(0.0, exp(score_1 - top), seen_1);
        weight_sum = fma(weight_sum, shrink, weight_0 + weight_1);
        if (sub < KEYS) {
            weights[scores_at + sub] = weight_0;
        }
        if (KEYS > 8u) {
            weights[scores_at + 8u + sub] = weight_1;
        }
        for (var i = lane; i < KEYS * CHUNKS; i += LANES) {
            let j = i / CHUNKS;
            let c = i - j * CHUNKS;
            wide_store(TILE + j * STRIDE + c * PER, value_at(vector + min(first + j, last), c));
        }
        workgroupBarrier();
        sum_0 *= shrink;
        sum_1 *= shrink;
        sum_2 *= shrink;
        sum_3 *= shrink;
        sum_4 *= shrink;
        sum_5 *= shrink;
        sum_6 *= shrink;
        sum_7 *= shrink;
        for (var j = 0u; j < KEYS; j++) {
            let weight = vec4<f32>(weights[scores_at + j]);
            let at = TILE + j * STRIDE + sub;
            sum_0 = fma(weight, memory[at], sum_0);
            if (QUADS > 8u) {
                sum_1 = fma(weight, memory[at + 8u], sum_1);
            }
            if (QUADS > 16u) {
                sum_2 = fma(weight, memory[at + 16u], sum_2);
            }
            if (QUADS > 24u) {
                sum_3 = fma(weight, memory[at + 24u], sum_3);
            }
            if (QUADS > 32u) {
                sum_4 = fma(weight, memory[at + 32u], sum_4);
            }
            if (QUADS > 40u) {
                sum_5 = fma(weight, memory[at + 40u], sum_5);
            }
            if (QUADS > 48u) {
                sum_6 = fma(weight, memory[at + 48u], sum_6);
            }
            if (QUADS > 56u) {
                sum_7 = fma(weight, memory[at + 56u], sum_7);
            }
        }
    }
    workgroupBarrier();
    scores[row * 8u + sub] = weight_sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < 8u; i++) {
        total += scores[row * 8u + i];
    }
    if (row >= rows) {
        return;
    }
    let scale = 1.0 / total;
    let at = (first_row + row) * row_stride(params.n_head * DIM) + head * DIM;
    put(at, sub, sum_0 * scale);
    put(at, sub + 8u, sum_1 * scale);
    put(at, sub + 16u, sum_2 * scale);
    put(at, sub + 24u, sum_3 * scale);
    put(at, sub + 32u, sum_4 * scale);
    put(at, sub + 40u, sum_5 * scale);
    put(at, sub + 48u, sum_6 * scale);
    put(at, sub + 56u, sum_7 * scale);
}

fn put(at: u32, quad: u32, v: vec4<f32>) {
    if (quad >= QUADS) {
        return;
    }
    out[at + 4u * quad] = v.x;
    out[at + 4u * quad + 1u] = v.y;
    if (4u * quad + 2u < DIM) {
        out[at + 4u * quad + 2u] = v.z;
        out[at + 4u * quad + 3u] = v.w;
    }
}
