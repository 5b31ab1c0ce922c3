//! `kinglet route calibrate`: a profile on standard output; what is doubtful about the rows on standard error.

use kinglet_route::calibrate::{self, Options, Scoring, Sequence};
use kinglet_route::document::read;
use kinglet_route::lint::{Expected, lint};
use kinglet_route::score::{Scale, Scorer};
use kinglet_route::{evaluate, profile};
use serde_json::json;

use super::{Result, args, text};
use crate::output;

pub fn calibrate(options: &args::Calibrate) -> Result<()> {
    let binding: profile::Binding = read("binding", &text(&options.binding)?)?;
    let target: profile::Target = read("target", &options.target)?;
    let rows = evaluate::read(&text(&options.rows)?)?;
    let rows: Vec<calibrate::Row> = rows.iter().map(evaluate::Row::labelled).collect();
    let expected = Expected {
        features: options.features.clone(),
        ..Expected::default()
    };
    for finding in lint(&rows, &expected) {
        eprintln!("{}", json!(finding));
    }
    let scoring = match options.features.is_empty() {
        true => Scoring::Given(Scorer::of_score()),
        false => Scoring::Fit {
            features: options.features.clone(),
            scale: match options.scale {
                args::Scale::Error => Scale::Error,
                args::Scale::Gain => Scale::Gain,
            },
        },
    };
    let made = calibrate::calibrate(
        &rows,
        &Options {
            task: options.task.clone(),
            created: options.created.clone(),
            binding,
            target,
            scoring,
            sequence: Sequence::default(),
        },
    )?;
    Ok(output::line(&json!(made))?)
}
