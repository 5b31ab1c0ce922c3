//! Which of several local models is enough: the smallest whose quality is surely what is wanted.

use serde::Serialize;

use super::normal::quantile;
use crate::measure::Estimate;
use crate::{Result, RouteError};

/// One file and what was measured of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its size: what a device has to fetch.
    pub bytes: u64,
    /// Its quality; the interval's lower end is what counts.
    pub quality: Estimate,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Chosen {
    /// The smallest whose lower bound reaches the target.
    Smallest {
        /// Its name.
        name: String,
        /// Its size.
        bytes: u64,
        /// Smaller ones that may reach the target, too, but are not measured well enough: more items would tell.
        undecided: Vec<String>,
    },
    /// None is surely good enough.
    None {
        /// Those that may be.
        undecided: Vec<String>,
        /// Those that surely are not.
        excluded: Vec<String>,
    },
}

/// The quality that is wanted: a number, or between two where it is measured itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Wanted {
    /// What falls short of this is surely not enough.
    pub low: f64,
    /// What reaches this surely is.
    pub high: f64,
}

impl Wanted {
    /// A quality that is known.
    pub fn known(quality: f64) -> Wanted {
        let (low, high) = (quality, quality);
        Wanted { low, high }
    }

    /// The share `keep` of a remote model's quality; its bounds have to be as safe as the candidates' ([`quantile_each`], with one
    /// candidate more).
    ///
    /// # Errors
    /// A share outside of 0 to 1.
    pub fn of_remote(keep: f64, remote: &Estimate) -> Result<Wanted> {
        crate::document::between("keep", Some(keep), 0.0, 1.0)?;
        Ok(Wanted {
            low: keep * remote.low,
            high: keep * remote.high,
        })
    }
}

/// The normal quantile for one-sided bounds of `candidates` models that all hold together with probability `confidence`
/// (Bonferroni): the smallest is picked after looking, so each bound has to be safer.
///
/// # Errors
/// A confidence outside of (0, 1), no candidates.
pub fn quantile_each(confidence: f64, candidates: usize) -> Result<f64> {
    let each = 1.0 - (1.0 - confidence) / candidates as f64;
    if !(confidence > 0.0 && confidence < 1.0) || candidates == 0 {
        let got = format!("{confidence} for {candidates}");
        return Err(RouteError::invalid(
            "confidence",
            "a number between 0 and 1, and a candidate",
            got,
        ));
    }
    quantile(each).ok_or_else(|| RouteError::invalid("confidence", "a number further from 1", confidence))
}

/// The smallest candidate whose lower bound reaches what is wanted. Bounds come from the caller ([`quantile_each`]).
///
/// # Errors
/// No candidates, a name twice, a figure that is not finite.
pub fn right_size(candidates: &[Candidate], wanted: Wanted) -> Result<Chosen> {
    if candidates.is_empty() || !(wanted.low.is_finite() && wanted.high.is_finite()) {
        let got = format!("{} and {wanted:?}", candidates.len());
        return Err(RouteError::invalid(
            "candidates",
            "at least one, and a finite target",
            got,
        ));
    }
    for (i, c) in candidates.iter().enumerate() {
        if candidates[..i].iter().any(|other| other.name == c.name) {
            return Err(RouteError::invalid(
                "candidates",
                "different names",
                format!("{:?} twice", c.name),
            ));
        }
        if !(c.quality.low.is_finite() && c.quality.high.is_finite()) {
            return Err(RouteError::invalid(
                &c.name,
                "a finite quality",
                format!("{:?}", c.quality),
            ));
        }
    }
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by(|a, b| a.bytes.cmp(&b.bytes).then(b.quality.low.total_cmp(&a.quality.low)));
    let names = |of: &[&Candidate], keep: &dyn Fn(&Candidate) -> bool| -> Vec<String> {
        of.iter().filter(|c| keep(c)).map(|c| c.name.clone()).collect()
    };
    let may = |c: &Candidate| c.quality.high >= wanted.low;
    Ok(match order.iter().position(|c| c.quality.low >= wanted.high) {
        Some(at) => Chosen::Smallest {
            name: order[at].name.clone(),
            bytes: order[at].bytes,
            undecided: names(&order[..at], &may),
        },
        None => Chosen::None {
            undecided: names(&order, &may),
            excluded: names(&order, &|c| !may(c)),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::wilson;

    fn candidate(name: &str, bytes: u64, right: usize, n: usize) -> Candidate {
        Candidate {
            name: name.into(),
            bytes,
            quality: wilson(right, n, quantile_each(0.95, 3).unwrap()).unwrap(),
        }
    }

    #[test]
    fn the_smallest_whose_lower_bound_is_enough() {
        let all = [
            candidate("large", 900, 960, 1000),
            candidate("mid", 500, 930, 1000),
            candidate("small", 100, 46, 50),
        ];
        // 92 % of 50 may be 90 %, but is not surely so; 93 % of 1,000 is.
        let chosen = right_size(&all, Wanted::known(0.9)).unwrap();
        let expect = Chosen::Smallest {
            name: "mid".into(),
            bytes: 500,
            undecided: vec!["small".into()],
        };
        assert_eq!(chosen, expect);
        let none = right_size(&all, Wanted::known(0.97)).unwrap();
        assert!(
            matches!(&none, Chosen::None { undecided, excluded }
            if undecided == &["small", "large"] && excluded == &["mid"]),
            "{none:?}"
        );
    }

    /// 95 % of a remote model that is between 90 and 94 % right: what is surely above .893 is enough, what is surely below .855 not.
    #[test]
    fn a_share_of_the_remote_models_quality() {
        let remote = Estimate {
            value: 0.92,
            low: 0.9,
            high: 0.94,
            n: 1000,
            undefined: 0,
        };
        let wanted = Wanted::of_remote(0.95, &remote).unwrap();
        assert!((wanted.low - 0.855).abs() < 1e-12 && (wanted.high - 0.893).abs() < 1e-12);
        let all = [candidate("mid", 500, 930, 1000), candidate("small", 100, 880, 1000)];
        let chosen = right_size(&all, wanted).unwrap();
        assert!(
            matches!(&chosen, Chosen::Smallest { name, undecided, .. } if name == "mid" && undecided == &["small"])
        );
        // Against the very number, .874, the small one is undecided as well; one that is known to be worse is not.
        let worse = [candidate("mid", 500, 930, 1000), candidate("small", 100, 800, 1000)];
        let chosen = right_size(&worse, wanted).unwrap();
        assert!(matches!(&chosen, Chosen::Smallest { undecided, .. } if undecided.is_empty()));
        assert!(Wanted::of_remote(1.5, &remote).is_err() && Wanted::of_remote(f64::NAN, &remote).is_err());
    }

    #[test]
    fn more_candidates_need_safer_bounds() {
        assert!((quantile_each(0.95, 1).unwrap() - 1.644_853_626_951).abs() < 1e-9);
        assert!((quantile_each(0.95, 2).unwrap() - 1.959_963_984_540).abs() < 1e-9);
        for (confidence, n) in [(1.0, 1), (0.0, 1), (f64::NAN, 1), (0.9, 0)] {
            assert_eq!(quantile_each(confidence, n).unwrap_err().code(), "invalid_request");
        }
        let twice = [candidate("a", 1, 1, 2), candidate("a", 2, 1, 2)];
        let half = Wanted::known(0.5);
        assert!(right_size(&twice, half).is_err() && right_size(&[], half).is_err());
        assert!(right_size(&twice[..1], Wanted::known(f64::NAN)).is_err());
    }
}
