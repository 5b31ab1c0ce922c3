//! Properties of budgets over seeded histories: thousands in every run, a hundred thousand where `KINGLET_SOAK` is set.

mod budget_support;
mod support;

use budget_support::{DAY_MS, SEED, TIERS, World, ask, policy, settled, spent};
use kinglet_route::budget::{BudgetState, Purse, Reservation, Spent, Usage, answer};
use support::{Random, count};

#[test]
fn nothing_is_lost_or_counted_twice_and_no_bound_is_passed() {
    let mut random = Random::new(SEED);
    let (mut rows, mut refused) = (0, 0);
    for _ in 0..count() / 10 {
        let mut world = World::new(&mut random);
        for _ in 0..80 {
            world.step(&mut random);
            world.check();
        }
        while !world.open.is_empty() {
            world.settle(&mut random);
        }
        world.check();
        assert_eq!(world.state.held(), 0, "every attempt has ended");
        rows += world.rows.len();
        refused += world.refused;
    }
    assert!(
        rows > count() && refused > count() / 10,
        "{rows} rows, {refused} refused"
    );
}

#[test]
fn a_sum_that_is_off_by_one_is_seen() {
    let mut random = Random::new(SEED ^ 1);
    let mut world = World::new(&mut random);
    while world.rows.values().all(|row| row.cost == 0) {
        world.step(&mut random);
    }
    world
        .rows
        .values_mut()
        .filter(|row| row.cost > 0)
        .take(1)
        .for_each(|row| row.cost += 1);
    let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.check()));
    assert!(seen.is_err(), "the comparison can fail");
}

#[test]
fn the_order_in_which_attempts_end_makes_no_difference() {
    let mut random = Random::new(SEED ^ 4);
    for _ in 0..count() / 10 {
        let mut world = World::new(&mut random);
        (0..30).for_each(|_| world.reserve(&mut random));
        let ends: Vec<(Reservation, Spent)> = world
            .open
            .iter()
            .map(|held| (held.clone(), spent(&mut random, &held.ask)))
            .collect();
        let mut results = Vec::new();
        for _ in 0..3 {
            let (mut state, mut left, mut rows) = (world.state.clone(), ends.clone(), Vec::new());
            while !left.is_empty() {
                let (held, spent) = left.swap_remove(random.below(left.len() as u64) as usize);
                rows.push(
                    state
                        .settle(&world.policy, world.now, &held.key(), &settled(spent))
                        .expect("it runs"),
                );
            }
            rows.sort_by_key(|row| row.seq);
            results.push((state, rows));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn a_clock_that_goes_back_gives_nothing_back() {
    let mut random = Random::new(SEED ^ 5);
    let mut compared = 0;
    for _ in 0..count() / 10 {
        let mut world = World::new(&mut random);
        for _ in 0..40 {
            world.step(&mut random);
            let back = random.one_of(&[1, 60_000, DAY_MS - 1, DAY_MS, 2 * DAY_MS, 40 * DAY_MS, 5_000 * DAY_MS]);
            let earlier = world.now.saturating_sub(back);
            let purse = Purse {
                session: "s1".into(),
                tier: random.maybe(|r| r.one_of(&TIERS).into()),
                ..Purse::default()
            };
            let standing = |state: &BudgetState, now| state.standing(&world.policy, now, &purse).expect("a standing");
            let mut there = world.state.clone();
            let before = (there.used(&world.policy, world.now), standing(&there, world.now));
            there.expire(&world.policy, world.now, None); // the same state, told the time
            let now = (there.used(&world.policy, earlier), standing(&there, earlier));
            assert_eq!(now.0, before.0);
            assert!(now.1.tokens <= before.1.tokens);
            // In another month another part of it has elapsed, and what has may be borrowed.
            if world.policy.tiers.is_empty() && world.policy.tasks.is_empty() {
                compared += 1;
                assert!(now.1.remaining <= before.1.remaining && now.1.requests <= before.1.requests);
            }
        }
    }
    assert!(compared > count() / 20, "{compared}");
}

#[test]
fn no_number_is_too_large() {
    let mut random = Random::new(SEED ^ 6);
    let extremes = [0, 1, (1 << 53) - 1, 1 << 53, u64::MAX - 1, u64::MAX];
    for _ in 0..count() {
        let mut policy = policy(&mut random);
        policy.per_day = random.maybe(|r| r.one_of(&extremes[..3]));
        policy.tokens_per_minute = random.maybe(|r| r.one_of(&extremes[..3]));
        let mut state = BudgetState::default();
        let mut open = Vec::new();
        for i in 0..8 {
            let now = random.one_of(&extremes);
            let mut ask = ask(&mut random, i);
            ask.price.input_per_million = random.one_of(&extremes);
            ask.price.per_request = random.one_of(&extremes);
            (ask.input, ask.output) = (random.one_of(&extremes), random.one_of(&extremes));
            open.extend(state.reserve(&policy, now, &ask));
            let usage = Usage {
                input: random.one_of(&extremes),
                output: random.one_of(&extremes),
                cached: random.maybe(|r| r.one_of(&extremes)),
            };
            if random.below(2) == 0
                && let Some(held) = open.pop()
            {
                let row = state
                    .settle(&policy, now, &held.key(), &settled(Spent::Usage { usage }))
                    .expect("it runs");
                assert!(row.cost < 1 << 53 && row.counterfactual < 1 << 53 && row.input_tokens < 1 << 53);
            }
            state.expire(&policy, random.one_of(&extremes), None);
            let standing = state
                .standing(
                    &policy,
                    now,
                    &Purse {
                        session: "s1".into(),
                        ..Purse::default()
                    },
                )
                .expect("a standing");
            assert!(standing.pacing.is_none_or(|pacing| pacing.is_finite() && pacing >= 1.0));
            assert!(standing.remaining.is_none_or(|left| left < 1 << 53));
            let text = state.to_json().expect("JSON");
            assert_eq!(BudgetState::from_json(&text).expect("its own"), state);
        }
    }
}

#[test]
fn a_state_from_elsewhere_is_refused_or_harmless() {
    let mut random = Random::new(SEED ^ 7);
    let call = r#"{"alive": ["s1"], "standing": {"session": "s1"}, "reserve": {"id": "x", "attempt": 1, "session": "s1", "remote": "r",
        "price": {"inputPerMillion": 1, "outputPerMillion": 1, "currency": "USD", "asOf": "-"}, "input": 5, "output": 5}}"#;
    let (mut read, mut refused) = (0, 0);
    for _ in 0..count() / 10 {
        let mut world = World::new(&mut random);
        (0..20).for_each(|_| world.step(&mut random));
        let policy = serde_json::to_string(&world.policy).expect("JSON");
        let text = world.state.to_json().expect("JSON");
        for _ in 0..20 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len().max(1) as u64) as usize;
                if bytes.len() <= at {
                    break;
                }
                match random.below(3) {
                    0 => bytes[at] = random.one_of(b"0123456789-,:[]{}\"ae."),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at + 1),
                }
            }
            let Ok(spoilt) = String::from_utf8(bytes) else { continue };
            if BudgetState::from_json(&spoilt).is_ok() {
                read += 1;
            } else {
                refused += 1;
            }
            if let Err(error) = answer(&policy, &spoilt, world.now as f64, call) {
                assert!(
                    ["invalid_request", "budget_exhausted", "rate_limited"].contains(&error.code()),
                    "{error}"
                );
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}
