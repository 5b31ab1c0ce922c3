//! Where answers part: a quantile, a certificate, or a price; pooled, and for each group that is large enough.

use std::collections::BTreeMap;

use super::certify::{Certificate, Promise, Scored, Shortfall, Verdict, certify};
use super::{Options, Row, Sequence, Valued, by_group};
use crate::error::{Result, RouteError};
use crate::math::decimal_down;
use crate::profile::{MAX_GROUPS, Target, Threshold, chow, clipped};
use crate::score::Scale;

/// Rows that a group needs at least for a threshold of its own: a rate of 12 % from 100 scores is realised within ± 3.3
/// points (one standard deviation). A promise of risk takes more ([`Promise::likely`]): 264 for 5 % at δ = 0.1.
pub const MIN_GROUP: usize = 100;

/// Rows from which on those outside of the groups have a rate's threshold from their own scores: with fewer, a single one
/// is more than a rate of 5 %.
const MIN_REST: usize = 20;

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

/// All thresholds. `hard`: the rows that ask for the remote whatever their score.
pub(super) fn set(
    valued: &[Valued],
    hard: &[&Row],
    scale: Scale,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<Set> {
    match options.target {
        Target::EscalationRate { rate } => rates(valued, hard, rate, notes),
        Target::Risk { alpha, delta } => risks(valued, Promise { alpha, delta }, scale, &options.sequence, notes),
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
        return Some(decimal_down(*at));
    }
    fewer.checked_sub(1).map(|i| decimal_down(sorted[i]))
}

fn rates(valued: &[Valued], hard: &[&Row], rate: f64, notes: &mut Vec<String>) -> Result<Set> {
    if !(0.0..=1.0).contains(&rate) {
        return Err(RouteError::invalid(
            "target.escalationRate",
            "a number from 0 to 1",
            rate,
        ));
    }
    // What failed its checks asks anyway; the score asks for the rest of the rate, in each part by itself.
    let of = |values: Vec<f64>, hard: usize| {
        let all = (values.len() + hard) as f64;
        let left = ((rate * all - hard as f64) / values.len() as f64).clamp(0.0, 1.0);
        Threshold::EscalationRate {
            below: quantile(&values, left),
            rate,
            n: values.len() as u64,
        }
    };
    if hard.len() as f64 > rate * (valued.len() + hard.len()) as f64 {
        let all = valued.len() + hard.len();
        notes.push(format!(
            "{} of {all} rows failed their checks: more than the rate asks for",
            hard.len()
        ));
    }
    let of_group = |name: &str| hard.iter().filter(|r| r.group.as_deref() == Some(name)).count();
    let mut groups = BTreeMap::new();
    for (name, rows) in by_group(valued) {
        if rows.len() >= MIN_GROUP && groups.len() < MAX_GROUPS {
            let values = rows.iter().map(|v| v.value).collect();
            groups.insert(name.to_string(), of(values, of_group(name)));
        } else {
            notes.push(pooled_note(name, rows.len(), MIN_GROUP as u64));
        }
    }
    cap(notes);
    let pooled = |row: &Row| row.group.as_ref().is_none_or(|g| !groups.contains_key(g));
    let rest: Vec<f64> = valued.iter().filter(|v| pooled(v.row)).map(|v| v.value).collect();
    let pooled = if rest.len() >= MIN_REST {
        of(rest, hard.iter().filter(|r| pooled(r)).count())
    } else {
        notes.push(format!(
            "the pooled threshold is of all rows: only {} belong to no group with one of its own",
            rest.len()
        ));
        of(valued.iter().map(|v| v.value).collect(), hard.len())
    };
    Ok(Set { pooled, groups })
}

/// A part of the traffic that has one threshold: a group, or (none) all the rest.
type Part<'a, 'b> = (Option<&'b str>, Vec<&'a Valued<'b>>);

/// One certificate for each part. Which parts there are follows from the numbers of rows alone, so that no test is chosen by
/// what the labels say; the tests share δ evenly (Bonferroni), so that all of their promises hold together, and with them
/// that of everything kept, whose risk is a mean of theirs. A part without a certificate always asks: nothing of it is kept,
/// and nothing is promised of it by rows of another.
fn risks(
    valued: &[Valued],
    promise: Promise,
    scale: Scale,
    sequence: &Sequence,
    notes: &mut Vec<String>,
) -> Result<Set> {
    let promise = promise.check()?;
    let parts = parts(valued, promise, notes);
    let share = Promise {
        delta: promise.delta / parts.len() as f64,
        ..promise
    };
    let nothing = |n: usize| Threshold::Risk {
        below: Some(scale.range().0),
        alpha: share.alpha,
        delta: share.delta,
        n: n as u64,
        kept: 0,
        errors: 0,
        bound: 1.0,
    };
    let mut set = Set {
        pooled: nothing(0),
        groups: BTreeMap::new(),
    };
    let mut largest: Option<Shortfall> = None;
    let mut certified = 0;
    for (name, rows) in &parts {
        let scored = scored(rows.iter().copied());
        let threshold = match certify(&scored, share, sequence)? {
            Verdict::Certified(c) => {
                certified += 1;
                risk(share, c)
            }
            Verdict::Cannot(why) => {
                let who = name.map_or("what has no threshold of its own".into(), |name| {
                    format!("group {name}")
                });
                notes.push(clipped(format!("{who} will always ask: {}", why.message)));
                if largest.as_ref().is_none_or(|l| l.n <= why.n) {
                    largest = Some(why);
                }
                nothing(scored.len())
            }
        };
        match name {
            Some(name) => drop(set.groups.insert((*name).to_string(), threshold)),
            None => set.pooled = threshold,
        }
    }
    cap(notes);
    match largest.filter(|_| certified == 0) {
        Some(why) => Err(Shortfall::into_error(why)),
        None => Ok(set),
    }
}

/// The parts, at least one: groups that are large enough to be [`Promise::likely`] to get a certificate, and the rest.
fn parts<'a, 'b>(valued: &'a [Valued<'b>], promise: Promise, notes: &mut Vec<String>) -> Vec<Part<'a, 'b>> {
    let needed = promise.likely().max(MIN_GROUP as u64);
    let mut parts: Vec<Part> = Vec::new();
    let mut rest: Vec<&Valued> = valued.iter().filter(|v| v.row.group.is_none()).collect();
    for (name, rows) in by_group(valued) {
        let n = rows.iter().filter(|v| v.row.local_ok.is_some()).count();
        if n as u64 >= needed && parts.len() < MAX_GROUPS {
            parts.push((Some(name), rows));
        } else {
            notes.push(pooled_note(name, n, needed));
            rest.extend(rows);
        }
    }
    if rest.is_empty() {
        notes.push(
            "every row belongs to a group with a threshold of its own; what belongs to none will always ask".into(),
        );
    } else {
        parts.push((None, rest));
    }
    parts
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

fn pooled_note(name: &str, n: usize, needed: u64) -> String {
    clipped(format!(
        "group {name} has {n} rows of the {needed} that a threshold of its own needs; it has the pooled one, whose promise is of \
         all that have it together"
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
