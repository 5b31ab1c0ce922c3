//! Two verdicts on the same answers: how often a program and a person disagree.

use serde_json::{Value, json};

use super::row::Row;
use crate::measure::interval::Z95;
use crate::measure::{Bootstrap, Sample, wilson};

/// Disagreement of both graders, over the rows that have both; `None` where none has.
///
/// Cohen's kappa: `(o - e) / (1 - e)`, `o` the share of equal verdicts and `e` that expected of two graders with these
/// rates who do not look (Educational and Psychological Measurement 20, 1960).
pub fn graders(rows: &[Row], bootstrap: &Bootstrap) -> Option<Value> {
    let both: Vec<(bool, bool)> = rows
        .iter()
        .filter_map(|r| r.grades)
        .filter_map(|g| Some((g.automatic?, g.human?)))
        .collect();
    let n = both.len();
    if n == 0 {
        return None;
    }
    let count = |which: &dyn Fn(bool, bool) -> bool| both.iter().filter(|(a, h)| which(*a, *h)).count();
    let share = |right: usize| wilson(right, n, Z95);
    let kappa = bootstrap.draws(n, |sample| vec![kappa(&both, sample)]).estimate(0);
    Some(json!({
        "n": n,
        "automatic": share(count(&|a, _| a)),
        "human": share(count(&|_, h| h)),
        "disagreement": share(count(&|a, h| a != h)),
        "automatic_only": count(&|a, h| a && !h),
        "human_only": count(&|a, h| h && !a),
        "kappa": kappa,
    }))
}

fn kappa(both: &[(bool, bool)], sample: &Sample) -> Option<f64> {
    let (mut n, mut equal, mut a, mut h) = (0.0, 0.0, 0.0, 0.0);
    for (i, count) in sample.items() {
        let count = f64::from(count);
        n += count;
        equal += count * f64::from(both[i].0 == both[i].1);
        a += count * f64::from(both[i].0);
        h += count * f64::from(both[i].1);
    }
    let expected = (a * h + (n - a) * (n - h)) / (n * n);
    (expected < 1.0).then(|| (equal / n - expected) / (1.0 - expected))
}
