//! Ways to answer all requests, with what they answer rightly and what that costs; and the headline.

use serde_json::{Value, json};

use super::row::{Row, all_or_none};
use super::source::{Options, Scored};
use super::{Table, object, random};
use crate::measure::frontier::frontier;
use crate::measure::heldout::HeldOut;
use crate::measure::operate::{Policy, Totals, escalate_share};
use crate::measure::{Outcome, Ranking, Sample};
use crate::{Result, RouteError};

/// Name of the policy that is evaluated, and of the one that everything is held against.
const SIGNAL: &str = "signal";
const ALL_REMOTE: &str = "all_remote";
const ALL_LOCAL: &str = "all_local";

const FIGURES: [&str; 7] = [
    "quality",
    "quality_difference_to_all_remote",
    "escalated",
    "cost_per_item",
    "cost_per_right",
    "saving_to_all_remote",
    "benefit_lift",
];

/// Both parts of the report.
pub struct Policies {
    pub headline: Value,
    pub table: Value,
}

/// Costs by column; all zero where rows have none.
struct Money {
    known: bool,
    local: Vec<f64>,
    remote: Vec<f64>,
    cheap: Option<Vec<f64>>,
}

impl Money {
    fn of(rows: &[Row]) -> Result<Self> {
        let costs = all_or_none(rows, "costs", |r| r.costs)?;
        let known = costs.is_some();
        let costs = costs.unwrap_or_default();
        let column = |get: &dyn Fn(&super::row::Costs) -> u64| -> Vec<f64> {
            if known {
                costs.iter().map(|c| get(c) as f64).collect()
            } else {
                vec![0.0; rows.len()]
            }
        };
        let cheap = all_or_none(rows, "costs.cheap", |r| r.costs?.cheap)?;
        Ok(Money {
            known,
            local: column(&|c| c.local),
            remote: column(&|c| c.remote),
            cheap: cheap.map(|c| c.into_iter().map(|c| c as f64).collect()),
        })
    }
}

/// First one model for all, then a share of the strong remote one, too.
fn escalating(
    first_ok: &[bool],
    first_cost: &[f64],
    outcomes: &[Outcome],
    remote_cost: &[f64],
    escalated: Vec<f64>,
) -> Policy {
    let quality = |i: usize| {
        let (first, remote) = (f64::from(first_ok[i]), f64::from(outcomes[i].remote));
        first + escalated[i] * (remote - first)
    };
    Policy {
        quality: (0..escalated.len()).map(quality).collect(),
        cost: (0..escalated.len())
            .map(|i| first_cost[i] + escalated[i] * remote_cost[i])
            .collect(),
        escalated,
    }
}

/// Every policy at the share that the signal escalates, on all rows; the task label on its judged half, beside the signal
/// there. `None` where remote outcomes are not known.
pub fn policies(
    rows: &[Row],
    table: &Table,
    scored: &Scored,
    held: Option<&HeldOut>,
    options: &Options,
) -> Result<Option<Policies>> {
    let Some(outcomes) = &table.outcomes else {
        return Ok(None);
    };
    let n = rows.len();
    let money = Money::of(rows)?;
    let local: Vec<bool> = outcomes.iter().map(|o| o.local).collect();
    let share = scored.escalated.iter().sum::<f64>() / n as f64;
    let from_local = |escalated: Vec<f64>| escalating(&local, &money.local, outcomes, &money.remote, escalated);
    let by = |scores: &[f64]| Ok::<_, RouteError>(from_local(escalate_share(&Ranking::new(scores)?, share)));
    let gain: Vec<f64> = outcomes.iter().map(|o| o.gain()).collect();
    // An oracle escalates what helps, and no more.
    let helped = gain.iter().filter(|g| **g > 0.0).count() as f64 / n as f64;
    let mut list = vec![
        (SIGNAL, from_local(scored.escalated.clone())),
        (ALL_LOCAL, from_local(vec![0.0; n])),
        (
            ALL_REMOTE,
            escalating(&local, &vec![0.0; n], outcomes, &money.remote, vec![1.0; n]),
        ),
        ("random", from_local(escalate_share(&random(n)?, share))),
        (
            "oracle",
            from_local(escalate_share(&Ranking::new(&gain)?, share.min(helped))),
        ),
    ];
    if let Some(lengths) = &table.lengths {
        list.push(("prompt_length", by(lengths)?));
    }
    if let Some(cheap) = all_or_none(rows, "cheap_ok", |r| r.cheap_ok)? {
        let none = vec![0.0; n];
        let cost = money.cheap.as_ref().unwrap_or(&none);
        if money.known && money.cheap.is_none() {
            return Err(RouteError::invalid(
                "costs.cheap",
                "a cost of each cheap answer",
                "none",
            ));
        }
        let doubt = all_or_none(rows, "cheap_score", |r| r.cheap_score)?;
        let ranking = doubt.map_or_else(|| random(n), |scores| Ranking::new(&scores))?;
        list.push((
            "all_cheap_remote",
            escalating(&cheap, cost, outcomes, &money.remote, vec![0.0; n]),
        ));
        let cascade = escalate_share(&ranking, share);
        list.push((
            "cheap_to_strong",
            escalating(&cheap, cost, outcomes, &money.remote, cascade),
        ));
    }
    let mut policies = measured(&list, n, &money, options);
    let headline = headline(&policies[0], &policies[2], share, &money);
    if let Some(held) = held.filter(|h| h.learnt > 0 && !h.judged.is_empty()) {
        let half = |p: &Policy| Policy {
            quality: held.judged.iter().map(|&i| p.quality[i]).collect(),
            cost: held.judged.iter().map(|&i| p.cost[i]).collect(),
            escalated: held.judged.iter().map(|&i| p.escalated[i]).collect(),
        };
        let mut escalated = vec![0.0; n];
        let part = escalate_share(&Ranking::new(&held.scores)?, share);
        held.judged.iter().zip(part).for_each(|(&i, e)| escalated[i] = e);
        let list = [
            ("task_label", half(&from_local(escalated))),
            ("signal (judged half)", half(&list[0].1)),
            (ALL_REMOTE, half(&list[2].1)),
            (ALL_LOCAL, half(&list[1].1)),
        ];
        policies.extend(measured(&list, held.judged.len(), &money, options).into_iter().take(2));
    }
    Ok(Some(Policies {
        headline,
        table: Value::Array(policies),
    }))
}

/// Figures of each policy, all of the same samples.
fn measured(list: &[(&str, Policy)], n: usize, money: &Money, options: &Options) -> Vec<Value> {
    let place = |wanted: &str| list.iter().position(|(name, _)| *name == wanted).unwrap_or(0);
    let (base, floor) = (place(ALL_REMOTE), place(ALL_LOCAL));
    let paid = |x: Option<f64>| x.filter(|_| money.known);
    let draws = options.bootstrap.draws(n, |sample: &Sample| {
        let totals: Vec<Totals> = list.iter().map(|(_, p)| p.totals(sample)).collect();
        let (all, none) = (totals[base], totals[floor]);
        let each = |t: &Totals| {
            [
                t.quality(),
                t.quality().zip(all.quality()).map(|(a, b)| a - b),
                t.share(),
                paid(t.cost_per_item()),
                paid(t.cost_per_right()),
                paid(t.saving(&all)),
                paid(t.benefit_lift(&none, &all)),
            ]
        };
        totals.iter().flat_map(each).collect()
    });
    let whole = Sample::all(n);
    let places: Vec<(f64, f64)> = list
        .iter()
        .map(|(_, p)| p.totals(&whole))
        .map(|t| (t.cost / n as f64, t.right / n as f64))
        .collect();
    // What cannot be had (it knows the answers) beats nobody.
    let real: Vec<usize> = (0..list.len()).filter(|&i| list[i].0 != "oracle").collect();
    let on = frontier(&real.iter().map(|&i| places[i]).collect::<Vec<_>>());
    let names: Vec<String> = FIGURES.iter().map(|f| f.to_string()).collect();
    let estimates = draws.estimates();
    let figures = estimates
        .chunks(FIGURES.len())
        .map(|chunk| object(&names, chunk.to_vec()));
    let mut out: Vec<Value> = Vec::new();
    for (i, mut row) in figures.enumerate() {
        row["name"] = json!(list[i].0);
        row["n"] = json!(n);
        if money.known && n == money.local.len() {
            row["frontier"] = json!(real.iter().position(|&r| r == i).is_some_and(|at| on[at]));
        }
        out.push(row);
    }
    out
}

/// Money per right answer and the difference in quality, before any saving.
fn headline(signal: &Value, all_remote: &Value, share: f64, money: &Money) -> Value {
    json!({
        "escalated": share,
        "money": if money.known { "micro-units" } else { "no costs in the rows" },
        "cost_per_right": signal["cost_per_right"],
        "cost_per_right_all_remote": all_remote["cost_per_right"],
        "quality": signal["quality"],
        "quality_difference_to_all_remote": signal["quality_difference_to_all_remote"],
        "saving_to_all_remote": signal["saving_to_all_remote"],
        "n": signal["n"],
    })
}
