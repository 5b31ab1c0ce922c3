//! How well signals order answers: each with its figures, and in pairs with the baselines.

use serde_json::{Value, json};

use super::source::{Options, Scored};
use super::{Table, object, random};
use crate::Result;
use crate::measure::heldout::HeldOut;
use crate::measure::{Deferral, Outcome, Ranking, Sample, auroc, risk};

/// Places of a curve that are printed, evenly spaced.
const PLACES: usize = 100;

const FIGURES: [&str; 8] = [
    "auroc_wrong",
    "auroc_gain",
    "aurc",
    "e_aurc",
    "apgr",
    "cpt50",
    "cpt80",
    "auc_df",
];
/// Of these, what is compared in pairs.
const COMPARED: [usize; 3] = [0, 1, 4];

fn figures(
    ranking: &Ranking,
    wrong: &[bool],
    outcomes: Option<&[Outcome]>,
    helped: &[bool],
    sample: &Sample,
) -> [Option<f64>; 8] {
    let curve = outcomes
        .map(|outcomes| Deferral::of(ranking, outcomes, sample))
        .unwrap_or_default();
    [
        auroc(ranking, wrong, sample),
        auroc(ranking, helped, sample),
        risk::aurc(ranking, wrong, sample),
        risk::e_aurc(ranking, wrong, sample),
        curve.apgr(),
        curve.cpt(0.5),
        curve.cpt(0.8),
        curve.area(),
    ]
}

/// All signals on the same rows; the differences are of the first to each other.
fn compare(
    names: &[&str],
    rankings: &[Ranking],
    wrong: &[bool],
    outcomes: Option<&[Outcome]>,
    options: &Options,
) -> (Value, Value) {
    let helped: Vec<bool> = match outcomes {
        Some(outcomes) => outcomes.iter().map(|o| o.remote && !o.local).collect(),
        None => vec![false; wrong.len()],
    };
    let draws = options.bootstrap.draws(wrong.len(), |sample| {
        let each: Vec<[Option<f64>; 8]> = rankings
            .iter()
            .map(|r| figures(r, wrong, outcomes, &helped, sample))
            .collect();
        let difference = |other: &[Option<f64>; 8]| COMPARED.map(|i| Some(each[0][i]? - other[i]?));
        let differences: Vec<[Option<f64>; 3]> = each[1..].iter().map(difference).collect();
        each.iter()
            .flatten()
            .copied()
            .chain(differences.into_iter().flatten())
            .collect()
    });
    let mut estimates = draws.estimates();
    let rest = estimates.split_off(FIGURES.len() * rankings.len());
    let table = |names: Vec<String>, keys: &[&str], estimates: &[Option<crate::measure::Estimate>]| {
        let keys: Vec<String> = keys.iter().map(|k| k.to_string()).collect();
        let rows = names.into_iter().zip(estimates.chunks(keys.len()));
        Value::Object(
            rows.map(|(name, chunk)| (name, object(&keys, chunk.to_vec())))
                .collect(),
        )
    };
    let pairs = names[1..]
        .iter()
        .map(|other| format!("{} - {other}", names[0]))
        .collect();
    (
        table(names.iter().map(|n| n.to_string()).collect(), &FIGURES, &estimates),
        table(pairs, &COMPARED.map(|i| FIGURES[i]), &rest),
    )
}

/// The signal, and the baselines that need no learning, on all rows.
pub fn all(table: &Table, scored: &Scored, options: &Options) -> (Value, Value) {
    let mut names = vec!["signal"];
    let mut rankings = vec![scored.ranking.clone()];
    let gain: Option<Vec<f64>> = table.outcomes.as_ref().map(|o| o.iter().map(|o| o.gain()).collect());
    let wrong: Vec<f64> = table.wrong.iter().map(|w| f64::from(*w)).collect();
    let more = [
        ("prompt_length", table.lengths.clone()),
        ("random", Some(vec![0.0; table.wrong.len()])),
        ("self_knowledge", Some(wrong)),
        ("oracle", gain),
    ];
    for (name, scores) in more {
        if let Some(ranking) = scores.and_then(|s| Ranking::new(&s).ok()) {
            names.push(name);
            rankings.push(ranking);
        }
    }
    compare(&names, &rankings, &table.wrong, table.outcomes.as_deref(), options)
}

/// The task label, learnt on one half, and the signal and prompt length on the other half. `None` of too few rows.
pub fn judged(table: &Table, scored: &Scored, held: &HeldOut, options: &Options) -> Option<Value> {
    let pick = |values: &[f64]| -> Vec<f64> { held.judged.iter().map(|&i| values[i]).collect() };
    if held.learnt == 0 {
        return None;
    }
    let mut names = vec!["signal", "task_label"];
    let mut rankings = vec![
        Ranking::new(&pick(&scored.scores)).ok()?,
        Ranking::new(&held.scores).ok()?,
    ];
    if let Some(lengths) = &table.lengths {
        names.push("prompt_length");
        rankings.push(Ranking::new(&pick(lengths)).ok()?);
    }
    let wrong: Vec<bool> = held.judged.iter().map(|&i| table.wrong[i]).collect();
    let outcomes: Option<Vec<Outcome>> = table
        .outcomes
        .as_ref()
        .map(|outcomes| held.judged.iter().map(|&i| outcomes[i]).collect());
    let (ranking, differences) = compare(&names, &rankings, &wrong, outcomes.as_deref(), options);
    Some(
        json!({"n": wrong.len(), "learnt_from": held.learnt, "split_seed": options.split_seed,
        "ranking": ranking, "ranking_differences": differences}),
    )
}

/// Deferral curves of all rows, for plots: quality at 0, 1/100, … 1.
pub fn curves(outcomes: &[Outcome], table: &Table, scored: &Scored) -> Result<Value> {
    let sample = Sample::all(outcomes.len());
    let gain: Vec<f64> = outcomes.iter().map(|o| o.gain()).collect();
    let mut rankings = vec![("signal", scored.ranking.clone())];
    if let Some(lengths) = &table.lengths {
        rankings.push(("prompt_length", Ranking::new(lengths)?));
    }
    rankings.push(("random", random(outcomes.len())?));
    rankings.push(("oracle", Ranking::new(&gain)?));
    let curve = |ranking: &Ranking| -> Vec<Option<f64>> {
        let curve = Deferral::of(ranking, outcomes, &sample);
        (0..=PLACES)
            .map(|i| curve.quality_at(i as f64 / PLACES as f64))
            .collect()
    };
    let mut out = json!({"n": outcomes.len(), "places": PLACES});
    for (name, ranking) in &rankings {
        out[*name] = json!(curve(ranking));
    }
    Ok(out)
}
