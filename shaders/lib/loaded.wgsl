// A sub-block of what goes into a product with one token.
struct Loaded {
    x0: vec4<f32>,
    x1: vec4<f32>,
    x2: vec4<f32>,
    x3: vec4<f32>,
    x4: vec4<f32>,
    x5: vec4<f32>,
    x6: vec4<f32>,
    x7: vec4<f32>,
}

fn loaded(at: u32) -> Loaded {
    return Loaded(
        load(at), load(at + 1u), load(at + 2u), load(at + 3u), load(at + 4u), load(at + 5u), load(at + 6u), load(at + 7u)
    );
}

// The largest magnitude.
fn largest(v: Loaded) -> f32 {
    let low = max(max(abs(v.x0), abs(v.x1)), max(abs(v.x2), abs(v.x3)));
    let high = max(max(abs(v.x4), abs(v.x5)), max(abs(v.x6), abs(v.x7)));
    let all = max(low, high);
    return max(max(all.x, all.y), max(all.z, all.w));
}
