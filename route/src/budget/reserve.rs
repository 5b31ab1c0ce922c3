//! Before an attempt: its worst case is held back.

use super::ask::Ask;
use super::counts::PERIODS;
use super::policy::BudgetPolicy;
use super::shares::{MONEY, Pair};
use super::state::{BudgetState, Reservation};
use super::time::LAST;
use crate::document::MAX_INTEGER;
use crate::price::Price;
use crate::{Result, RouteError};

/// A batch is forgotten when nothing of it has run for so long: a week.
const BATCH_MS: u64 = 7 * 86_400_000;

impl BudgetState {
    /// Holds the worst case of an attempt back.
    ///
    /// # Errors
    ///
    /// `budget_exhausted` or `rate_limited` ([`RouteError::Refused`]) where a bound does not bear it, `invalid_request` for what
    /// makes no sense, or was reserved before. Nothing is held back then.
    pub fn reserve(&mut self, policy: &BudgetPolicy, now: u64, ask: &Ask) -> Result<Reservation> {
        ask.check()?;
        let (now, key, purse) = (now.min(LAST), ask.key().text(), ask.purse());
        self.advance(policy, now);
        if self.open.has(&key) || self.late.has(&key) {
            return Err(RouteError::invalid(
                "reserve.attempt",
                "one that was not reserved before",
                ask.attempt,
            ));
        }
        self.one_currency("reserve.price", &ask.price)?;
        let held = self.worst(policy, now, ask);
        if let Some(refusal) = self.refusal(policy, now, &purse, &held) {
            return Err(RouteError::Refused(refusal));
        }
        Ok(self.hold(policy, now, held))
    }

    /// Holds back again what a state had that was cleared while the attempt ran, whatever the bounds are: it is spent all the
    /// same. Of an attempt that is known nothing changes.
    ///
    /// # Errors
    ///
    /// `invalid_request` for what makes no sense.
    pub fn again(&mut self, policy: &BudgetPolicy, now: u64, ask: &Ask) -> Result<()> {
        ask.check()?;
        self.advance(policy, now.min(LAST));
        let key = ask.key().text();
        if !self.open.has(&key) && !self.late.has(&key) {
            let mut held = self.worst(policy, now.min(LAST), ask);
            held.reserved = held.reserved.min(MAX_INTEGER);
            self.hold(policy, now.min(LAST), held);
        }
        Ok(())
    }

    fn worst(&self, policy: &BudgetPolicy, now: u64, ask: &Ask) -> Reservation {
        Reservation {
            ask: ask.clone(),
            seq: 0,
            at: now,
            reserved: ask.price.cost(ask.input, ask.output),
            windows: [0, 1].map(|i| self.counts.windows[i].index),
            common: [[0; 2]; 2],
            in_session: policy.per_session.is_some(),
        }
    }

    fn hold(&mut self, policy: &BudgetPolicy, now: u64, mut held: Reservation) -> Reservation {
        held.seq = self.number();
        for (i, bounds) in policy.bounds().into_iter().enumerate() {
            let elapsed = self.counts.windows[i].elapsed(PERIODS[i], now);
            self.counts.windows[i].take(held.reserved, bounds, policy.kinds(), held.names(), elapsed);
        }
        let tokens = held.tokens();
        for (of, amount) in [1, tokens].into_iter().enumerate() {
            let taken = self.counts.rates[of]
                .as_mut()
                .map(|rate| rate.take(held.names(), amount));
            held.common[of] = taken.unwrap_or_default();
        }
        let session = held.in_session.then(|| held.ask.session.clone());
        let batch = held.ask.batch.as_ref().map(|batch| batch.id.clone());
        for (sums, name) in [(&mut self.sessions, session), (&mut self.batches, batch)] {
            let Some(name) = name else { continue };
            let [spent, at] = sums.or_insert(&name, Pair::default);
            (*spent, *at) = (spent.saturating_add(held.reserved), now);
        }
        self.currency = Some(held.ask.price.currency.clone());
        self.open.or_insert(&held.key().text(), || held.clone());
        held
    }

    pub(super) fn advance(&mut self, policy: &BudgetPolicy, now: u64) {
        for (i, was) in self.counts.advance(policy, now).into_iter().enumerate() {
            let Some(was) = was else { continue };
            let index = self.counts.windows[i].index;
            let all = self.open.values_mut().chain(self.late.values_mut());
            all.filter(|held| held.windows[i] == was)
                .for_each(|held| held.windows[i] = index);
        }
        let runs = |id: &str| {
            self.open
                .iter()
                .any(|(_, held)| held.ask.batch.as_ref().is_some_and(|batch| batch.id == id))
        };
        self.batches
            .retain(|id, [_, at]| now.saturating_sub(*at) < BATCH_MS || runs(id));
    }

    /// Money of two currencies cannot be added.
    fn one_currency(&mut self, path: &str, price: &Price) -> Result<()> {
        let windows = self.counts.windows.iter().map(|window| window.used[MONEY]);
        let sums = self.sessions.iter().chain(self.batches.iter()).map(|(_, sum)| sum[0]);
        let money = windows.chain(sums);
        if self.currency.as_ref().is_none_or(|known| *known == price.currency) || money.max() == Some(0) {
            return Ok(());
        }
        let expected = format!(
            "{:?}, in which this month's money is",
            self.currency.as_deref().unwrap_or_default()
        );
        Err(RouteError::invalid(
            format!("{path}.currency"),
            expected,
            format!("{:?}", price.currency),
        ))
    }
}
