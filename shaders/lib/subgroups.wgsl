// The threads of a workgroup work together; subgroups of any size from 4 to 128 bring their sums together, then the
// workgroup does. A kernel has `work(lane, x, y)`.
const LANES = {{LANES}}u;
var<workgroup> branches: array<f32, (LANES + 3u) / 4u>;
var<private> branch: u32;   // which subgroup
var<private> leader: bool;  // its first thread
var<private> branched: u32; // how many there are

fn sync() {
    workgroupBarrier();
}

// Which of `n` neighbours that work together a lane is, and which such group it belongs to.
fn sharer_of(lane: u32, n: u32) -> u32 {
    return lane % n;
}

fn group_of(lane: u32, n: u32) -> u32 {
    return lane / n;
}

fn all_sum(_lane: u32, v: f32) -> f32 {
    let mine = subgroupAdd(v);
    workgroupBarrier();
    if (leader) {
        branches[branch] = mine;
    }
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < branched; i++) {
        sum += branches[i];
    }
    return sum;
}

fn all_max(_lane: u32, v: f32) -> f32 {
    let mine = subgroupMax(v);
    workgroupBarrier();
    if (leader) {
        branches[branch] = mine;
    }
    workgroupBarrier();
    var most = branches[0];
    for (var i = 1u; i < branched; i++) {
        most = max(most, branches[i]);
    }
    return most;
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_size) size: u32,
    @builtin(subgroup_invocation_id) id: u32,
) {
    branch = lane / size;
    leader = id == 0u;
    branched = (LANES + size - 1u) / size;
    work(lane, group.x, group.y);
}
