// A cache of half-precision numbers, eight to a load.
//!import wide_2
//!import pack_f16
alias Chunk = vec4<u32>;

fn packed(w: Wide, _d: f32) -> Chunk {
    return vec4<u32>(pack_four(w.a), pack_four(w.b));
}

fn unpacked(c: Chunk, _d: f32) -> Wide {
    return Wide(unpack_four(c.xy), unpack_four(c.zw));
}
