// A tree in workgroup memory. The total is right in a team's first lane.
struct Total {
    sum: vec4<f32>,
    squares: f32,
}

var<workgroup> sums: array<vec4<f32>, THREADS>;
var<workgroup> square_sums: array<f32, THREADS>;

fn reduce(thread: u32, sum: vec4<f32>, squares: f32) -> Total {
    sums[thread] = sum;
    square_sums[thread] = squares;
    for (var width = LANES / 2u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if (thread % LANES < width) {
            sums[thread] += sums[thread + width];
            square_sums[thread] += square_sums[thread + width];
        }
    }
    return Total(sums[thread], square_sums[thread]);
}
