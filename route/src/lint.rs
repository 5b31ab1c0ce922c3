//! What is wrong with a calibration set, before anything is made of it. Each finding has a code and says what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::calibrate::{MIN_GROUP, Row, Selected};
use crate::day0::ENOUGH;
use crate::error::{Result, RouteError};
use crate::profile::{LabelSource, Target, clipped};
use crate::score::{MIN_EACH, feature};

/// Rows of a class without which nothing is known of it.
pub const MIN_CLASS: usize = 5;

/// A share of wrong answers outside of these leaves little to learn from one side.
const SHARES: (f64, f64) = (0.01, 0.5);

/// Share of rows without a signal from which it is no accident.
const MISSING: f64 = 0.05;

/// Standard errors between the shares of wrong answers in both halves of the time: beyond three, chance is one in 370.
const DRIFTING: f64 = 3.0;

/// Findings of one kind that are named one by one.
const NAMED: usize = 5;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The profile will say less than it could.
    Warn,
    /// What it says will not be true of the traffic.
    Stop,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// For machines: `too_few`, `duplicate_id`, …
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// Rows that it is about.
    pub rows: usize,
    /// What was found, and what to do.
    pub message: String,
}

/// What the set should be like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expected {
    /// All classes that the traffic has; empty: unknown.
    pub classes: Vec<String>,
    /// Features that a score will be fitted to; empty: it is there already.
    pub features: Vec<String>,
    /// What will be promised; none: a risk. A rate takes no labels.
    pub target: Option<Target>,
}

/// What becomes of a set with a finding that says [`Severity::Stop`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stops {
    /// No profile is made of it.
    Refuse,
    /// One is, and its notes say why its promise may not be true.
    Note,
}

/// The notes that a profile of this set has to have.
///
/// # Errors
/// `invalid_request` with the codes, where a finding stops and [`Stops::Refuse`] is wanted.
pub fn admit(findings: &[Finding], stops: Stops) -> Result<Vec<String>> {
    let found = || findings.iter().filter(|f| f.severity == Severity::Stop);
    if stops == Stops::Refuse && found().next().is_some() {
        let codes: Vec<&str> = found().map(|f| f.code.as_str()).collect();
        return Err(RouteError::invalid(
            "rows",
            "a set of which no finding says `stop` (docs/calibration.md), or a caller who goes on despite them",
            codes.join(", "),
        ));
    }
    let note = |f: &Finding| clipped(format!("despite the lint, {} ({} rows): {}", f.code, f.rows, f.message));
    Ok(found().map(note).collect())
}

/// Looks at a calibration set. The findings' order is fixed.
pub fn lint(rows: &[Row], expected: &Expected) -> Vec<Finding> {
    let mut out = Vec::new();
    size(rows, expected, &mut out);
    twins(rows, &mut out);
    classes(rows, expected, &mut out);
    groups(rows, &mut out);
    labels(rows, &mut out);
    sides(rows, expected, &mut out);
    selected(rows, &mut out);
    signals(rows, expected, &mut out);
    time(rows, &mut out);
    out
}

fn found(out: &mut Vec<Finding>, code: &str, severity: Severity, rows: usize, message: String) {
    if rows > 0 {
        out.push(Finding {
            code: code.into(),
            severity,
            rows,
            message,
        });
    }
}

fn wrong(rows: &[Row]) -> usize {
    rows.iter().filter(|r| r.local_ok == Some(false)).count()
}

fn labelled(rows: &[Row]) -> usize {
    rows.iter().filter(|r| r.local_ok.is_some()).count()
}

fn size(rows: &[Row], expected: &Expected, out: &mut Vec<Finding>) {
    let n = labelled(rows);
    if n == 0 {
        let message = "no row is labelled: only `escalationRate` is possible".into();
        let severity = match expected.target {
            Some(Target::EscalationRate { .. }) => Severity::Warn,
            _ => Severity::Stop,
        };
        return found(out, "no_labels", severity, rows.len().max(1), message);
    }
    if n < ENOUGH {
        let message =
            format!("{n} labelled rows of {ENOUGH}: label more; a risk of 5 % is seldom certified with fewer");
        found(out, "too_few", Severity::Warn, n, message);
    }
    let unlabelled = rows.len() - n;
    let message = format!("{unlabelled} rows have no label: they serve only the reference for drift");
    found(out, "unlabelled", Severity::Warn, unlabelled, message);
}

fn twins(rows: &[Row], out: &mut Vec<Finding>) {
    let ids = repeated(rows.iter().map(|r| Some(r.id.as_str()).filter(|id| !id.is_empty())));
    let message = format!(
        "ids stand more than once ({}): remove the copies, they count as evidence twice",
        ids.1
    );
    found(out, "duplicate_id", Severity::Stop, ids.0, message);
    let nameless = rows.iter().filter(|r| r.id.is_empty()).count();
    let message = "rows without an id: give each its own, for what is fitted and what is certified are told apart by it, and copies are found by it".into();
    found(out, "missing_id", Severity::Stop, nameless, message);
    let texts = repeated(rows.iter().map(|r| r.text_digest.as_deref()));
    let message = "requests with the same text: keep one of each, unless the traffic repeats itself as often".into();
    found(out, "duplicate_text", Severity::Warn, texts.0, message);
}

/// Rows that repeat a key of an earlier one, and some of the keys.
fn repeated<'a>(keys: impl Iterator<Item = Option<&'a str>>) -> (usize, String) {
    let mut seen = BTreeSet::new();
    let mut again = Vec::new();
    for key in keys.flatten() {
        if !seen.insert(key) {
            again.push(key);
        }
    }
    let n = again.len();
    again.sort_unstable();
    again.dedup();
    (n, some(&again))
}

fn some(names: &[&str]) -> String {
    let mut text = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        text.push_str(", …");
    }
    text
}

fn classes(rows: &[Row], expected: &Expected, out: &mut Vec<Finding>) {
    let mut counts: BTreeMap<&str, usize> = expected.classes.iter().map(|c| (c.as_str(), 0)).collect();
    for class in rows.iter().filter_map(|r| r.class.as_deref()) {
        *counts.entry(class).or_default() += 1;
    }
    let absent: Vec<&str> = counts.iter().filter(|(_, n)| **n == 0).map(|(c, _)| *c).collect();
    let message = format!(
        "classes without a row ({}): nothing is known of them; add rows of each",
        some(&absent)
    );
    found(out, "class_missing", Severity::Warn, absent.len(), message);
    let few = |n: &usize| (1..MIN_CLASS).contains(n);
    let rare: Vec<&str> = counts.iter().filter(|(_, n)| few(n)).map(|(c, _)| *c).collect();
    let message = format!(
        "classes with fewer than {MIN_CLASS} rows ({}): add rows, if they are not as rare in traffic",
        some(&rare)
    );
    found(out, "class_rare", Severity::Warn, rare.len(), message);
}

fn groups(rows: &[Row], out: &mut Vec<Finding>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for group in rows.iter().filter_map(|r| r.group.as_deref()) {
        *counts.entry(group).or_default() += 1;
    }
    let small: Vec<&str> = counts
        .iter()
        .filter(|(_, n)| **n < MIN_GROUP)
        .map(|(g, _)| *g)
        .collect();
    let message = format!(
        "groups with fewer than {MIN_GROUP} rows ({}) have the pooled threshold; label more of them",
        some(&small)
    );
    found(out, "group_small", Severity::Warn, small.len(), message);
}

fn labels(rows: &[Row], out: &mut Vec<Finding>) {
    let mut sources: BTreeMap<Option<LabelSource>, usize> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.local_ok.is_some()) {
        *sources.entry(row.label_source).or_default() += 1;
    }
    let unknown = sources.get(&None).copied().unwrap_or(0);
    let message =
        "labels of unknown origin: say whether a person, a verifier, the right answer or the remote says so".into();
    found(out, "label_origin_unknown", Severity::Warn, unknown, message);
    let agreement = sources.get(&Some(LabelSource::RemoteAgreement)).copied().unwrap_or(0);
    let message = "labels by agreement with the remote inherit its errors: the risk is of differing from it; have a person check a sample".into();
    found(out, "label_remote_agreement", Severity::Warn, agreement, message);
    if sources.len() > 1 {
        let message = "labels of several origins: calibrate with one of them, or report them apart".into();
        found(out, "label_origin_mixed", Severity::Warn, labelled(rows), message);
    }
}

fn sides(rows: &[Row], expected: &Expected, out: &mut Vec<Finding>) {
    let (n, bad) = (labelled(rows), wrong(rows));
    if n == 0 {
        return;
    }
    if bad < MIN_EACH || n - bad < MIN_EACH {
        let message = format!(
            "{bad} wrong and {} right answers: a score needs {MIN_EACH} of either; label more",
            n - bad
        );
        let severity = if expected.features.is_empty() {
            Severity::Warn
        } else {
            Severity::Stop
        };
        found(out, "one_sided", severity, n, message);
    }
    let share = bad as f64 / n as f64;
    if share < SHARES.0 || share > SHARES.1 {
        let message = format!(
            "{:.1} % of the answers are wrong: is this set like the traffic?",
            100.0 * share
        );
        found(out, "error_share", Severity::Warn, bad.max(1), message);
    }
}

/// Whether the rows are not a sample of all traffic.
fn selected(rows: &[Row], out: &mut Vec<Finding>) {
    let selected = |s: Selected| rows.iter().filter(|r| r.selected == Some(s)).count();
    let only = "say nothing of the others, and no risk of all traffic follows from them; label a random sample";
    for (s, code, what) in [
        (
            Selected::Kept,
            "selected_kept",
            "answers labelled because they were kept",
        ),
        (
            Selected::Escalated,
            "selected_escalated",
            "answers labelled because they were escalated",
        ),
        (
            Selected::Feedback,
            "selected_feedback",
            "answers labelled because somebody spoke of them",
        ),
    ] {
        found(out, code, Severity::Stop, selected(s), format!("{what} {only}"));
    }
}

fn signals(rows: &[Row], expected: &Expected, out: &mut Vec<Finding>) {
    let none = rows.iter().filter(|r| r.signals.is_none() && r.score.is_none()).count();
    let message = "rows with neither signals nor a score: they count for nothing".into();
    found(out, "no_signals", Severity::Warn, none, message);
    for name in &expected.features {
        let Some(known) = feature(name) else {
            let message = format!("{name} is no feature of this version (docs/calibration.md)");
            found(out, "feature_unknown", Severity::Stop, rows.len(), message);
            continue;
        };
        let with = rows.iter().filter(|r| r.signals.is_some());
        let lacking = with
            .filter(|r| r.signals.as_ref().is_some_and(|s| known.of(s).is_none()))
            .count();
        if lacking as f64 > MISSING * rows.len() as f64 {
            let message = format!("{name} is missing in {lacking} rows: leave it out, or see why it is not measured");
            found(out, "signal_missing", Severity::Warn, lacking, message);
        }
    }
}

/// Whether errors come and go with the time.
fn time(rows: &[Row], out: &mut Vec<Finding>) {
    let mut timed: Vec<(f64, bool)> = rows.iter().filter_map(|r| Some((r.time?, !r.local_ok?))).collect();
    timed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (early, late) = timed.split_at(timed.len() / 2);
    if early.is_empty() {
        return;
    }
    let share = |half: &[(f64, bool)]| half.iter().filter(|(_, bad)| *bad).count() as f64 / half.len() as f64;
    let (a, b) = (share(early), share(late));
    let all = share(&timed);
    let error = (all * (1.0 - all) * (1.0 / early.len() as f64 + 1.0 / late.len() as f64)).sqrt();
    if (a - b).abs() > DRIFTING * error {
        let message = format!(
            "{:.1} % of the earlier half are wrong and {:.1} % of the later one: traffic changed; calibrate with the later rows",
            100.0 * a,
            100.0 * b
        );
        found(out, "drifting", Severity::Stop, timed.len(), message);
    }
}
