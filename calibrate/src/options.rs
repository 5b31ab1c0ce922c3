//! What an app says of a calibration, in its own words: the promise is written as in a policy.

use kinglet_route::calibrate::{self, Row, Scoring, Sequence};
use kinglet_route::day0::ORDER;
use kinglet_route::lint::Stops;
use kinglet_route::math::decimal;
use kinglet_route::policy::{self, CONFIDENCE};
use kinglet_route::profile::{Binding, Target};
use kinglet_route::score::{Scale, Scorer};
use kinglet_route::{Result, RouteError};
use serde::Deserialize;

/// What to make. [`calibrate::Options`] with defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// What the app calls the task.
    task: String,
    /// Today, `YYYY-MM-DD`: nothing here reads a clock.
    created: String,
    /// What the answers were made with.
    binding: Binding,
    /// What is promised: exactly one of three, as in a policy.
    target: policy::Target,
    /// Micro-units that a request to the remote costs on average; `valuePerCorrect` needs it.
    cost: Option<u64>,
    /// Features to fit a score to. Default: the rows' `score` where all have one, else the first of [`ORDER`] that all have.
    features: Option<Vec<String>>,
    /// What a fitted score means.
    scale: Option<Scale>,
    /// Makes a profile although the lint says that its promise would not be true; its notes say so, too.
    #[serde(default)]
    despite_lint: bool,
}

impl Options {
    /// What becomes of rows that the lint stops at.
    pub(crate) fn stops(&self) -> Stops {
        match self.despite_lint {
            true => Stops::Note,
            false => Stops::Refuse,
        }
    }

    /// The options for these rows, and the features of the score.
    ///
    /// # Errors
    /// `invalid_request`: none or several promises, no price where there has to be one, nothing to score by.
    pub(crate) fn of(self, rows: &[Row]) -> Result<(calibrate::Options, Vec<String>)> {
        let target = target(&self.target, self.cost)?;
        let features = self.features.map_or_else(|| default_features(rows), Ok)?;
        let scoring = match (features.is_empty(), self.scale) {
            (true, None) => Scoring::Given(Scorer::of_score()),
            (true, Some(_)) => {
                let expected = "features, which a score is fitted to";
                return Err(RouteError::invalid("options.scale", expected, "the rows' own score"));
            }
            (false, scale) => Scoring::Fit {
                features: features.clone(),
                scale: scale.unwrap_or(Scale::Error),
            },
        };
        let options = calibrate::Options {
            task: self.task,
            created: self.created,
            binding: self.binding,
            target,
            scoring,
            sequence: Sequence::default(),
        };
        Ok((options, features))
    }
}

/// The promise as a profile writes it.
fn target(said: &policy::Target, cost: Option<u64>) -> Result<Target> {
    let confidence = said.confidence.unwrap_or(CONFIDENCE);
    match (said.escalation_rate, said.risk, said.value_per_correct) {
        (Some(rate), None, None) if said.confidence.is_none() => Ok(Target::EscalationRate { rate }),
        // 1 - 0.9 is not 0.1, but is meant so.
        (None, Some(alpha), None) => Ok(Target::Risk {
            alpha,
            delta: decimal(1.0 - confidence),
        }),
        (None, None, Some(value)) if said.confidence.is_none() => {
            let expected = "what a request to the remote costs on average, in micro-units";
            let cost = cost.ok_or_else(|| RouteError::invalid("options.cost", expected, "nothing"))?;
            Ok(Target::ValuePerCorrect { value, cost })
        }
        _ => Err(RouteError::invalid(
            "options.target",
            "exactly one of escalationRate, risk (with confidence, where it is not 0.9) and valuePerCorrect",
            format!("{said:?}"),
        )),
    }
}

/// None, where all rows have a score of their own; else the most telling signal that all of them have.
fn default_features(rows: &[Row]) -> Result<Vec<String>> {
    if rows.iter().all(|row| row.score.is_some()) {
        return Ok(Vec::new());
    }
    let all = |name: &&&str| {
        rows.iter()
            .all(|row| row.signals.as_ref().is_some_and(|s| s.feature(name).is_some()))
    };
    let expected = format!(
        "features, where no row's score and none of {} is in every row",
        ORDER.join(", ")
    );
    let first = ORDER.iter().find(all);
    first
        .map(|name| vec![(*name).to_string()])
        .ok_or_else(|| RouteError::invalid("options.features", expected, "nothing"))
}
