// out[t] = x[t] / sqrt(mean(x[t]^2) + eps) * gain
//!import step

struct Params {
    cols: u32,
    eps: f32,
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>; // [T, cols]
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;         // [T, cols]
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;      // [1, cols]

// The zero padding adds nothing to the sum and stays zero.
fn inverse_rms(sum: f32) -> f32 {
    return inverseSqrt(sum / f32(params.cols) + params.eps);
}

@compute @workgroup_size(8)
fn serial(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= step.rows) {
        return;
    }
    let n = row_stride(params.cols) / 4u;
    let row = id.x * n;
    var sum = vec4<f32>();
    for (var i = 0u; i < n; i++) {
        let v = x[row + i];
        sum = fma(v, v, sum);
    }
    let scale = inverse_rms(dot(sum, vec4<f32>(1.0)));
    for (var i = 0u; i < n; i++) {
        out[row + i] = x[row + i] * scale * gain[i];
    }
}

const WIDTH = 128u;
var<workgroup> partial: array<f32, WIDTH>;

@compute @workgroup_size(WIDTH)
fn tree(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let n = row_stride(params.cols) / 4u;
    let row = group.y * n;
    var sum = vec4<f32>();
    for (var i = lane; i < n; i += WIDTH) {
        let v = x[row + i];
        sum = fma(v, v, sum);
    }
    partial[lane] = dot(sum, vec4<f32>(1.0));
    for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    let scale = inverse_rms(partial[0]);
    for (var i = lane; i < n; i += WIDTH) {
        out[row + i] = x[row + i] * scale * gain[i];
    }
}
