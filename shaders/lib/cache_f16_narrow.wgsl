// A cache of half-precision numbers, four to a load: heads that are no multiple of 8.
//!import wide_1
//!import pack_f16
alias Chunk = vec2<u32>;

fn packed(w: Wide, _d: f32) -> Chunk {
    return pack_four(w.a);
}

fn unpacked(c: Chunk, _d: f32) -> Wide {
    return Wide(unpack_four(c));
}
