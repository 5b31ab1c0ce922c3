// out[t, h] = sum_j softmax_j(scale * q[t, h] . k[j]) v[j],  j in the window that ends at pos + t
//
// Online softmax: one pass over the keys with a running maximum; what was summed before is rescaled when it rises.
//!import step
//!import {{CACHE}}

struct Params {
    n_head: u32,
    n_head_kv: u32,
    head_dim: u32,
    n_ctx: u32,
    scale: f32,
    window: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec2<f32>>; // [T, n_head * head_dim / 2]
@group(0) @binding(3) var<storage, read> qkv: array<vec2<f32>>;       // [T, (n_head + 2*n_head_kv) * head_dim / 2]
@group(0) @binding(4) var<storage, read> keys: array<CachePair>;      // [n_head_kv, n_ctx, head_dim/2]
@group(0) @binding(5) var<storage, read> values: array<CachePair>;    // [n_head_kv, n_ctx, head_dim/2]

const PAIRS = {{PAIRS}}u; // head_dim / 2
const LOWEST = -3.4e38;   // below every score; WGSL has no portable infinity

fn q_offset(row: u32, head: u32) -> u32 {
    let cols = (params.n_head + 2u * params.n_head_kv) * params.head_dim;
    return row * (row_stride(cols) / 2u) + head * PAIRS;
}

fn out_offset(row: u32, head: u32) -> u32 {
    return row * (row_stride(params.n_head * params.head_dim) / 2u) + head * PAIRS;
}

// Pair 0 of position 0 of the key/value head that serves query head `head`.
fn cache_offset(head: u32) -> u32 {
    let head_kv = head / (params.n_head / params.n_head_kv);
    return head_kv * params.n_ctx * PAIRS;
}

fn first_key(last: u32) -> u32 {
    return select(0u, last + 1u - params.window, last >= params.window);
}

// One thread per (row, head): no barriers.
@compute @workgroup_size(8)
fn serial(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x;
    if (head >= params.n_head) {
        return;
    }
    let q_at = q_offset(id.y, head);
    let cache_at = cache_offset(head);
    let last = step.pos + id.y;
    var sum = array<vec2<f32>, PAIRS>();
    var weight_sum = 0.0;
    var highest = LOWEST;
    for (var j = first_key(last); j <= last; j++) {
        let at = cache_at + j * PAIRS;
        var products = vec2<f32>();
        var i = 0u;
        for (; i + 4u <= PAIRS; i += 4u) {
            products = fma(qkv[q_at + i], cache_load(keys[at + i]), products);
            products = fma(qkv[q_at + i + 1u], cache_load(keys[at + i + 1u]), products);
            products = fma(qkv[q_at + i + 2u], cache_load(keys[at + i + 2u]), products);
            products = fma(qkv[q_at + i + 3u], cache_load(keys[at + i + 3u]), products);
        }
        for (; i < PAIRS; i++) {
            products = fma(qkv[q_at + i], cache_load(keys[at + i]), products);
        }
        let score = (products.x + products.y) * params.scale;
        let raised = max(highest, score);
        let shrink = exp(highest - raised);
        let weight = exp(score - raised);
        highest = raised;
        weight_sum = fma(weight_sum, shrink, weight);
        for (i = 0u; i + 4u <= PAIRS; i += 4u) {
            sum[i] = fma(vec2<f32>(weight), cache_load(values[at + i]), sum[i] * shrink);
            sum[i + 1u] = fma(vec2<f32>(weight), cache_load(values[at + i + 1u]), sum[i + 1u] * shrink);
            sum[i + 2u] = fma(vec2<f32>(weight), cache_load(values[at + i + 2u]), sum[i + 2u] * shrink);
            sum[i + 3u] = fma(vec2<f32>(weight), cache_load(values[at + i + 3u]), sum[i + 3u] * shrink);
        }
        for (; i < PAIRS; i++) {
            sum[i] = fma(vec2<f32>(weight), cache_load(values[at + i]), sum[i] * shrink);
        }
    }
    let out_at = out_offset(id.y, head);
    for (var i = 0u; i < PAIRS; i++) {
        out[out_at + i] = sum[i] / weight_sum;
    }
}

// One workgroup per (row, head). Keys go by in tiles of WIDTH: a lane scores one key, then sums pairs `lane` and
// `lane + WIDTH` of the values over the whole tile.
const WIDTH = 64u;
var<workgroup> q: array<vec2<f32>, PAIRS>;
var<workgroup> weights: array<f32, WIDTH>;
var<workgroup> scratch: array<f32, WIDTH>;

@compute @workgroup_size(WIDTH)
fn tree(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let q_at = q_offset(group.y, head);
    for (var i = lane; i < PAIRS; i += WIDTH) {
        q[i] = qkv[q_at + i];
    }
    let cache_at = cache_offset(head);
    let last = step.pos + group.y;
    let first = first_key(last);
    // Named, not an array: dynamic indexing of private memory is slow on GPUs.
    var sum_0 = vec2<f32>();
    var sum_1 = vec2<f32>();
    var weight_sum = 0.0;
    var highest = LOWEST;
    let tiles = (last - first) / WIDTH + 1u;
    for (var tile = 0u; tile < tiles; tile++) {
        let tile_first = first + tile * WIDTH;
        let tile_keys = min(WIDTH, last + 1u - tile_first);
        workgroupBarrier();
        var score = LOWEST;
        if (lane < tile_keys) {
            let at = cache_at + (tile_first + lane) * PAIRS;
            var products = vec2<f32>();
            var i = 0u;
            for (; i + 8u <= PAIRS; i += 8u) {
                products = fma(q[i], cache_load(keys[at + i]), products);
                products = fma(q[i + 1u], cache_load(keys[at + i + 1u]), products);
                products = fma(q[i + 2u], cache_load(keys[at + i + 2u]), products);
                products = fma(q[i + 3u], cache_load(keys[at + i + 3u]), products);
                products = fma(q[i + 4u], cache_load(keys[at + i + 4u]), products);
                products = fma(q[i + 5u], cache_load(keys[at + i + 5u]), products);
                products = fma(q[i + 6u], cache_load(keys[at + i + 6u]), products);
                products = fma(q[i + 7u], cache_load(keys[at + i + 7u]), products);
            }
            for (; i < PAIRS; i++) {
                products = fma(q[i], cache_load(keys[at + i]), products);
            }
            score = (products.x + products.y) * params.scale;
        }
        scratch[lane] = score;
        for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (lane < half) {
                scratch[lane] = max(scratch[lane], scratch[lane + half]);
            }
        }
        workgroupBarrier();
        let raised = max(highest, scratch[0]);
        let shrink = exp(highest - raised);
        highest = raised;
        weights[lane] = select(0.0, exp(score - raised), lane < tile_keys);
        workgroupBarrier();
        weight_sum *= shrink;
        sum_0 *= shrink;
        sum_1 *= shrink;
        let at = cache_at + tile_first * PAIRS + lane;
        // Eight keys at a time; the weights behind the last key are zero, and its position stands in for theirs.
        let end = at + (tile_keys - 1u) * PAIRS;
        for (var j = 0u; j < tile_keys; j += 8u) {
            let w = vec4<f32>(weights[j], weights[j + 1u], weights[j + 2u], weights[j + 3u]);
            let v = vec4<f32>(weights[j + 4u], weights[j + 5u], weights[j + 6u], weights[j + 7u]);
            weight_sum += dot(w + v, vec4<f32>(1.0));
            let at_0 = at + j * PAIRS;
            let at_1 = min(at_0 + PAIRS, end);
            let at_2 = min(at_0 + 2u * PAIRS, end);
            let at_3 = min(at_0 + 3u * PAIRS, end);
            let at_4 = min(at_0 + 4u * PAIRS, end);
            let at_5 = min(at_0 + 5u * PAIRS, end);
            let at_6 = min(at_0 + 6u * PAIRS, end);
            let at_7 = min(at_0 + 7u * PAIRS, end);
            if (lane < PAIRS) {
                sum_0 = fma(vec2<f32>(w.x), cache_load(values[at_0]), sum_0);
                sum_0 = fma(vec2<f32>(w.y), cache_load(values[at_1]), sum_0);
                sum_0 = fma(vec2<f32>(w.z), cache_load(values[at_2]), sum_0);
                sum_0 = fma(vec2<f32>(w.w), cache_load(values[at_3]), sum_0);
                sum_0 = fma(vec2<f32>(v.x), cache_load(values[at_4]), sum_0);
                sum_0 = fma(vec2<f32>(v.y), cache_load(values[at_5]), sum_0);
                sum_0 = fma(vec2<f32>(v.z), cache_load(values[at_6]), sum_0);
                sum_0 = fma(vec2<f32>(v.w), cache_load(values[at_7]), sum_0);
            }
            if (lane + WIDTH < PAIRS) {
                sum_1 = fma(vec2<f32>(w.x), cache_load(values[at_0 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(w.y), cache_load(values[at_1 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(w.z), cache_load(values[at_2 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(w.w), cache_load(values[at_3 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(v.x), cache_load(values[at_4 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(v.y), cache_load(values[at_5 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(v.z), cache_load(values[at_6 + WIDTH]), sum_1);
                sum_1 = fma(vec2<f32>(v.w), cache_load(values[at_7 + WIDTH]), sum_1);
            }
        }
    }
    let out_at = out_offset(group.y, head) + lane;
    if (lane < PAIRS) {
        out[out_at] = sum_0 / weight_sum;
    }
    if (lane + WIDTH < PAIRS) {
        out[out_at + WIDTH] = sum_1 / weight_sum;
    }
}
