//! What may be faster than what the table says.

use super::Part;
use crate::gpu::Abilities;
use crate::kernels::tuning::{Math, Reduce, Tuning};

/// The alternatives to `tuning` in one part that a device with these subgroups, halves and packed products has. Lossy ones
/// only where they are allowed.
pub fn rivals(part: Part, tuning: &Tuning, has: Abilities, lossy: bool) -> Vec<Tuning> {
    let mut reduces = vec![Reduce::Tree];
    reduces.extend(has.subgroups.map(|_| Reduce::Subgroups));
    let maths = [
        (Math::F32, true),
        (Math::F16, has.f16 && lossy),
        (Math::Int8, has.int8 && lossy),
    ];
    let maths = || maths.into_iter().filter_map(|(math, may)| may.then_some(math));
    let mut all = Vec::new();
    for reduce in reduces {
        let mut next = *tuning;
        match part {
            Part::Gemv => {
                for (lanes, math) in [32, 64, 128]
                    .into_iter()
                    .flat_map(|n| maths().map(move |math| (n, math)))
                {
                    (next.gemv.reduce, next.gemv.lanes, next.gemv.math) = (reduce, lanes, math);
                    all.push(next);
                }
            }
            Part::Gemm => {
                for math in maths() {
                    (next.gemm.reduce, next.gemm.math) = (reduce, math);
                    all.push(next);
                }
            }
            Part::Attention => {
                for split in [256, 512, 1024] {
                    (next.attention.reduce, next.attention.split) = (reduce, split);
                    all.push(next);
                }
            }
        }
    }
    all.retain(|rival| rival != tuning);
    all
}
