//! What a caller can ask of the sampler, and which values make sense.

use crate::error::{Error, Result};
use crate::ops::TOP_K_MAX;

/// A bias at or below this is a ban: the token's logit becomes minus infinity (the meaning OpenAI gives to -100).
pub const BAN_BIAS: f32 = -100.0;

/// Most alternatives that can be reported with each token (OpenAI's bound).
pub const MAX_TOP_LOGPROBS: usize = 20;

/// Settings of a [`Sampler`](super::Sampler). The default is greedy decoding.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerConfig {
    /// `0` is greedy: the best token, ties to the lowest id. Otherwise logits are divided by it before the draw.
    pub temperature: f32,
    /// Keep the `top_k` best tokens; `0` keeps all.
    pub top_k: usize,
    /// Keep the smallest set of best tokens whose probability reaches `top_p`; `1` keeps all.
    pub top_p: f32,
    /// Drop tokens whose probability is below `min_p` times the best one's; `0` keeps all.
    pub min_p: f32,
    /// Tokens of the window: a positive logit is divided by this, a negative one multiplied; `1` is off.
    pub repeat_penalty: f32,
    /// Number of most recent tokens (prompt included) that the three penalties look at; `usize::MAX` is all of them.
    pub repeat_last_n: usize,
    /// Subtracted once from the logit of each token of the window.
    pub presence_penalty: f32,
    /// Subtracted from a logit once per occurrence in the window.
    pub frequency_penalty: f32,
    /// Added to the logits of these tokens; at or below [`BAN_BIAS`] the token is banned.
    pub logit_bias: Vec<(u32, f32)>,
    /// Seed of the draw. Greedy decoding ignores it.
    pub seed: u64,
    /// Alternatives reported with each token, at most [`MAX_TOP_LOGPROBS`].
    pub top_logprobs: usize,
    /// Measure the doubt at each token: [`Sampled::measured`](super::Sampled::measured).
    pub signals: bool,
}

impl Default for SamplerConfig {
    fn default() -> Self {
        SamplerConfig {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            repeat_last_n: 64,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
            seed: 0,
            top_logprobs: 0,
            signals: false,
        }
    }
}

impl SamplerConfig {
    /// Refuses values without a meaning, naming the parameter ([`Error::InvalidRequest`]).
    pub fn check(&self) -> Result<()> {
        let number = |name: &str, value: f32, ok: bool, expected: &str| {
            if ok {
                Ok(())
            } else {
                Err(Error::invalid(name, expected, value))
            }
        };
        let finite = "a finite number";
        number(
            "temperature",
            self.temperature,
            self.temperature.is_finite() && self.temperature >= 0.0,
            "a finite number >= 0",
        )?;
        number(
            "top_p",
            self.top_p,
            self.top_p > 0.0 && self.top_p <= 1.0,
            "a number in (0, 1]",
        )?;
        number(
            "min_p",
            self.min_p,
            (0.0..=1.0).contains(&self.min_p),
            "a number in [0, 1]",
        )?;
        number(
            "repeat_penalty",
            self.repeat_penalty,
            self.repeat_penalty.is_finite() && self.repeat_penalty > 0.0,
            "a finite number > 0",
        )?;
        number(
            "presence_penalty",
            self.presence_penalty,
            self.presence_penalty.is_finite(),
            finite,
        )?;
        number(
            "frequency_penalty",
            self.frequency_penalty,
            self.frequency_penalty.is_finite(),
            finite,
        )?;
        for (id, bias) in &self.logit_bias {
            if bias.is_nan() || *bias == f32::INFINITY {
                return Err(Error::invalid(format!("logit_bias[{id}]"), finite, bias));
            }
        }
        if self.top_logprobs > MAX_TOP_LOGPROBS {
            let expected = format!("at most {MAX_TOP_LOGPROBS}");
            return Err(Error::invalid("top_logprobs", expected, self.top_logprobs));
        }
        Ok(())
    }

    /// True if some token of the window can change its logit.
    pub(super) fn penalises(&self) -> bool {
        self.repeat_last_n > 0
            && (self.repeat_penalty != 1.0 || self.presence_penalty != 0.0 || self.frequency_penalty != 0.0)
    }

    /// True if a device can guess the choice from the best logits alone: no stage knows the tokens before, or raises a logit,
    /// and the best are enough in most cases.
    pub fn foreseeable(&self) -> bool {
        !self.penalises() && self.only_lowers() && self.top_suffice()
    }

    /// True if the best logits settle most draws.
    pub(super) fn top_suffice(&self) -> bool {
        self.top_k <= TOP_K_MAX && (self.truncates() || self.temperature <= 1.0)
    }

    /// True if a stage cuts off the less likely tokens.
    pub(super) fn truncates(&self) -> bool {
        self.temperature == 0.0 || self.top_k > 0 || self.top_p < 1.0 || self.min_p > 0.0
    }

    /// True if no stage can raise a logit: then the best raw logits bound all that lies outside of them.
    pub(super) fn only_lowers(&self) -> bool {
        let penalties_lower = !self.penalises()
            || (self.repeat_penalty >= 1.0 && self.presence_penalty >= 0.0 && self.frequency_penalty >= 0.0);
        penalties_lower && self.logit_bias.iter().all(|&(_, bias)| bias <= 0.0)
    }
}
