// Eight numbers of a head's vector: what one load of a cache brings. They lie as fours in `memory`.
struct Wide {
    a: vec4<f32>,
    b: vec4<f32>,
}
const PER = 2u; // fours

fn wide_load(at: u32) -> Wide {
    return Wide(memory[at], memory[at + 1u]);
}

fn wide_store(at: u32, w: Wide) {
    memory[at] = w.a;
    memory[at + 1u] = w.b;
}

fn wide_dot(x: Wide, y: Wide) -> f32 {
    return dot(x.a, y.a) + dot(x.b, y.b);
}

// s * x + y
fn wide_fma(s: f32, x: Wide, y: Wide) -> Wide {
    let by = vec4<f32>(s);
    return Wide(fma(by, x.a, y.a), fma(by, x.b, y.b));
}

fn wide_scaled(x: Wide, s: f32) -> Wide {
    return Wide(x.a * s, x.b * s);
}
