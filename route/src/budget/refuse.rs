//! What of a budget does not bear an attempt.

use std::collections::BTreeMap;

use super::ask::Purse;
use super::counts::{PERIODS, UNBOUNDED};
use super::policy::{BudgetPolicy, Share};
use super::refusal::{Bound, Refusal};
use super::shares::{MONEY, REQUESTS};
use super::state::{BudgetState, MAX_BATCHES, MAX_OPEN, MAX_SESSIONS, Reservation};
use super::window::Window;

const BOUNDS: [[Bound; 2]; 2] = [
    [Bound::RequestsPerDay, Bound::PerDay],
    [Bound::RequestsPerMonth, Bound::PerMonth],
];

/// The kinds of names, as the policy calls them.
const KINDS: [&str; 2] = ["tiers", "tasks"];

impl BudgetState {
    /// Why an attempt may not be sent, if it may not.
    pub(super) fn refusal(
        &self,
        policy: &BudgetPolicy,
        now: u64,
        purse: &Purse,
        held: &Reservation,
    ) -> Option<Refusal> {
        let (cost, names) = (held.reserved, held.names());
        let plain = |bound, needed, left| {
            (needed > left).then_some(Refusal {
                bound,
                needed,
                left,
                shares: None,
                retry_after_ms: None,
            })
        };
        let session = policy
            .per_session
            .map(|most| most.saturating_sub(self.of_session(&purse.session)));
        let batch = purse
            .batch
            .as_ref()
            .map(|batch| batch.most.saturating_sub(self.of_batch(&batch.id)));
        let new_session = policy.per_session.is_some() && !self.sessions.has(&purse.session);
        let new_batch = purse.batch.as_ref().is_some_and(|batch| !self.batches.has(&batch.id));
        plain(Bound::PerRequest, cost, policy.per_request.unwrap_or(UNBOUNDED))
            .or_else(|| plain(Bound::PerSession, cost, session?))
            .or_else(|| plain(Bound::Batch, cost, batch?))
            .or_else(|| self.in_windows(policy, now, MONEY, names, cost))
            .or_else(|| self.in_minute(policy, REQUESTS, names, 1))
            .or_else(|| self.in_minute(policy, 1, names, held.tokens()))
            .or_else(|| self.in_windows(policy, now, REQUESTS, names, 1))
            .or_else(|| plain(Bound::Open, 1, self.places(policy, names)))
            .or_else(|| {
                plain(
                    Bound::Sessions,
                    u64::from(new_session),
                    (MAX_SESSIONS - self.sessions.len().min(MAX_SESSIONS)) as u64,
                )
            })
            .or_else(|| {
                plain(
                    Bound::Batches,
                    u64::from(new_batch),
                    (MAX_BATCHES - self.batches.len().min(MAX_BATCHES)) as u64,
                )
            })
    }

    /// How many attempts more a purse may have open: of its share of half of the places, and of those
    /// that are anybody's.
    fn places(&self, policy: &BudgetPolicy, names: [&str; 2]) -> u64 {
        let all = MAX_OPEN as u64;
        let of = |(kind, shares): (usize, &BTreeMap<String, Share>)| {
            let (mut open, mut own) = (self.open.len() as u64, 0);
            for (name, share) in shares {
                let used = self.open.iter().filter(|(_, held)| held.names()[kind] == name).count() as u64;
                let unused = share.of(all / 2).saturating_sub(used);
                open = open.saturating_add(unused);
                own += if name == names[kind] { unused } else { 0 };
            }
            all.saturating_sub(open).saturating_add(own)
        };
        policy.kinds().into_iter().enumerate().map(of).min().unwrap_or(all)
    }

    fn in_windows(&self, policy: &BudgetPolicy, now: u64, of: usize, names: [&str; 2], needed: u64) -> Option<Refusal> {
        policy.bounds().iter().enumerate().find_map(|(i, bounds)| {
            let (window, bound, kinds) = (&self.counts.windows[i], bounds[of], policy.kinds());
            let found = window.left(of, bound, kinds, names, window.elapsed(PERIODS[i], now));
            // At the end of a day of which nothing is used there is all that there ever is.
            let ever = Window::default().left(of, bound, kinds, names, (1, 1)).left;
            let end = PERIODS[i].start(window.index.saturating_add(1));
            (needed > found.left).then(|| Refusal {
                bound: BOUNDS[i][of],
                needed,
                left: found.left,
                shares: found.kind.map(|kind| KINDS[kind].to_string()),
                retry_after_ms: (needed <= ever).then(|| end.saturating_sub(now)),
            })
        })
    }

    fn in_minute(&self, policy: &BudgetPolicy, of: usize, names: [&str; 2], needed: u64) -> Option<Refusal> {
        let rooms = self.counts.room(policy, of, names, needed)?;
        let (kind, room) = rooms.iter().enumerate().min_by_key(|(_, room)| room.left)?;
        let shared = room.most < policy.rates()[of]?;
        let after = rooms.iter().map(|room| room.after).collect::<Option<Vec<_>>>();
        (needed > room.left).then(|| Refusal {
            bound: [Bound::RequestsPerMinute, Bound::TokensPerMinute][of],
            needed,
            left: room.left,
            shares: shared.then(|| KINDS[kind].to_string()),
            retry_after_ms: after.and_then(|after| after.into_iter().max()),
        })
    }

    /// Micro-units of a session.
    pub(super) fn of_session(&self, session: &str) -> u64 {
        self.sessions.get(session).map_or(0, |sum| sum[0])
    }

    /// Micro-units of a batch.
    pub(super) fn of_batch(&self, id: &str) -> u64 {
        self.batches.get(id).map_or(0, |sum| sum[0])
    }
}
