//! Money, requests and tokens: what may still be spent, what is held back for requests that run, and what they have cost.
//!
//! Before an attempt is sent its worst case is reserved ([`BudgetState::reserve`]); when it has ended, what was counted takes
//! the place of that ([`BudgetState::settle`]). Where nobody counted, the worst case stays: it is never given back. Every call
//! is given the time, in whole milliseconds since 1970; days and months are those of UTC.
//!
//! Money is integer micro-units. docs/budget.md has the rules with examples.
//!
//! ```
//! use kinglet_route::budget::{Ask, BudgetPolicy, BudgetState, Settled, Spent};
//! use kinglet_route::price::Price;
//!
//! let policy = BudgetPolicy::from_json(r#"{"perDay": 100000, "requestsPerMinute": 10}"#)?;
//! let mut state = BudgetState::default();
//! let price = Price { input_per_million: 2_500_000, output_per_million: 10_000_000, currency: "USD".into(), as_of: "2026-11-22".into(), ..Price::default() };
//! let now = 1_795_000_000_000;
//! let ask = Ask { id: "answer-1".into(), session: "tab".into(), remote: "strong".into(), price, input: 1_000, output: 500, ..Ask::default() };
//! let held = state.reserve(&policy, now, &ask)?;
//! assert_eq!(held.reserved, 7_500);
//! let spent = Spent::Usage { usage: kinglet_route::budget::Usage { input: 990, output: 20, cached: None } };
//! let row = state.settle(&policy, now + 800, &held.key(), &Settled { spent, ..Settled::default() })?;
//! assert_eq!(row.cost, 2_675);
//! # Ok::<(), kinglet_route::RouteError>(())
//! ```

mod ask;
mod bucket;
mod calls;
mod counts;
mod list;
mod pacing;
mod packed;
mod policy;
mod refusal;
mod refuse;
mod reserve;
mod row;
mod settle;
mod shares;
mod state;
mod summary;
mod time;
mod window;

pub use ask::{Ask, Batch, Kept, Key, Purse, Settled, Spent, Usage};
pub use calls::{answer, summarised};
pub use policy::{BudgetPolicy, Share};
pub use refusal::{Bound, Refusal};
pub use row::{Counterfactual, LEDGER_VERSION, Row, Source, Tokens};
pub use settle::{LOST_AFTER_MS, MAX_LATE};
pub use state::{BUDGET_STATE_VERSION, BudgetState, MAX_BATCHES, MAX_OPEN, MAX_SESSIONS, Reservation, Totals};
pub use summary::{Instead, Line, MIN_ANSWERS, REPLICATES, SEED, Spending, Summary, Task, summary};
