// Four neighbouring rows: stored, or added to what is there.
fn rows_of(quad: u32) -> vec4<u32> {
    return 4u * quad + vec4<u32>(0u, 1u, 2u, 3u);
}

fn put(row: u32, value: f32) {
    if (row < params.rows) {
        out[params.out_first + row] {{ASSIGN}} value;
    }
}

fn finish(quad: u32, sums: vec4<f32>) {
    put(4u * quad, sums.x);
    put(4u * quad + 1u, sums.y);
    put(4u * quad + 2u, sums.z);
    put(4u * quad + 3u, sums.w);
}
