// More than 65,535 workgroups along x continue along z (see gpu::Grid); y is the row.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.z * groups.x + group.x;
}
