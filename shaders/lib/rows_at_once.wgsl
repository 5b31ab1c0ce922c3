// Four rows, written out: their loads overlap.
fn rows_products(rows: vec4<u32>, block: u32, i: Inputs) -> vec4<f32> {
    return vec4<f32>(
        products(rows.x, block, i),
        products(rows.y, block, i),
        products(rows.z, block, i),
        products(rows.w, block, i),
    );
}
