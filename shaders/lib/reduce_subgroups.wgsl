// Teams of several subgroups of any size: each subgroup's sum, then a sum of those through workgroup memory. The total is
// right in every lane. Lanes of a subgroup are neighbours: the self-test would notice where they are not.
struct Total {
    sum: vec4<f32>,
    squares: f32,
}

var<workgroup> sums: array<vec4<f32>, THREADS>;
var<workgroup> square_sums: array<f32, THREADS>;

fn reduce(thread: u32, sum: vec4<f32>, squares: f32) -> Total {
    let size = subgroupAdd(1u);
    sums[thread] = subgroupAdd(sum);
    square_sums[thread] = subgroupAdd(squares);
    workgroupBarrier();
    var total = Total(vec4<f32>(), 0.0);
    let first = thread - thread % LANES;
    for (var at = first; at < first + LANES; at += size) {
        total.sum += sums[at];
        total.squares += square_sums[at];
    }
    return total;
}
