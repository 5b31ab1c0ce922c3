//! A wide state as a narrower one: a count sketch (Charikar, Chen, Farach-Colton 2002), under which scalar products stay the same
//! on average. It needs no table: where a value goes follows from its index.

use crate::hash::{GAMMA, mixed};

/// Values that weights are fitted to; a wider state is sketched down to this. With 1,000 labels a head stays below a megabyte.
pub const MOST_USED: usize = 512;

/// The state itself where it is narrow enough; else the sum of its values in each of [`MOST_USED`] places, with signs.
pub fn sketch(state: &[f32]) -> Vec<f32> {
    if state.len() <= MOST_USED {
        return state.to_vec();
    }
    // Divided so that the values' variance stays about 1.
    let shrink = (MOST_USED as f32 / state.len() as f32).sqrt();
    let mut out = vec![0.0f32; MOST_USED];
    for (i, x) in state.iter().enumerate() {
        let hash = mixed((i as u64).wrapping_add(GAMMA));
        let sign = if hash >> 63 == 0 { shrink } else { -shrink };
        out[(hash % MOST_USED as u64) as usize] += sign * x;
    }
    out
}
