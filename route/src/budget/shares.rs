//! Who may use what of a bound for a day or a month.
//!
//! Of a bound `B`, name `k` is entitled to `E_k = share_k * B - lent_k`, and what nobody is entitled to is the rest. Whoever
//! needs more than its own borrows: from the rest, and then, with a higher priority, from others what of their shares has
//! elapsed unused. What is lent is noted, so that everybody can always use what it is entitled to, and all together never
//! more than `B`.

use std::collections::BTreeMap;

use super::bucket::rest;
use super::list::List;
use super::packed::packed;
use super::policy::Share;

/// What is counted: attempts and micro-units.
pub(super) type Pair = [u64; 2];
/// Place of attempts in a [`Pair`].
pub(super) const REQUESTS: usize = 0;
/// Place of micro-units.
pub(super) const MONEY: usize = 1;

/// Names that are counted apart, at most; others count as the one without a name.
pub(super) const MAX_COUNTED: usize = 512;

/// What the names of one kind have used, and lent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Used {
    pub by: List<Pair>,
    lent: List<Pair>,
}

packed!(Used { by, lent });

/// A bound, and how much of its time is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit<'a> {
    /// [`REQUESTS`] or [`MONEY`].
    pub of: usize,
    pub bound: u64,
    pub shares: &'a BTreeMap<String, Share>,
    /// Milliseconds: passed, and all of them.
    pub elapsed: (u64, u64),
}

impl Limit<'_> {
    /// Of an amount, what the time that is left is entitled to, rounded up.
    fn ahead(&self, amount: u64) -> u64 {
        let (passed, all) = self.elapsed;
        let left = u128::from(amount) * u128::from(all.saturating_sub(passed));
        left.div_ceil(u128::from(all.max(1))) as u64
    }
}

impl Used {
    fn used(&self, name: &str, of: usize) -> u64 {
        self.by.get(name).map_or(0, |used| used[of])
    }

    fn lent(&self, name: &str, of: usize) -> u64 {
        self.lent.get(name).map_or(0, |lent| lent[of])
    }

    /// What `name` is entitled to.
    fn entitled(&self, limit: &Limit, name: &str, share: &Share) -> u64 {
        share.of(limit.bound).saturating_sub(self.lent(name, limit.of))
    }

    /// What is used beyond what the users are entitled to.
    fn borrowed(&self, limit: &Limit, all: u64) -> u64 {
        let within =
            |(name, share): (&String, &Share)| self.used(name, limit.of).min(self.entitled(limit, name, share));
        all.saturating_sub(limit.shares.iter().map(within).sum::<u64>())
    }

    fn lent_by_all(&self, limit: &Limit) -> u64 {
        limit
            .shares
            .iter()
            .map(|(name, share)| self.lent(name, limit.of).min(share.of(limit.bound)))
            .sum()
    }

    /// What of the rest nobody uses.
    fn rest(&self, limit: &Limit, all: u64) -> u64 {
        let used = self.borrowed(limit, all).saturating_sub(self.lent_by_all(limit));
        rest(limit.bound, limit.shares).saturating_sub(used)
    }

    /// What `lender` can lend: of its share that is not used, what the time that is left does not need.
    fn lendable(&self, limit: &Limit, lender: &str, share: &Share) -> u64 {
        let needs = self.used(lender, limit.of).max(limit.ahead(share.of(limit.bound)));
        self.entitled(limit, lender, share).saturating_sub(needs)
    }

    /// What a purse may take now; `all`: what is used by everybody.
    pub fn room(&self, limit: &Limit, name: &str, all: u64) -> u64 {
        let share = limit.shares.get(name).copied().unwrap_or_default();
        let own = self
            .entitled(limit, name, &share)
            .saturating_sub(self.used(name, limit.of));
        let mut room = own;
        if share.priority >= 0 {
            room = room.saturating_add(self.of_rest(limit, &share, all));
            for (lender, lends) in limit.shares.iter().filter(|(_, lends)| lends.priority < share.priority) {
                room = room.saturating_add(self.lendable(limit, lender, lends));
            }
        }
        room.min(limit.bound.saturating_sub(all))
    }

    /// What it may take of the rest: all of it for the highest priority, what has elapsed of it for others.
    fn of_rest(&self, limit: &Limit, share: &Share, all: u64) -> u64 {
        let free = self.rest(limit, all);
        let highest = limit.shares.values().all(|other| other.priority <= share.priority);
        let held = if highest {
            0
        } else {
            limit.ahead(rest(limit.bound, limit.shares))
        };
        free.saturating_sub(held)
    }

    /// Notes who lends, before `name` takes what there is room for.
    pub fn borrow(&mut self, limit: &Limit, name: &str, amount: u64, all: u64) {
        let share = limit.shares.get(name).copied().unwrap_or_default();
        let own = self
            .entitled(limit, name, &share)
            .saturating_sub(self.used(name, limit.of));
        let mut lacks = amount
            .saturating_sub(own)
            .saturating_sub(self.of_rest(limit, &share, all));
        for (lender, lends) in limit.shares.iter().filter(|(_, lends)| lends.priority < share.priority) {
            let part = self.lendable(limit, lender, lends).min(lacks);
            if part > 0 {
                self.lent.or_insert(lender, Pair::default)[limit.of] += part;
                lacks -= part;
            }
        }
    }

    /// Gives back to the lenders what the rest bears.
    pub fn repay(&mut self, limit: &Limit, all: u64) {
        let common = rest(limit.bound, limit.shares);
        for name in limit.shares.keys() {
            let needed = self.borrowed(limit, all).saturating_sub(common);
            let over = self.lent_by_all(limit).saturating_sub(needed);
            if let Some(lent) = self.lent.get_mut(name) {
                lent[limit.of] -= lent[limit.of].min(over);
            }
        }
        self.lent.retain(|_, lent| *lent != [0, 0]);
    }

    /// Adds to what is used. Names with shares are always counted apart, of others the first ones.
    pub fn add(&mut self, shares: &BTreeMap<String, Share>, name: &str, of: usize, amount: u64) {
        let apart = self.by.has(name) || self.by.len() < MAX_COUNTED || shares.contains_key(name);
        let used = &mut self.by.or_insert(if apart { name } else { "" }, Pair::default)[of];
        *used = used.saturating_add(amount);
    }

    /// Takes off what is used.
    pub fn sub(&mut self, name: &str, of: usize, amount: u64) {
        let name = if self.by.has(name) { name } else { "" };
        if let Some(used) = self.by.get_mut(name) {
            used[of] = used[of].saturating_sub(amount);
        }
    }

    /// A state from outside is no larger than one of ours.
    pub fn sound(&self, most: usize) -> bool {
        [&self.by, &self.lent]
            .iter()
            .all(|list| list.ordered() && list.len() <= most)
    }
}
