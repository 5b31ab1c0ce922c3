//! What is used in a day, or in a month.

use super::bucket::Kinds;
use super::packed::packed;
use super::shares::{Limit, MONEY, Pair, REQUESTS, Used};
use super::time::Period;

/// The use of one stretch of time: spent and held back together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Window {
    /// Which stretch.
    pub index: u64,
    /// Attempts and micro-units of everybody.
    pub used: Pair,
    /// By tier, and by task.
    pub kinds: [Used; 2],
}

packed!(Window { index, used, kinds });

/// What a purse could take of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub left: u64,
    /// 0: others' tiers are why it is not more; 1: others' tasks.
    pub kind: Option<usize>,
}

impl Window {
    /// Goes on to the stretch that `now` is in. One that has not begun yet (the clock was put back) goes on if it is the next
    /// one; if it is a later one, it is taken for this. Either way nothing in it is given back. Gives the index that it had, where
    /// that was changed without beginning anew.
    pub fn advance(&mut self, period: Period, now: u64) -> Option<u64> {
        let (index, was) = (period.index(now), self.index);
        if index > was {
            *self = Window {
                index,
                ..Window::default()
            };
        } else if index + 1 < was {
            self.index = index;
            return Some(was);
        }
        None
    }

    /// Milliseconds of it: passed, and all.
    pub fn elapsed(&self, period: Period, now: u64) -> (u64, u64) {
        let (start, end) = (period.start(self.index), period.start(self.index.saturating_add(1)));
        let all = end.saturating_sub(start);
        (now.saturating_sub(start).min(all), all)
    }

    fn limits<'a>(&self, of: usize, bound: u64, kinds: Kinds<'a>, elapsed: (u64, u64)) -> [Limit<'a>; 2] {
        kinds.map(|shares| Limit {
            of,
            bound,
            shares,
            elapsed,
        })
    }

    /// What a purse may take of a bound.
    pub fn left(&self, of: usize, bound: u64, kinds: Kinds, names: [&str; 2], elapsed: (u64, u64)) -> Left {
        let [tiers, tasks] = self.limits(of, bound, kinds, elapsed);
        let all = bound.saturating_sub(self.used[of]);
        let by = [
            self.kinds[0].room(&tiers, names[0], self.used[of]),
            self.kinds[1].room(&tasks, names[1], self.used[of]),
        ];
        let left = by[0].min(by[1]);
        let kind = (left < all).then_some(usize::from(by[1] < by[0]));
        Left { left, kind }
    }

    /// Takes one attempt and so much money; the bounds are those of attempts and of money.
    pub fn take(&mut self, money: u64, bounds: Pair, kinds: Kinds, names: [&str; 2], elapsed: (u64, u64)) {
        for (of, amount) in [(REQUESTS, 1), (MONEY, money)] {
            for (kind, limit) in self.limits(of, bounds[of], kinds, elapsed).iter().enumerate() {
                self.kinds[kind].borrow(limit, names[kind], amount, self.used[of]);
            }
            self.add(of, amount, kinds, names);
        }
    }

    /// Adds what is used, whatever the bounds are.
    pub fn add(&mut self, of: usize, amount: u64, kinds: Kinds, names: [&str; 2]) {
        self.used[of] = self.used[of].saturating_add(amount);
        for kind in [0, 1] {
            self.kinds[kind].add(kinds[kind], names[kind], of, amount);
        }
    }

    /// Takes off what was not used after all.
    pub fn release(&mut self, of: usize, amount: u64, bounds: Pair, kinds: Kinds, names: [&str; 2]) {
        self.used[of] = self.used[of].saturating_sub(amount);
        for (kind, limit) in self.limits(of, bounds[of], kinds, (0, 1)).iter().enumerate() {
            self.kinds[kind].sub(names[kind], of, amount);
            self.kinds[kind].repay(limit, self.used[of]);
        }
    }
}
