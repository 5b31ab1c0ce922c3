//! The border to JavaScript: JSON texts in, JSON texts out; each call names what is to be done.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ask::{Ask, Kept, Key, Purse, Settled};
use super::policy::BudgetPolicy;
use super::row::Row;
use super::state::{BudgetState, Totals};
use super::summary::{Line, sums};
use crate::document::read_plain;
use crate::facts::Budget;
use crate::{Result, RouteError};

/// What is to be done; all but `standing` change the state.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
struct Call {
    /// Sessions that are alive, where that is known: others' attempts are lost.
    alive: Option<BTreeSet<String>>,
    standing: Option<Purse>,
    reserve: Option<Ask>,
    /// Before `settle`: see [`BudgetState::again`].
    again: Option<Ask>,
    settle: Option<Ended>,
    keep: Option<Kept>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    session: String,
    id: String,
    attempt: u32,
    how: Settled,
}

/// What has become of it.
#[derive(Serialize)]
struct Answer {
    /// Text for the next call, and for nobody else.
    state: String,
    totals: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    /// To be written together with the state, each by its `seq`.
    rows: Vec<Row>,
}

/// Does what `call` says with a state (empty: one that begins) at a time, and gives `{state, totals, budget, rows}`.
///
/// # Errors
///
/// `invalid_request`, `budget_exhausted`, `rate_limited`: then the state is as it was.
pub fn answer(policy: &str, state: &str, now: f64, call: &str) -> Result<String> {
    if !(0.0..=9_007_199_254_740_991.0).contains(&now) {
        return Err(RouteError::invalid("now", "milliseconds since 1970", now));
    }
    let (policy, now): (BudgetPolicy, u64) = (read_plain("budget", policy)?, now as u64);
    policy.check()?;
    let mut state = BudgetState::from_json(state)?;
    let call: Call = read_plain("call", call)?;
    let mut rows = state.expire(&policy, now, call.alive.as_ref());
    if let Some(ask) = call.reserve {
        state.reserve(&policy, now, &ask)?;
    }
    if let Some(ask) = call.again {
        state.again(&policy, now, &ask)?;
    }
    if let Some(Ended {
        session,
        id,
        attempt,
        how,
    }) = call.settle
    {
        rows.push(state.settle(&policy, now, &Key { session, id, attempt }, &how)?);
    }
    if let Some(kept) = call.keep {
        rows.push(state.keep(now, &kept)?);
    }
    let budget = call
        .standing
        .map(|purse| state.standing(&policy, now, &purse))
        .transpose()?;
    json(&Answer {
        state: state.to_json()?,
        totals: state.totals,
        budget,
        rows,
    })
}

/// The summary of a list of rows, of each of which it needs what [`Line`] has.
pub fn summarised(rows: &str) -> Result<String> {
    let lines: Vec<Line> = read_plain("rows", rows)?;
    json(&sums(&lines))
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| RouteError::invalid("answer", "what JSON can say", error))
}
