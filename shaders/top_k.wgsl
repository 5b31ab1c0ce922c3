// The k largest logits of row 0 (ties: lowest id first), and what log-sum-exp and entropy of the row are made of, in two
// passes: each chunk's k best, then the best of those. The second pass also guesses the token that the sampler is going to
// choose, and puts it where the next step looks for its token.
//
// A logit is compared through its key, an integer that sorts like the number; 0 is below every key. The i-th best is
// the best of those behind the (i-1)-th in the order (key falling, id rising): nothing needs to be removed or moved.

struct Params {
    n_vocab: u32,
}

// The step's record, with what the sampler asks of this token.
struct Step {
    pos: u32,
    rows: u32,
    first: u32,
    unused: u32,
    k: u32,           // entries wanted
    slot: u32,        // of the results
    temperature: f32, // 0: the best token
    top_k: u32,       // 0: all
    top_p: f32,
    min_p: f32,
    random: f32, // in [0, 1)
    unused_too: u32,
}

// Sum of exp(d) and of -d exp(d) over some logits, with d = logit - highest and `highest` the largest of them.
struct Sum {
    highest: f32,
    sum: f32,
    weighted: f32,
}

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> best: array<vec2<u32>>; // (key, id): [chunks, k]
@group(0) @binding(3) var<storage, read_write> sums: array<Sum>;       // [chunks]
@group(0) @binding(4) var<storage, read> logits: array<f32>;           // [1, n_vocab]
// (key, id): [slots, SLOT], each the k best, then (highest, sum), (weighted, guess)
@group(0) @binding(5) var<storage, read_write> results: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> tokens: array<u32>; // of the next step

const MOST = {{MOST}}u; // entries that can be wanted
const SLOT = MOST + 2u;
const CHUNK = {{CHUNK}}u;
const LOWEST_KEY = 0x007fffffu; // key of minus infinity

fn key_of(v: f32) -> u32 {
    let bits = bitcast<u32>(v);
    let magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return LOWEST_KEY; // NaN
    }
    if (magnitude == 0u) {
        return 0x80000000u; // both zeros
    }
    return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}

fn logit_of(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u));
}

// Is a before b?
fn before(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x > b.x || (a.x == b.x && a.y < b.y);
}

// Before everything, after everything.
const START = vec2<u32>(0xffffffffu, 0u);
const NONE = vec2<u32>(0u, 0xffffffffu);

fn chunk_best(chunk: u32) -> u32 {
    return chunk * step.k;
}

fn chunks() -> u32 {
    return (params.n_vocab + CHUNK - 1u) / CHUNK;
}

// (exp(d), -d exp(d)): far behind the highest both are 0, and d is kept where the product is a number.
fn terms(key: u32, highest: f32) -> vec2<f32> {
    let behind = min(highest - logit_of(key), 200.0);
    let e = exp(-behind);
    return select(vec2<f32>(e, behind * e), vec2<f32>(0.0), key <= LOWEST_KEY);
}

fn highest_of(key: u32) -> f32 {
    return select(logit_of(key), -3.4e38, key <= LOWEST_KEY);
}

// ---- first pass, one thread per chunk: no barriers ----

@compute @workgroup_size(8)
fn serial_chunks(@builtin(global_invocation_id) id: vec3<u32>) {
    let chunk = id.x;
    if (chunk >= chunks()) {
        return;
    }
    let first = chunk * CHUNK;
    let end = min(first + CHUNK, params.n_vocab);
    let to = chunk_best(chunk);
    var last = START;
    for (var i = 0u; i < step.k; i++) {
        var found = NONE;
        for (var at = first; at < end; at++) {
            let c = vec2<u32>(key_of(logits[at]), at);
            if (before(c, found) && before(last, c)) {
                found = c;
            }
        }
        best[to + i] = found;
        last = found;
    }
    let highest = highest_of(best[to].x);
    var sum = vec2<f32>(0.0);
    for (var at = first; at < end; at++) {
        sum += terms(key_of(logits[at]), highest);
    }
    sums[chunk] = Sum(highest, sum.x, sum.y);
}

// ---- first pass, one workgroup per chunk ----

const WIDTH = 128u;
var<workgroup> keys: array<u32, CHUNK>;
var<workgroup> found_by: array<vec2<u32>, WIDTH>;
var<workgroup> sum_by: array<vec2<f32>, WIDTH>;

// The first of all lanes' candidates.
fn first_of(lane: u32, candidate: vec2<u32>) -> vec2<u32> {
    workgroupBarrier();
    found_by[lane] = candidate;
    for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half && before(found_by[lane + half], found_by[lane])) {
            found_by[lane] = found_by[lane + half];
        }
    }
    workgroupBarrier();
    return found_by[0];
}

fn sum_of(lane: u32, value: vec2<f32>) -> vec2<f32> {
    workgroupBarrier();
    sum_by[lane] = value;
    for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            sum_by[lane] += sum_by[lane + half];
        }
    }
    workgroupBarrier();
    return sum_by[0];
}

@compute @workgroup_size(WIDTH)
fn tree_chunks(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let chunk = group.x;
    let first = chunk * CHUNK;
    let count = min(CHUNK, params.n_vocab - first);
    for (var i = lane; i < count; i += WIDTH) {
        keys[i] = key_of(logits[first + i]);
    }
    let to = chunk_best(chunk);
    var last = START;
    var highest = 0.0;
    for (var i = 0u; i < step.k; i++) {
        var candidate = NONE;
        for (var at = lane; at < count; at += WIDTH) {
            let c = vec2<u32>(keys[at], first + at);
            if (before(c, candidate) && before(last, c)) {
                candidate = c;
            }
        }
        last = first_of(lane, candidate);
        if (i == 0u) {
            highest = highest_of(last.x);
        }
        if (lane == 0u) {
            best[to + i] = last;
        }
    }
    var sum = vec2<f32>(0.0);
    for (var i = lane; i < count; i += WIDTH) {
        sum += terms(keys[i], highest);
    }
    sum = sum_of(lane, sum);
    if (lane == 0u) {
        sums[chunk] = Sum(highest, sum.x, sum.y);
    }
}

// ---- second pass, one workgroup ----

var<workgroup> kept: array<vec2<u32>, MOST>;
var<workgroup> mass: array<f32, MOST>;   // exp(logit - highest)
var<workgroup> weight: array<f32, MOST>; // the same at the temperature

// The token that the host's sampler chooses, as far as the k best and sums in f32 tell; `total` is the mass of the row.
fn guess(k: u32, total: f32) -> u32 {
    if (step.temperature == 0.0) {
        return kept[0].y;
    }
    var n = k;
    var whole = total;
    if (step.top_k > 0u && step.top_k <= n) {
        n = step.top_k;
        whole = 0.0;
        for (var i = 0u; i < n; i++) {
            whole += mass[i];
        }
    }
    if (step.top_p < 1.0) {
        var sum = 0.0;
        for (var i = 0u; i < n; i++) {
            sum += mass[i];
            if (sum >= step.top_p * whole) {
                n = i + 1u;
            }
        }
    }
    if (step.min_p > 0.0) {
        for (var i = 1u; i < n; i++) {
            if (mass[i] < step.min_p) {
                n = i;
            }
        }
    }
    var drawn = 0.0;
    for (var i = 0u; i < n; i++) {
        drawn += weight[i];
    }
    // Nothing is cut off: what lies behind the k best takes part in the draw.
    if (step.top_k == 0u && step.top_p >= 1.0 && step.min_p == 0.0 && step.temperature == 1.0) {
        drawn = total;
    }
    var left = step.random * drawn;
    var chosen = kept[0].y;
    for (var i = 0u; i < n; i++) {
        if (left >= 0.0 && weight[i] > 0.0) {
            chosen = kept[i].y;
        }
        left -= weight[i];
    }
    return chosen;
}

@compute @workgroup_size(WIDTH)
fn merge(@builtin(local_invocation_index) lane: u32) {
    let n = chunks();
    let to = step.slot * SLOT;
    var last = START;
    var highest = 0.0;
    for (var i = 0u; i < step.k; i++) {
        var candidate = NONE;
        for (var at = lane; at < n * step.k; at += WIDTH) {
            let c = best[at];
            if (before(c, candidate) && before(last, c)) {
                candidate = c;
            }
        }
        last = first_of(lane, candidate);
        if (i == 0u) {
            highest = highest_of(last.x);
        }
        if (lane == 0u) {
            results[to + i] = last;
            kept[i] = last;
            mass[i] = terms(last.x, highest).x;
            weight[i] = 0.0;
            if (last.x > LOWEST_KEY) {
                weight[i] = exp((logit_of(last.x) - highest) / max(step.temperature, 1e-6));
            }
        }
    }
    var sum = vec2<f32>(0.0);
    for (var chunk = lane; chunk < n; chunk += WIDTH) {
        let part = sums[chunk];
        let behind = min(highest - part.highest, 200.0);
        let e = exp(-behind);
        sum += e * vec2<f32>(part.sum, part.weighted + behind * part.sum);
    }
    sum = sum_of(lane, sum);
    if (lane == 0u) {
        let guessed = guess(step.k, sum.x);
        results[to + step.k] = vec2<u32>(bitcast<u32>(highest), bitcast<u32>(sum.x));
        results[to + step.k + 1u] = vec2<u32>(bitcast<u32>(sum.y), guessed);
        tokens[0] = guessed;
    }
}
