//! The end of attempts: what was counted takes the place of what was held back, and what nobody counted stays.

use std::collections::BTreeSet;

use super::ask::{Kept, Key, Settled, Spent};
use super::policy::BudgetPolicy;
use super::row::{Counterfactual, LEDGER_VERSION, Row, Source, Tokens};
use super::shares::{MONEY, REQUESTS};
use super::state::{BudgetState, Reservation};
use super::time::LAST;
use crate::document::MAX_INTEGER;
use crate::{Result, RouteError};

/// An attempt that has not ended for so long is given up as lost, in milliseconds: an hour.
pub const LOST_AFTER_MS: u64 = 3_600_000;
/// Lost attempts whose end may still come, at most; the oldest are forgotten, and cost their worst case for good.
pub const MAX_LATE: usize = 512;

impl BudgetState {
    /// An attempt has ended. What was counted is what it has cost, even if that is more than was held back; of one that was
    /// turned away everything is given back; of one that nobody counted nothing is. One that was given up as lost meanwhile
    /// is settled once: its row takes the place of the estimated one.
    ///
    /// # Errors
    ///
    /// `invalid_request` for an attempt that does not run: it was settled, or lost for too long.
    pub fn settle(&mut self, policy: &BudgetPolicy, now: u64, key: &Key, settled: &Settled) -> Result<Row> {
        self.advance(policy, now.min(LAST));
        let text = key.text();
        let (held, lost) = match (self.open.remove(&text), self.late.remove(&text)) {
            (Some(held), _) => (held, false),
            (None, Some(held)) => (held, true),
            (None, None) => {
                let expected = "an attempt that was reserved, and not settled";
                return Err(RouteError::invalid("settle.attempt", expected, key.attempt));
            }
        };
        let settled = settled.clone().tamed();
        let row = row_of(&held, &settled);
        self.adjust(policy, &held, &row, &settled.spent);
        if lost {
            self.totals.estimated = self.totals.estimated.saturating_sub(held.reserved);
            self.totals.remote = self.totals.remote.saturating_sub(1);
        }
        self.count(&row);
        Ok(row)
    }

    /// Attempts that nobody ends any more: those that run for [`LOST_AFTER_MS`], and, where it is known which sessions are
    /// alive, those of all others, which are then forgotten. They cost their worst case; gives their rows.
    pub fn expire(&mut self, policy: &BudgetPolicy, now: u64, alive: Option<&BTreeSet<String>>) -> Vec<Row> {
        let now = now.min(LAST);
        self.advance(policy, now);
        let dead = |session: &str| alive.is_some_and(|alive| !alive.contains(session));
        let lost = |held: &Reservation| now.saturating_sub(held.at) >= LOST_AFTER_MS || dead(&held.ask.session);
        let mut keys = Vec::new();
        self.open
            .iter()
            .filter(|(_, held)| lost(held))
            .for_each(|(key, _)| keys.push(key.to_string()));
        let mut rows = Vec::new();
        for key in keys {
            let Some(held) = self.open.remove(&key) else { continue };
            let row = row_of(&held, &Settled::default());
            self.count(&row);
            rows.push(row);
            self.late.or_insert(&key, || held);
        }
        while self.late.len() > MAX_LATE {
            let oldest = self
                .late
                .iter()
                .min_by_key(|(_, held)| held.at)
                .map(|(key, _)| key.to_string());
            oldest.map(|key| self.late.remove(&key));
        }
        self.sessions.retain(|session, _| !dead(session));
        rows
    }

    /// An answer of the device, which costs nothing.
    ///
    /// # Errors
    ///
    /// `invalid_request` for what makes no sense.
    pub fn keep(&mut self, now: u64, kept: &Kept) -> Result<Row> {
        kept.check()?;
        let Kept {
            id,
            task,
            tier,
            session,
            batch,
            price,
            remote,
            input,
            output,
            local_ms,
            reason,
        } = kept.clone();
        let row = Row {
            schema_version: LEDGER_VERSION,
            seq: self.number(),
            id,
            attempt: 0,
            at: now.min(LAST),
            session,
            task,
            tier,
            batch: batch.map(|batch| batch.id),
            source: Source::Local,
            remote,
            model: None,
            provider: None,
            input_tokens: input,
            output_tokens: output,
            cached_tokens: None,
            tokens: Tokens::Reported,
            currency: price.as_ref().map(|price| price.currency.clone()),
            price_as_of: price.as_ref().map(|price| price.as_of.clone()),
            cost: 0,
            reserved: 0,
            counterfactual: price.map_or(0, |price| price.cost(input, output).min(MAX_INTEGER)),
            counterfactual_kind: Counterfactual::Estimated,
            local_ms,
            wasted_local_ms: None,
            latency_ms: None,
            reason: Settled {
                reason,
                ..Settled::default()
            }
            .tamed()
            .reason,
        };
        self.count(&row);
        Ok(row)
    }

    /// Puts what an attempt has used in the place of what was held back for it.
    fn adjust(&mut self, policy: &BudgetPolicy, held: &Reservation, row: &Row, spent: &Spent) {
        let (names, kinds) = (held.names(), policy.kinds());
        let turned_away = *spent == Spent::Refused;
        for (i, bounds) in policy.bounds().into_iter().enumerate() {
            let window = &mut self.counts.windows[i];
            if window.index != held.windows[i] {
                continue; // that day is over
            }
            window.release(MONEY, held.reserved.saturating_sub(row.cost), bounds, kinds, names);
            window.add(MONEY, row.cost.saturating_sub(held.reserved), kinds, names);
            window.release(REQUESTS, u64::from(turned_away), bounds, kinds, names);
        }
        let used = match spent {
            Spent::Usage { usage } => usage.input.saturating_add(usage.output),
            Spent::Refused => 0,
            Spent::Unknown => held.tokens(),
        };
        let taken = [1, held.tokens()];
        for (of, used) in [u64::from(!turned_away), used].into_iter().enumerate() {
            let (Some(rate), Some(size)) = (self.counts.rates[of].as_mut(), policy.rates()[of]) else {
                continue;
            };
            rate.put(size, kinds, names, taken[of].saturating_sub(used), held.common[of]);
            rate.owe(names, used.saturating_sub(taken[of]));
        }
        let session = self.sessions.get_mut(&held.ask.session).filter(|_| held.in_session);
        let batch = held
            .ask
            .batch
            .as_ref()
            .and_then(|batch| self.batches.get_mut(&batch.id));
        for [sum, _] in session.into_iter().chain(batch) {
            *sum = sum.saturating_sub(held.reserved).saturating_add(row.cost);
        }
    }

    fn count(&mut self, row: &Row) {
        let totals = &mut self.totals;
        let (rows, money) = match (row.source, row.tokens) {
            (Source::Local, _) => (&mut totals.local, None),
            (Source::Remote, Tokens::Reported) => (&mut totals.remote, Some(&mut totals.reported)),
            (Source::Remote, Tokens::Estimated) => (&mut totals.remote, Some(&mut totals.estimated)),
        };
        *rows = rows.saturating_add(1);
        if let Some(money) = money {
            *money = money.saturating_add(row.cost);
        }
    }
}

/// The line of an attempt that has ended.
fn row_of(held: &Reservation, settled: &Settled) -> Row {
    let ask = held.ask.clone();
    let baseline = ask.baseline.as_ref().unwrap_or(&ask.price);
    let (input, output, cached, cost, counterfactual, counted) = match &settled.spent {
        Spent::Usage { usage } => {
            let of = |price: &crate::price::Price| price.total(1, usage.input, usage.cached.unwrap_or(0), usage.output);
            (
                usage.input,
                usage.output,
                usage.cached,
                of(&ask.price),
                of(baseline),
                true,
            )
        }
        Spent::Refused => (0, 0, None, 0, 0, true),
        Spent::Unknown => (
            ask.input,
            ask.output,
            None,
            held.reserved,
            baseline.cost(ask.input, ask.output),
            false,
        ),
    };
    let kind = if counted {
        Counterfactual::Measured
    } else {
        Counterfactual::Estimated
    };
    Row {
        schema_version: LEDGER_VERSION,
        seq: held.seq,
        id: ask.id,
        attempt: ask.attempt,
        at: held.at,
        session: ask.session,
        task: ask.task,
        tier: ask.tier,
        batch: ask.batch.map(|batch| batch.id),
        source: Source::Remote,
        remote: Some(ask.remote),
        model: settled.model.clone(),
        provider: settled.provider.clone(),
        input_tokens: input,
        output_tokens: output,
        cached_tokens: cached,
        tokens: if counted { Tokens::Reported } else { Tokens::Estimated },
        counterfactual: counterfactual.min(MAX_INTEGER),
        counterfactual_kind: kind,
        currency: Some(ask.price.currency),
        price_as_of: Some(ask.price.as_of),
        cost: cost.min(MAX_INTEGER),
        reserved: held.reserved,
        local_ms: None,
        wasted_local_ms: settled.wasted_local_ms,
        latency_ms: settled.latency_ms,
        reason: settled.reason.clone(),
    }
}
