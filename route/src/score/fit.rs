//! Fitting a scorer: logistic weights whose signs are fixed, and an isotonic curve over scores of rows that were left out.

use super::{Direction, Knot, MAX_FEATURES, Scale, Scorer, Weight, feature, isotonic, logistic};
use crate::error::{Result, RouteError};
use crate::math::decimal;
use crate::signals::Signals;

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The small model was right.
    pub local_ok: bool,
    /// The remote was right, where that is known.
    pub remote_ok: Option<bool>,
}

/// A labelled answer.
pub type Example<'a> = (&'a Signals, Outcome);

/// The ridge on the weights (scikit-learn's `C = 1`): features are scaled to about ±3, so that this shrinks what a handful
/// of rows says, and nothing that hundreds say.
pub const RIDGE: f64 = 1.0;

/// Parts of the cross-fitting: each row's score for the isotonic curve comes from a fit without its part.
pub const FOLDS: usize = 5;

/// A feature is used where so many rows have it; where so many lack it, its absence gets odds of its own.
pub const MIN_SEEN: usize = 10;

/// Errors (or gains), and as many rows of the other kind, without which there is nothing to fit.
pub const MIN_EACH: usize = 10;

impl Outcome {
    /// What is fitted, 0 to 1, and the same on the scale of the value.
    fn target(self, scale: Scale) -> Option<(f64, f64)> {
        let wrong = f64::from(u8::from(!self.local_ok));
        if scale != Scale::Gain {
            return Some((wrong, wrong));
        }
        let gain = wrong - f64::from(u8::from(!self.remote_ok?));
        Some((0.5 * (1.0 + gain), gain))
    }
}

/// A scorer on `scale` from labelled answers **in an order that does not depend on them** (folds are taken in turn).
///
/// The weights are those of a ridge logistic regression on all rows. A weight of the wrong sign is set to zero: the worst
/// is struck out and the rest is fitted again, until none is left. On the scale of the gain the target is `(1 + gain) / 2`,
/// fitted by the same loss. The isotonic curve is fitted to scores that each come from a fit on the other four fifths of
/// the rows, never from one that saw the row.
///
/// # Errors
/// `invalid_request`: an unknown feature, more than [`MAX_FEATURES`], none that is there; fewer than [`MIN_EACH`] rows on
/// either side; a row without a remote outcome on the scale of the gain; no feature that keeps a weight.
pub fn fit_scorer(rows: &[Example], names: &[&str], scale: Scale) -> Result<Scorer> {
    let names = usable(rows, names)?;
    let mut targets = Vec::with_capacity(rows.len());
    for (_, outcome) in rows {
        let target = outcome.target(scale);
        targets.push(target.ok_or_else(|| RouteError::invalid("rows", "remote_ok in every row", "a row without it"))?);
    }
    let up = targets.iter().filter(|t| t.1 > 0.0).count();
    let rest = rows.len() - up;
    if up < MIN_EACH || rest < MIN_EACH {
        return Err(RouteError::invalid(
            "rows",
            format!("at least {MIN_EACH} of either outcome to fit a score"),
            format!("{up} and {rest} of {}", rows.len()),
        ));
    }
    let all: Vec<usize> = (0..rows.len()).collect();
    let mut scorer = weights(rows, &targets, &all, &names, scale);
    if scorer.features.is_empty() {
        return Err(RouteError::invalid(
            "rows",
            "a signal that rises with the errors",
            format!("none of {}", names.join(", ")),
        ));
    }
    let mut points = Vec::with_capacity(rows.len());
    for fold in 0..FOLDS {
        let train: Vec<usize> = all.iter().copied().filter(|i| i % FOLDS != fold).collect();
        let part = weights(rows, &targets, &train, &names, scale);
        for i in all.iter().copied().filter(|i| i % FOLDS == fold) {
            // A signal that is missing only in this part has no odds in the others: the row says nothing of the curve.
            if let Some(raw) = part.raw(rows[i].0) {
                points.push((raw, targets[i].1));
            }
        }
    }
    scorer.isotonic = rounded(isotonic(&points));
    Ok(scorer)
}

/// Knots with decimals of 12 digits, strictly rising in x.
fn rounded(knots: Vec<Knot>) -> Vec<Knot> {
    let mut out: Vec<Knot> = Vec::with_capacity(knots.len());
    for Knot(x, y) in knots {
        let knot = Knot(decimal(x), decimal(y));
        if out.last().is_none_or(|last| last.0 < knot.0) {
            out.push(knot);
        }
    }
    out
}

/// The names that enough rows have, in their order; each known, and once.
fn usable<'a>(rows: &[Example], names: &[&'a str]) -> Result<Vec<&'a str>> {
    if names.len() > MAX_FEATURES {
        return Err(RouteError::invalid(
            "features",
            format!("at most {MAX_FEATURES}"),
            names.len(),
        ));
    }
    let mut out: Vec<&str> = Vec::new();
    for name in names {
        let Some(feature) = feature(name) else {
            return Err(RouteError::invalid(
                "features",
                "names of signals (docs/calibration.md)",
                name,
            ));
        };
        let seen = rows.iter().filter(|(s, _)| feature.of(s).is_some()).count();
        if seen >= MIN_SEEN && !out.contains(name) {
            out.push(name);
        }
    }
    if out.is_empty() {
        return Err(RouteError::invalid(
            "rows",
            format!("one of the features {} in at least {MIN_SEEN} rows", names.join(", ")),
            "none",
        ));
    }
    Ok(out)
}

/// How a feature enters the fit: less its mean over the rows that have it, and an indicator where enough lack it.
struct Column<'a> {
    name: &'a str,
    mean: f64,
    absent: Absence,
}

/// Whether a feature's absence has odds.
#[derive(PartialEq)]
enum Absence {
    Never,
    /// Too rarely for odds of its own: the same as the mean.
    Rare,
    Counted,
}

fn weights(rows: &[Example], targets: &[(f64, f64)], of: &[usize], names: &[&str], scale: Scale) -> Scorer {
    let mut columns: Vec<Column> = names.iter().filter_map(|name| column(rows, of, name)).collect();
    loop {
        let width: usize = columns.iter().map(Column::width).sum();
        let data: Vec<(Vec<f64>, f64)> = of
            .iter()
            .map(|&i| (columns.iter().flat_map(|c| c.cells(rows[i].0)).collect(), targets[i].0))
            .collect();
        let fit = logistic(&data, width, RIDGE);
        let mut at = 0;
        let mut parts = Vec::with_capacity(columns.len());
        for c in &columns {
            let indicator = if c.absent == Absence::Counted {
                fit.weights[at + 1]
            } else {
                0.0
            };
            parts.push((fit.weights[at], indicator));
            at += c.width();
        }
        let wrong = |i: &usize| feature(columns[*i].name).is_some_and(|f| f.direction == Direction::Doubt);
        let worst = (0..columns.len())
            .filter(wrong)
            .min_by(|a, b| parts[*a].0.total_cmp(&parts[*b].0));
        if let Some(worst) = worst.filter(|i| parts[*i].0 < 0.0) {
            columns.remove(worst);
            continue;
        }
        let mut bias = fit.bias;
        let mut features = Vec::with_capacity(columns.len());
        for (c, (weight, indicator)) in columns.iter().zip(&parts) {
            let weight = decimal(*weight);
            bias -= weight * c.mean;
            features.push(Weight {
                name: c.name.into(),
                weight,
                missing: (c.absent != Absence::Never).then(|| decimal(weight * c.mean + indicator)),
            });
        }
        return Scorer {
            scale,
            features,
            bias: decimal(bias),
            isotonic: Vec::new(),
        };
    }
}

fn column<'a>(rows: &[Example], of: &[usize], name: &'a str) -> Option<Column<'a>> {
    let feature = feature(name)?;
    let values: Vec<f64> = of.iter().filter_map(|&i| feature.of(rows[i].0)).collect();
    let absent = match of.len() - values.len() {
        0 => Absence::Never,
        n if n < MIN_SEEN => Absence::Rare,
        _ => Absence::Counted,
    };
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    Some(Column { name, mean, absent })
}

impl Column<'_> {
    fn width(&self) -> usize {
        1 + usize::from(self.absent == Absence::Counted)
    }

    fn cells(&self, signals: &Signals) -> impl Iterator<Item = f64> + use<> {
        let value = signals.feature(self.name);
        let indicator = f64::from(u8::from(value.is_none()));
        let x = value.map_or(0.0, |x| x - self.mean);
        std::iter::once(x).chain((self.absent == Absence::Counted).then_some(indicator))
    }
}
