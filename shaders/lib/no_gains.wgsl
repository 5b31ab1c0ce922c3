// Heads have no norm.
const NORMED = false;

fn gain(_kind: u32, _i: u32) -> f32 {
    return 1.0;
}
