//! Logistic regression with ridge, by Newton's method (iteratively reweighted least squares).

use crate::math::exp;
use crate::math::{ln_1p, logistic as sigmoid};

/// Steps of Newton's method; it doubles its digits at each, and stops moving long before.
const STEPS: usize = 40;

/// Times that a step is halved until it goes down.
const HALVINGS: usize = 30;

/// A fit: `logit P = bias + Σ weights · x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// One for each column.
    pub weights: Vec<f64>,
    /// Not penalised.
    pub bias: f64,
}

/// The minimum of `Σ loss(y, bias + w·x) + ridge / 2 · |w|²`, with the log loss, over rows `(x, y)`, `y` from 0 to 1.
///
/// scikit-learn's `C` is `1 / ridge`. `ridge` must be positive: then there is exactly one minimum but for the bias, which
/// runs away where all `y` are 0 or all are 1; the caller does not ask then.
pub fn logistic(rows: &[(Vec<f64>, f64)], columns: usize, ridge: f64) -> Logistic {
    let mut at = vec![0.0; columns + 1];
    let mut loss = objective(rows, &at, ridge);
    for _ in 0..STEPS {
        let Some(step) = newton_step(rows, &at, ridge) else {
            break;
        };
        let mut share = 1.0;
        let mut moved = false;
        for _ in 0..HALVINGS {
            let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a - share * s).collect();
            let next_loss = objective(rows, &next, ridge);
            if next_loss < loss {
                (at, loss, moved) = (next, next_loss, true);
                break;
            }
            share *= 0.5;
        }
        if !moved {
            break;
        }
    }
    let bias = at.pop().unwrap_or(0.0);
    Logistic { weights: at, bias }
}

fn dot(x: &[f64], at: &[f64]) -> f64 {
    let bias = at[x.len()];
    x.iter().zip(at).fold(bias, |sum, (x, w)| sum + x * w)
}

/// `ln(1 + e^z) - y z`, without overflow.
fn loss_of(z: f64, y: f64) -> f64 {
    z.max(0.0) + ln_1p(exp(-z.abs())) - y * z
}

fn objective(rows: &[(Vec<f64>, f64)], at: &[f64], ridge: f64) -> f64 {
    let weights = &at[..at.len() - 1];
    let penalty: f64 = weights.iter().map(|w| w * w).sum();
    rows.iter().map(|(x, y)| loss_of(dot(x, at), *y)).sum::<f64>() + 0.5 * ridge * penalty
}

/// Hessian⁻¹ · gradient at this point.
fn newton_step(rows: &[(Vec<f64>, f64)], at: &[f64], ridge: f64) -> Option<Vec<f64>> {
    let n = at.len();
    let mut gradient = vec![0.0; n];
    let mut hessian = vec![0.0; n * n];
    for (x, y) in rows {
        let p = sigmoid(dot(x, at));
        let v = p * (1.0 - p);
        let x_of = |i: usize| x.get(i).copied().unwrap_or(1.0);
        for i in 0..n {
            gradient[i] += (p - y) * x_of(i);
            for j in 0..=i {
                hessian[i * n + j] += v * x_of(i) * x_of(j);
            }
        }
    }
    for i in 0..n - 1 {
        gradient[i] += ridge * at[i];
        hessian[i * n + i] += ridge;
    }
    solve(&mut hessian, gradient, n)
}

/// Solves `H s = g` by Cholesky's factors, in place; `H` is given by its lower half. `None` where it is not positive.
fn solve(h: &mut [f64], mut g: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        for j in 0..=i {
            let mut sum = h[i * n + j];
            for k in 0..j {
                sum -= h[i * n + k] * h[j * n + k];
            }
            if i != j {
                h[i * n + j] = sum / h[j * n + j];
            } else if sum > 0.0 {
                h[i * n + i] = sum.sqrt();
            } else {
                return None;
            }
        }
    }
    for i in 0..n {
        for k in 0..i {
            g[i] -= h[i * n + k] * g[k];
        }
        g[i] /= h[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            g[i] -= h[k * n + i] * g[k];
        }
        g[i] /= h[i * n + i];
    }
    Some(g)
}
