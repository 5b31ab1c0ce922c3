// Sixteen numbers of a head's vector: what one load of a cache brings. They lie as fours in `memory`.
struct Wide {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}
const PER = 4u; // fours

fn wide_load(at: u32) -> Wide {
    return Wide(memory[at], memory[at + 1u], memory[at + 2u], memory[at + 3u]);
}

fn wide_store(at: u32, w: Wide) {
    memory[at] = w.a;
    memory[at + 1u] = w.b;
    memory[at + 2u] = w.c;
    memory[at + 3u] = w.d;
}

fn wide_dot(x: Wide, y: Wide) -> f32 {
    return dot(x.a, y.a) + dot(x.b, y.b) + dot(x.c, y.c) + dot(x.d, y.d);
}

// s * x + y
fn wide_fma(s: f32, x: Wide, y: Wide) -> Wide {
    let by = vec4<f32>(s);
    return Wide(fma(by, x.a, y.a), fma(by, x.b, y.b), fma(by, x.c, y.c), fma(by, x.d, y.d));
}

fn wide_scaled(x: Wide, s: f32) -> Wide {
    return Wide(x.a * s, x.b * s, x.c * s, x.d * s);
}
