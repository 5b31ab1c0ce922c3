//! docs/routing.md says what is: every reason with its meaning, in the order of the code.

use kinglet_route::Reason;
use kinglet_route::budget::{LOST_AFTER_MS, MAX_BATCHES, MAX_LATE, MAX_OPEN, MIN_ANSWERS, REPLICATES, SEED};
use kinglet_route::decide::{BOUNDS, RATE_HORIZON};
use kinglet_route::policy::{OUT_OF_SCOPE, REPETITION};
use kinglet_route::reason::Side;
use kinglet_route::state::WARM_UP;

const PAGE: &str = include_str!("../../docs/routing.md");

fn rows(side: Side) -> Vec<String> {
    let of_side = Reason::ALL.iter().filter(|reason| reason.side() == side);
    of_side
        .map(|r| format!("| `{}` | {} |", r.code(), r.meaning()))
        .collect()
}

/// The rows of the tables of reasons.
fn told(page: &str) -> Vec<&str> {
    let section = page
        .split("\n## Reasons")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let lines = section.expect("a section").lines();
    lines.filter(|line| line.starts_with("| `")).collect()
}

#[test]
fn every_reason_stands_in_the_page_with_its_meaning() {
    let mut known = rows(Side::Asks);
    known.extend(rows(Side::Keeps));
    assert_eq!(told(PAGE), known);
    let forgotten = PAGE.replacen("| `refusal` |", "| `no` |", 1);
    assert_ne!(told(&forgotten), known, "the comparison can fail");
}

#[test]
fn numbers_of_the_page_are_those_of_the_code() {
    for number in [
        format!("max(requests + 1, {RATE_HORIZON})"),
        format!("Until there are {WARM_UP} scores"),
        format!("share of repeated 4-grams | {REPETITION} |"),
        format!("means none of them | {OUT_OF_SCOPE} |"),
    ] {
        assert!(PAGE.contains(&number), "{number}");
    }
    for (name, _, _) in BOUNDS {
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
    let unwrapped = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains("**bounded risk, for traffic like the calibration set**"));
}

/// Digits in groups of three, as the pages write them.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = (0..digits.len().div_ceil(3))
        .rev()
        .map(|i| &digits[digits.len().saturating_sub(3 * (i + 1))..digits.len() - 3 * i])
        .collect();
    groups.join(",")
}

#[test]
fn numbers_of_the_page_on_budgets_are_those_of_the_code() {
    let page = include_str!("../../docs/budget.md")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for number in [
        format!("run for an hour ({} ms)", grouped(LOST_AFTER_MS)),
        format!("The last {MAX_LATE} lost attempts"),
        format!("At most {} attempts are open at once", grouped(MAX_OPEN as u64)),
        format!("{} are known at once", grouped(MAX_BATCHES as u64)),
        format!("null below {MIN_ANSWERS} answers"),
        format!("{} bootstrap samples", grouped(u64::from(REPLICATES))),
        format!("from seed {SEED}:"),
    ] {
        assert!(page.contains(&number), "{number}");
    }
}
