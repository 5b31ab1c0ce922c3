//! A request that has steps taken apart instead of answered: it waits for its turn like any other.

use serde_json::Value;

use super::Session;
use super::reader::Reader;
use super::restore::survives;
use crate::engine::Profile;
use crate::error::{Error, Result};

/// Tokens of a prompt's chunk that is taken apart, where nobody says how many.
const DEFAULT_TOKENS: usize = 64;
/// How often each step is, where nobody says.
const DEFAULT_ROUNDS: usize = 3;
/// No more than this.
const MAX_ROUNDS: usize = 100;

/// Which steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileRequest {
    /// Tokens of the prompt's chunk; the other step is of one.
    pub tokens: Option<usize>,
    /// Positions before either.
    pub position: usize,
    /// How often.
    pub rounds: usize,
}

impl ProfileRequest {
    /// Reads `{tokens, position, rounds}`.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn new(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body, &[])?;
        let request = ProfileRequest {
            tokens: reader.count("tokens")?,
            position: reader.count("position")?.unwrap_or(0),
            rounds: reader.count("rounds")?.unwrap_or(DEFAULT_ROUNDS),
        };
        reader.done(&["tokens", "position", "rounds"])?;
        if !(1..=MAX_ROUNDS).contains(&request.rounds) {
            return Err(Error::invalid("rounds", format!("1 to {MAX_ROUNDS}"), request.rounds));
        }
        Ok(request)
    }
}

/// What is left of it: tokens of each step to come, the next one last.
pub(super) struct Job {
    steps: Vec<usize>,
    position: usize,
}

impl Session {
    /// Begins to take steps apart; nothing is computed yet. Ends what was running before, and the next request finds nothing in
    /// the cache.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] beyond batch or context.
    pub fn start_profile(&mut self, request: &ProfileRequest) -> Result<()> {
        self.abort();
        self.origin.losses.progress();
        let ProfileRequest {
            tokens,
            position,
            rounds,
        } = *request;
        let plan = self.engine.plan();
        let most = plan.n_batch.min(plan.n_ctx.saturating_sub(position));
        let tokens = tokens.unwrap_or(DEFAULT_TOKENS.min(most));
        if !(2..=most).contains(&tokens) {
            return Err(Error::invalid(
                "tokens",
                format!("2 to {most} at position {position}"),
                tokens,
            ));
        }
        self.profiling = Some(Job {
            steps: [1, tokens].repeat(rounds),
            position,
        });
        Ok(())
    }

    /// True while such a request is under way.
    pub fn profiles(&self) -> bool {
        self.profiling.is_some()
    }

    /// The next step, taken apart; `None` after the last.
    ///
    /// # Errors
    /// Those of the backend; [`Error::InvalidRequest`] where it cannot be timed.
    pub async fn next_profile(&mut self) -> Result<Option<Profile>> {
        // Whoever drops this future, or fails in it for good, has ended the request.
        let Some(mut job) = self.profiling.take() else {
            return Ok(None);
        };
        let Some(&tokens) = job.steps.last() else {
            return Ok(None);
        };
        let profile = self.engine.profile(tokens, job.position).await;
        match &profile {
            Ok(_) => {
                self.origin.losses.progress();
                job.steps.pop();
                self.profiling = Some(job);
            }
            Err(error) if survives(error) => self.profiling = Some(job),
            Err(_) => {}
        }
        profile.map(Some)
    }
}
