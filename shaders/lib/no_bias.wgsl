// The projection has no bias.
fn bias_at(_col: u32) -> f32 {
    return 0.0;
}
