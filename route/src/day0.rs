//! The first day, without labels: a share of the traffic by a rolling quantile of its own scores. Nothing here is calibrated,
//! and what comes of it is marked so.

use serde::{Deserialize, Serialize};

use crate::document::read;
use crate::error::{Result, RouteError};
use crate::signals::Signals;

/// Scores that are remembered. A quantile of 12 % of 200 has a standard deviation of 2.3 points by itself; the account
/// ([`ACCOUNT`]) takes that out of the long run.
pub const WINDOW: usize = 200;

/// Requests over which the account is paid back: the quantile's level is `rate + account / HORIZON`. A sudden rise is
/// answered to two thirds within so many requests, the rest when the window has turned over.
pub const HORIZON: f64 = 50.0;

/// Where the account ends, in requests: one before it, everything asks, or nothing does. So the realised share of the first
/// `n` requests differs by at most `ACCOUNT / n` from the rate, whatever the scores are (as long as nothing else asks, and
/// no answer lacks its score): three points over 500.
pub const ACCOUNT: f64 = 15.0;

/// Features that order answers without labels, the most telling first where they exist at all: a head's and the labels'
/// margins rank errors best (routing.md D2), then values, then the weakest passage of running text.
pub const ORDER: [&str; 6] = [
    "head_margin",
    "label_margin",
    "anchor_margin",
    "window_logprob",
    "mean_margin",
    "mean_logprob",
];

/// A rolling quantile with an account of what was asked for too much or too little.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollingQuantile {
    /// The feature of [`ORDER`] that the first answer had; an answer without it has no score.
    pub feature: Option<String>,
    /// The latest scores, at most [`WINDOW`], in a ring.
    pub scores: Vec<f64>,
    /// Where the next score goes.
    pub next: usize,
    /// Answers with a score, in all.
    pub n: u64,
    /// Requests that are owed to the rate (negative: too many asked).
    pub account: f64,
}

/// A bound from the traffic's own scores: what is above it asks. Uncalibrated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The largest score that is kept.
    pub threshold: f64,
    /// Scores that it comes from, at most [`WINDOW`].
    pub n: u64,
}

impl RollingQuantile {
    /// Takes a state that was stored.
    ///
    /// # Errors
    /// `invalid_request` for what was never written by one.
    pub fn from_json(text: &str) -> Result<RollingQuantile> {
        let state: RollingQuantile = read("day0", text)?;
        state.check()?;
        Ok(state)
    }

    /// Refuses what was never written by one.
    pub(crate) fn check(&self) -> Result<()> {
        let room = self.scores.len() <= WINDOW && self.next < WINDOW && self.next <= self.scores.len();
        let finite = self.scores.iter().all(|s| s.is_finite()) && self.account.abs() <= ACCOUNT;
        if !room || !finite || self.scores.len() as u64 > self.n {
            return Err(RouteError::invalid("day0", "a state of its own making", "another"));
        }
        Ok(())
    }

    /// The score of an answer: more is more doubt. The first answer with any feature of [`ORDER`] settles which one; scores
    /// of different features cannot be compared.
    pub fn score(&self, signals: &Signals) -> Option<f64> {
        match &self.feature {
            Some(name) => signals.feature(name),
            None => ORDER.iter().find_map(|name| signals.feature(name)),
        }
    }

    /// The bound for the next answer, if `rate` of all requests are to ask; none before the first score.
    ///
    /// The quantile's level is the rate and what is owed. Among equal scores that straddle it, none ask while the account is
    /// not owing, and all do while it is: so a rate is kept even where scores are few.
    pub fn bound(&self, rate: f64) -> Option<Bound> {
        let mut scores = self.scores.clone();
        let level = (rate + self.account / HORIZON).clamp(0.0, 1.0);
        let at = ((level * scores.len() as f64) as usize).min(scores.len().checked_sub(1)?);
        let (_, edge, _) = scores.select_nth_unstable_by(at, |a, b| b.total_cmp(a));
        let threshold = if self.account <= 1.0 - ACCOUNT || level == 0.0 {
            f64::MAX
        } else if self.account >= ACCOUNT - 1.0 {
            f64::MIN
        } else if self.account > 0.0 {
            edge.next_down()
        } else {
            *edge
        };
        Some(Bound {
            threshold,
            n: scores.len() as u64,
        })
    }

    /// Takes a settled request in: its signals, and whether it asked for the remote, for whatever reason (a failed check
    /// counts, so that the rate is that of all requests). A `rate` that is none counts as nothing.
    pub fn record(&mut self, signals: &Signals, asked: Asked, rate: f64) {
        let rate = if rate.is_finite() { rate.clamp(0.0, 1.0) } else { 0.0 };
        let left = if asked == Asked::Yes { 1.0 } else { 0.0 };
        self.account = (self.account + rate - left).clamp(-ACCOUNT, ACCOUNT);
        if self.feature.is_none() {
            let first = ORDER.iter().find(|name| signals.feature(name).is_some());
            self.feature = first.map(|name| (*name).to_string());
        }
        let Some(score) = self.score(signals) else { return };
        if self.scores.len() < WINDOW {
            self.scores.push(score);
        } else if let Some(oldest) = self.scores.get_mut(self.next) {
            *oldest = score;
        }
        self.next = (self.next + 1) % WINDOW;
        self.n = self.n.saturating_add(1);
    }
}

/// Whether a request asked for the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It did.
    Yes,
    /// It was kept.
    No,
}

/// Labelled answers from which a profile is worth its name (routing.md C.4: about 300 are workable, 1000 good).
pub const ENOUGH: usize = 300;
