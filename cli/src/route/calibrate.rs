//! `kinglet route calibrate`: a profile on standard output; what is doubtful about the rows on standard error.

use kinglet_route::calibrate::{self, Options, Scoring, Sequence};
use kinglet_route::document::read;
use kinglet_route::lint::{Expected, Stops, admit, lint};
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
        classes: options.classes.clone(),
        target: Some(target),
    };
    let findings = lint(&rows, &expected);
    for finding in &findings {
        eprintln!("{}", json!(finding));
    }
    let stops = match options.despite_lint {
        true => Stops::Note,
        false => Stops::Refuse,
    };
    let despite = admit(&findings, stops)?;
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
    let mut made = calibrate::calibrate(
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
    made.notes.extend(despite);
    Ok(output::line(&json!(made.checked()?))?)
}
