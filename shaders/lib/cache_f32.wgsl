// Cache elements in pairs: exact.
alias CachePair = vec2<f32>;

fn cache_load(pair: CachePair) -> vec2<f32> {
    return pair;
}

fn cache_store(v: vec2<f32>) -> CachePair {
    return v;
}
