// F32, as in the file.
//!import block

fn block32(q_row: u32, d_row: u32, block: u32) -> Block32 {
    let at = q_row + 8u * block;
    return Block32(
        bitcast<vec4<f32>>(wq[at]),
        bitcast<vec4<f32>>(wq[at + 1u]),
        bitcast<vec4<f32>>(wq[at + 2u]),
        bitcast<vec4<f32>>(wq[at + 3u]),
        bitcast<vec4<f32>>(wq[at + 4u]),
        bitcast<vec4<f32>>(wq[at + 5u]),
        bitcast<vec4<f32>>(wq[at + 6u]),
        bitcast<vec4<f32>>(wq[at + 7u]),
    );
}
