//! `kinglet route plan`: whether a target can be promised, what it costs, and which model is enough.

use std::path::Path;

use kinglet_route::economics::{Scenario, compare};
use kinglet_route::measure::wilson;
use kinglet_route::plan::rightsize::{Wanted, quantile_each};
use kinglet_route::plan::{Candidate, Inputs, Plan, plan as feasible, right_size};
use kinglet_route::{RouteError, document};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Result, text};
use crate::output;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The local and the strong remote model.
    quality: Option<Inputs>,
    /// The cheap remote one in the local one's place, for the cascade.
    cheap_quality: Option<Inputs>,
    /// Traffic and prices.
    money: Option<Scenario>,
    /// Local files to choose from.
    sizes: Option<Sizes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    /// The share of right answers that is wanted; or, instead …
    target: Option<f64>,
    /// … the share of the remote model's.
    keep: Option<f64>,
    /// The remote model, measured as the candidates are.
    remote: Option<Counted>,
    /// That all bounds hold together.
    confidence: f64,
    candidates: Vec<Measured>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    name: String,
    bytes: u64,
    right: usize,
    n: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    right: usize,
    n: usize,
}

pub fn plan(path: &Path) -> Result<()> {
    let file: File = document::read("plan", &text(path)?)?;
    let mut out = json!({});
    let answer = file.quality.as_ref().map(feasible).transpose()?;
    let cheap = file.cheap_quality.as_ref().map(feasible).transpose()?;
    if let Some(answer) = &answer {
        out["feasibility"] = json!(answer);
        eprintln!("{}", sentence(answer));
    }
    if let Some(cheap) = &cheap {
        out["cheap_feasibility"] = json!(cheap);
    }
    if let Some(scenario) = &file.money {
        out["money"] = money(scenario, file.quality.as_ref(), answer.as_ref(), cheap.as_ref())?;
    }
    if let Some(sizes) = &file.sizes {
        out["size"] = size(sizes)?;
    }
    if out.as_object().is_none_or(|o| o.is_empty()) {
        return Err(RouteError::invalid("plan", "quality, money with quality, or sizes", "nothing").into());
    }
    Ok(output::line(&out)?)
}

/// The costs of the escalation that the worst case needs; without a promise of quality there is no saving to print.
fn money(scenario: &Scenario, inputs: Option<&Inputs>, answer: Option<&Plan>, cheap: Option<&Plan>) -> Result<Value> {
    let (Some(inputs), Some(answer)) = (inputs, answer) else {
        return Err(RouteError::invalid(
            "plan.quality",
            "the models' quality: a saving says nothing without it",
            "nothing",
        )
        .into());
    };
    let Plan::Holds { worst, .. } = answer else {
        return Ok(json!({"answer": "no_saving", "because": "the quality is not promised"}));
    };
    let share = |plan: Option<&Plan>| match plan {
        Some(Plan::Holds { worst, .. }) => Some(worst.escalation),
        _ => None,
    };
    let compared = compare(scenario, worst.escalation, share(cheap))?;
    let per_right = |total: u64, quality: f64| {
        let right = scenario.requests_per_month as f64 * quality;
        (right > 0.0).then(|| total as f64 / right)
    };
    Ok(json!({
        "quality": worst.quality,
        "quality_all_remote": [inputs.remote.low, inputs.remote.high],
        "cost_per_right": per_right(compared.with_local.total, worst.quality),
        "cost_per_right_all_remote": [
            per_right(compared.all_remote.total, inputs.remote.high), per_right(compared.all_remote.total, inputs.remote.low)],
        "comparison": compared,
    }))
}

fn size(sizes: &Sizes) -> Result<Value> {
    // What is measured, the remote model too where it counts, has bounds that hold all together.
    let measured = sizes.candidates.len() + usize::from(sizes.remote.is_some());
    let z = quantile_each(sizes.confidence, measured)?;
    let bounds = |name: &str, right: usize, n: usize| {
        let expected = "right answers among n > 0";
        wilson(right, n, z).ok_or_else(|| RouteError::invalid(name, expected, format!("{right} of {n}")))
    };
    let candidate = |m: &Measured| {
        Ok::<_, RouteError>(Candidate {
            name: m.name.clone(),
            bytes: m.bytes,
            quality: bounds(&m.name, m.right, m.n)?,
        })
    };
    let remote = sizes
        .remote
        .as_ref()
        .map(|r| bounds("remote", r.right, r.n))
        .transpose()?;
    let wanted = match (sizes.target, sizes.keep, &remote) {
        (Some(target), None, None) => Wanted::known(target),
        (None, Some(keep), Some(remote)) => Wanted::of_remote(keep, remote)?,
        _ => {
            let expected = "either target, or keep and remote";
            return Err(RouteError::invalid("plan.sizes", expected, "something else").into());
        }
    };
    let candidates: Vec<Candidate> = sizes
        .candidates
        .iter()
        .map(candidate)
        .collect::<std::result::Result<_, _>>()?;
    let chosen = right_size(&candidates, wanted)?;
    Ok(
        json!({"chosen": chosen, "candidates": candidates, "remote": remote, "wanted": wanted, "confidence": sizes.confidence}),
    )
}

fn sentence(answer: &Plan) -> String {
    let percent = |x: f64| format!("{:.1} %", 100.0 * x);
    match answer {
        Plan::Holds { best, worst } if best == worst => format!(
            "Holds: {} escalated for a quality of {}; an oracle would need {}.",
            percent(worst.escalation),
            percent(worst.quality),
            percent(worst.oracle)
        ),
        Plan::Holds { best, worst } => format!(
            "Holds: between {} and {} escalated, as good or bad as the numbers may be.",
            percent(best.escalation),
            percent(worst.escalation)
        ),
        Plan::Open {
            worst_quality, wanted, ..
        } => format!(
            "Open: these numbers may reach it or not (in the worst case {} of the {} wanted). Measure more, or ask for less.",
            percent(*worst_quality),
            percent(*wanted)
        ),
        Plan::Excluded {
            best_quality,
            at,
            wanted,
            needs,
        } => {
            let needs = needs.map_or("no escalation reaches it".into(), |n| {
                format!("it would need {}", percent(n))
            });
            format!(
                "Excluded: at best {} with {} escalated, where {} is wanted; {needs}.",
                percent(*best_quality),
                percent(*at),
                percent(*wanted)
            )
        }
    }
}
