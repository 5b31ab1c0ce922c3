//! What is known of traffic and prices.

use serde::{Deserialize, Serialize};

use super::{Delivery, money, too_much};
use crate::Result;
use crate::document::{between, integer};
use crate::price::Price;

/// The most that an escalated request may cost of an average one: beyond, something else is meant.
const MAX_RATIO: f64 = 1e6;

/// Traffic and prices of a month. Tokens are averages per request; `inputTokens` include those that are cached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// Requests.
    pub requests_per_month: u64,
    /// Of the prompt.
    pub input_tokens: u64,
    /// Of these, what the service has cached.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
    /// The strong remote model.
    pub remote: Price,
    /// A cheap remote one, to compare with.
    #[serde(default)]
    pub cheap: Option<Price>,
    /// The small model where it is hosted and asked for each request; absent on the device, where tokens cost nothing.
    #[serde(default)]
    pub hosted: Option<Price>,
    /// What an escalated request costs of an average one: hard ones are often longer.
    #[serde(default = "one")]
    pub escalated_cost_ratio: f64,
    /// Bringing the model to devices.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// What does not depend on traffic.
    #[serde(default)]
    pub fixed: Fixed,
}

/// What does not depend on traffic, in micro-units; labels to calibrate with are a cost like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Fixed {
    /// Spent once: development, evaluation.
    pub once: u64,
    /// Spent every month: people, servers.
    pub per_month: u64,
    /// For each label.
    pub price_per_label: u64,
    /// Labels to begin with.
    pub labels: u64,
    /// Labels of every month: audits, new calibrations.
    pub labels_per_month: u64,
}

fn one() -> f64 {
    1.0
}

impl Scenario {
    /// Refuses numbers that make no sense, by name.
    ///
    /// # Errors
    /// `invalid_request` with the path.
    pub fn check(&self) -> Result<()> {
        for (path, value) in [
            ("requestsPerMonth", self.requests_per_month),
            ("inputTokens", self.input_tokens),
            ("cachedTokens", self.cached_tokens),
            ("outputTokens", self.output_tokens),
        ] {
            integer(&format!("scenario.{path}"), Some(value))?;
        }
        between(
            "scenario.cachedTokens",
            Some(self.cached_tokens as f64),
            0.0,
            self.input_tokens as f64,
        )?;
        between(
            "scenario.escalatedCostRatio",
            Some(self.escalated_cost_ratio),
            0.0,
            MAX_RATIO,
        )?;
        self.remote.check("scenario.remote")?;
        for (path, price) in [("cheap", &self.cheap), ("hosted", &self.hosted)] {
            if let Some(price) = price {
                price.check(&format!("scenario.{path}"))?;
                price.same_currency(&format!("scenario.{path}"), &self.remote)?;
            }
        }
        if let Some(delivery) = &self.delivery {
            delivery.check()?;
        }
        let fixed = &self.fixed;
        for (path, value) in [
            ("once", fixed.once),
            ("perMonth", fixed.per_month),
            ("pricePerLabel", fixed.price_per_label),
            ("labels", fixed.labels),
            ("labelsPerMonth", fixed.labels_per_month),
        ] {
            integer(&format!("scenario.fixed.{path}"), Some(value))?;
        }
        Ok(())
    }

    /// What `requests` average requests cost at a price.
    pub(super) fn cost(&self, price: &Price, requests: u64) -> Result<u64> {
        let of = |tokens: u64| tokens.checked_mul(requests).ok_or_else(too_much);
        let cost = price.total(
            requests,
            of(self.input_tokens)?,
            of(self.cached_tokens)?,
            of(self.output_tokens)?,
        );
        // The largest number there is stands for what does not fit.
        if cost == u64::MAX { Err(too_much()) } else { Ok(cost) }
    }
}

impl Fixed {
    pub(super) fn spent_once(&self) -> Result<u64> {
        money(u128::from(self.once) + u128::from(self.price_per_label) * u128::from(self.labels))
    }

    pub(super) fn monthly(&self) -> Result<u64> {
        money(u128::from(self.per_month) + u128::from(self.price_per_label) * u128::from(self.labels_per_month))
    }
}
