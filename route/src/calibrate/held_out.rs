//! How well a score does on rows that it was not fitted to.

use super::Valued;
use crate::measure::probability::ece;
use crate::measure::risk::aurc;
use crate::measure::{Bootstrap, Estimate, Ranking, auroc};
use crate::profile::{HeldOut, Interval};
use crate::score::Scale;

/// 1000 replicates put the ends of a 95 % interval within about a tenth of its half width.
const BOOTSTRAP: Bootstrap = Bootstrap {
    seed: 6,
    replicates: 1000,
    level: 0.95,
};

/// ECE, AUROC and AURC of the labelled rows, with bootstrap intervals; none without labels.
pub(super) fn figures(valued: &[Valued], scale: Scale) -> Option<HeldOut> {
    let labelled: Vec<(f64, bool)> = valued
        .iter()
        .filter_map(|v| Some((v.value, !v.row.local_ok?)))
        .collect();
    let (values, wrong): (Vec<f64>, Vec<bool>) = labelled.into_iter().unzip();
    let ranking = Ranking::new(&values).ok()?;
    let draws = BOOTSTRAP.draws(values.len(), |sample| {
        vec![
            (scale == Scale::Error).then(|| ece(&values, &wrong, sample)).flatten(),
            auroc(&ranking, &wrong, sample),
            aurc(&ranking, &wrong, sample),
        ]
    });
    Some(HeldOut {
        n: values.len() as u64,
        ece: draws.estimate(0).map(interval),
        auroc: draws.estimate(1).map(interval),
        aurc: draws.estimate(2).map(interval)?,
    })
}

fn interval(e: Estimate) -> Interval {
    Interval {
        value: e.value,
        low: e.low,
        high: e.high,
    }
}
