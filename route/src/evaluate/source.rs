//! Where doubt comes from, and what is done with it.

use super::row::{Row, all_or_none};
use crate::measure::operate::{escalate_from, escalate_share};
use crate::measure::{Bootstrap, Ranking};
use crate::profile::Profile;
use crate::score::feature;
use crate::{Result, RouteError};

/// Which doubt is measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The rows' `score`.
    Score,
    /// The rows' `p_error`.
    Odds,
    /// One feature of their signals.
    Feature(String),
    /// The score of a calibration.
    Profile(Box<Profile>),
}

/// Which answers are escalated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operating {
    /// This share of all, the most doubtful.
    Share(f64),
    /// From this score on.
    From(f64),
    /// As the calibration says.
    Calibrated,
}

/// How to evaluate.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which doubt.
    pub source: Source,
    /// Which answers are escalated.
    pub operating: Operating,
    /// How intervals come about.
    pub bootstrap: Bootstrap,
    /// The largest share of wrong answers among those kept that is acceptable, to count how often it is broken.
    pub risk: Option<f64>,
    /// Of the split on which the task label is learnt.
    pub split_seed: u64,
}

/// Scores, and how much of each row is escalated.
pub struct Scored {
    pub name: String,
    pub scores: Vec<f64>,
    pub ranking: Ranking,
    pub escalated: Vec<f64>,
    /// Odds of an error, where the source says them.
    pub odds: Option<Vec<f64>>,
}

/// Looks doubt up, and decides.
///
/// # Errors
/// A row without it, a profile that gives none, a share or threshold that is no number.
pub fn score(rows: &[Row], options: &Options) -> Result<Scored> {
    let (name, scores) = scores(rows, &options.source)?;
    let ranking = Ranking::new(&scores)?;
    let escalated = match (options.operating, &options.source) {
        (Operating::Share(share), _) => {
            crate::document::between("escalation", Some(share), 0.0, 1.0)?;
            escalate_share(&ranking, share)
        }
        (Operating::From(threshold), _) => {
            crate::document::finite("threshold", Some(threshold))?;
            escalate_from(&scores, threshold)
        }
        (Operating::Calibrated, Source::Profile(profile)) => {
            let asks = |(row, &value): (&Row, &f64)| {
                let failed = row.signals.as_ref().is_some_and(crate::calibrate::checks_failed);
                f64::from(failed || profile.threshold_of(row.group.as_deref()).asks(value))
            };
            rows.iter().zip(&scores).map(asks).collect()
        }
        (Operating::Calibrated, _) => {
            return Err(RouteError::invalid(
                "profile",
                "a calibration, or a share, or a threshold",
                "none",
            ));
        }
    };
    let odds = match &options.source {
        Source::Odds => Some(scores.clone()),
        Source::Profile(profile) if profile.scorer.scale == crate::score::Scale::Error => Some(scores.clone()),
        _ => all_or_none(rows, "p_error", |r| r.p_error)?,
    };
    Ok(Scored {
        name,
        scores,
        ranking,
        escalated,
        odds,
    })
}

/// How a row's score is found.
type Lookup<'a> = Box<dyn Fn(&Row) -> Option<f64> + 'a>;

fn scores(rows: &[Row], source: &Source) -> Result<(String, Vec<f64>)> {
    let (name, get): (String, Lookup) = match source {
        Source::Score => ("score".into(), Box::new(|r| r.score)),
        Source::Odds => ("p_error".into(), Box::new(|r| r.p_error)),
        Source::Feature(name) => {
            let feature = feature(name).ok_or_else(|| {
                RouteError::invalid(
                    "signal",
                    "score, p_error or a feature of a signal, such as label_margin",
                    name,
                )
            })?;
            (name.clone(), Box::new(|r| feature.of(r.signals.as_ref()?)))
        }
        Source::Profile(profile) => (
            "profile".into(),
            Box::new(|r| profile.scorer.of_row(r.signals.as_ref(), r.score)),
        ),
    };
    let scores: Vec<Option<f64>> = rows.iter().map(get).collect();
    if let Some(at) = scores.iter().position(Option::is_none) {
        let got = format!("row {:?} has none", rows[at].id);
        return Err(RouteError::invalid(&name, "a number in every row", got));
    }
    Ok((name, scores.into_iter().flatten().collect()))
}
