// Four numbers of a head's vector: what one load of a cache brings. They lie as fours in `memory`.
struct Wide {
    a: vec4<f32>,
}
const PER = 1u; // fours

fn wide_load(at: u32) -> Wide {
    return Wide(memory[at]);
}

fn wide_store(at: u32, w: Wide) {
    memory[at] = w.a;
}

fn wide_dot(x: Wide, y: Wide) -> f32 {
    return dot(x.a, y.a);
}

// s * x + y
fn wide_fma(s: f32, x: Wide, y: Wide) -> Wide {
    let by = vec4<f32>(s);
    return Wide(fma(by, x.a, y.a));
}

fn wide_scaled(x: Wide, s: f32) -> Wide {
    return Wide(x.a * s);
}
