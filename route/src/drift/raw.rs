//! Signals beside the score, each against the calibration's: traffic that changes while one score stays as it was.

use serde::{Deserialize, Serialize};

use super::psi::{SIGNALS_Z, Window};
use crate::error::{Result, RouteError};
use crate::profile::{Histogram, MAX_SIGNALS, Reference};
use crate::signals::Signals;

/// One signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    name: String,
    reference: Histogram,
    window: Window,
}

impl Raw {
    /// All that the calibration has.
    pub(super) fn all(reference: &Reference) -> Vec<Raw> {
        let of = |(name, histogram): (&String, &Histogram)| Raw {
            name: name.clone(),
            reference: histogram.clone(),
            window: Window::of(histogram),
        };
        reference.signals.iter().take(MAX_SIGNALS).map(of).collect()
    }

    /// Takes an answer in. When a window is full that differs by more than chance: what to say of it.
    pub(super) fn push(&mut self, signals: &Signals) -> Option<String> {
        let bin = self.reference.bin(signals.feature(&self.name)?);
        let (value, bound) = self.window.push(bin, &self.reference, SIGNALS_Z)?;
        (value > bound).then(|| {
            format!(
                "{} is distributed otherwise (PSI {value:.3}, bound {bound:.3}); label new answers",
                self.name
            )
        })
    }

    pub(super) fn clear(&mut self) {
        self.window.clear();
    }

    /// Refuses what no monitor wrote.
    pub(super) fn check(all: &[Raw]) -> Result<()> {
        let fits = |raw: &Raw| {
            let edges = &raw.reference.edges;
            edges.len() + 1 == raw.reference.counts.len()
                && edges.iter().all(|x| x.is_finite())
                && raw.window.fits(&raw.reference)
        };
        if all.len() <= MAX_SIGNALS && all.iter().all(fits) {
            return Ok(());
        }
        Err(RouteError::invalid("monitor", "signals of its own making", "others"))
    }
}
