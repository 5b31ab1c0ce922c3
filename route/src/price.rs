//! What a remote model asks for its work. Money is integer micro-units of a currency.

use serde::{Deserialize, Serialize};

use crate::document::integer;
use crate::{Result, RouteError};

/// Tokens that prices are for.
const PER: u128 = 1_000_000;
/// Characters of a currency's name, and of a date, at most.
const MAX_NAME: usize = 40;

/// A price, as the app states it; none is shipped, for they change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Price {
    /// Micro-units for a million tokens of the prompt.
    pub input_per_million: u64,
    /// Micro-units for a million tokens of the answer.
    pub output_per_million: u64,
    /// Micro-units for a million tokens of the prompt that the service has cached; absent: as other tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_per_million: Option<u64>,
    /// Micro-units for each request.
    #[serde(default)]
    pub per_request: u64,
    /// Of what the units are millionths: `USD`.
    pub currency: String,
    /// The day on which this was the price: `2026-11-22`.
    pub as_of: String,
}

impl Price {
    /// Refuses numbers that no price has; `path` begins the names in errors.
    pub fn check(&self, path: &str) -> Result<()> {
        integer(&format!("{path}.inputPerMillion"), Some(self.input_per_million))?;
        integer(&format!("{path}.outputPerMillion"), Some(self.output_per_million))?;
        integer(&format!("{path}.cachedPerMillion"), self.cached_per_million)?;
        integer(&format!("{path}.perRequest"), Some(self.per_request))?;
        for (name, text) in [("currency", &self.currency), ("asOf", &self.as_of)] {
            if text.is_empty() || text.len() > MAX_NAME {
                let expected = format!("a text of 1 to {MAX_NAME} bytes");
                return Err(RouteError::invalid(
                    format!("{path}.{name}"),
                    expected,
                    format!("{} bytes", text.len()),
                ));
            }
        }
        Ok(())
    }

    /// Refuses a price in another currency than that beside it: their numbers cannot be compared.
    pub fn same_currency(&self, path: &str, other: &Price) -> Result<()> {
        if self.currency == other.currency {
            return Ok(());
        }
        let expected = format!("{:?}, as of the price beside it", other.currency);
        Err(RouteError::invalid(
            format!("{path}.currency"),
            expected,
            format!("{:?}", self.currency),
        ))
    }

    /// Micro-units that a request costs: `ceil((input * p_in + output * p_out) / 10^6) + per_request`, divided once and
    /// rounded up; what does not fit is the largest number there is.
    pub fn cost(&self, input: u64, output: u64) -> u64 {
        self.total(1, input, 0, output)
    }

    /// Micro-units that many requests cost together, from the sums of their tokens: `input` includes those that are
    /// `cached`. Divided once and rounded up, as an invoice is.
    pub fn total(&self, requests: u64, input: u64, cached: u64, output: u64) -> u64 {
        let cached = cached.min(input);
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let tokens = part(input - cached, self.input_per_million)
            .saturating_add(part(cached, self.cached_per_million.unwrap_or(self.input_per_million)))
            .saturating_add(part(output, self.output_per_million));
        let cost = tokens.div_ceil(PER).saturating_add(part(requests, self.per_request));
        u64::try_from(cost).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(input: u64, output: u64, per_request: u64) -> Price {
        Price {
            input_per_million: input,
            output_per_million: output,
            cached_per_million: None,
            per_request,
            currency: "USD".into(),
            as_of: "2026-11-22".into(),
        }
    }

    #[test]
    fn a_cost_is_divided_once_and_rounded_up() {
        // $2.50 and $10 per million: 8,192 tokens in and 1,000 out are 20,480 + 10,000 micro-dollars.
        assert_eq!(price(2_500_000, 10_000_000, 0).cost(8_192, 1_000), 30_480);
        // A third of a unit each: rounded apart it would be two.
        assert_eq!(price(333_333, 333_333, 0).cost(1, 1), 1);
        assert_eq!(price(1, 0, 7).cost(1, 0), 8);
        assert_eq!(price(0, 0, 0).cost(u64::MAX, u64::MAX), 0);
        assert_eq!(price(u64::MAX, u64::MAX, 1).cost(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn cached_tokens_have_their_own_price() {
        let mut price = price(3_000_000, 15_000_000, 2);
        assert_eq!(price.total(10, 1_000_000, 500_000, 0), 3_000_020);
        price.cached_per_million = Some(300_000);
        assert_eq!(price.total(10, 1_000_000, 500_000, 0), 1_650_020);
        // More cached than there are: all are.
        assert_eq!(price.total(0, 1_000_000, u64::MAX, 0), 300_000);
    }

    #[test]
    fn what_no_double_holds_is_refused() {
        let error = price(1 << 53, 0, 0)
            .check("policy.remotes[0].price")
            .expect_err("too large");
        assert!(
            error
                .to_string()
                .starts_with("policy.remotes[0].price.inputPerMillion: "),
            "{error}"
        );
    }
}
