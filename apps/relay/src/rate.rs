//! Requests and tokens per minute: a bucket of each for every user, in whole numbers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::Tier;

const MINUTE_MS: u64 = 60_000;
/// Users above which those whose buckets are full again are forgotten.
const MANY: usize = 10_000;

/// A bucket that holds a minute's worth. Its level has a unit in which one millisecond is a whole number.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: u128,
    at: u64,
}

impl Bucket {
    fn full(rate: u64, at: u64) -> Bucket {
        Bucket {
            level: u128::from(rate) * u128::from(MINUTE_MS),
            at,
        }
    }

    fn fill(&mut self, rate: u64, now: u64) {
        let since = u128::from(now.saturating_sub(self.at));
        let most = Bucket::full(rate, now).level;
        self.level = self.level.saturating_add(since * u128::from(rate)).min(most);
        self.at = self.at.max(now);
    }

    fn left(&self) -> u64 {
        u64::try_from(self.level / u128::from(MINUTE_MS)).unwrap_or(u64::MAX)
    }

    /// Milliseconds until it holds `amount`.
    fn wait(&self, amount: u64, rate: u64) -> u64 {
        let missing = (u128::from(amount) * u128::from(MINUTE_MS)).saturating_sub(self.level);
        u64::try_from(missing.div_ceil(u128::from(rate.max(1)))).unwrap_or(u64::MAX)
    }

    fn take(&mut self, amount: u64) {
        self.level = self.level.saturating_sub(u128::from(amount) * u128::from(MINUTE_MS));
    }
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    requests: Bucket,
    tokens: Bucket,
}

/// What is left of a minute, for headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub requests: u64,
    pub tokens: u64,
    /// Milliseconds until both are full again.
    pub reset_requests_ms: u64,
    pub reset_tokens_ms: u64,
    /// Milliseconds until the request that was refused would not be; 0 if it was not.
    pub wait_ms: u64,
}

/// The buckets of all users. They are full after a restart.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<String, Pair>>);

impl Rates {
    fn map(&self) -> MutexGuard<'_, HashMap<String, Pair>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one request and `tokens`, or nothing. `now` is in milliseconds and does not go backwards.
    ///
    /// # Errors
    /// Not enough is left: how long to wait.
    pub fn take(&self, user: &str, tier: &Tier, tokens: u64, now: u64) -> Result<Left, Left> {
        let mut map = self.map();
        if map.len() >= MANY {
            map.retain(|_, pair| now.saturating_sub(pair.requests.at) < MINUTE_MS);
        }
        let (requests_rate, tokens_rate) = (tier.requests_per_minute, tier.tokens_per_minute);
        let pair = map.entry(user.into()).or_insert_with(|| Pair {
            requests: Bucket::full(requests_rate, now),
            tokens: Bucket::full(tokens_rate, now),
        });
        pair.requests.fill(requests_rate, now);
        pair.tokens.fill(tokens_rate, now);
        let wait_ms = pair
            .requests
            .wait(1, requests_rate)
            .max(pair.tokens.wait(tokens, tokens_rate));
        if wait_ms == 0 {
            pair.requests.take(1);
            pair.tokens.take(tokens);
        }
        let left = Left {
            requests: pair.requests.left(),
            tokens: pair.tokens.left(),
            reset_requests_ms: pair.requests.wait(requests_rate, requests_rate),
            reset_tokens_ms: pair.tokens.wait(tokens_rate, tokens_rate),
            wait_ms,
        };
        if wait_ms == 0 { Ok(left) } else { Err(left) }
    }

    /// Gives back what a request was not: its worst case less what it used.
    pub fn give_back(&self, user: &str, tier: &Tier, tokens: u64) {
        if let Some(pair) = self.map().get_mut(user) {
            let most = Bucket::full(tier.tokens_per_minute, 0).level;
            let more = u128::from(tokens) * u128::from(MINUTE_MS);
            pair.tokens.level = pair.tokens.level.saturating_add(more).min(most);
        }
    }
}
