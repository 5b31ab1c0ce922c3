// Half precision by integer arithmetic: a GPU may flush subnormal halves to zero, and block scales often are subnormal.
// Infinities do not occur in weights; they become finite here.
fn half4(bits: vec4<u32>) -> vec4<f32> {
    let exponent = (bits >> vec4<u32>(10u)) & vec4<u32>(31u);
    let fraction = bits & vec4<u32>(1023u);
    // exponent 0: fraction * 2^-24; otherwise (1024 + fraction) * 2^(exponent - 25). Both factors are normal f32.
    let mantissa = vec4<f32>(select(fraction | vec4<u32>(1024u), fraction, exponent == vec4<u32>(0u)));
    let power = bitcast<vec4<f32>>((max(exponent, vec4<u32>(1u)) + vec4<u32>(102u)) << vec4<u32>(23u));
    let sign = (bits & vec4<u32>(0x8000u)) << vec4<u32>(16u);
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(mantissa * power) | sign);
}

// The two halves of a word, lower first.
fn halves(word: u32) -> vec2<f32> {
    return half4(vec4<u32>(word & 0xffffu, word >> 16u, 0u, 0u)).xy;
}

// Half number `odd` (0 or 1) of a word.
fn half_of(word: u32, odd: u32) -> f32 {
    return half4(vec4<u32>((word >> (16u * odd)) & 0xffffu)).x;
}
