//! What is used, held back and still known of attempts: explicit, a document, changed by one call at a time.

use serde::{Deserialize, Serialize};

use super::ask::{Ask, Key, Purse};
use super::counts::{Counts, PERIODS};
use super::list::List;
use super::pacing;
use super::packed::packed;
use super::policy::BudgetPolicy;
use super::settle::MAX_LATE;
use super::shares::{MAX_COUNTED, MONEY, Pair, REQUESTS};
use super::time::LAST;
use crate::document::{MAX_INTEGER, read_plain};
use crate::facts::Budget;
use crate::policy::MAX_TASKS;
use crate::{Result, RouteError};

/// Changes whenever an older state would be read differently.
pub const BUDGET_STATE_VERSION: u32 = 1;
/// Attempts that run at once, at most.
pub const MAX_OPEN: usize = 1_024;
/// Sessions whose money is counted, at most: those with `perSession`, until they are forgotten.
pub const MAX_SESSIONS: usize = 10_000;
/// Batches that are known, at most.
pub const MAX_BATCHES: usize = 1_000;

/// The state of a budget. The default is one of which nothing is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// [`BUDGET_STATE_VERSION`].
    pub schema_version: u32,
    /// The number of the next row.
    pub(super) next: u64,
    /// Of all money here.
    pub(super) currency: Option<String>,
    pub(super) counts: Counts,
    /// Micro-units by session, and when it last asked.
    pub(super) sessions: List<Pair>,
    /// Micro-units by batch, and when it was last used.
    pub(super) batches: List<Pair>,
    /// Attempts that run.
    pub(super) open: List<Reservation>,
    /// Attempts that were given up as lost: they cost their worst case, until something better is known.
    pub(super) late: List<Reservation>,
    /// Since it began.
    pub totals: Totals,
}

packed!(BudgetState {
    schema_version,
    next,
    currency,
    counts,
    sessions,
    batches,
    open,
    late,
    totals
});

/// What all rows there ever were sum to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Rows of attempts.
    pub remote: u64,
    /// Rows of answers of the device.
    pub local: u64,
    /// Micro-units that were counted.
    pub reported: u64,
    /// Micro-units that nobody counted.
    pub estimated: u64,
}

/// What is held back for one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What it is for.
    pub ask: Ask,
    /// Of its row.
    pub seq: u64,
    /// When.
    pub at: u64,
    /// Micro-units.
    pub reserved: u64,
    /// The day and the month in whose use it is.
    pub(super) windows: Pair,
    /// Of its requests and tokens, what was taken from the common buckets of both kinds.
    pub(super) common: [Pair; 2],
    /// It is in the use of its session.
    pub(super) in_session: bool,
}

packed!(Reservation {
    ask,
    seq,
    at,
    reserved,
    windows,
    common,
    in_session
});

impl Default for BudgetState {
    fn default() -> BudgetState {
        BudgetState {
            schema_version: BUDGET_STATE_VERSION,
            next: 0,
            currency: None,
            counts: Counts::default(),
            sessions: List::default(),
            batches: List::default(),
            open: List::default(),
            late: List::default(),
            totals: Totals::default(),
        }
    }
}

impl Reservation {
    /// What names it.
    pub fn key(&self) -> Key {
        self.ask.key()
    }

    pub(super) fn names(&self) -> [&str; 2] {
        [
            self.ask.tier.as_deref().unwrap_or_default(),
            self.ask.task.as_deref().unwrap_or_default(),
        ]
    }

    pub(super) fn tokens(&self) -> u64 {
        self.ask.input.saturating_add(self.ask.output)
    }
}

impl BudgetState {
    /// Reads and checks a state. Text that is empty is a state of which nothing is used.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn from_json(text: &str) -> Result<BudgetState> {
        if text.is_empty() {
            return Ok(BudgetState::default());
        }
        let state: BudgetState = read_plain("state", text)?;
        if state.schema_version != BUDGET_STATE_VERSION {
            let expected = BUDGET_STATE_VERSION.to_string();
            return Err(RouteError::invalid(
                "state.schema_version",
                expected,
                state.schema_version,
            ));
        }
        if !state.sound() {
            return Err(RouteError::invalid(
                "state",
                "lists as this version makes them",
                "others",
            ));
        }
        Ok(state)
    }

    /// Its lists are in order, and no longer than ours.
    fn sound(&self) -> bool {
        let lists = [(&self.open, MAX_OPEN), (&self.late, MAX_LATE)];
        let sums = [(&self.sessions, MAX_SESSIONS), (&self.batches, MAX_BATCHES)];
        let used = self.counts.windows.iter().flat_map(|window| window.kinds.iter());
        self.next <= MAX_INTEGER
            && lists.iter().all(|(list, most)| list.ordered() && list.len() <= *most)
            && sums.iter().all(|(list, most)| list.ordered() && list.len() <= *most)
            && self.counts.rates.iter().flatten().all(|rate| rate.sound(MAX_TASKS))
            && used.into_iter().all(|used| used.sound(MAX_COUNTED + MAX_TASKS))
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| RouteError::invalid("state", "what JSON can say", error))
    }

    /// What `decide` is told: `facts.budget`. What nobody has bounded is absent.
    pub fn standing(&self, policy: &BudgetPolicy, now: u64, purse: &Purse) -> Result<Budget> {
        purse.check("purse")?;
        let now = now.min(LAST);
        let mut counts = self.counts.clone();
        counts.advance(policy, now);
        let names = [
            purse.tier.as_deref().unwrap_or_default(),
            purse.task.as_deref().unwrap_or_default(),
        ];
        let mut budget = Budget {
            remaining: policy.per_request,
            ..Budget::default()
        };
        let mut least = |left: Option<u64>| budget.remaining = [budget.remaining, left].into_iter().flatten().min();
        least(
            policy
                .per_session
                .map(|most| most.saturating_sub(self.of_session(&purse.session))),
        );
        least(
            purse
                .batch
                .as_ref()
                .map(|batch| batch.most.saturating_sub(self.of_batch(&batch.id))),
        );
        let mut requests = counts.room(policy, REQUESTS, names, 1).map(|[a, b]| a.left.min(b.left));
        let mut dear: Option<f64> = None;
        for (i, stated) in policy.stated().iter().enumerate() {
            let (window, elapsed) = (&counts.windows[i], counts.windows[i].elapsed(PERIODS[i], now));
            let left = |of: usize, bound| window.left(of, bound, policy.kinds(), names, elapsed).left;
            let money = stated[MONEY].map(|bound| left(MONEY, bound));
            let attempts = stated[REQUESTS].map(|bound| left(REQUESTS, bound));
            budget.remaining = [budget.remaining, money].into_iter().flatten().min();
            requests = [requests, attempts].into_iter().flatten().min();
            if let Some(bound) = stated[MONEY] {
                let price = pacing::price(policy.pacing, window.used[MONEY], bound, elapsed);
                dear = Some(dear.unwrap_or(1.0).max(price));
            }
        }
        budget.requests = requests.map(|left| u32::try_from(left).unwrap_or(u32::MAX));
        budget.tokens = counts.room(policy, 1, names, 1).map(|[a, b]| a.left.min(b.left));
        budget.pacing = dear;
        Ok(budget)
    }

    /// The number of a new row.
    pub(super) fn number(&mut self) -> u64 {
        let seq = self.next;
        self.next = seq.saturating_add(1).min(MAX_INTEGER);
        seq
    }

    /// Forgets what a session has spent: it will not come back.
    pub fn forget(&mut self, session: &str) {
        self.sessions.remove(session);
    }

    /// Micro-units that are held back for attempts that run.
    pub fn held(&self) -> u64 {
        self.open
            .iter()
            .fold(0, |sum, (_, held)| sum.saturating_add(held.reserved))
    }

    /// Micro-units of the day and of the month that `now` is in: spent, and held back.
    pub fn used(&self, policy: &BudgetPolicy, now: u64) -> Pair {
        let mut counts = self.counts.clone();
        counts.advance(policy, now.min(LAST));
        counts.windows.map(|window| window.used[MONEY])
    }
}
