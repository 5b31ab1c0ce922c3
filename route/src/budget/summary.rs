//! What was spent and saved, from rows: sums, and two shares with their intervals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::{Counterfactual, Row, Source, Tokens};
use crate::measure::bootstrap::{Bootstrap, Sample};
use crate::measure::interval::Estimate;

/// Answers from which an interval is worth its name.
pub const MIN_ANSWERS: usize = 20;
/// Samples that intervals come from.
pub const REPLICATES: u32 = 1_000;
/// Of their generator: the same rows give the same intervals.
pub const SEED: u64 = 7;
/// Tasks that are listed, at most.
const MAX_LISTED: usize = 100;

/// What was spent and saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Answers.
    pub requests: usize,
    /// Those that the device gave.
    pub local: usize,
    /// Those that a remote model was asked for.
    pub remote: usize,
    /// Of all money: that of the newest row; rows in another one are left out.
    pub currency: Option<String>,
    /// Micro-units.
    pub spent: Parts,
    /// Micro-units.
    pub counterfactual: Parts,
    /// Counterfactual less spent, as a share of the counterfactual.
    pub saving: Option<Estimate>,
    /// Answers of the device, as a share of all.
    pub local_rate: Option<Estimate>,
    /// Most expensive first.
    pub tasks: Vec<Task>,
}

/// What somebody counted, and what nobody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// Counted by services.
    pub measured: u64,
    /// Not.
    pub estimated: u64,
}

/// What a task has cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name; empty: none.
    pub task: String,
    /// Micro-units.
    pub spent: u64,
    /// Answers.
    pub requests: usize,
}

/// One answer, with all its attempts.
#[derive(Default)]
struct Answer<'a> {
    task: &'a str,
    remote: bool,
    local: bool,
    spent: Parts,
    /// Of the attempt that the answer came from: who pays for every answer pays for it once.
    instead: Option<(u64, u64, Counterfactual)>,
}

impl Answer<'_> {
    fn spent(&self) -> u64 {
        self.spent.measured.saturating_add(self.spent.estimated)
    }

    fn instead(&self) -> u64 {
        self.instead.map_or(0, |(_, micro, _)| micro)
    }
}

/// Sums rows up.
pub fn summary(rows: &[Row]) -> Summary {
    let newest = rows
        .iter()
        .filter(|row| row.currency.is_some())
        .max_by_key(|row| row.at);
    let currency = newest.and_then(|row| row.currency.clone());
    let mut answers: BTreeMap<(&str, &str), Answer> = BTreeMap::new();
    for row in rows
        .iter()
        .filter(|row| row.currency.is_none() || row.currency == currency)
    {
        let answer = answers.entry((&row.session, &row.id)).or_default();
        answer.task = row.task.as_deref().unwrap_or(answer.task);
        answer.local |= row.source == Source::Local;
        answer.remote |= row.source == Source::Remote;
        add(&mut answer.spent, row.tokens == Tokens::Reported, row.cost);
        if row.counterfactual > 0 && answer.instead.is_none_or(|(at, ..)| row.at >= at) {
            answer.instead = Some((row.at, row.counterfactual, row.counterfactual_kind));
        }
    }
    let answers: Vec<Answer> = answers.into_values().collect();
    let (mut spent, mut counterfactual) = (Parts::default(), Parts::default());
    let mut tasks: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for answer in &answers {
        spent.measured = spent.measured.saturating_add(answer.spent.measured);
        spent.estimated = spent.estimated.saturating_add(answer.spent.estimated);
        if let Some((_, micro, kind)) = answer.instead {
            add(&mut counterfactual, kind == Counterfactual::Measured, micro);
        }
        let task = tasks.entry(answer.task).or_default();
        *task = (task.0.saturating_add(answer.spent()), task.1 + 1);
    }
    let mut tasks: Vec<Task> = tasks
        .into_iter()
        .map(|(task, (spent, requests))| Task {
            task: task.to_string(),
            spent,
            requests,
        })
        .collect();
    tasks.sort_by_key(|task| std::cmp::Reverse(task.spent));
    tasks.truncate(MAX_LISTED);
    let [saving, local_rate] = shares(&answers);
    Summary {
        requests: answers.len(),
        local: answers.iter().filter(|answer| !answer.remote).count(),
        remote: answers.iter().filter(|answer| answer.remote).count(),
        currency,
        spent,
        counterfactual,
        saving,
        local_rate,
        tasks,
    }
}

fn add(parts: &mut Parts, counted: bool, micro: u64) {
    let part = if counted {
        &mut parts.measured
    } else {
        &mut parts.estimated
    };
    *part = part.saturating_add(micro);
}

/// The saving and the local rate, with the middle 95 % of what other answers of the same kind would have given.
fn shares(answers: &[Answer]) -> [Option<Estimate>; 2] {
    if answers.len() < MIN_ANSWERS {
        return [None, None];
    }
    let kept = |answer: &Answer| !answer.remote && answer.local;
    let of = |sample: &Sample| {
        let (mut spent, mut instead, mut local) = (0.0, 0.0, 0.0);
        for (i, count) in sample.items() {
            let (answer, count) = (&answers[i], f64::from(count));
            spent += count * answer.spent() as f64;
            instead += count * answer.instead() as f64;
            local += if kept(answer) { count } else { 0.0 };
        }
        vec![
            (instead > 0.0).then(|| 1.0 - spent / instead),
            Some(local / answers.len() as f64),
        ]
    };
    let draws = Bootstrap {
        seed: SEED,
        replicates: REPLICATES,
        level: 0.95,
    }
    .draws(answers.len(), of);
    [draws.estimate(0), draws.estimate(1)]
}
