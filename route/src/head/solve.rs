//! The minimum of the loss: L-BFGS (Nocedal and Wright, algorithm 7.5) that begins from the loss's own curvature where all
//! labels are equally likely, `(X'X / n) / k + ridge`, so that correlated values cost no further steps.

use std::collections::VecDeque;

use super::FitOptions;
use super::product::{BLOCK, Column, Strips, WIDE, backward, block, forward};
use crate::math::{exp, ln};

/// Pairs of steps and gradients that are remembered.
const MEMORY: usize = 8;
/// Sufficient decrease, and how often a step is halved at most.
const DECREASE: f64 = 1e-4;
const HALVINGS: usize = 30;
/// Weights `[values, labels]` and bias of each label.
pub struct Solution {
    pub weights: Vec<f64>,
    pub bias: Vec<f64>,
}

/// A point and what is known there. The last row of `at` is the bias.
struct Point {
    at: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

struct Problem<'a> {
    /// `[n, d]`.
    features: &'a [f64],
    targets: &'a [usize],
    d: usize,
    k: usize,
    ridge: f64,
}

/// Minimises `1/n Σ -ln p + |W|² / (2 c n)`.
pub fn solve(features: &[f64], targets: &[usize], k: usize, options: &FitOptions) -> Solution {
    let (n, d) = (targets.len(), features.len() / targets.len());
    let problem = Problem {
        features,
        targets,
        d,
        k,
        ridge: 1.0 / (options.c * n as f64),
    };
    let curvature = problem.curvature();
    let mut point = problem.at(vec![0.0; (d + 1) * k]);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..options.max_steps {
        if point.gradient.iter().all(|g| g.abs() <= options.tolerance) {
            break;
        }
        let direction = direction(&point.gradient, &memory, &curvature, d, k);
        let slope = dot(&direction, &point.gradient);
        let mut size = 1.0;
        let mut next = None;
        for _ in 0..HALVINGS {
            let at = point.at.iter().zip(&direction).map(|(x, d)| x + size * d).collect();
            let tried = problem.at(at);
            if tried.loss <= point.loss + DECREASE * size * slope {
                next = Some(tried);
                break;
            }
            size *= 0.5;
        }
        let Some(next) = next else { break }; // as near as rounding lets one come
        let step: Vec<f64> = next.at.iter().zip(&point.at).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next.gradient.iter().zip(&point.gradient).map(|(a, b)| a - b).collect();
        point = next;
        if dot(&step, &change) > 0.0 {
            memory.push_back((step, change));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
    }
    let bias = point.at.split_off(d * k);
    Solution {
        weights: point.at,
        bias,
    }
}

/// `-H gradient`, with `H` the curvature's inverse as the remembered steps correct it.
fn direction(
    gradient: &[f64],
    memory: &VecDeque<(Vec<f64>, Vec<f64>)>,
    curvature: &[f64],
    d: usize,
    k: usize,
) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut alphas = Vec::with_capacity(memory.len());
    for (step, change) in memory.iter().rev() {
        let alpha = dot(step, &q) / dot(step, change);
        add(&mut q, -alpha, change);
        alphas.push(alpha);
    }
    let mut r = precondition(&q, curvature, d, k);
    if let Some((step, change)) = memory.back() {
        let scale = dot(step, change) / dot(change, &precondition(change, curvature, d, k));
        r.iter_mut().for_each(|x| *x *= scale);
    }
    for ((step, change), alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = dot(change, &r) / dot(step, change);
        add(&mut r, alpha - beta, step);
    }
    r.iter_mut().for_each(|x| *x = -*x);
    r
}

impl Problem<'_> {
    /// Loss and gradient.
    fn at(&self, at: Vec<f64>) -> Point {
        let (d, k, n) = (self.d, self.k, self.targets.len() as f64);
        let (weights, bias) = at.split_at(d * k);
        let columns_of = d.next_multiple_of(WIDE);
        let mut columns: Vec<Column> = vec![[0.0; BLOCK]; columns_of];
        let packed = Strips::from_rows(weights, k);
        let mut slopes = Strips::zeros(d, k);
        let mut shares = Strips::zeros(BLOCK, k);
        let mut bias_slopes = vec![0.0; k];
        let mut loss = 0.0;
        let mut row = vec![0.0; k];
        for (examples, targets) in self.features.chunks(BLOCK * d).zip(self.targets.chunks(BLOCK)) {
            block(examples, d, &mut columns);
            forward(&columns, &packed, &mut shares);
            for (i, &target) in targets.iter().enumerate() {
                shares.read(i, &mut row);
                add(&mut row, 1.0, bias);
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let wanted = row[target] - most;
                row.iter_mut().for_each(|x| *x = exp(*x - most));
                let total: f64 = row.iter().sum();
                loss += ln(total) - wanted;
                row.iter_mut().for_each(|x| *x /= total * n);
                row[target] -= 1.0 / n;
                add(&mut bias_slopes, 1.0, &row);
                shares.write(i, &row);
            }
            row.fill(0.0);
            (targets.len()..BLOCK).for_each(|i| shares.write(i, &row));
            backward(&columns, &shares, &mut slopes);
        }
        let mut gradient = slopes.into_rows(k);
        add(&mut gradient, self.ridge, weights);
        gradient.extend(bias_slopes);
        Point {
            loss: loss / n + 0.5 * self.ridge * dot(weights, weights),
            at,
            gradient,
        }
    }

    /// The lower Cholesky factor of `(X'X / n) / k + ridge`, `[d, d]`.
    fn curvature(&self) -> Vec<f64> {
        let d = self.d;
        let share = 1.0 / (self.targets.len() as f64 * self.k as f64);
        let mut factor = vec![0.0; d * d];
        for x in self.features.chunks_exact(d) {
            for i in 0..d {
                add(&mut factor[i * d..=i * d + i], x[i] * share, &x[..=i]);
            }
        }
        for i in 0..d {
            factor[i * d + i] += self.ridge;
        }
        for j in 0..d {
            let (above, below) = factor.split_at_mut((j + 1) * d);
            let row = &mut above[j * d..];
            // Positive: the ridge stands on the diagonal.
            let diagonal = (row[j] - dot(&row[..j], &row[..j])).max(self.ridge * 1e-6).sqrt();
            row[j] = diagonal;
            for lower in below.chunks_exact_mut(d) {
                lower[j] = (lower[j] - dot(&lower[..j], &row[..j])) / diagonal;
            }
        }
        factor
    }
}

/// Solves with the factor for every label at once; the bias, whose values are all 1, has the curvature `1 / k`.
fn precondition(q: &[f64], factor: &[f64], d: usize, k: usize) -> Vec<f64> {
    let mut x = q.to_vec();
    for i in 0..d {
        let (before, rest) = x.split_at_mut(i * k);
        let row = &mut rest[..k];
        for (j, other) in before.chunks_exact(k).enumerate() {
            add(row, -factor[i * d + j], other);
        }
        row.iter_mut().for_each(|v| *v /= factor[i * d + i]);
    }
    for i in (0..d).rev() {
        let (until, behind) = x.split_at_mut((i + 1) * k);
        let row = &mut until[i * k..];
        for (j, other) in behind[..(d - i - 1) * k].chunks_exact(k).enumerate() {
            add(row, -factor[(i + 1 + j) * d + i], other);
        }
        row.iter_mut().for_each(|v| *v /= factor[i * d + i]);
    }
    x[d * k..].iter_mut().for_each(|v| *v *= k as f64);
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `to += by * what`.
fn add(to: &mut [f64], by: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += by * what);
}
