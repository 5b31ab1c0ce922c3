// Two rows of gate and the two of up that belong to them: out = silu(gate) * up.
fn rows_of(quad: u32) -> vec4<u32> {
    return 2u * quad + vec4<u32>(0u, 1u, params.half, params.half + 1u);
}

fn silu(v: f32) -> f32 {
    return v / (1.0 + exp(min(-v, 80.0))); // as in silu_mul.wgsl
}

fn put(row: u32, value: f32) {
    if (row < params.half) {
        out[row] = value;
    }
}

fn finish(quad: u32, sums: vec4<f32>) {
    put(2u * quad, silu(sums.x) * sums.z);
    put(2u * quad + 1u, silu(sums.y) * sums.w);
}
