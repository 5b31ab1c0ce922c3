//! Token buckets for what is bounded by the minute: one for each share, and one for what is left over.
//!
//! A bucket of `n` a minute holds at most `n` and is filled by `n / 60,000` each millisecond, exactly: what is less than one
//! is kept as sixty-thousandths. What flows over from a full share's bucket goes to the common one, so nobody's share is
//! ever lent, and nothing of the minute is lost while anybody asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::list::List;
use super::packed::packed;
use super::policy::Share;

/// Milliseconds of a minute.
const MINUTE: u128 = 60_000;

/// What may be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bucket {
    /// Less than nothing: more was used than had been reserved.
    level: i64,
    /// Sixty-thousandths of one more.
    part: u64,
}

packed!(Bucket { level, part });

impl Bucket {
    fn full(size: u64) -> Bucket {
        Bucket {
            level: signed(size),
            part: 0,
        }
    }

    fn left(self) -> u64 {
        u64::try_from(self.level).unwrap_or(0)
    }

    /// Time passes; gives what flows over.
    fn fill(&mut self, size: u64, elapsed: u64) -> u64 {
        let total = u128::from(elapsed) * u128::from(size) + u128::from(self.part);
        let level = i128::from(self.level).saturating_add(i128::try_from(total / MINUTE).unwrap_or(i128::MAX));
        let over = level - i128::from(size);
        if over >= 0 {
            *self = Bucket::full(size);
            return u64::try_from(over).unwrap_or(u64::MAX);
        }
        self.level = level as i64; // less than the size, and no less than it was
        self.part = (total % MINUTE) as u64;
        0
    }

    fn add(&mut self, size: u64, amount: u64) {
        self.level = self.level.saturating_add(signed(amount)).min(signed(size));
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// The buckets of one kind of names (tiers or tasks) for one bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lane {
    rest: Bucket,
    own: List<Bucket>,
}

packed!(Lane { rest, own });

/// What a purse could take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub left: u64,
    /// The most that there can ever be for it.
    pub most: u64,
    /// Milliseconds until `needed` is there, as far as it ever is.
    pub after: Option<u64>,
}

impl Lane {
    /// Full ones.
    fn of(size: u64, shares: &BTreeMap<String, Share>) -> Lane {
        let mut own = List::default();
        for (name, share) in shares {
            own.or_insert(name, || Bucket::full(share.of(size)));
        }
        Lane {
            rest: Bucket::full(rest(size, shares)),
            own,
        }
    }

    /// Time passes, and the shares are as they are now.
    fn fill(&mut self, size: u64, shares: &BTreeMap<String, Share>, elapsed: u64) {
        self.own.retain(|name, _| shares.contains_key(name));
        let mut over = 0u64;
        for (name, share) in shares {
            let part = share.of(size);
            let bucket = self.own.or_insert(name, || Bucket::full(part));
            // A share that has become smaller has nothing to give away.
            bucket.level = bucket.level.min(signed(part));
            over = over.saturating_add(bucket.fill(part, elapsed));
        }
        let common = rest(size, shares);
        self.rest.level = self.rest.level.min(signed(common));
        self.rest.fill(common, elapsed);
        self.rest.add(common, over);
    }

    /// What is there for `name` when it needs so much.
    fn room(&self, size: u64, shares: &BTreeMap<String, Share>, name: &str, needed: u64) -> Room {
        let share = shares.get(name);
        let borrows = share.is_none_or(|share| share.priority >= 0);
        let part = share.map_or(0, |share| share.of(size));
        let most = part + if borrows { rest(size, shares) } else { 0 };
        let own = self.own.get(name).copied().unwrap_or_default();
        let left = own.left().saturating_add(if borrows { self.rest.left() } else { 0 });
        // Both are filled side by side; debts must be filled, too.
        let owed = |bucket: Bucket| u128::from(bucket.level.min(0).unsigned_abs());
        let debt = owed(own) + if borrows { owed(self.rest) } else { 0 };
        let lacks = u128::from(needed.saturating_sub(left)) + debt;
        let wait = (lacks * MINUTE).div_ceil(u128::from(most).max(1));
        let after = (needed <= most).then(|| u64::try_from(wait).unwrap_or(u64::MAX));
        Room { left, most, after }
    }

    /// Takes what there is room for; gives how much of it is of the common bucket.
    fn take(&mut self, name: &str, amount: u64) -> u64 {
        let own = self.own.get(name).map_or(0, |bucket| bucket.left());
        let common = amount.saturating_sub(own);
        if let Some(bucket) = self.own.get_mut(name) {
            bucket.level -= signed(amount - common);
        }
        self.rest.level = self.rest.level.saturating_sub(signed(common));
        common
    }

    /// Puts back what was not used, the common bucket's part first.
    fn put(&mut self, size: u64, shares: &BTreeMap<String, Share>, name: &str, amount: u64, common: u64) {
        let common = common.min(amount);
        self.rest.add(rest(size, shares), common);
        let share = shares.get(name).map_or(0, |share| share.of(size));
        match self.own.get_mut(name) {
            Some(bucket) => bucket.add(share, amount - common),
            None => self.rest.add(rest(size, shares), amount - common),
        }
    }

    /// What was used beyond what had been taken is owed.
    fn owe(&mut self, name: &str, amount: u64) {
        let bucket = self.own.get_mut(name).unwrap_or(&mut self.rest);
        bucket.level = bucket.level.saturating_sub(signed(amount));
    }
}

/// What is nobody's share.
pub(super) fn rest(size: u64, shares: &BTreeMap<String, Share>) -> u64 {
    let shared: u64 = shares.values().map(|share| share.of(size)).sum();
    size.saturating_sub(shared)
}

/// What bounds a minute: by tier and by task, and what is taken must be there in both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Rate {
    lanes: [Lane; 2],
}

/// The two kinds of names with their shares: of tiers, and of tasks.
pub(super) type Kinds<'a> = [&'a BTreeMap<String, Share>; 2];

impl Rate {
    pub fn of(size: u64, kinds: Kinds) -> Rate {
        Rate {
            lanes: kinds.map(|shares| Lane::of(size, shares)),
        }
    }

    pub fn fill(&mut self, size: u64, kinds: Kinds, elapsed: u64) {
        for (lane, shares) in self.lanes.iter_mut().zip(kinds) {
            lane.fill(size, shares, elapsed);
        }
    }

    /// Of each kind.
    pub fn rooms(&self, size: u64, kinds: Kinds, names: [&str; 2], needed: u64) -> [Room; 2] {
        [0, 1].map(|kind| self.lanes[kind].room(size, kinds[kind], names[kind], needed))
    }

    pub fn take(&mut self, names: [&str; 2], amount: u64) -> [u64; 2] {
        [0, 1].map(|kind| self.lanes[kind].take(names[kind], amount))
    }

    pub fn put(&mut self, size: u64, kinds: Kinds, names: [&str; 2], amount: u64, common: [u64; 2]) {
        for kind in [0, 1] {
            self.lanes[kind].put(size, kinds[kind], names[kind], amount, common[kind]);
        }
    }

    pub fn owe(&mut self, names: [&str; 2], amount: u64) {
        for (lane, name) in self.lanes.iter_mut().zip(names) {
            lane.owe(name, amount);
        }
    }

    /// A state from outside is no larger than one of ours.
    pub fn sound(&self, most: usize) -> bool {
        self.lanes
            .iter()
            .all(|lane| lane.own.ordered() && lane.own.len() <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(list: &[(&str, f64, i32)]) -> BTreeMap<String, Share> {
        let share = |&(name, share, priority): &(&str, f64, i32)| (name.to_string(), Share { share, priority });
        list.iter().map(share).collect()
    }

    #[test]
    fn a_bucket_is_filled_to_the_millisecond() {
        let mut bucket = Bucket { level: 0, part: 0 };
        // 7 a minute: one each 8,571.43 ms.
        assert_eq!((0..8_571).map(|_| bucket.fill(7, 1)).sum::<u64>(), 0);
        assert_eq!(bucket.level, 0);
        bucket.fill(7, 1);
        assert_eq!(bucket.level, 1);
        for _ in 0..51_428 {
            bucket.fill(7, 1);
        }
        assert_eq!(bucket, Bucket::full(7), "after exactly a minute");
        assert_eq!(bucket.fill(7, 60_000), 7, "what flows over");
        bucket.fill(u64::MAX, u64::MAX);
        assert_eq!(bucket.left(), i64::MAX as u64, "no size or time overflows");
    }

    #[test]
    fn shares_have_buckets_of_their_own_and_flow_over() {
        let shares = shares(&[("free", 0.2, -1), ("premium", 0.5, 1)]);
        let mut lane = Lane::of(10, &shares);
        let left = |lane: &Lane, name| lane.room(10, &shares, name, 1).left;
        assert_eq!(
            (left(&lane, "free"), left(&lane, "premium"), left(&lane, "else")),
            (2, 8, 3)
        );
        assert_eq!(lane.take("premium", 7), 2);
        assert_eq!(
            (left(&lane, "free"), left(&lane, "premium"), left(&lane, "else")),
            (2, 1, 1)
        );
        // In 30 s premium's is filled by 2.5, the common one by 1.5 and by free's overflow.
        lane.fill(10, &shares, 30_000);
        assert_eq!((left(&lane, "premium"), left(&lane, "else")), (5, 3));
        lane.put(10, &shares, "premium", 7, 2);
        assert_eq!((left(&lane, "premium"), left(&lane, "else")), (8, 3), "it is full");
    }

    #[test]
    fn who_must_wait_is_told_how_long() {
        let none = BTreeMap::new();
        let mut lane = Lane::of(60, &none);
        lane.take("", 60);
        let room = lane.room(60, &none, "", 3);
        assert_eq!((room.left, room.after), (0, Some(3_000)));
        assert_eq!(lane.room(60, &none, "", 61).after, None);
        lane.owe("", 7);
        assert_eq!(lane.room(60, &none, "", 3).after, Some(10_000));
        lane.fill(60, &none, 10_000);
        assert_eq!(lane.room(60, &none, "", 3).left, 3);
    }
}
