//! What was spent and saved, from rows: sums, and two shares with their intervals.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::packed::packed;
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
    pub spent: Spending,
    /// Micro-units.
    pub counterfactual: Instead,
    /// Counterfactual less spent, as a share of the counterfactual.
    pub saving: Option<Estimate>,
    /// Answers of the device, as a share of all.
    pub local_rate: Option<Estimate>,
    /// Most expensive first.
    pub tasks: Vec<Task>,
}

/// What was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spending {
    /// Counted by services.
    pub reported: u64,
    /// The worst case of what nobody counted.
    pub estimated: u64,
}

/// What would have been spent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Instead {
    /// From tokens that services counted.
    pub measured: u64,
    /// From tokens that the engine counted, or nobody.
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

/// What of a row is summed up: in JSON a list, in this order.
#[derive(Debug, Clone)]
pub struct Line {
    id: String,
    session: String,
    task: String,
    at: u64,
    source: Source,
    tokens: Tokens,
    currency: Option<String>,
    cost: u64,
    counterfactual: u64,
    counterfactual_kind: Counterfactual,
}

packed!(Line {
    id,
    session,
    task,
    at,
    source,
    tokens,
    currency,
    cost,
    counterfactual,
    counterfactual_kind
});

impl From<&Row> for Line {
    fn from(row: &Row) -> Line {
        Line {
            id: row.id.clone(),
            session: row.session.clone(),
            task: row.task.clone().unwrap_or_default(),
            at: row.at,
            source: row.source,
            tokens: row.tokens,
            currency: row.currency.clone(),
            cost: row.cost,
            counterfactual: row.counterfactual,
            counterfactual_kind: row.counterfactual_kind,
        }
    }
}

/// One answer, with all its attempts.
#[derive(Default)]
struct Answer {
    remote: bool,
    local: bool,
    spent: u64,
    /// Of the attempt that the answer came from: who pays for every answer pays for it once.
    instead: u64,
    measured: bool,
    at: u64,
}

/// The place of a name in a list that is as long as `places` has names.
fn place(places: &mut Map<String, Value>, name: String) -> usize {
    let next = places.len();
    let found = places.entry(name).or_insert_with(|| next.into());
    found.as_u64().map_or(next, |at| at as usize)
}

/// Sums rows up.
pub fn summary(rows: &[Row]) -> Summary {
    let lines: Vec<Line> = rows.iter().map(Line::from).collect();
    sums(&lines)
}

/// Sums up what is known of rows.
pub(super) fn sums(lines: &[Line]) -> Summary {
    let newest = lines
        .iter()
        .filter(|line| line.currency.is_some())
        .max_by_key(|line| line.at);
    let currency = newest.and_then(|line| line.currency.clone());
    let (mut spent, mut counterfactual) = (Spending::default(), Instead::default());
    let (mut answers, mut by_answer): (Vec<Answer>, _) = (Vec::new(), Map::new());
    let (mut tasks, mut by_task): (Vec<Task>, _) = (Vec::new(), Map::new());
    for line in lines
        .iter()
        .filter(|line| line.currency.is_none() || line.currency == currency)
    {
        let at = place(&mut by_answer, format!("{} {}", line.session, line.id));
        let new = at == answers.len();
        if new {
            answers.push(Answer::default());
        }
        let answer = &mut answers[at];
        answer.local |= line.source == Source::Local;
        answer.remote |= line.source == Source::Remote;
        answer.spent = answer.spent.saturating_add(line.cost);
        if line.counterfactual > 0 && line.at >= answer.at {
            let measured = line.counterfactual_kind == Counterfactual::Measured;
            (answer.at, answer.instead, answer.measured) = (line.at, line.counterfactual, measured);
        }
        let sum = if line.tokens == Tokens::Reported {
            &mut spent.reported
        } else {
            &mut spent.estimated
        };
        *sum = sum.saturating_add(line.cost);
        let at = place(&mut by_task, line.task.clone());
        if at == tasks.len() {
            tasks.push(Task {
                task: line.task.clone(),
                spent: 0,
                requests: 0,
            });
        }
        tasks[at].spent = tasks[at].spent.saturating_add(line.cost);
        tasks[at].requests += usize::from(new);
    }
    for answer in &answers {
        let sum = if answer.measured {
            &mut counterfactual.measured
        } else {
            &mut counterfactual.estimated
        };
        *sum = sum.saturating_add(answer.instead);
    }
    tasks.sort_by_key(|task| std::cmp::Reverse(task.spent));
    tasks.truncate(MAX_LISTED);
    let [saving, local_rate] = shares(&answers);
    let remote = answers.iter().filter(|answer| answer.remote).count();
    Summary {
        requests: answers.len(),
        local: answers.len() - remote,
        remote,
        currency,
        spent,
        counterfactual,
        saving,
        local_rate,
        tasks,
    }
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
            spent += count * answer.spent as f64;
            instead += count * answer.instead as f64;
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
