// out[t, i] = silu(gate_up[t, i]) * gate_up[t, n_ff + i],  silu(g) = g / (1 + exp(-g))
//!import step

struct Params {
    n_ff: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [T, n_ff]
@group(0) @binding(3) var<storage, read> gate_up: array<f32>;   // [T, 2*n_ff]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n_ff = params.n_ff;
    if (id.x < n_ff) {
        let row = id.y * row_stride(2u * n_ff);
        let gate = gate_up[row + id.x];
        let up = gate_up[row + n_ff + id.x];
        // WGSL promises nothing about infinities; silu(-80) is 0 in f32 beside any activation.
        out[id.y * row_stride(n_ff) + id.x] = gate / (1.0 + exp(min(-gate, 80.0))) * up;
    }
}
