// Four rows, one after the other: a quarter of the code, for adapters that take long to compile it.
fn rows_products(rows: vec4<u32>, block: u32, i: Inputs) -> vec4<f32> {
    var sums = vec4<f32>();
    for (var r = 0u; r < 4u; r += 1u) {
        sums[r] = products(rows[r], block, i);
    }
    return sums;
}
