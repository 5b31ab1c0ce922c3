// Teams that fit into a subgroup: no memory, no barrier. The total is right in every lane.
struct Total {
    sum: vec4<f32>,
    squares: f32,
}

fn reduce(thread: u32, sum: vec4<f32>, squares: f32) -> Total {
    var total = Total(sum, squares);
    for (var width = LANES / 2u; width > 0u; width /= 2u) {
        total.sum += subgroupShuffleXor(total.sum, width);
        total.squares += subgroupShuffleXor(total.squares, width);
    }
    return total;
}
