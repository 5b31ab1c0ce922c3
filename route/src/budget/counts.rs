//! What time changes: the buckets of a minute, the use of a day and of a month.

use super::bucket::{Kinds, Rate, Room};
use super::packed::packed;
use super::policy::BudgetPolicy;
use super::shares::Pair;
use super::time::Period;
use super::window::Window;
use crate::document::MAX_INTEGER;

/// Money and requests of a day or month that nobody has bounded are bounded by what a double holds.
pub(super) const UNBOUNDED: u64 = MAX_INTEGER;

/// What time changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counts {
    at: u64,
    /// Attempts and tokens in a minute.
    pub rates: [Option<Rate>; 2],
    /// Day and month.
    pub windows: [Window; 2],
}

packed!(Counts { at, rates, windows });

/// The kinds of [`Counts::windows`].
pub(super) const PERIODS: [Period; 2] = [Period::Day, Period::Month];

impl BudgetPolicy {
    pub(super) fn kinds(&self) -> Kinds<'_> {
        [&self.tiers, &self.tasks]
    }

    /// Of attempts and of tokens in a minute.
    pub(super) fn rates(&self) -> [Option<u64>; 2] {
        [self.requests_per_minute, self.tokens_per_minute]
    }

    /// Of a day and of a month: attempts and money, where somebody has said so.
    pub(super) fn stated(&self) -> [[Option<u64>; 2]; 2] {
        [
            [self.requests_per_day, self.per_day],
            [self.requests_per_month, self.per_month],
        ]
    }

    /// The same, for everybody.
    pub(super) fn bounds(&self) -> [Pair; 2] {
        self.stated().map(|pair| pair.map(|bound| bound.unwrap_or(UNBOUNDED)))
    }
}

impl Counts {
    /// Time passes. A clock that goes back fills no bucket and begins no day. Gives, for day and month, what its index was
    /// where it is now another name for the same use.
    pub fn advance(&mut self, policy: &BudgetPolicy, now: u64) -> [Option<u64>; 2] {
        let elapsed = now.saturating_sub(self.at);
        self.at = now;
        for (rate, size) in self.rates.iter_mut().zip(policy.rates()) {
            match (rate.as_mut(), size) {
                (Some(rate), Some(size)) => rate.fill(size, policy.kinds(), elapsed),
                (None, Some(size)) => *rate = Some(Rate::of(size, policy.kinds())),
                // It stays as it is for those who bound it: another tab may have another version of the app.
                (_, None) => {}
            }
        }
        [0, 1].map(|i| self.windows[i].advance(PERIODS[i], now))
    }

    /// What there is in the buckets of a minute; none: it is not bounded.
    pub fn room(&self, policy: &BudgetPolicy, of: usize, names: [&str; 2], needed: u64) -> Option<[Room; 2]> {
        let (rate, size) = (self.rates[of].as_ref()?, policy.rates()[of]?);
        Some(rate.rooms(size, policy.kinds(), names, needed))
    }
}
