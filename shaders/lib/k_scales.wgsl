// Scale and minimum (6 bits each) of sub-block s in 0..8, from the 12 packed bytes that Q4_K and Q5_K share.
// The bytes are drawn in src/quant/q4_k.rs.
fn scale_min(a: u32, b: u32, c: u32, s: u32) -> vec2<f32> {
    let shift = 8u * (s & 3u);
    let first = vec2<u32>(a >> shift, b >> shift);
    let packed = vec2<u32>(c >> shift, c >> (shift + 4u));
    let second = (packed & vec2<u32>(15u)) | ((first >> vec2<u32>(2u)) & vec2<u32>(48u));
    return vec2<f32>(select(second, first & vec2<u32>(63u), s < 4u));
}
