// A cache of bytes, sixteen to a load; 32 share a scale.
//!import wide_4
//!import pack_q8_0
alias Chunk = vec4<u32>;

fn packed(w: Wide, d: f32) -> Chunk {
    return vec4<u32>(pack_four(w.a, d), pack_four(w.b, d), pack_four(w.c, d), pack_four(w.d, d));
}

fn unpacked(c: Chunk, d: f32) -> Wide {
    return Wide(unpack_four(c.x, d), unpack_four(c.y, d), unpack_four(c.z, d), unpack_four(c.w, d));
}
