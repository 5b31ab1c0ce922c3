//! What is used, held back and still known of attempts: explicit, a document, changed by one call at a time.

use serde::{Deserialize, Serialize};

use super::ask::{Ask, Key, Purse};
use super::bucket::{Kinds, Rate, Room};
use super::list::List;
use super::pacing;
use super::policy::BudgetPolicy;
use super::refusal::{Bound, Refusal};
use super::settle::MAX_LATE;
use super::shares::{MAX_COUNTED, MONEY, Pair, REQUESTS};
use super::time::{LAST, Period};
use super::window::Window;
use crate::document::{MAX_INTEGER, read_plain};
use crate::facts::Budget;
use crate::policy::MAX_TASKS;
use crate::price::Price;
use crate::{Result, RouteError};

/// Changes whenever an older state would be read differently.
pub const BUDGET_STATE_VERSION: u32 = 1;
/// Attempts that run at once, at most.
pub const MAX_OPEN: usize = 1_024;
/// Sessions whose money is counted, at most: those with `perSession`, until they are forgotten.
pub const MAX_SESSIONS: usize = 10_000;
/// Batches that are known, at most.
pub const MAX_BATCHES: usize = 1_000;
/// A batch is forgotten when nothing of it has run for so long: a week.
const BATCH_MS: u64 = 7 * 86_400_000;
/// Money and requests of a day or month that nobody has bounded are bounded by what a double holds.
const UNBOUNDED: u64 = MAX_INTEGER;

/// The state of a budget. The default is one of which nothing is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetState {
    /// [`BUDGET_STATE_VERSION`].
    pub schema_version: u32,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// What it is for.
    pub ask: Ask,
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

/// What time changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    at: u64,
    /// Attempts and tokens in a minute.
    pub rates: [Option<Rate>; 2],
    /// Day and month.
    pub windows: [Window; 2],
}

/// The kinds of [`Counts::windows`].
pub(super) const PERIODS: [Period; 2] = [Period::Day, Period::Month];
const BOUNDS: [[Bound; 2]; 2] = [
    [Bound::RequestsPerDay, Bound::PerDay],
    [Bound::RequestsPerMonth, Bound::PerMonth],
];

impl Default for BudgetState {
    fn default() -> BudgetState {
        BudgetState {
            schema_version: BUDGET_STATE_VERSION,
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

impl BudgetPolicy {
    pub(super) fn kinds(&self) -> Kinds<'_> {
        [&self.tiers, &self.tasks]
    }

    /// Of attempts and of tokens in a minute.
    pub(super) fn rates(&self) -> [Option<u64>; 2] {
        [self.requests_per_minute, self.tokens_per_minute]
    }

    /// Of a day and of a month: attempts and money, where somebody has said so.
    fn stated(&self) -> [[Option<u64>; 2]; 2] {
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
                (_, None) => *rate = None,
            }
        }
        [0, 1].map(|i| self.windows[i].advance(PERIODS[i], now))
    }

    fn room(&self, policy: &BudgetPolicy, of: usize, names: [&str; 2], needed: u64) -> Option<[Room; 2]> {
        let (rate, size) = (self.rates[of].as_ref()?, policy.rates()[of]?);
        Some(rate.rooms(size, policy.kinds(), names, needed))
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
        lists.iter().all(|(list, most)| list.ordered() && list.len() <= *most)
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
            at: now,
            reserved: ask.price.cost(ask.input, ask.output),
            windows: [0, 1].map(|i| self.counts.windows[i].index),
            common: [[0; 2]; 2],
            in_session: policy.per_session.is_some(),
        }
    }

    fn hold(&mut self, policy: &BudgetPolicy, now: u64, mut held: Reservation) -> Reservation {
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

    fn of_session(&self, session: &str) -> u64 {
        self.sessions.get(session).map_or(0, |sum| sum[0])
    }

    fn of_batch(&self, id: &str) -> u64 {
        self.batches.get(id).map_or(0, |sum| sum[0])
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

    /// Why an attempt may not be sent, if it may not.
    fn refusal(&self, policy: &BudgetPolicy, now: u64, purse: &Purse, held: &Reservation) -> Option<Refusal> {
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
            .or_else(|| plain(Bound::Open, 1, (MAX_OPEN - self.open.len().min(MAX_OPEN)) as u64))
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
}

/// The kinds of names, as the policy calls them.
const KINDS: [&str; 2] = ["tiers", "tasks"];
