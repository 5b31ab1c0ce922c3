// A thread works alone: no barriers. Neighbours have neighbouring heads. A kernel has `work(lane, x, y)` and `width()`.
const LANES = 1u;

fn sync() {
}

fn sharer_of(lane: u32, _n: u32) -> u32 {
    return lane;
}

fn group_of(lane: u32, _n: u32) -> u32 {
    return lane;
}

fn all_sum(_lane: u32, v: f32) -> f32 {
    return v;
}

fn all_max(_lane: u32, v: f32) -> f32 {
    return v;
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < width()) {
        // Lane 0, which no compiler must know, or it unrolls every loop: not from a uniform either, since one that looks into
        // those compiles anew for each dispatch.
        work(id.z, id.x, id.y);
    }
}
