//! From rows of outcomes to a report: what escalating by a signal gains and costs, beside the baselines. Every figure has
//! its n and its interval; a saving never stands without quality and money per right answer.

mod choice;
mod graders;
mod policies;
mod ranks;
pub mod row;
mod source;

use serde_json::{Map, Value, json};

pub use row::{Row, read};
pub use source::{Operating, Options, Source};

use crate::measure::{Estimate, Outcome, Ranking, Sample, heldout, probability, risk};
use crate::{Result, RouteError};

/// Most draws of rows, all replicates together: some five minutes of a computer's core.
const MOST_DRAWS: u64 = 200_000_000;

/// Rows as columns.
pub(crate) struct Table {
    pub wrong: Vec<bool>,
    /// Both answers, where the remote one is known.
    pub outcomes: Option<Vec<Outcome>>,
    pub lengths: Option<Vec<f64>>,
    pub tasks: Vec<String>,
}

impl Table {
    fn of(rows: &[Row]) -> Result<Self> {
        let remote = row::all_or_none(rows, "remote_ok", |r| r.remote_ok)?;
        let outcomes = remote.map(|remote| {
            let pair = |(row, remote): (&Row, bool)| Outcome {
                local: row.local_ok,
                remote,
            };
            rows.iter().zip(remote).map(pair).collect()
        });
        Ok(Table {
            wrong: rows.iter().map(|r| !r.local_ok).collect(),
            outcomes,
            lengths: row::all_or_none(rows, "prompt_tokens or prompt_chars", Row::prompt_length)?,
            tasks: rows.iter().map(|r| r.task.clone()).collect(),
        })
    }
}

/// Figures by name, in order.
pub(crate) fn object(names: &[String], estimates: Vec<Option<Estimate>>) -> Value {
    let entries = names.iter().cloned().zip(estimates.into_iter().map(|e| json!(e)));
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// The report as JSON; docs/route.md describes it.
///
/// # Errors
/// Options or rows that make no sense; a figure that every row must have and some lack.
pub fn evaluate(rows: &[Row], options: &Options) -> Result<Value> {
    options.bootstrap.check()?;
    if rows.is_empty() {
        return Err(RouteError::invalid("rows", "at least one", "none"));
    }
    let most = MOST_DRAWS / rows.len() as u64;
    if u64::from(options.bootstrap.replicates) > most {
        let expected = format!("at most {most} for {} rows: more would take hours", rows.len());
        return Err(RouteError::invalid(
            "replicates",
            expected,
            options.bootstrap.replicates,
        ));
    }
    crate::document::between("risk", options.risk, 0.0, 1.0)?;
    let table = Table::of(rows)?;
    let scored = source::score(rows, options)?;
    let n = rows.len();
    let mut report = json!({
        "n": n,
        "signal": scored.name,
        "bootstrap": {"seed": options.bootstrap.seed, "replicates": options.bootstrap.replicates,
            "level": options.bootstrap.level, "kind": "percentile"},
    });
    let mut notes: Vec<String> = Vec::new();
    let errors = table.wrong.iter().filter(|w| **w).count();
    if errors == 0 || errors == n {
        notes.push(format!(
            "{errors} of {n} local answers are wrong: nothing can be ranked, AUROC is not defined"
        ));
    }
    report["local"] = json!({"accuracy": crate::measure::wilson(n - errors, n, crate::measure::interval::Z95)});

    let held = table.outcomes.as_ref().map(|outcomes| {
        let gain: Vec<f64> = outcomes.iter().map(|o| o.gain()).collect();
        heldout::label_gain(&table.tasks, &gain, options.split_seed)
    });
    let (all, differences) = ranks::all(&table, &scored, options);
    report["ranking"] = all;
    report["ranking_differences"] = differences;
    if let Some(held) = &held {
        match ranks::judged(&table, &scored, held, options) {
            Some(judged) => report["task_label"] = judged,
            None => notes.push("the task label was not judged: too few rows to learn from and to judge".into()),
        }
    }
    if table.lengths.is_none() {
        notes.push("no prompt_tokens or prompt_chars: prompt length is not a baseline here".into());
    }
    if let Some(odds) = &scored.odds {
        let draws = options.bootstrap.draws(n, |sample| {
            vec![
                probability::ece(odds, &table.wrong, sample),
                probability::brier(odds, &table.wrong, sample),
            ]
        });
        report["odds"] = object(&["ece".into(), "brier".into()], draws.estimates());
    }
    report["kept"] = kept(&table, &scored, options);
    match choice::choice(&table, &scored, options) {
        Some(choice) => report["choice"] = choice,
        None => notes.push("the threshold is not of these rows, and no interval contains its uncertainty".into()),
    }
    if let Some(wasted) = wasted(rows, &scored, options)? {
        report["wasted"] = wasted;
    }
    match policies::policies(rows, &table, &scored, held.as_ref(), options)? {
        Some(policies) => {
            report["headline"] = policies.headline;
            report["policies"] = policies.table;
        }
        None => notes.push("no remote_ok: quality, money and savings are not known, and none is printed".into()),
    }
    if let Some(outcomes) = &table.outcomes {
        report["curves"] = ranks::curves(outcomes, &table, &scored)?;
    }
    if let Some(graders) = graders::graders(rows, &options.bootstrap) {
        report["graders"] = graders;
    }
    report["notes"] = json!(notes);
    Ok(report)
}

/// What is kept at the operating point: how much, how wrong, and how often the bound would be broken.
fn kept(table: &Table, scored: &source::Scored, options: &Options) -> Value {
    let n = table.wrong.len();
    let draws = options.bootstrap.draws(n, |sample: &Sample| {
        let gone: f64 = sample
            .items()
            .map(|(i, count)| scored.escalated[i] * f64::from(count))
            .sum();
        vec![
            Some(gone / n as f64),
            risk::kept_risk(&scored.escalated, &table.wrong, sample),
        ]
    });
    let mut out = object(&["escalated".into(), "risk".into()], draws.estimates());
    if let Some(bound) = options.risk {
        out["bound"] = json!(bound);
        out["violations"] =
            json!({"share": draws.share_above(1, bound), "of_resamples": options.bootstrap.replicates, "n": n});
    }
    if let Operating::Share(share) = options.operating {
        out["wanted_escalation"] = json!(share);
    }
    out
}

/// Time that the local model spends on answers that are then asked of the remote one: milliseconds a request, and the share of all
/// its time.
fn wasted(rows: &[Row], scored: &source::Scored, options: &Options) -> Result<Option<Value>> {
    let Some(took) = row::all_or_none(rows, "local_ms", |r| r.local_ms)? else {
        return Ok(None);
    };
    let draws = options.bootstrap.draws(rows.len(), |sample: &Sample| {
        let (mut all, mut lost) = (0.0, 0.0);
        for (i, count) in sample.items() {
            all += took[i] * f64::from(count);
            lost += took[i] * scored.escalated[i] * f64::from(count);
        }
        vec![Some(lost / rows.len() as f64), (all > 0.0).then(|| lost / all)]
    });
    let names = ["wasted_local_ms".into(), "wasted_local_share".into()];
    Ok(Some(object(&names, draws.estimates())))
}

/// A ranking in which nothing is told apart: its figures are the expectation of a random order.
pub(crate) fn random(n: usize) -> Result<Ranking> {
    Ranking::new(&vec![0.0; n])
}

#[cfg(test)]
mod tests;
