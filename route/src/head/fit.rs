//! Fitting a head: multinomial logistic regression with a ridge on the weights, the same minimum as scikit-learn's
//! `LogisticRegression(C=c)` on standardised features has.

use super::{Head, HeadBinding, MAX_DIMENSIONS, check_labels, sketch::sketch, solve::solve};
use crate::error::{Result, RouteError};

/// Most numbers of all examples together: 256 MB.
pub const MOST_VALUES: usize = 64 << 20;

/// Examples: states, one after the other, and the index of the label of each.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// `[examples, dimensions]`.
    pub states: &'a [f32],
    /// Values of one state.
    pub dimensions: usize,
    /// Of each example.
    pub labels: &'a [u32],
}

/// How it is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// Inverse strength of the ridge, scikit-learn's `C`: the loss is `c Σ -ln p(label) + |W|² / 2`.
    pub c: f64,
    /// It ends when no part of the mean loss's gradient is larger.
    pub tolerance: f64,
    /// It ends after so many steps, at the best point so far.
    pub max_steps: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            c: 0.1,
            tolerance: 1e-4, // scikit-learn's, of the same mean loss
            max_steps: 100,
        }
    }
}

/// The largest weight of a label in 8 bits.
const LARGEST: f32 = 127.0;

/// Fits a head. The order of the examples does not matter, not even for the last bit.
///
/// # Errors
/// `invalid_request`: fewer than two labels, one without an example, a state of another length or that is not finite, an
/// index that is none, too much of anything.
pub fn fit(examples: &Examples, labels: &[String], binding: &HeadBinding, options: &FitOptions) -> Result<Head> {
    check_labels("labels", labels)?;
    let counts = check(examples, labels, options)?;
    let dimensions = examples.dimensions;
    let state = |i: usize| &examples.states[i * dimensions..(i + 1) * dimensions];
    let mut order: Vec<usize> = (0..examples.labels.len()).collect();
    order.sort_by(|&a, &b| {
        let by_label = examples.labels[a].cmp(&examples.labels[b]);
        by_label.then_with(|| {
            state(a)
                .iter()
                .map(|x| x.to_bits())
                .cmp(state(b).iter().map(|x| x.to_bits()))
        })
    });
    let (mean, scale) = moments(&order, dimensions, state);
    let mut features = Vec::new();
    for &i in &order {
        let values = state(i).iter().zip(mean.iter().zip(&scale));
        let standard: Vec<f32> = values.map(|(x, (mean, scale))| (x - mean) / scale).collect();
        features.extend(sketch(&standard).into_iter().map(f64::from));
    }
    let targets: Vec<usize> = order.iter().map(|&i| examples.labels[i] as usize).collect();
    let found = solve(&features, &targets, labels.len(), options);
    let used = features.len() / targets.len();
    let mut head = Head {
        binding: binding.clone(),
        labels: labels.to_vec(),
        examples: counts,
        mean,
        scale,
        weights: Vec::with_capacity(labels.len() * used),
        steps: Vec::with_capacity(labels.len()),
        bias: found.bias.iter().map(|&b| b as f32).collect(),
    };
    for label in 0..labels.len() {
        let row: Vec<f32> = (0..used)
            .map(|j| found.weights[j * labels.len() + label] as f32)
            .collect();
        let step = row.iter().fold(0.0f32, |a, w| a.max(w.abs())) / LARGEST;
        let step = if step > 0.0 { step } else { 1.0 };
        head.steps.push(step);
        head.weights.extend(row.iter().map(|w| (w / step).round() as i8));
    }
    Ok(head)
}

/// How many examples each label has.
fn check(examples: &Examples, labels: &[String], options: &FitOptions) -> Result<Vec<u32>> {
    let Examples {
        states,
        dimensions,
        labels: given,
    } = *examples;
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(RouteError::invalid(
            "dimensions",
            format!("1 to {MAX_DIMENSIONS}"),
            dimensions,
        ));
    }
    if states.len() > MOST_VALUES {
        return Err(RouteError::invalid(
            "states",
            format!("at most {MOST_VALUES} numbers"),
            states.len(),
        ));
    }
    if states.len() != given.len() * dimensions {
        let expected = format!("{} examples of {dimensions} numbers", given.len());
        return Err(RouteError::invalid(
            "states",
            expected,
            format!("{} numbers", states.len()),
        ));
    }
    if let Some(i) = states.iter().position(|x| !x.is_finite()) {
        let at = format!("states[{}][{}]", i / dimensions, i % dimensions);
        return Err(RouteError::invalid(at, "a finite number", states[i]));
    }
    for (path, value, low, high) in [
        ("options.c", options.c, 1e-6, 1e6),
        ("options.tolerance", options.tolerance, 1e-12, 1.0),
        ("options.max_steps", options.max_steps as f64, 1.0, 10_000.0),
    ] {
        if !(low..=high).contains(&value) {
            return Err(RouteError::invalid(
                path,
                format!("a number from {low} to {high}"),
                value,
            ));
        }
    }
    let mut counts = vec![0u32; labels.len()];
    for (i, &label) in given.iter().enumerate() {
        match counts.get_mut(label as usize) {
            Some(count) => *count += 1,
            None => {
                return Err(RouteError::invalid(
                    format!("labels[{i}]"),
                    format!("below {}", labels.len()),
                    label,
                ));
            }
        }
    }
    match counts.iter().position(|&count| count == 0) {
        None => Ok(counts),
        Some(none) => Err(RouteError::invalid(
            "examples",
            format!("at least one of {:?}", labels[none]),
            "none",
        )),
    }
}

/// Mean and standard deviation of each value; 1 where it never varies (by more than rounding).
fn moments<'a>(order: &[usize], dimensions: usize, state: impl Fn(usize) -> &'a [f32]) -> (Vec<f32>, Vec<f32>) {
    let n = order.len() as f64;
    let mut mean = vec![0.0f64; dimensions];
    for &i in order {
        mean.iter_mut().zip(state(i)).for_each(|(m, x)| *m += f64::from(*x));
    }
    mean.iter_mut().for_each(|m| *m /= n);
    let mut variance = vec![0.0f64; dimensions];
    for &i in order {
        let values = state(i).iter().zip(&mean);
        variance
            .iter_mut()
            .zip(values)
            .for_each(|(v, (x, m))| *v += (f64::from(*x) - m).powi(2));
    }
    let scale = variance.iter().zip(&mean).map(|(v, m)| {
        let deviation = (v / n).sqrt();
        let noise = f64::from(f32::EPSILON) * m.abs();
        if deviation > noise.max(f64::from(f32::MIN_POSITIVE)) {
            deviation as f32
        } else {
            1.0
        }
    });
    (mean.iter().map(|&m| m as f32).collect(), scale.collect())
}
