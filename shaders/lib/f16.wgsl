// F16, as in the file: two weights in a word.
//!import half
//!import block

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let at = q_row + 4u * block;
    let a = wq[at];
    let b = wq[at + 1u];
    let c = wq[at + 2u];
    let d = wq[at + 3u];
    return Block32(words(a.xy), words(a.zw), words(b.xy), words(b.zw), words(c.xy), words(c.zw), words(d.xy), words(d.zw));
}

fn words(w: vec2<u32>) -> vec4<f32> {
    return half4((w.xxyy >> vec4<u32>(0u, 16u, 0u, 16u)) & vec4<u32>(0xffffu));
}
