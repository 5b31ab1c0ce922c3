//! A budget, example by example: what is held back, what is settled, and what is refused.

mod support;

use std::collections::BTreeSet;

use kinglet_route::RouteError;
use kinglet_route::budget::{
    Ask, Batch, Bound, BudgetPolicy, BudgetState, Kept, LOST_AFTER_MS, MAX_OPEN, Purse, Refusal, Row, Settled, Source,
    Spent, Tokens, Usage,
};
use kinglet_route::price::Price;

/// 2026-11-22T00:00:00Z.
const DAY: u64 = 20_779 * 86_400_000;
const HOUR: u64 = 3_600_000;

fn policy(text: &str) -> BudgetPolicy {
    BudgetPolicy::from_json(text).expect(text)
}

/// A micro-unit for each token.
fn price() -> Price {
    Price {
        input_per_million: 1_000_000,
        output_per_million: 1_000_000,
        currency: "USD".into(),
        as_of: "2026-11-22".into(),
        ..Price::default()
    }
}

fn ask(id: &str, tier: &str, tokens: u64) -> Ask {
    Ask {
        id: id.into(),
        session: "tab".into(),
        tier: Some(tier.into()),
        remote: "strong".into(),
        price: price(),
        input: tokens,
        ..Ask::default()
    }
}

fn used(input: u64) -> Settled {
    let usage = Usage {
        input,
        output: 0,
        cached: None,
    };
    Settled {
        spent: Spent::Usage { usage },
        ..Settled::default()
    }
}

fn refused(result: Result<impl std::fmt::Debug, RouteError>) -> Refusal {
    match result {
        Err(RouteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Takes as much as there is for a tier, in pieces.
fn flood(state: &mut BudgetState, policy: &BudgetPolicy, now: u64, tier: &str, piece: u64) -> u64 {
    let mut taken = 0;
    for i in 0.. {
        if state
            .reserve(policy, now, &ask(&format!("{tier}-{now}-{i}"), tier, piece))
            .is_err()
        {
            break;
        }
        taken += piece;
    }
    taken
}

#[test]
fn what_is_counted_takes_the_place_of_what_was_held_back() {
    let policy = policy(r#"{"perDay": 1000}"#);
    let mut state = BudgetState::default();
    let held = state.reserve(&policy, DAY, &ask("a", "x", 900)).expect("within");
    assert_eq!(
        (held.reserved, state.held(), state.used(&policy, DAY)),
        (900, 900, [900, 900])
    );
    let refusal = refused(state.reserve(&policy, DAY + HOUR, &ask("b", "x", 101)));
    assert_eq!((refusal.bound, refusal.needed, refusal.left), (Bound::PerDay, 101, 100));
    assert_eq!(
        (refusal.code(), refusal.retry_after_ms),
        ("budget_exhausted", Some(23 * HOUR))
    );
    let row = state
        .settle(&policy, DAY + HOUR, &held.key(), &used(33))
        .expect("settled");
    assert_eq!(
        (row.cost, row.reserved, row.counterfactual, row.tokens, row.at),
        (33, 900, 33, Tokens::Reported, DAY)
    );
    assert_eq!((state.held(), state.used(&policy, DAY)), (0, [33, 33]));
    assert!(state.settle(&policy, DAY, &held.key(), &used(33)).is_err(), "only once");
    assert!(state.reserve(&policy, DAY + HOUR, &ask("b", "x", 967)).is_ok());
}

#[test]
fn nothing_is_given_back_where_nobody_counted() {
    let policy = policy(r#"{"perDay": 1000}"#);
    let mut state = BudgetState::default();
    let held = state.reserve(&policy, DAY, &ask("a", "x", 600)).expect("within");
    let row = state
        .settle(&policy, DAY, &held.key(), &Settled::default())
        .expect("settled");
    assert_eq!((row.cost, row.tokens, row.input_tokens), (600, Tokens::Estimated, 600));
    assert_eq!(
        (
            state.used(&policy, DAY)[0],
            state.totals.estimated,
            state.totals.reported
        ),
        (600, 600, 0)
    );
    let held = state.reserve(&policy, DAY, &ask("b", "x", 400)).expect("within");
    let turned_away = Settled {
        spent: Spent::Refused,
        ..Settled::default()
    };
    let row = state.settle(&policy, DAY, &held.key(), &turned_away).expect("settled");
    assert_eq!((row.cost, row.input_tokens, state.used(&policy, DAY)[0]), (0, 0, 600));
}

#[test]
fn more_than_was_held_back_is_what_it_has_cost() {
    let policy = policy(r#"{"perDay": 1000, "tokensPerMinute": 1000}"#);
    let mut state = BudgetState::default();
    let held = state.reserve(&policy, DAY, &ask("a", "x", 600)).expect("within");
    let row = state.settle(&policy, DAY, &held.key(), &used(1_300)).expect("settled");
    assert_eq!((row.cost, row.reserved), (1_300, 600));
    assert_eq!(state.used(&policy, DAY), [1_300, 1_300]);
    let standing = state
        .standing(
            &policy,
            DAY,
            &Purse {
                session: "tab".into(),
                ..Purse::default()
            },
        )
        .expect("a standing");
    assert_eq!((standing.remaining, standing.tokens), (Some(0), Some(0)));
}

#[test]
fn a_day_ends_at_midnight_and_what_was_held_back_stays_in_its_day() {
    let policy = policy(r#"{"perDay": 1000, "perMonth": 1500, "requestsPerDay": 2}"#);
    let mut state = BudgetState::default();
    let late = DAY + 24 * HOUR - 1;
    let held = state.reserve(&policy, late, &ask("a", "x", 900)).expect("within");
    assert_eq!(
        refused(state.reserve(&policy, late, &ask("b", "x", 900))).retry_after_ms,
        Some(1)
    );
    assert_eq!(
        refused(state.reserve(&policy, late + 1, &ask("b", "x", 900))).bound,
        Bound::PerMonth
    );
    state
        .settle(&policy, late + 1, &held.key(), &used(10))
        .expect("settled");
    assert_eq!(
        state.used(&policy, late + 1),
        [0, 10],
        "it was the day before, and this month"
    );
    assert!(state.reserve(&policy, late + 1, &ask("b", "x", 900)).is_ok());
}

#[test]
fn a_lost_attempt_costs_its_worst_case_and_is_settled_once() {
    let policy = policy(r#"{"perDay": 1000, "perSession": 1000}"#);
    let mut state = BudgetState::default();
    let held = state.reserve(&policy, DAY, &ask("a", "x", 600)).expect("within");
    assert!(state.expire(&policy, DAY + LOST_AFTER_MS - 1, None).is_empty());
    let rows = state.expire(&policy, DAY + LOST_AFTER_MS, None);
    assert_eq!(
        rows.iter().map(|row| (row.cost, row.tokens)).collect::<Vec<_>>(),
        [(600, Tokens::Estimated)]
    );
    assert!(state.expire(&policy, DAY + LOST_AFTER_MS, None).is_empty(), "once");
    assert_eq!(
        (state.used(&policy, DAY)[0], state.held(), state.totals.estimated),
        (600, 0, 600)
    );
    assert!(
        state.reserve(&policy, DAY, &ask("a", "x", 1)).is_err(),
        "it is still known"
    );
    let row = state
        .settle(&policy, DAY + 2 * HOUR, &held.key(), &used(50))
        .expect("late");
    assert_eq!((row.cost, state.used(&policy, DAY)[0]), (50, 50));
    assert_eq!(
        (state.totals.estimated, state.totals.reported, state.totals.remote),
        (0, 50, 1)
    );
    assert!(state.settle(&policy, DAY, &held.key(), &used(50)).is_err(), "once");
}

#[test]
fn a_dead_session_has_lost_its_attempts() {
    let policy = policy(r#"{"perDay": 1000, "perSession": 700}"#);
    let mut state = BudgetState::default();
    state.reserve(&policy, DAY, &ask("a", "x", 600)).expect("within");
    let other = Ask {
        session: "other".into(),
        ..ask("a", "x", 300)
    };
    state.reserve(&policy, DAY, &other).expect("another session's");
    let alive = BTreeSet::from(["other".to_string()]);
    let rows = state.expire(&policy, DAY, Some(&alive));
    assert_eq!(rows.iter().map(|row| row.session.as_str()).collect::<Vec<_>>(), ["tab"]);
    assert_eq!((state.held(), state.used(&policy, DAY)[0]), (300, 900));
}

#[test]
fn a_flood_leaves_what_others_are_entitled_to() {
    let shares = r#""tiers": {"premium": {"share": 0.5, "priority": 1}, "free": {"share": 0.2}}"#;
    for bound in ["perDay", "perMonth", "tokensPerMinute"] {
        let policy = policy(&format!(r#"{{"{bound}": 1000, {shares}}}"#));
        let mut state = BudgetState::default();
        let noon = DAY + 12 * HOUR;
        let taken = flood(&mut state, &policy, noon, "free", 10);
        assert!((200..=500).contains(&taken), "{bound}: {taken}");
        assert!(flood(&mut state, &policy, noon, "unheard of", 10) <= 300);
        assert!(flood(&mut state, &policy, noon, "premium", 10) >= 500, "{bound}");
    }
    let policy = policy(&format!(
        r#"{{"requestsPerMinute": 10, "requestsPerDay": 100, {shares}}}"#
    ));
    let mut state = BudgetState::default();
    assert_eq!(flood(&mut state, &policy, DAY, "free", 1), 5);
    assert_eq!(flood(&mut state, &policy, DAY, "premium", 1), 5);
}

#[test]
fn a_flood_of_attempts_that_hang_leaves_others_their_places() {
    let policy = policy(r#"{"tiers": {"premium": {"share": 0.5}}}"#);
    let mut state = BudgetState::default();
    let quarter = MAX_OPEN as u64 / 4;
    assert_eq!(flood(&mut state, &policy, DAY, "free", 1), 3 * quarter);
    let refusal = refused(state.reserve(&policy, DAY, &ask("one more", "free", 1)));
    assert_eq!(
        (refusal.bound, refusal.code(), refusal.left),
        (Bound::Open, "rate_limited", 0)
    );
    assert_eq!(flood(&mut state, &policy, DAY, "premium", 1), quarter);
}

#[test]
fn what_time_has_left_over_goes_to_the_highest_first() {
    let policy = policy(
        r#"{"perDay": 1000, "tiers": {"premium": {"share": 0.4, "priority": 1}, "free": {"share": 0.4}, "last": {"share": 0, "priority": -1}}}"#,
    );
    let left = |state: &BudgetState, now, tier: &str| {
        let purse = Purse {
            tier: Some(tier.into()),
            session: "tab".into(),
            ..Purse::default()
        };
        state.standing(&policy, now, &purse).expect("a standing").remaining
    };
    let mut state = BudgetState::default();
    // The rest is 200: free may have what has elapsed of it; premium all of it, and what has elapsed of free's share.
    for (hour, premium, free) in [(0, 600, 400), (6, 700, 450), (12, 800, 500), (18, 900, 550)] {
        let now = DAY + hour * HOUR;
        assert_eq!(
            (
                left(&state, now, "premium"),
                left(&state, now, "free"),
                left(&state, now, "last")
            ),
            (Some(premium), Some(free), Some(0))
        );
    }
    let noon = DAY + 12 * HOUR;
    let held = state.reserve(&policy, noon, &ask("a", "premium", 750)).expect("within");
    assert_eq!(
        (left(&state, noon, "premium"), left(&state, noon, "free")),
        (Some(50), Some(250)),
        "free has lent 150"
    );
    state.settle(&policy, noon, &held.key(), &used(580)).expect("settled");
    assert_eq!(
        (left(&state, noon, "premium"), left(&state, noon, "free")),
        (Some(220), Some(400)),
        "and has them back"
    );
}

#[test]
fn a_batch_has_a_bound_of_its_own() {
    let policy = BudgetPolicy::default();
    let mut state = BudgetState::default();
    let batch = Some(Batch {
        id: "report".into(),
        most: 100,
    });
    let part = |id: &str, tokens| Ask {
        batch: batch.clone(),
        ..ask(id, "x", tokens)
    };
    state.reserve(&policy, DAY, &part("a", 80)).expect("within");
    assert_eq!(refused(state.reserve(&policy, DAY, &part("b", 21))).bound, Bound::Batch);
    assert!(state.reserve(&policy, DAY, &ask("c", "x", 21)).is_ok(), "others go on");
    let purse = Purse {
        session: "tab".into(),
        batch,
        ..Purse::default()
    };
    assert_eq!(
        state.standing(&policy, DAY, &purse).expect("a standing").remaining,
        Some(20)
    );
}

#[test]
fn a_clock_that_is_put_back_gives_nothing_back() {
    let policy = policy(r#"{"perDay": 100, "requestsPerMinute": 2}"#);
    for back in [1, HOUR, 24 * HOUR, 400 * 24 * HOUR] {
        let mut state = BudgetState::default();
        let held = state.reserve(&policy, DAY, &ask("a", "x", 60)).expect("within");
        state.reserve(&policy, DAY, &ask("b", "x", 40)).expect("within");
        let refusal = refused(state.reserve(&policy, DAY - back, &ask("c", "x", 1)));
        assert_eq!(refusal.bound, Bound::PerDay, "{back}");
        // What runs still belongs to the day that now has another name.
        state
            .settle(&policy, DAY - back, &held.key(), &used(10))
            .expect("settled");
        assert_eq!(state.used(&policy, DAY - back)[0], 50);
        assert_eq!(
            refused(state.reserve(&policy, DAY - back, &ask("c", "x", 1))).bound,
            Bound::RequestsPerMinute,
            "{back}"
        );
        // Nor is anybody locked out: at the latest the second midnight of that clock begins a new day.
        assert!(
            state
                .reserve(&policy, DAY - back + 48 * HOUR, &ask("d", "x", 100))
                .is_ok()
        );
    }
}

#[test]
fn documents_are_read_strictly_and_others_refused() {
    for (text, path) in [
        (r#"{"perday": 1}"#, "budget.perday: "),
        (r#"{"perDay": -1}"#, "budget.perDay: "),
        (r#"{"perDay": 9007199254740992}"#, "budget.perDay: "),
        (r#"{"perDay": 1.5}"#, "budget.perDay: "),
        (r#"{"pacing": -0.5}"#, "budget.pacing: "),
        (r#"{"tiers": {"a": {"share": 1.5}}}"#, "budget.tiers.a.share: "),
        (
            r#"{"tiers": {"a": {"share": 0.5, "prioriy": 1}}}"#,
            "budget.tiers.a.prioriy: ",
        ),
        (
            r#"{"tasks": {"a": {"share": 0.6}, "b": {"share": 0.5}}}"#,
            "budget.tasks: ",
        ),
        ("[1", "budget"),
    ] {
        let message = BudgetPolicy::from_json(text).expect_err(text).to_string();
        assert!(message.starts_with(path), "{text}: {message}");
    }
    let state = BudgetState::default().to_json().expect("JSON");
    assert_eq!(BudgetState::from_json(&state).expect("its own"), BudgetState::default());
    let newer = state.replacen("[1,", "[2,", 1);
    assert!(
        BudgetState::from_json(&newer)
            .expect_err("newer")
            .to_string()
            .starts_with("state.schema_version")
    );
    for text in ["{", "null", "[]", "[1]", &state.replacen("[1,0,", "[1,-1,", 1)] {
        assert!(BudgetState::from_json(text).is_err(), "{text}");
    }
}

#[test]
fn an_answer_of_the_device_costs_nothing_and_says_what_it_would_have() {
    let mut state = BudgetState::default();
    let kept = Kept {
        id: "a".into(),
        session: "tab".into(),
        price: Some(price()),
        input: 30,
        output: 5,
        ..Kept::default()
    };
    let row: Row = state.keep(DAY, &kept).expect("kept");
    assert_eq!(
        (row.source, row.cost, row.counterfactual, state.totals.local),
        (Source::Local, 0, 35, 1)
    );
}

#[test]
fn two_currencies_are_not_added() {
    let policy = BudgetPolicy::default();
    let mut state = BudgetState::default();
    let euros = Ask {
        price: Price {
            currency: "EUR".into(),
            ..price()
        },
        ..ask("b", "x", 1)
    };
    state.reserve(&policy, DAY, &ask("a", "x", 1)).expect("dollars");
    let message = state.reserve(&policy, DAY, &euros).expect_err("euros").to_string();
    assert!(message.starts_with("reserve.price.currency: "), "{message}");
    assert!(
        state.reserve(&policy, DAY + 40 * 24 * HOUR, &euros).is_ok(),
        "another month"
    );
}
