// A cache of single-precision numbers: exact.
//!import wide_1
alias Chunk = vec4<f32>;

fn packed(w: Wide, _d: f32) -> Chunk {
    return w.a;
}

fn unpacked(c: Chunk, _d: f32) -> Wide {
    return Wide(c);
}
