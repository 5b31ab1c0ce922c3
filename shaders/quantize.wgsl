// Activations as bytes: q = round(x / d), d = max |x| / 127, for each 32 of them; a thread for each sub-block.
//!import step

struct Params {
    blocks: u32, // sub-blocks of a row
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>; // [T, blocks, 3]: bytes, then d and d times their sums
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;         // [T, blocks, 8]

fn largest(v: vec4<f32>) -> f32 {
    let m = abs(v);
    return max(max(m.x, m.y), max(m.z, m.w));
}

// Four bytes in a word, and their sum.
fn four(v: vec4<f32>, inverse: f32) -> vec2<u32> {
    let q = vec4<i32>(clamp(round(v * inverse), vec4<f32>(-127.0), vec4<f32>(127.0)));
    let bytes = (vec4<u32>(q) & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
    return vec2<u32>(bytes.x | bytes.y | bytes.z | bytes.w, u32(q.x + q.y + q.z + q.w));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.blocks) {
        return;
    }
    let block = id.y * params.blocks + id.x;
    let at = block * 8u;
    let v0 = x[at];
    let v1 = x[at + 1u];
    let v2 = x[at + 2u];
    let v3 = x[at + 3u];
    let v4 = x[at + 4u];
    let v5 = x[at + 5u];
    let v6 = x[at + 6u];
    let v7 = x[at + 7u];
    let low = max(max(largest(v0), largest(v1)), max(largest(v2), largest(v3)));
    let high = max(max(largest(v4), largest(v5)), max(largest(v6), largest(v7)));
    let most = max(low, high);
    // Below it a GPU may flush the inverse's product to zero, and 1 / most is infinite: such activations count as zero.
    let inverse = select(0.0, 127.0 / most, most > 1e-30);
    let d = most / 127.0;
    let q0 = four(v0, inverse);
    let q1 = four(v1, inverse);
    let q2 = four(v2, inverse);
    let q3 = four(v3, inverse);
    let q4 = four(v4, inverse);
    let q5 = four(v5, inverse);
    let q6 = four(v6, inverse);
    let q7 = four(v7, inverse);
    let sums = vec2<f32>(vec2<i32>(vec2<u32>(q0.y + q1.y + q2.y + q3.y, q4.y + q5.y + q6.y + q7.y)));
    out[block * 3u] = vec4<u32>(q0.x, q1.x, q2.x, q3.x);
    out[block * 3u + 1u] = vec4<u32>(q4.x, q5.x, q6.x, q7.x);
    out[block * 3u + 2u] = bitcast<vec4<u32>>(vec4<f32>(d, d * sums, 0.0));
}
