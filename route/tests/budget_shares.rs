//! Properties of shares, over seeded histories: whatever others do, everybody has its own.

mod budget_support;
mod support;

use std::collections::BTreeMap;

use budget_support::{DAY, DAY_MS, SEED, TIERS, policy, price, settled};
use kinglet_route::budget::{Ask, BudgetPolicy, BudgetState, Purse, Reservation, Share, Spent, Usage};
use kinglet_route::price::Price;
use support::{Random, count};

#[test]
fn whatever_others_do_a_tier_has_what_it_is_entitled_to() {
    let mut random = Random::new(SEED ^ 2);
    let mut floods = 0;
    for _ in 0..count() / 10 {
        let bound = random.below(100_000) + 1_000;
        let mut policy = policy(&mut random);
        policy = BudgetPolicy {
            per_day: Some(bound),
            per_month: None,
            tasks: BTreeMap::new(),
            tiers: policy.tiers,
            ..BudgetPolicy::default()
        };
        let highest = policy
            .tiers
            .values()
            .map(|share| share.priority)
            .max()
            .unwrap_or(0)
            .max(0);
        let mut state = BudgetState::default();
        let mut used: BTreeMap<String, u64> = BTreeMap::new();
        let mut open: Vec<Reservation> = Vec::new();
        let mut now = DAY;
        for i in 0..60 {
            now = (now + random.below(DAY_MS / 30)).min(DAY + DAY_MS - 1);
            let tier = random.one_of(&TIERS);
            let purse = |tier: &str| Purse {
                tier: Some(tier.into()),
                session: "s".into(),
                ..Purse::default()
            };
            let left = |state: &BudgetState, now, tier: &str| {
                state
                    .standing(&policy, now, &purse(tier))
                    .expect("a standing")
                    .remaining
                    .expect("bounded")
            };
            // All that there is for it, or some: money by the micro-unit.
            let most = left(&state, now, tier);
            let amount = if random.below(2) == 0 {
                most
            } else {
                random.below(most + 1)
            };
            let per_token = Price {
                input_per_million: 1_000_000,
                currency: "USD".into(),
                as_of: "-".into(),
                ..Price::default()
            };
            let ask = Ask {
                id: format!("{i}"),
                session: "s".into(),
                tier: Some(tier.into()),
                remote: "r".into(),
                price: per_token,
                input: amount,
                ..Ask::default()
            };
            open.push(state.reserve(&policy, now, &ask).expect("what is left can be had"));
            *used.entry(tier.into()).or_default() += amount;
            assert!(
                state
                    .reserve(
                        &policy,
                        now,
                        &Ask {
                            id: "more".into(),
                            input: left(&state, now, tier) + 1,
                            ..ask
                        }
                    )
                    .is_err()
            );
            floods += usize::from(amount == most && amount > 0);
            if random.below(3) == 0 {
                let held = open.swap_remove(random.below(open.len() as u64) as usize);
                let counted = random.below(held.reserved + 1);
                let usage = Usage {
                    input: counted,
                    output: 0,
                    cached: None,
                };
                state
                    .settle(&policy, now, &held.key(), &settled(Spent::Usage { usage }))
                    .expect("it runs");
                *used.entry(held.ask.tier.clone().unwrap_or_default()).or_default() -= held.reserved - counted;
            }
            assert!(state.used(&policy, now)[0] <= bound);
            let ahead = (DAY + DAY_MS - now) as f64 / DAY_MS as f64;
            for (tier, share) in &policy.tiers {
                let (entitled, used) = (share.share * bound as f64, used.get(tier).copied().unwrap_or(0) as f64);
                // Whose priority is the highest, or who has it with others, lends to nobody.
                let sure = if share.priority == highest {
                    entitled
                } else {
                    entitled * ahead
                };
                let left = left(&state, now, tier) as f64;
                assert!(
                    left >= (sure - used).floor(),
                    "{tier} has {left} of {entitled}, {used} used, {ahead} of the day ahead"
                );
            }
        }
    }
    assert!(floods > count() / 2, "{floods}");
}

#[test]
fn a_flood_never_empties_the_buckets_of_others() {
    let mut random = Random::new(SEED ^ 3);
    for _ in 0..count() / 10 {
        let size = random.below(300) + 1; // three times that are fewer than may run at once
        let share = random.share();
        let tiers = BTreeMap::from([("premium".to_string(), Share { share, priority: 1 })]);
        let policy = BudgetPolicy {
            requests_per_minute: Some(size),
            tiers,
            ..BudgetPolicy::default()
        };
        let (mut state, mut now) = (BudgetState::default(), DAY);
        let flood = |state: &mut BudgetState, now, tier: &str| {
            let mut n = 0;
            let of = |n| Ask {
                id: format!("{tier} {now} {n}"),
                session: "s".into(),
                tier: Some(tier.into()),
                remote: "r".into(),
                price: price(&mut Random::new(1)),
                ..Ask::default()
            };
            while n <= size && state.reserve(&policy, now, &of(n)).is_ok() {
                n += 1;
            }
            n
        };
        for _ in 0..3 {
            let free = flood(&mut state, now, "free");
            let premium = flood(&mut state, now, "premium");
            assert!(
                premium >= (share * size as f64).floor() as u64,
                "{premium} of {share} x {size}"
            );
            assert!(free + premium <= size, "{free} + {premium} of {size}");
            now += 60_000;
        }
    }
}
