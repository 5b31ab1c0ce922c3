// out[t, h] = sum_s exp(m_s - m) o_s / sum_s exp(m_s - m) l_s,  m = max m_s: what the splits of the keys came to
//
// Thread (element, row). A split has o [DIM], the highest score m, the sum of weights l.
//!import step

const DIM = {{DIM}}u;
const LOWEST = -3.4e38;

struct Params {
    n_head: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [T, n_head * DIM]
@group(0) @binding(3) var<storage, read> parts: array<f32>;     // [T, n_head, splits, DIM + 2]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x / DIM;
    if (head >= params.n_head) {
        return;
    }
    let first = (id.y * params.n_head + head) * step.first * (DIM + 2u);
    let end = first + step.first * (DIM + 2u);
    var highest = LOWEST;
    for (var at = first + DIM; at < end; at += DIM + 2u) {
        highest = max(highest, parts[at]);
    }
    var sum = 0.0;
    var weights = 0.0;
    for (var at = first; at < end; at += DIM + 2u) {
        let weight = exp(parts[at + DIM] - highest);
        sum = fma(weight, parts[at + id.x % DIM], sum);
        weights = fma(weight, parts[at + DIM + 1u], weights);
    }
    out[id.y * row_stride(params.n_head * DIM) + id.x] = sum / weights;
}
