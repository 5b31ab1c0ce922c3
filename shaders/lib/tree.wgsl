// The threads of a workgroup work together and bring sums together in two steps: every eighth thread for its neighbours,
// then everyone. A kernel has `work(lane, x, y)`.
const LANES = {{LANES}}u;
var<workgroup> leaves: array<f32, LANES>;
var<workgroup> branches: array<f32, LANES / 8u>;

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

fn all_sum(lane: u32, v: f32) -> f32 {
    leaves[lane] = v;
    workgroupBarrier();
    if (lane % 8u == 0u) {
        var sum = v;
        for (var i = 1u; i < 8u; i++) {
            sum += leaves[lane + i];
        }
        branches[lane / 8u] = sum;
    }
    workgroupBarrier();
    var sum = branches[0];
    for (var i = 1u; i < LANES / 8u; i++) {
        sum += branches[i];
    }
    return sum;
}

fn all_max(lane: u32, v: f32) -> f32 {
    leaves[lane] = v;
    workgroupBarrier();
    if (lane % 8u == 0u) {
        var most = v;
        for (var i = 1u; i < 8u; i++) {
            most = max(most, leaves[lane + i]);
        }
        branches[lane / 8u] = most;
    }
    workgroupBarrier();
    var most = branches[0];
    for (var i = 1u; i < LANES / 8u; i++) {
        most = max(most, branches[i]);
    }
    return most;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    work(lane, group.x, group.y);
}
