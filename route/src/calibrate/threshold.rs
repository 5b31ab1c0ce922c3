//! Where answers part: a quantile, a certificate, or a price; pooled, and for each group that is large enough.

use std::collections::BTreeMap;

use super::certify::{Certificate, Promise, Scored, Shortfall, Verdict, certify};
use super::{Options, Row, Sequence, Valued, by_group};
use crate::error::{Result, RouteError};
use crate::math::decimal;
use crate::profile::{MAX_GROUPS, Target, Threshold, chow};
use crate::score::Scale;

/// Rows that a group needs for a threshold of its own. A rate of 12 % from 100 scores is realised within ± 3.3 points
/// (one standard deviation), and a risk of 5 % bears one error in 100 (δ = 0.1).
pub const MIN_GROUP: usize = 100;

/// Thresholds of a profile.
pub(super) struct Set {
    pub(super) pooled: Threshold,
    pub(super) groups: BTreeMap<String, Threshold>,
}

impl Set {
    pub(super) fn of(&self, row: &Row) -> &Threshold {
        let own = row.group.as_ref().and_then(|g| self.groups.get(g));
        own.unwrap_or(&self.pooled)
    }
}

/// All thresholds. `hard`: rows that ask for the remote whatever their score.
pub(super) fn set(
    valued: &[Valued],
    hard: usize,
    scale: Scale,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<Set> {
    match options.target {
        Target::EscalationRate { rate } => rates(valued, hard, rate, notes),
        Target::Risk { alpha, delta } => risks(valued, Promise { alpha, delta }, &options.sequence, notes),
        Target::ValuePerCorrect { value, cost } => {
            if value == 0 {
                return Err(RouteError::invalid("target.value", "more than 0", 0));
            }
            let (fixes, holds) = remote(valued, scale)?;
            let pooled = Threshold::ValuePerCorrect {
                below: chow(cost as f64 / value as f64, fixes, holds),
                value,
                cost,
                fixes,
                holds,
            };
            // The price is the same for all; only the odds differ, and they are the score's.
            let groups = BTreeMap::new();
            Ok(Set { pooled, groups })
        }
    }
}

/// The threshold above which about `rate` of these values lie: of the two that are nearest, the nearer (ties: the one that
/// asks less). None: nothing is asked.
pub fn quantile(values: &[f64], rate: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let wanted = rate * sorted.len() as f64;
    let at = sorted.get((wanted.floor() as usize).min(sorted.len().checked_sub(1)?))?;
    let more = sorted.partition_point(|v| v >= at);
    let fewer = sorted.partition_point(|v| v > at);
    if more as f64 - wanted < wanted - fewer as f64 {
        return Some(decimal(*at));
    }
    fewer.checked_sub(1).map(|i| decimal(sorted[i]))
}

fn rates(valued: &[Valued], hard: usize, rate: f64, notes: &mut Vec<String>) -> Result<Set> {
    if !(0.0..=1.0).contains(&rate) {
        return Err(RouteError::invalid(
            "target.escalationRate",
            "a number from 0 to 1",
            rate,
        ));
    }
    // What failed its checks asks anyway; the score asks for the rest of the rate.
    let all = (valued.len() + hard) as f64;
    let left = ((rate * all - hard as f64) / valued.len() as f64).clamp(0.0, 1.0);
    if hard as f64 > rate * all {
        notes.push(format!(
            "{hard} of {all} rows failed their checks: more than the rate asks for"
        ));
    }
    let of = |values: Vec<f64>| Threshold::EscalationRate {
        below: quantile(&values, left),
        rate,
        n: values.len() as u64,
    };
    let mut groups = BTreeMap::new();
    for (name, rows) in by_group(valued) {
        if rows.len() >= MIN_GROUP && groups.len() < MAX_GROUPS {
            groups.insert(name.to_string(), of(rows.iter().map(|v| v.value).collect()));
        } else {
            notes.push(pooled_note(name, rows.len()));
        }
    }
    cap(notes);
    let pooled = of(valued.iter().map(|v| v.value).collect());
    Ok(Set { pooled, groups })
}

fn risks(valued: &[Valued], promise: Promise, sequence: &Sequence, notes: &mut Vec<String>) -> Result<Set> {
    let mut groups = BTreeMap::new();
    for (name, rows) in by_group(valued) {
        let scored = scored(rows.iter().copied());
        if scored.len() < MIN_GROUP || groups.len() >= MAX_GROUPS {
            notes.push(pooled_note(name, scored.len()));
            continue;
        }
        match certify(&scored, promise, sequence)? {
            Verdict::Certified(c) => {
                groups.insert(name.to_string(), risk(promise, c));
            }
            Verdict::Cannot(why) => notes.push(clip(format!(
                "group {name} has the pooled threshold, and no promise of its own: {}",
                why.message
            ))),
        }
    }
    cap(notes);
    // A promise for all whose group has none; where there are too few of them, for everybody together.
    let rest = valued
        .iter()
        .filter(|v| v.row.group.as_ref().is_none_or(|g| !groups.contains_key(g)));
    let verdict = match certify(&scored(rest), promise, sequence)? {
        Verdict::Cannot(_) if !groups.is_empty() => {
            notes.push("the pooled threshold is of all rows, those of the groups included".into());
            certify(&scored(valued.iter()), promise, sequence)?
        }
        verdict => verdict,
    };
    match verdict {
        Verdict::Certified(c) => Ok(Set {
            pooled: risk(promise, c),
            groups,
        }),
        Verdict::Cannot(why) => Err(Shortfall::into_error(why)),
    }
}

fn scored<'a, 'b: 'a>(valued: impl Iterator<Item = &'a Valued<'b>>) -> Vec<Scored> {
    valued.filter_map(|v| Some((v.value, !v.row.local_ok?))).collect()
}

fn risk(promise: Promise, c: Certificate) -> Threshold {
    Threshold::Risk {
        below: c.below,
        alpha: promise.alpha,
        delta: promise.delta,
        n: c.n,
        kept: c.kept,
        errors: c.errors,
        bound: c.bound,
    }
}

/// How often the remote is right where the local answer is wrong, and where it is right.
fn remote(valued: &[Valued], scale: Scale) -> Result<(f64, f64)> {
    match scale {
        Scale::Gain => Ok((1.0, 1.0)),
        Scale::Doubt => Err(RouteError::invalid(
            "scoring",
            "odds: a score that was fitted to outcomes",
            "doubt",
        )),
        Scale::Error => {
            let share = |local: bool| {
                let of = valued.iter().filter(|v| v.row.local_ok == Some(local));
                let known: Vec<bool> = of.filter_map(|v| v.row.remote_ok).collect();
                let right = known.iter().filter(|ok| **ok).count();
                (!known.is_empty()).then(|| right as f64 / known.len() as f64)
            };
            share(false).zip(share(true)).ok_or_else(|| {
                let expected = "remote_ok where local answers are right, and where they are wrong";
                RouteError::invalid("rows", expected, "none")
            })
        }
    }
}

fn pooled_note(name: &str, n: usize) -> String {
    clip(format!(
        "group {name} has {n} rows of the {MIN_GROUP} that a threshold of its own needs; it has the pooled one, whose promise is of \
         the traffic as a whole"
    ))
}

/// Most notes that one run writes.
const NOTES: usize = 50;

fn cap(notes: &mut Vec<String>) {
    if notes.len() > NOTES {
        let more = notes.len() - NOTES;
        notes.truncate(NOTES);
        notes.push(format!("and {more} more"));
    }
}

/// Longest note of this file: a group's name may be long.
const LONGEST: usize = 700;

fn clip(mut note: String) -> String {
    if note.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|i| note.is_char_boundary(*i)).unwrap_or(0);
        note.truncate(end);
    }
    note
}
