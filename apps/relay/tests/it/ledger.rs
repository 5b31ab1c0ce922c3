//! The account over days, months and restarts, against a model that keeps everything.

use std::sync::Arc;

use kinglet_relay::Config;
use kinglet_relay::config::{Budget, Fsync, Tier};
use kinglet_relay::ledger::{Hold, Ledger};
use kinglet_relay::time::day_and_month;

use super::support::*;

const DAY: u64 = 86_400_000;
/// 2026-11-30, in the last second.
const END_OF_MONTH: u64 = 1_796_083_199_000;

fn tier(per_day: u64, per_month: u64) -> Tier {
    let folder = Folder::new();
    let mut config = Config::parse(&config(&folder, "127.0.0.1:9".parse().unwrap())).unwrap();
    let mut tier = config.tiers.remove("free").unwrap();
    (tier.per_day, tier.per_month) = (per_day, per_month);
    tier
}

fn budget(per_day: u64, per_month: u64) -> Budget {
    Budget {
        currency: "USD".into(),
        per_day,
        per_month,
    }
}

fn sent(ledger: &Arc<Ledger>, user: &str, tier: &Tier, amount: u64, now: u64) -> Option<Hold> {
    let mut hold = ledger.reserve(user, tier, amount, now).unwrap().ok()?;
    hold.sent();
    Some(hold)
}

#[test]
fn a_day_and_a_month_end_and_what_runs_belongs_to_where_it_began() {
    assert_eq!(day_and_month(END_OF_MONTH).1 + 1, day_and_month(END_OF_MONTH + 1_000).1);
    let folder = Folder::new();
    let ledger = Ledger::open(&folder.0.join("a"), &budget(1_000, 2_000), Fsync::Second).unwrap();
    let tier = tier(100, 150);
    let before = END_OF_MONTH - DAY;
    let running = sent(&ledger, "ann", &tier, 90, before).unwrap();
    assert!(sent(&ledger, "ann", &tier, 11, before).is_none(), "the day is full");
    // A day later, in the same month: the day is empty, the month is not.
    assert_eq!(ledger.spent("ann", END_OF_MONTH).of_day, 0);
    assert!(
        sent(&ledger, "ann", &tier, 61, END_OF_MONTH).is_none(),
        "the month is full"
    );
    let second = sent(&ledger, "ann", &tier, 60, END_OF_MONTH).unwrap();
    // The first is settled today, and was yesterday's.
    running.settle(40);
    let spent = ledger.spent("ann", END_OF_MONTH);
    assert_eq!((spent.of_day, spent.of_month), (60, 100));
    // It costs more than was reserved: that is what it costs.
    second.settle(200);
    assert_eq!(ledger.spent("ann", END_OF_MONTH).of_month, 240);
    assert!(sent(&ledger, "ann", &tier, 1, END_OF_MONTH).is_none());
    // The next month; then the clock goes back, and brings nothing back.
    let third = sent(&ledger, "ann", &tier, 100, END_OF_MONTH + 1_000).unwrap();
    assert!(
        sent(&ledger, "ann", &tier, 1, END_OF_MONTH).is_none(),
        "today is still full"
    );
    drop(third);
    assert_eq!(
        ledger.spent("ann", END_OF_MONTH + 1_000).of_day,
        100,
        "sent and never settled"
    );
    drop(
        ledger
            .reserve("bob", &tier, 100, END_OF_MONTH + 1_000)
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ledger.spent("bob", END_OF_MONTH + 1_000).of_day, 0, "never sent");
    assert!(sent(&ledger, "max", &tier, u64::MAX, END_OF_MONTH).is_none());
}

/// SplitMix64.
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the model knows of a request.
struct Known {
    user: usize,
    day: u64,
    month: u64,
    cost: u64,
}

#[test]
fn whatever_happens_in_whatever_order_the_sums_are_right_and_under_the_caps() {
    const USERS: [&str; 3] = ["ann", "bob", "zoë \"\\\n"];
    let soak = std::env::var_os("KINGLET_SOAK").is_some();
    let (tier, all) = (tier(1_000, 5_000), budget(2_000, 9_000));
    let mut refused = 0;
    for seed in 0..if soak { 400 } else { 12 } {
        let mut state = seed;
        let folder = Folder::new();
        let mut ledger = Ledger::open(&folder.0, &all, Fsync::Second).unwrap();
        // Of today on: a restart forgets months that are over by the clock of this machine.
        let mut now = kinglet_relay::time::now_ms();
        let mut known: Vec<Known> = Vec::new();
        let mut open: Vec<(usize, Hold)> = Vec::new();
        for _ in 0..300 {
            let pick = random(&mut state);
            match pick % 16 {
                0..8 => {
                    let user = (pick >> 8) as usize % USERS.len();
                    let amount = (pick >> 16) % 400;
                    if let Some(hold) = sent(&ledger, USERS[user], &tier, amount, now) {
                        let (day, month) = day_and_month(now);
                        open.push((known.len(), hold));
                        known.push(Known {
                            user,
                            day,
                            month,
                            cost: amount,
                        });
                    } else {
                        refused += 1;
                    }
                }
                8..13 if !open.is_empty() => {
                    let (i, hold) = open.swap_remove((pick >> 8) as usize % open.len());
                    let cost = (pick >> 16) % (hold.amount() + 1);
                    known[i].cost = cost;
                    hold.settle(cost);
                }
                13 if !open.is_empty() => drop(open.pop()), // the worst case stays
                14 => now += (pick >> 8) % (3 * DAY),
                15 => {
                    // Stopped, or killed: what was open is what was reserved.
                    open.clear();
                    drop(ledger);
                    ledger = Ledger::open(&folder.0, &all, Fsync::Second).unwrap();
                }
                _ => {}
            }
            let (day, month) = day_and_month(now);
            let sum = |user: Option<usize>, of_day: bool| -> u64 {
                let of = known.iter().filter(|k| user.is_none_or(|u| k.user == u));
                of.filter(|k| if of_day { k.day == day } else { k.month == month })
                    .map(|k| k.cost)
                    .sum()
            };
            for (user, name) in USERS.iter().enumerate() {
                let spent = ledger.spent(name, now);
                let expected = (sum(Some(user), true), sum(Some(user), false));
                assert_eq!((spent.of_day, spent.of_month), expected, "seed {seed}");
                assert!(spent.of_day <= tier.per_day && spent.of_month <= tier.per_month);
            }
            let spent = ledger.spent_by_all(now);
            assert_eq!(
                (spent.of_day, spent.of_month),
                (sum(None, true), sum(None, false)),
                "seed {seed}"
            );
            assert!(spent.of_day <= all.per_day && spent.of_month <= all.per_month);
        }
    }
    assert!(refused > 100, "{refused}: the caps were never reached");
}
