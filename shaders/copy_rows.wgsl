// out[t] = x[first + t]
//!import step

struct Params {
    cols: u32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>; // [R, cols]
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;         // [T, cols]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let stride = row_stride(params.cols) / 4u;
    if (id.x < stride) {
        out[id.y * stride + id.x] = x[(step.first + id.y) * stride + id.x];
    }
}
