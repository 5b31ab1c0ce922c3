//! From labelled answers to a profile.
//!
//! A score that is fitted here sees one third of the rows ([`FIT_PART`]) and never the others: thresholds, certificates and
//! held-out figures are of rows that the score and its isotonic curve were not fitted to. A score that is given is as it
//! is, and all rows serve the threshold.

pub mod binomial;
mod certify;
mod held_out;
mod rows;
mod threshold;

use std::collections::BTreeMap;

pub use certify::{
    Certificate, MAX_DECLARED, Promise, START_ERRORS, START_PART, STEPS, Scored, Sequence, Shortfall, Verdict, certify,
    kept_counts,
};
pub use rows::{MAX_ROWS, Row, Selected, checks_failed, ordered};
pub use threshold::{MIN_GROUP, quantile};

use crate::error::{Result, RouteError};
use crate::profile::{
    Binding, Count, Histogram, LabelSource, Latency, Profile, Reference, SCHEMA_VERSION, Target, watched,
};
use crate::score::{Example, Outcome, Scale, Scorer, fit_scorer};

/// One row in so many is for fitting the score: enough for a handful of weights, while the certificate, which needs rows
/// most, keeps two thirds.
pub const FIT_PART: usize = 3;

/// How a score comes about.
#[derive(Debug, Clone, PartialEq)]
pub enum Scoring {
    /// Fitted to a third of the rows.
    Fit {
        /// Names of features, at most 16.
        features: Vec<String>,
        /// [`Scale::Error`] or [`Scale::Gain`].
        scale: Scale,
    },
    /// It is there already; it must not have seen these rows.
    Given(Scorer),
}

/// What to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// What the app calls the task.
    pub task: String,
    /// Today, `YYYY-MM-DD`: nothing here reads a clock.
    pub created: String,
    /// What the answers were made with.
    pub binding: Binding,
    /// What is promised.
    pub target: Target,
    /// How the score comes about.
    pub scoring: Scoring,
    /// Of the certificate; only [`Target::Risk`] looks at it.
    pub sequence: Sequence,
}

/// A row with its value.
pub(crate) struct Valued<'a> {
    row: &'a Row,
    value: f64,
}

/// Makes a profile. The same rows in another order give the same profile.
///
/// Rows whose checks failed ([`checks_failed`]) take no part in scores and thresholds: they ask for the remote anyway. Nor
/// do rows without a score.
///
/// # Errors
/// `invalid_request`: rows or options that make no sense, too few of either outcome to fit a score. `cannot_certify`, with
/// the number of labels that it would take: docs/calibration.md.
pub fn calibrate(rows: &[Row], options: &Options) -> Result<Profile> {
    let (ordered, data_digest) = ordered(rows)?;
    let labelled = ordered.iter().filter(|r| r.local_ok.is_some()).count() as u64;
    let positives = ordered.iter().filter(|r| r.local_ok == Some(false)).count() as u64;
    let mut notes = Vec::new();
    let (scorer, rest) = match &options.scoring {
        Scoring::Given(scorer) => (scorer.clone().checked()?, ordered.as_slice()),
        Scoring::Fit { features, scale } => {
            let (fit, rest) = ordered.split_at(ordered.len().div_ceil(FIT_PART));
            notes.push(format!(
                "score fitted to {} rows, threshold from {} others",
                fit.len(),
                rest.len()
            ));
            (fitted(fit, features, *scale)?, rest)
        }
    };
    let (hard, checked): (Vec<&Row>, Vec<&Row>) = rest.iter().copied().partition(|r| r.checks_failed());
    let valued: Vec<Valued> = checked.iter().filter_map(|row| value(&scorer, row)).collect();
    if valued.is_empty() {
        return Err(RouteError::invalid(
            "rows",
            "a row with a score, or with all signals that the score needs",
            "none",
        ));
    }
    if valued.len() < checked.len() {
        let without = checked.len() - valued.len();
        notes.push(format!(
            "{without} rows have no score; such answers follow the conservative rule"
        ));
    }
    let set = threshold::set(&valued, &hard, scorer.scale, options, &mut notes)?;
    let asked = valued.iter().filter(|v| set.of(v.row).asks(v.value)).count();
    let values: Vec<f64> = valued.iter().map(|v| v.value).collect();
    let signals: Option<Vec<_>> = valued.iter().map(|v| v.row.signals.as_ref()).collect();
    let durations: Vec<f64> = checked.iter().filter_map(|row| row.local_ms).collect();
    let profile = Profile {
        schema_version: SCHEMA_VERSION,
        created: options.created.clone(),
        task: options.task.clone(),
        binding: options.binding.clone(),
        label_source: label_source(&ordered),
        n: labelled,
        positives,
        held_out: held_out::figures(&valued, scorer.scale),
        scorer,
        target: options.target,
        threshold: set.pooled,
        groups: set.groups,
        reference: Reference {
            score: Histogram::of(&values),
            asked: Count {
                k: asked as u64,
                n: valued.len() as u64,
            },
            verifier_failed: Count {
                k: hard.len() as u64,
                n: rest.len() as u64,
            },
            signals: watched(&signals.unwrap_or_default()),
            latency: Latency::of(&durations),
        },
        data_digest,
        notes,
    };
    profile.checked()
}

fn fitted(rows: &[&Row], features: &[String], scale: Scale) -> Result<Scorer> {
    if scale == Scale::Doubt {
        return Err(RouteError::invalid("scoring.scale", "error or gain", "doubt"));
    }
    let mut examples: Vec<Example> = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|r| !r.checks_failed()) {
        if let (Some(signals), Some(local_ok)) = (&row.signals, row.local_ok) {
            let remote_ok = row.remote_ok;
            examples.push((signals, Outcome { local_ok, remote_ok }));
        }
    }
    let names: Vec<&str> = features.iter().map(String::as_str).collect();
    fit_scorer(&examples, &names, scale)
}

fn value<'a>(scorer: &Scorer, row: &'a Row) -> Option<Valued<'a>> {
    let value = scorer.of_row(row.signals.as_ref(), row.score)?;
    Some(Valued { row, value })
}

fn label_source(rows: &[&Row]) -> LabelSource {
    let mut sources = rows.iter().filter(|r| r.local_ok.is_some()).map(|r| r.label_source);
    match sources.next() {
        Some(Some(first)) if sources.all(|s| s == Some(first)) => first,
        _ => LabelSource::Mixed,
    }
}

/// Rows by group, those without one left out.
pub(crate) fn by_group<'a, 'b>(valued: &'a [Valued<'b>]) -> BTreeMap<&'b str, Vec<&'a Valued<'b>>> {
    let mut groups: BTreeMap<&str, Vec<&Valued>> = BTreeMap::new();
    for v in valued {
        if let Some(group) = &v.row.group {
            groups.entry(group).or_default().push(v);
        }
    }
    groups
}
