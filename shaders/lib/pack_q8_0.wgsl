// Four signed bytes in a word, lowest first: round(v / d), half to even. What has no finite scale has bytes of zero, and
// reads as not a number because its scale is none.
fn pack_four(v: vec4<f32>, d: f32) -> u32 {
    if (!(d > 0.0) || (bitcast<u32>(d) & 0x7fffffffu) >= 0x7f800000u) {
        return 0u;
    }
    let q = bitcast<vec4<u32>>(vec4<i32>(clamp(round(v / d), vec4<f32>(-127.0), vec4<f32>(127.0)))) & vec4<u32>(255u);
    return q.x | (q.y << 8u) | (q.z << 16u) | (q.w << 24u);
}

fn unpack_four(word: u32, d: f32) -> vec4<f32> {
    let high = bitcast<vec4<i32>>(vec4<u32>(word << 24u, word << 16u, word << 8u, word));
    return vec4<f32>(high >> vec4<u32>(24u)) * d;
}
