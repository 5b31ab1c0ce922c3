//! What-if: what a month costs with the local model, without it, and with a cheap remote one; and from how much use on the
//! delivery of the model pays. Money is integer micro-units, divided once and rounded up.

mod delivery;
mod scenario;

pub use delivery::Delivery;
pub use scenario::{Fixed, Scenario};

use serde::Serialize;

use crate::document::between;
use crate::price::Price;
use crate::{Result, RouteError};

/// What one way to answer costs a month, in micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Monthly {
    /// Requests that a local or small model answers first.
    pub first: u64,
    /// Requests to the strong remote model.
    pub remote: u64,
    /// Bringing the model to devices, spread over the months.
    pub delivery: u64,
    /// Running costs and labels.
    pub fixed: u64,
    /// All of it.
    pub total: u64,
}

/// What pays, by money alone: quality is for [`crate::plan`] and for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The local model on the device.
    OnDevice,
    /// Too few requests per device to pay for the model's way there: use a small remote model.
    SmallRemote,
    /// Nothing that comes before it is cheaper than the remote model.
    AllRemote,
}

/// The comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Share escalated to the strong remote model.
    pub escalation: f64,
    /// Everything asked of the strong remote model.
    pub all_remote: Monthly,
    /// Everything answered by the local model first.
    pub with_local: Monthly,
    /// Everything asked of the cheap remote model alone.
    pub all_cheap: Option<Monthly>,
    /// Everything asked of the cheap one first, and a share of the strong one, too.
    pub cascade: Option<Monthly>,
    /// `1 - with_local / all_remote`, per month; negative where it costs more.
    pub saving: Option<f64>,
    /// The same of requests alone, without delivery and fixed costs.
    pub saving_on_requests: Option<f64>,
    /// Months until what is spent once is saved; absent if never.
    pub months_to_break_even: Option<u64>,
    /// Requests per device, over all months, from which delivery pays against the strong remote model; absent if never.
    pub break_even_per_device: Option<u64>,
    /// The same against the cheapest remote way.
    pub break_even_per_device_cheap: Option<u64>,
    /// What there is.
    pub requests_per_device: Option<u64>,
    /// What pays.
    pub advice: Advice,
}

/// Compares the ways to answer a month's requests. `escalation` is the share that goes on to the strong model from the
/// local one; `cheap_escalation` that from the cheap remote one.
///
/// # Errors
/// A number out of its range (named), or sums beyond 2^64 micro-units.
pub fn compare(scenario: &Scenario, escalation: f64, cheap_escalation: Option<f64>) -> Result<Comparison> {
    scenario.check()?;
    between("escalation", Some(escalation), 0.0, 1.0)?;
    between("cheapEscalation", cheap_escalation, 0.0, 1.0)?;
    let requests = scenario.requests_per_month;
    let remote = scenario.cost(&scenario.remote, requests)?;
    let escalated = |share: f64| scaled(remote, share * scenario.escalated_cost_ratio);
    let all_remote = Monthly::of(0, remote, 0, 0)?;
    let delivery = match &scenario.delivery {
        Some(delivery) => delivery.per_month()?,
        None => 0,
    };
    let asked = |price: &Option<Price>| price.as_ref().map(|p| scenario.cost(p, requests)).transpose();
    let hosted = asked(&scenario.hosted)?.unwrap_or(0);
    let fixed = scenario.fixed.monthly()?;
    let with_local = Monthly::of(hosted, escalated(escalation)?, delivery, fixed)?;
    let cheap = asked(&scenario.cheap)?;
    let all_cheap = cheap.map(|cost| Monthly::of(cost, 0, 0, 0)).transpose()?;
    let cascade = match (cheap, cheap_escalation) {
        (Some(cost), Some(share)) => Some(Monthly::of(cost, escalated(share)?, 0, 0)?),
        _ => None,
    };
    // The cheapest way without a local model: with the cascade where its quality was asked for, else the cheap one alone.
    let small = cascade.or(all_cheap);
    let running = add(with_local.first, with_local.remote)?;
    let break_even = |other: u64| match &scenario.delivery {
        Some(delivery) => delivery.break_even(other, running, requests),
        None => Ok(None),
    };
    let break_even_per_device = break_even(remote)?;
    let break_even_per_device_cheap = match small {
        Some(small) => break_even(small.total)?,
        None => None,
    };
    let requests_per_device = scenario.delivery.as_ref().map(|d| d.requests_per_device(requests));
    let enough = |needed: Option<u64>| needed.zip(requests_per_device).is_some_and(|(n, have)| have >= n);
    let delivery_pays = scenario.delivery.is_none()
        || (enough(break_even_per_device) && (small.is_none() || enough(break_even_per_device_cheap)));
    let cheaper = small.is_some_and(|s| s.total < remote);
    let advice = if delivery_pays && with_local.total <= remote && small.is_none_or(|s| with_local.total <= s.total) {
        Advice::OnDevice
    } else if cheaper || (!delivery_pays && small.is_none()) {
        Advice::SmallRemote // where its price is not known, one that is cheap is looked for
    } else {
        Advice::AllRemote
    };
    let once = scenario.fixed.spent_once()?;
    Ok(Comparison {
        escalation,
        saving: saving(with_local.total, remote),
        saving_on_requests: saving(running, remote),
        months_to_break_even: remote
            .checked_sub(with_local.total)
            .filter(|monthly| *monthly > 0)
            .map(|monthly| once.div_ceil(monthly)),
        all_remote,
        with_local,
        all_cheap,
        cascade,
        break_even_per_device,
        break_even_per_device_cheap,
        requests_per_device,
        advice,
    })
}

impl Monthly {
    fn of(first: u64, remote: u64, delivery: u64, fixed: u64) -> Result<Self> {
        let total = add(add(first, remote)?, add(delivery, fixed)?)?;
        Ok(Monthly {
            first,
            remote,
            delivery,
            fixed,
            total,
        })
    }
}

fn saving(cost: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| 1.0 - cost as f64 / of as f64)
}

fn add(a: u64, b: u64) -> Result<u64> {
    a.checked_add(b).ok_or_else(too_much)
}

/// `amount * factor`, rounded up.
fn scaled(amount: u64, factor: f64) -> Result<u64> {
    // A product of decimals such as 0.1 * 3 lies a few bits beside the decimal: that is not a micro-unit more.
    const ROUNDING: f64 = 4.0 * f64::EPSILON;
    let exact = amount as f64 * factor;
    let whole = exact.round();
    let up = if (exact - whole).abs() <= exact * ROUNDING {
        whole
    } else {
        exact.ceil()
    };
    if up < u64::MAX as f64 {
        Ok(up as u64)
    } else {
        Err(too_much())
    }
}

fn money(amount: u128) -> Result<u64> {
    u64::try_from(amount).map_err(|_| too_much())
}

fn too_much() -> RouteError {
    RouteError::invalid("scenario", "sums below 2^64 micro-units", "more")
}

#[cfg(test)]
mod tests;
