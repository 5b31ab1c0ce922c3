//! Seeded histories of a budget, and what a test keeps of them by itself.

#![allow(dead_code)] // each test program uses its part

use std::collections::{BTreeMap, BTreeSet};

use kinglet_route::RouteError;
use kinglet_route::budget::{
    Ask, Batch, BudgetPolicy, BudgetState, Key, Purse, Reservation, Row, Settled, Share, Spent, Tokens, Usage,
};
use kinglet_route::price::Price;

use crate::support::Random;

pub const SEED: u64 = 0x6b69_6e67_6c65_7407;
/// 2026-11-22T00:00:00Z.
pub const DAY: u64 = 20_779 * DAY_MS;
pub const DAY_MS: u64 = 86_400_000;
pub const TIERS: [&str; 4] = ["premium", "free", "trial", "unheard of"];
pub const TASKS: [&str; 3] = ["report", "chat", ""];

pub fn policy(random: &mut Random) -> BudgetPolicy {
    let bound = |random: &mut Random, most: u64| random.maybe(|r| r.below(most));
    let mut policy = BudgetPolicy {
        requests_per_minute: bound(random, 20),
        tokens_per_minute: bound(random, 20_000),
        requests_per_day: bound(random, 60),
        requests_per_month: bound(random, 200),
        per_request: random.rarely(|r| r.below(4_000)),
        per_session: random.rarely(|r| r.below(40_000)),
        per_day: bound(random, 30_000),
        per_month: bound(random, 90_000),
        pacing: random.share(),
        ..BudgetPolicy::default()
    };
    let parts = |names: &[&str], random: &mut Random| -> BTreeMap<String, Share> {
        let mut left = 1_000_000;
        let share = |name: &&str| {
            let part = random.below(left + 1);
            left -= part;
            let priority = random.below(4) as i32 - 1;
            random.maybe(|_| {
                (
                    name.to_string(),
                    Share {
                        share: part as f64 / 1e6,
                        priority,
                    },
                )
            })
        };
        names.iter().filter_map(share).collect()
    };
    policy.tiers = parts(&TIERS[..3], random);
    policy.tasks = if random.below(3) == 0 {
        parts(&TASKS[..2], random)
    } else {
        BTreeMap::new()
    };
    policy.check().expect("a policy");
    policy
}

pub fn price(random: &mut Random) -> Price {
    Price {
        input_per_million: random.below(2_000_000),
        output_per_million: random.below(4_000_000),
        cached_per_million: random.maybe(|r| r.below(1_000_000)),
        per_request: random.below(50),
        currency: "USD".into(),
        as_of: "2026-11-22".into(),
    }
}

pub fn ask(random: &mut Random, id: usize) -> Ask {
    let batch = Batch {
        id: format!("b{}", random.below(3)),
        most: 20_000,
    };
    Ask {
        id: format!("a{id}"),
        attempt: random.below(3) as u32,
        session: random.one_of(&["s1", "s2", "s3"]).into(),
        tier: random.maybe(|r| r.one_of(&TIERS).into()),
        task: random.maybe(|r| r.one_of(&TASKS).into()),
        batch: random.rarely(|_| batch),
        remote: "strong".into(),
        price: price(random),
        baseline: None,
        input: random.below(1_500),
        output: random.below(500),
    }
}

/// Within what was reserved.
pub fn spent(random: &mut Random, ask: &Ask) -> Spent {
    match random.below(6) {
        0 => Spent::Unknown,
        1 => Spent::Refused,
        _ => {
            let input = random.below(ask.input + 1);
            let cached = ask
                .price
                .cached_per_million
                .filter(|cached| *cached <= ask.price.input_per_million);
            let cached = cached.map(|_| random.below(input + 1));
            Spent::Usage {
                usage: Usage {
                    input,
                    output: random.below(ask.output + 1),
                    cached,
                },
            }
        }
    }
}

pub fn settled(spent: Spent) -> Settled {
    Settled {
        spent,
        ..Settled::default()
    }
}

/// A history, and what the test itself keeps of it.
pub struct World {
    pub policy: BudgetPolicy,
    pub state: BudgetState,
    pub now: u64,
    /// Attempts that nobody has ended, lost ones included.
    pub open: Vec<Reservation>,
    pub rows: BTreeMap<String, Row>,
    pub next: usize,
    pub refused: usize,
}

impl World {
    pub fn new(random: &mut Random) -> World {
        let (policy, state) = (policy(random), BudgetState::default());
        let now = DAY + random.below(20 * DAY_MS);
        World {
            policy,
            state,
            now,
            open: Vec::new(),
            rows: BTreeMap::new(),
            next: 0,
            refused: 0,
        }
    }

    pub fn key(row: &Row) -> String {
        let Row {
            session, id, attempt, ..
        } = row;
        Key {
            session: session.clone(),
            id: id.clone(),
            attempt: *attempt,
        }
        .text()
    }

    pub fn reserve(&mut self, random: &mut Random) {
        self.next += 1;
        let ask = ask(random, self.next);
        let before = self.state.clone();
        match self.state.reserve(&self.policy, self.now, &ask) {
            Ok(held) => {
                assert_eq!(held.reserved, ask.price.cost(ask.input, ask.output));
                self.open.push(held);
            }
            Err(RouteError::Refused(refusal)) => {
                self.refused += 1;
                assert!(refusal.needed > refusal.left, "{refusal:?}");
                assert_eq!((self.state.held(), self.state.totals), (before.held(), before.totals));
            }
            Err(other) => panic!("{other}"),
        }
    }

    pub fn settle(&mut self, random: &mut Random) {
        if self.open.is_empty() {
            return;
        }
        let held = self.open.swap_remove(random.below(self.open.len() as u64) as usize);
        let spent = spent(random, &held.ask);
        let row = self
            .state
            .settle(&self.policy, self.now, &held.key(), &settled(spent.clone()))
            .expect("it runs");
        match spent {
            Spent::Usage { usage } => {
                let cost = held
                    .ask
                    .price
                    .total(1, usage.input, usage.cached.unwrap_or(0), usage.output);
                assert_eq!((row.cost, row.tokens), (cost, Tokens::Reported));
            }
            Spent::Refused => assert_eq!((row.cost, row.tokens), (0, Tokens::Reported)),
            Spent::Unknown => assert_eq!((row.cost, row.tokens), (held.reserved, Tokens::Estimated)),
        }
        let lost = self.rows.insert(World::key(&row), row.clone());
        assert!(
            lost.is_none_or(|lost| lost.tokens == Tokens::Estimated && lost.cost == held.reserved),
            "only a lost one is replaced"
        );
        let again = self
            .state
            .settle(&self.policy, self.now, &held.key(), &settled(Spent::Unknown));
        assert!(again.is_err(), "nothing is settled twice");
    }

    pub fn expire(&mut self, random: &mut Random) {
        let alive = random.maybe(|r| BTreeSet::from([r.one_of(&["s1", "s2"]).to_string(), "s3".to_string()]));
        for row in self.state.expire(&self.policy, self.now, alive.as_ref()) {
            let before = self.rows.insert(World::key(&row), row);
            assert!(before.is_none(), "nothing is lost twice");
        }
    }

    pub fn step(&mut self, random: &mut Random) {
        match random.below(12) {
            0..5 => self.reserve(random),
            5..9 => self.settle(random),
            9 => self.expire(random),
            10 => self.now += random.one_of(&[1, 500, 60_000, 3_600_000, DAY_MS / 3, DAY_MS, 31 * DAY_MS]),
            _ => {
                let text = self.state.to_json().expect("JSON");
                assert_eq!(BudgetState::from_json(&text).expect("its own"), self.state);
            }
        }
    }

    /// Rows of that day, and what runs of it.
    pub fn since(&self, begin: u64) -> u64 {
        let lost = |held: &&Reservation| !self.rows.contains_key(&held.key().text());
        let open = self
            .open
            .iter()
            .filter(|held| held.at >= begin)
            .filter(lost)
            .map(|held| held.reserved);
        open.chain(self.rows.values().filter(|row| row.at >= begin).map(|row| row.cost))
            .sum()
    }

    /// Sums of rows are what the state says, and no bound is passed.
    pub fn check(&self) {
        let [day, month] = self.state.used(&self.policy, self.now);
        assert_eq!(day, self.since(self.now / DAY_MS * DAY_MS));
        assert!(
            day <= month
                && day <= self.policy.per_day.unwrap_or(u64::MAX)
                && month <= self.policy.per_month.unwrap_or(u64::MAX)
        );
        let sum = |kind| {
            self.rows
                .values()
                .filter(|row| row.tokens == kind)
                .map(|row| row.cost)
                .sum::<u64>()
        };
        let totals = self.state.totals;
        assert_eq!(
            (totals.reported, totals.estimated),
            (sum(Tokens::Reported), sum(Tokens::Estimated))
        );
        assert_eq!(totals.remote as usize, self.rows.len());
        let lost = |held: &&Reservation| !self.rows.contains_key(&held.key().text());
        assert_eq!(
            self.state.held(),
            self.open.iter().filter(lost).map(|held| held.reserved).sum::<u64>()
        );
        if let Some(most) = self.policy.per_session {
            for session in ["s1", "s2", "s3"] {
                let purse = Purse {
                    session: session.into(),
                    ..Purse::default()
                };
                let left = self
                    .state
                    .standing(&self.policy, self.now, &purse)
                    .expect("a standing")
                    .remaining;
                assert!(left.is_some_and(|left| left <= most));
            }
        }
    }
}
