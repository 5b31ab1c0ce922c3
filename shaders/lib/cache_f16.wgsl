// Cache elements in pairs: two half-precision numbers in one word.
alias CachePair = u32;

fn cache_load(pair: CachePair) -> vec2<f32> {
    return unpack2x16float(pair);
}

// Packing a number beyond the finite range of f16 is undefined.
fn cache_store(v: vec2<f32>) -> CachePair {
    return pack2x16float(clamp(v, vec2<f32>(-65504.0), vec2<f32>(65504.0)));
}
