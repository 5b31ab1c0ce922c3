//! Populations of scores, stated before anything was computed from them.
//!
//! A score of doubt has the law Beta(1, b) where the answer is right and Beta(2, c) where it is wrong or out of scope. The
//! area under the ROC curve of the two follows: 1 - E[(1 - W)^b] with W ~ Beta(2, c).

use kinglet_route::measure::SplitMix64;
use kinglet_route::profile::Binding;
use kinglet_route::signals::{Origin, SIGNAL_VERSION, Signals};

/// True in a soak run: the large counts.
pub fn soak() -> bool {
    std::env::var_os("KINGLET_SOAK").is_some()
}

/// Laws of scores.
#[derive(Debug, Clone, Copy)]
pub struct Laws {
    pub name: &'static str,
    /// Of right answers: Beta(1, `right`).
    pub right: u32,
    /// Of wrong ones: Beta(2, `wrong`).
    pub wrong: u32,
    /// What that is as an area under the ROC curve.
    pub auroc: f64,
}

/// What CLINC150 showed with a small head (routing.md D2: .914 to .922).
pub const CLINC: Laws = Laws {
    name: "auroc .909",
    right: 8,
    wrong: 3,
    auroc: 0.9091,
};

/// A better signal.
pub const SHARP: Laws = Laws {
    name: "auroc .971",
    right: 12,
    wrong: 2,
    auroc: 0.9714,
};

/// A worse one.
pub const DULL: Laws = Laws {
    name: "auroc .833",
    right: 5,
    wrong: 3,
    auroc: 0.8333,
};

/// Wrong answers in scope: one less the accuracy of routing.md D2 (92.1 %).
pub const ERRORS: f64 = 0.079;

/// Out-of-scope share of the calibration set, and after the change (issue 6).
pub const BEFORE: f64 = 0.053;
pub const AFTER: f64 = 0.18;

/// Beta(a, b) for integers: the a-th smallest of a + b - 1 uniform numbers.
fn beta(random: &mut SplitMix64, a: u32, b: u32) -> f64 {
    let mut uniform: Vec<f64> = (1..a + b).map(|_| random.unit()).collect();
    uniform.sort_by(f64::total_cmp);
    uniform[a as usize - 1]
}

impl Laws {
    /// A score of an answer that is wrong, or is not.
    pub fn score(&self, random: &mut SplitMix64, wrong: bool) -> f64 {
        if wrong {
            beta(random, 2, self.wrong)
        } else {
            beta(random, 1, self.right)
        }
    }

    /// An answer from traffic with this share out of scope, all of whose answers are wrong, and [`ERRORS`] in scope.
    pub fn answer(&self, random: &mut SplitMix64, out_of_scope: f64) -> (f64, bool) {
        let wrong = random.unit() < out_of_scope || random.unit() < ERRORS;
        (self.score(random, wrong), wrong)
    }

    /// The same where the score knows nothing of errors in scope, only what is out of it.
    pub fn scope(&self, random: &mut SplitMix64, out_of_scope: f64) -> f64 {
        let outside = random.unit() < out_of_scope;
        self.score(random, outside)
    }
}

/// Signals with one number.
pub fn signals(score: f64) -> Signals {
    Signals {
        version: SIGNAL_VERSION,
        origin: Origin::Measured,
        label_margin: Some(1.0 - score),
        ..Signals::default()
    }
}

pub fn binding() -> Binding {
    Binding {
        model_hash: "m".into(),
        quantization: "Q8_0".into(),
        tokenizer_hash: "t".into(),
        template_hash: "c".into(),
        sampler: "greedy".into(),
        signal_version: SIGNAL_VERSION,
    }
}

#[test]
fn the_laws_have_the_areas_they_say() {
    for laws in [CLINC, SHARP, DULL] {
        let mut random = SplitMix64::new(1);
        let n = 40_000;
        let won = (0..n)
            .filter(|_| laws.score(&mut random, true) > laws.score(&mut random, false))
            .count();
        let area = won as f64 / f64::from(n);
        // Four standard errors are below .008.
        assert!((area - laws.auroc).abs() < 0.008, "{}: {area}", laws.name);
    }
}
