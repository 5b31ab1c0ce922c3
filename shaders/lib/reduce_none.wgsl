// A team of one.
struct Total {
    sum: vec4<f32>,
    squares: f32,
}

fn reduce(thread: u32, sum: vec4<f32>, squares: f32) -> Total {
    return Total(sum, squares);
}
