// A cache of bytes, four to a load: heads that are no multiple of 16. 32 share a scale.
//!import wide_1
//!import pack_q8_0
alias Chunk = u32;

fn packed(w: Wide, d: f32) -> Chunk {
    return pack_four(w.a, d);
}

fn unpacked(c: Chunk, d: f32) -> Wide {
    return Wide(unpack_four(c, d));
}
