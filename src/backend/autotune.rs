//! Which variants of the kernels a device runs fastest: measured when a model first runs on it, within a second.
//!
//! One part of the tuning after another. A candidate is timed, by the time until a batch of dispatches in one submit is complete:
//! a device's own clock would slow it down. What the table says is only given up for something that is clearly faster, and that
//! is compared with its CPU twin before it is taken: what is wrong is out. What is slower need not be right.

pub mod device;
mod rivals;

pub use rivals::rivals;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::kernels::tuning::Tuning;

/// Milliseconds that all of it may take; what would end later is not begun.
pub const BUDGET_MS: f64 = 1000.0;
/// When each part of [`Part::ALL`] must be done, as a share of the budget: the first matters most.
const SHARES: [f64; Part::ALL.len()] = [0.6, 0.8, 1.0];
/// A candidate must be faster than the table's choice by this share: less is noise.
const NOISE: f64 = 0.03;
/// Timings of a candidate, of which the median counts: the first may have to compile.
const REPEATS: usize = 3;

/// A part of the tuning that is chosen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Products with one token.
    Gemv,
    /// Products with several tokens.
    Gemm,
    /// Attention of one token.
    Attention,
}

impl Part {
    /// All, in the order in which they are chosen.
    pub const ALL: [Part; 3] = [Part::Gemv, Part::Gemm, Part::Attention];

    /// This part of `tuning` in words: `tree 64 f32`.
    pub fn label(self, tuning: &Tuning) -> String {
        let text = match self {
            Part::Gemv => format!("{:?} {} {:?}", tuning.gemv.reduce, tuning.gemv.lanes, tuning.gemv.math),
            Part::Gemm => format!("{:?} {:?}", tuning.gemm.reduce, tuning.gemm.math),
            Part::Attention => format!("{:?} split {}", tuning.attention.reduce, tuning.attention.split),
        };
        text.to_lowercase()
    }
}

/// Where a tuning comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Nothing was measured: [`Tuning::of`].
    #[default]
    Table,
    /// Measured now.
    Measured,
    /// The caller said so: an earlier measurement, or a test.
    Given,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Of which part.
    pub part: Part,
    /// The variant.
    pub variant: String,
    /// Milliseconds of a batch; none where it was not timed.
    pub ms: Option<f64>,
    /// It does not compute what its twin does.
    pub wrong: bool,
}

/// A choice, and what it is based on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// The variants that run.
    pub tuning: Tuning,
    /// Where they come from.
    pub source: Source,
    /// What was measured, in order; the first of each part is the table's choice.
    pub trials: Vec<Trial>,
    /// Milliseconds that it took.
    pub ms: f64,
}

impl Tuned {
    /// A tuning that was not measured now.
    pub fn unmeasured(tuning: Tuning, source: Source) -> Self {
        Self {
            tuning,
            source,
            trials: Vec::new(),
            ms: 0.0,
        }
    }
}

/// What measures: a device, or a test's table.
#[allow(async_fn_in_trait)] // as of the operations: single-threaded by design
pub trait Bench {
    /// The clock, in milliseconds.
    fn now(&self) -> f64;

    /// Whether this part computes with `tuning` what its twin does.
    async fn agrees(&mut self, part: Part, tuning: &Tuning) -> Result<bool>;

    /// Milliseconds of one batch; none where the clock cannot tell.
    async fn time(&mut self, part: Part, tuning: &Tuning) -> Result<Option<f64>>;
}

/// Chooses each part of the tuning, beginning with what the table says.
///
/// # Errors
/// Those of the device. A candidate that is wrong is none.
pub async fn choose(
    bench: &mut impl Bench,
    table: Tuning,
    rivals: impl Fn(Part, &Tuning) -> Vec<Tuning>,
) -> Result<Tuned> {
    let begun = bench.now();
    let mut tuned = Tuned::unmeasured(table, Source::Measured);
    for (part, share) in Part::ALL.into_iter().zip(SHARES) {
        let first = tuned.tuning;
        let end = begun + share * BUDGET_MS;
        if bench.now() > end {
            continue;
        }
        let Some(usual) = median(bench, part, &first, f64::INFINITY).await? else {
            continue; // a clock that cannot tell how long this takes cannot compare, either
        };
        let note = |variant: &Tuning, ms, wrong| Trial {
            part,
            variant: part.label(variant),
            ms,
            wrong,
        };
        tuned.trials.push(note(&first, Some(usual), false));
        let mut best = usual * (1.0 - NOISE);
        // A rival may take as long as the usual one does, each time; and as the one before, which had to be compiled, too.
        let mut whole = REPEATS as f64 * usual;
        for rival in rivals(part, &first) {
            let begun = bench.now();
            if begun + whole > end {
                tuned.trials.push(note(&rival, None, false));
                continue;
            }
            let ms = median(bench, part, &rival, 2.0 * usual).await?;
            let faster = ms.filter(|ms| *ms < best);
            let wrong = faster.is_some() && !bench.agrees(part, &rival).await?;
            tuned.trials.push(note(&rival, ms, wrong));
            if let Some(ms) = faster.filter(|_| !wrong) {
                (tuned.tuning, best) = (rival, ms);
            }
            whole = whole.max(bench.now() - begun);
        }
    }
    tuned.ms = bench.now() - begun;
    Ok(tuned)
}

/// The median of a few timings; of two that are `hopeless` the second is taken for it, and the rest is not waited for.
async fn median(bench: &mut impl Bench, part: Part, tuning: &Tuning, hopeless: f64) -> Result<Option<f64>> {
    let mut times = Vec::with_capacity(REPEATS);
    while times.len() < REPEATS {
        match bench.time(part, tuning).await? {
            Some(ms) if times.last().is_some_and(|last| *last > hopeless) && ms > hopeless => return Ok(Some(ms)),
            Some(ms) => times.push(ms),
            None => return Ok(None),
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(Some(times[REPEATS / 2]))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use pollster::block_on;

    use super::*;
    use crate::gpu::Abilities;
    use crate::kernels::tuning::{Attention, Gemm, Gemv, Math, Reduce};

    const TABLE: Tuning = Tuning {
        gemv: Gemv {
            reduce: Reduce::Tree,
            lanes: 64,
            math: Math::F32,
        },
        gemm: Gemm {
            reduce: Reduce::Tree,
            math: Math::F32,
        },
        attention: Attention {
            reduce: Reduce::Tree,
            split: 512,
        },
    };
    const ALL: Abilities = Abilities {
        subgroups: Some((32, 32)),
        f16: true,
        int8: true,
    };

    /// A device of which every figure is known: milliseconds by label, one after the other, the last one again and again.
    #[derive(Default)]
    struct Fake {
        times: HashMap<&'static str, Vec<f64>>,
        wrong: Vec<&'static str>,
        coarse: bool,
        now: f64,
        asked: HashMap<String, usize>,
    }

    impl Fake {
        /// Whatever is not named takes 10 ms.
        fn of(times: &[(&'static str, &[f64])]) -> Self {
            Self {
                times: times.iter().map(|(name, ms)| (*name, ms.to_vec())).collect(),
                ..Self::default()
            }
        }

        fn choose(&mut self, lossy: bool) -> Tuned {
            block_on(choose(self, TABLE, |part, tuning| rivals(part, tuning, ALL, lossy))).expect("a choice")
        }
    }

    impl Bench for Fake {
        fn now(&self) -> f64 {
            self.now
        }

        async fn agrees(&mut self, part: Part, tuning: &Tuning) -> Result<bool> {
            Ok(!self.wrong.contains(&&*part.label(tuning)))
        }

        async fn time(&mut self, part: Part, tuning: &Tuning) -> Result<Option<f64>> {
            let label = part.label(tuning);
            let nth = self.asked.entry(label.clone()).or_default();
            let ms = self
                .times
                .get(&*label)
                .map_or(10.0, |all| all[(*nth).min(all.len() - 1)]);
            *nth += 1;
            self.now += ms;
            Ok((!self.coarse).then_some(ms))
        }
    }

    /// Fast enough that all of it is within the budget.
    const QUICK: [(&str, &[f64]); 1] = [("gemv tree 64 f32", &[10.0])];

    #[test]
    fn the_fastest_is_taken_in_each_part() {
        let mut fake = Fake::of(&[
            ("subgroups 32 f32", &[6.0]),
            ("subgroups 64 f32", &[5.0]),
            ("subgroups f32", &[8.0]),
            ("tree split 256", &[9.0]),
        ]);
        let tuned = fake.choose(false);
        assert_eq!(tuned.source, Source::Measured);
        assert_eq!(Part::Gemv.label(&tuned.tuning), "subgroups 64 f32");
        assert_eq!(Part::Gemm.label(&tuned.tuning), "subgroups f32");
        assert_eq!(Part::Attention.label(&tuned.tuning), "tree split 256");
        assert_eq!(tuned.ms, fake.now);
        assert_eq!(tuned.trials[0].variant, "tree 64 f32", "the table's choice comes first");
    }

    #[test]
    fn noise_and_ties_are_no_reason_to_change() {
        let tie = Fake::of(&QUICK).choose(false);
        assert_eq!(tie.tuning, TABLE);
        let within = Fake::of(&[("subgroups 64 f32", &[9.75])]).choose(false);
        assert_eq!(within.tuning, TABLE, "2.5 % faster");
        let beyond = Fake::of(&[("subgroups 64 f32", &[9.65])]).choose(false);
        assert_eq!(Part::Gemv.label(&beyond.tuning), "subgroups 64 f32", "3.5 % faster");
        let equals = Fake::of(&[("tree 32 f32", &[5.0]), ("subgroups 64 f32", &[5.0])]).choose(false);
        assert_eq!(
            Part::Gemv.label(&equals.tuning),
            "tree 32 f32",
            "the first of two equals"
        );
    }

    #[test]
    fn one_slow_timing_of_three_does_not_count() {
        let compiled = Fake::of(&[("subgroups 64 f32", &[19.0, 5.0, 5.0])]).choose(false);
        assert_eq!(Part::Gemv.label(&compiled.tuning), "subgroups 64 f32");
        let lucky = Fake::of(&[("subgroups 64 f32", &[5.0, 11.0, 11.0])]).choose(false);
        assert_eq!(lucky.tuning, TABLE);
    }

    #[test]
    fn what_is_wrong_is_dropped_and_noted_however_fast() {
        let mut fake = Fake::of(&[("subgroups 64 f32", &[1.0])]);
        fake.wrong.push("subgroups 64 f32");
        let tuned = fake.choose(false);
        assert_eq!(tuned.tuning, TABLE);
        let wrong: Vec<_> = tuned.trials.iter().filter(|trial| trial.wrong).collect();
        assert_eq!(wrong.len(), 1);
        assert_eq!((&*wrong[0].variant, wrong[0].ms), ("subgroups 64 f32", Some(1.0)));
        fake.times.insert("tree 32 f32", vec![9.0]);
        fake.asked.clear();
        fake.now = 0.0;
        let next = fake.choose(false);
        assert_eq!(
            Part::Gemv.label(&next.tuning),
            "tree 32 f32",
            "the fastest of those that are right"
        );
    }

    #[test]
    fn lossy_variants_run_only_where_they_are_allowed() {
        let times: [(&str, &[f64]); 1] = [("tree 64 int8", &[1.0])];
        let exact = Fake::of(&times).choose(false);
        assert_eq!(exact.tuning, TABLE);
        assert!(exact.trials.iter().all(|trial| !trial.variant.contains("int8")));
        let lossy = Fake::of(&times).choose(true);
        assert_eq!(Part::Gemv.label(&lossy.tuning), "tree 64 int8");
        let none = rivals(Part::Gemv, &TABLE, Abilities::default(), true);
        assert!(
            none.iter()
                .all(|t| t.gemv.reduce == Reduce::Tree && t.gemv.math == Math::F32)
        );
    }

    #[test]
    fn a_slow_device_keeps_to_the_budget_and_to_what_it_has_compared() {
        let slow: [(&str, &[f64]); 3] = [
            ("tree 64 f32", &[60.0]),
            ("tree 32 f32", &[50.0]),
            ("tree 128 f32", &[40.0]),
        ];
        let mut fake = Fake::of(&slow);
        let tuned = fake.choose(false);
        assert!(fake.now <= BUDGET_MS, "{} ms", fake.now);
        assert_eq!(Part::Gemv.label(&tuned.tuning), "tree 128 f32");
        assert!(
            tuned.trials.iter().any(|trial| trial.ms.is_none() && !trial.wrong),
            "some were left out"
        );
        let mut hopeless = Fake::of(&[("tree 32 f32", &[100.0])]);
        assert_eq!(hopeless.choose(false).tuning, TABLE);
        assert_eq!(hopeless.asked["tree 32 f32"], 2, "not a third time");
    }

    #[test]
    fn what_took_long_to_compile_is_expected_of_the_next_one_too() {
        let mut fake = Fake::of(&[("tree 32 f32", &[400.0, 10.0])]);
        let tuned = fake.choose(false);
        assert!(fake.now <= BUDGET_MS, "{} ms", fake.now);
        let left: Vec<_> = tuned.trials.iter().filter(|trial| trial.ms.is_none()).collect();
        assert!(
            left.len() >= 4 && left.iter().all(|trial| trial.part == Part::Gemv),
            "{left:?}"
        );
    }

    #[test]
    fn a_clock_that_cannot_tell_changes_nothing() {
        let mut fake = Fake::of(&[("subgroups 64 f32", &[1.0])]);
        fake.coarse = true;
        let tuned = fake.choose(false);
        assert_eq!((tuned.tuning, tuned.trials.len()), (TABLE, 0));
    }
}
