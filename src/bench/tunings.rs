//! Which ways of computing a case are measured.

use super::case::{Case, Stage};
use super::plan::Plan;
use crate::gpu::Abilities;
use crate::kernels::tuning::{Math, Reduce, Tuning};

const REDUCES: [Reduce; 3] = [Reduce::Serial, Reduce::Tree, Reduce::Subgroups];
const MATHS: [Math; 3] = [Math::F32, Math::F16, Math::Int8];
/// Threads of a workgroup.
const LANES: [u32; 3] = [32, 64, 128];

/// `base`, and with `all_tunings` every other way of this case that the device has.
pub fn of(plan: &Plan, case: &Case, base: &Tuning, abilities: Abilities) -> Vec<Tuning> {
    let mut found = vec![*base];
    if !plan.all_tunings {
        return found;
    }
    for reduce in REDUCES {
        if reduce == Reduce::Subgroups && abilities.subgroups.is_none() {
            continue;
        }
        if case.stage == Stage::Attention {
            add(
                &mut found,
                Tuning {
                    attention: crate::kernels::tuning::Attention {
                        reduce,
                        ..base.attention
                    },
                    ..*base
                },
            );
            continue;
        }
        for math in MATHS {
            let there = match math {
                Math::F32 => true,
                Math::F16 => abilities.f16,
                Math::Int8 => abilities.int8,
            };
            if !there {
                continue;
            }
            let mut tuning = *base;
            (tuning.gemm.reduce, tuning.gemm.math) = (reduce, math);
            (tuning.gemv.reduce, tuning.gemv.math) = (reduce, math);
            if case.tokens > 1 {
                tuning.gemv = base.gemv;
                add(&mut found, tuning);
                continue;
            }
            tuning.gemm = base.gemm;
            for lanes in LANES {
                tuning.gemv.lanes = if reduce == Reduce::Serial {
                    base.gemv.lanes
                } else {
                    lanes
                };
                add(&mut found, tuning);
            }
        }
    }
    found
}

fn add(found: &mut Vec<Tuning>, tuning: Tuning) {
    if !found.contains(&tuning) {
        found.push(tuning);
    }
}
