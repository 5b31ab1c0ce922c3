//! From logits to a token: pure, seeded, the same on every machine.
//!
//! The stages, in this order (that of llama.cpp):
//!
//! 1. logit bias (`<= -100` bans the token), 2. repeat, frequency and presence penalty over the last `repeat_last_n`
//!    tokens, 3. top-k, 4. top-p over what top-k kept, 5. min-p, 6. temperature, 7. a draw.
//!
//! Temperature 0 ends after stage 2 with the best token (ties: the lowest id). Reported log-probabilities are those of
//! the *raw* distribution, before every stage.
//!
//! A backend that keeps the logits on the device can hand over only the best few of them. [`Sampler::need`] says how
//! many suffice in the usual case; [`Sampler::sample_top`] *proves* that they do for these logits, or answers `None`,
//! and then the whole row goes to [`Sampler::sample_row`]. Both give the same token.
//!
//! Under a [`Constraint`] the tokens that it forbids are gone before stage 1: what is drawn from is the distribution of
//! the others, in their own proportions.

mod config;
mod constraint;
mod measure;
mod rng;
mod stages;

use std::collections::{HashMap, VecDeque};

use kinglet_route::gauge::Measured;

use crate::error::{Error, Result};
use crate::ops::row::sums;
use crate::ops::{Draw, TOP_K_MAX, TopK};
pub use config::{BAN_BIAS, MAX_TOP_LOGPROBS, SamplerConfig};
pub use constraint::Constraint;
use constraint::allows;
pub use measure::KEPT_TOLERANCE;
pub use rng::Rng;
use stages::{Candidate, best_first, keep};

/// What the sampler wants to see of a row of logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The best `k <= TOP_K_MAX` logits, for [`Sampler::sample_top`].
    Top(usize),
    /// The whole row, for [`Sampler::sample_row`].
    Row,
}

/// A token and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The chosen token.
    pub id: u32,
    /// Its log-probability in the raw distribution (natural logarithm).
    pub logprob: f32,
    /// The best tokens of the raw distribution with their log-probabilities, best first; `top_logprobs` of them.
    pub top: Vec<(u32, f32)>,
    /// Its doubt in the raw distribution, where [`SamplerConfig::signals`] asks for it. The mass that a mask keeps is exact
    /// from a whole row, and within [`KEPT_TOLERANCE`] from the best logits.
    pub measured: Option<Measured>,
}

/// A chain of stages with its state: the window of recent tokens and the generator.
///
/// ```
/// use kinglet::sampler::{Sampler, SamplerConfig};
/// let mut greedy = Sampler::new(SamplerConfig::default())?;
/// let picked = greedy.sample_row(&[0.5, 2.0, 2.0])?;
/// assert_eq!(picked.id, 1); // the lowest id of the best ones
/// greedy.accept(picked.id);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sampler {
    config: SamplerConfig,
    bias: HashMap<u32, f32>,
    rng: Rng,
    window: VecDeque<u32>,
    counts: HashMap<u32, u32>,
}

/// First width of the partly sorted prefix of a row; it grows until the stages are sure of what they keep.
const ROW_PREFIX: usize = 256;

/// Relative error allowed to `exp(log_sum_exp)`: half an ulp of an f32 near 30 (1e-6) and a backend's f32 summation.
const LOG_SUM_EXP_ERROR: f64 = 1e-5;

impl Sampler {
    /// A sampler with an empty window. Refuses senseless settings with [`Error::InvalidRequest`].
    pub fn new(config: SamplerConfig) -> Result<Self> {
        config.check()?;
        Ok(Sampler {
            bias: config.logit_bias.iter().copied().collect(),
            rng: Rng::new(config.seed),
            window: VecDeque::new(),
            counts: HashMap::new(),
            config,
        })
    }

    /// The settings.
    pub fn config(&self) -> &SamplerConfig {
        &self.config
    }

    /// A sampler that will draw what this one draws, from the same logits with the same random numbers, and reports nothing of
    /// it: for a guess of what this one will say.
    pub fn guesser(&self) -> Self {
        let mut guesser = self.clone();
        guesser.config.top_logprobs = 0;
        guesser.config.signals = false;
        guesser
    }

    /// Notes a token of the context, prompt or generated, for the penalties.
    pub fn accept(&mut self, token: u32) {
        if !self.config.penalises() {
            return;
        }
        self.window.push_back(token);
        *self.counts.entry(token).or_insert(0) += 1;
        if self.window.len() > self.config.repeat_last_n
            && let Some(old) = self.window.pop_front()
            && let Some(count) = self.counts.get_mut(&old)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&old);
            }
        }
    }

    /// What to read back for the next token. `Top(k)` is a good guess, not a promise: see [`Sampler::sample_top`].
    pub fn need(&self) -> Need {
        let c = &self.config;
        if !c.only_lowers() {
            return Need::Row; // a raised token can come from anywhere
        }
        let lowered = self.counts.len() + self.bias.len();
        let wanted = if c.temperature == 0.0 {
            1 + lowered
        } else if !c.top_suffice() {
            return Need::Row;
        } else if c.top_k > 0 {
            c.top_k + lowered
        } else {
            TOP_K_MAX
        };
        // A margin is that of the two best.
        let wanted = wanted.max(if c.signals { 2 } else { 0 });
        Need::Top(wanted.max(c.top_logprobs).min(TOP_K_MAX))
    }

    /// Samples from the best logits alone. `None`: they do not settle the choice; read the row and call
    /// [`Sampler::sample_row`] (no random number was used up).
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a logit is NaN or plus infinity.
    pub fn sample_top(&mut self, top: &TopK) -> Result<Option<Sampled>> {
        self.sample_top_of(top, None)
    }

    /// [`Sampler::sample_top`] among the tokens that `mask` allows (see [`Constraint::mask`]).
    ///
    /// # Errors
    /// As [`Sampler::sample_top`].
    pub fn sample_top_of(&mut self, top: &TopK, mask: Option<&[u32]>) -> Result<Option<Sampled>> {
        let (Need::Top(_), Some(&floor), Some(&last)) = (self.need(), top.logits.last(), top.ids.last()) else {
            return Ok(None);
        };
        if top.ids.len() != top.logits.len() {
            return Err(Error::internal("top-k result with ids and logits of different lengths"));
        }
        if top.ids.len() < self.config.top_logprobs {
            return Ok(None);
        }
        check_finite(&top.logits)?;
        if !top.log_sum_exp.is_finite() {
            return Err(not_finite("a probability sum"));
        }
        let measured = match self.config.signals {
            true => match measure::of_top(top, mask) {
                None => return Ok(None),
                measured => measured,
            },
            false => None,
        };
        let raw = || top.ids.iter().copied().zip(top.logits.iter().copied());
        let may = |&(id, _): &(u32, f32)| allows(mask, id);
        let mut candidates: Vec<Candidate> = raw().filter(may).map(|(id, l)| self.adjusted(id, l)).collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        candidates.sort_unstable_by(best_first);

        // Whatever is not among the candidates lies below this bound, because no stage raised a logit.
        let bound = Candidate { id: last, logit: floor };
        let certain = candidates.partition_point(|c| best_first(c, &bound).is_le());
        // The adjusted mass: the lowered tokens that we see are exact, those outside can only have lost mass.
        let max = candidates.first().map_or(f32::NEG_INFINITY, |c| c.logit);
        let mass = |logit: f32| f64::from(logit - max).exp();
        let seen_raw: f64 = top.logits.iter().map(|&l| mass(l)).sum();
        let seen: f64 = candidates.iter().map(|c| mass(c.logit)).sum();
        let row_mass = f64::from(top.log_sum_exp - max).exp();
        let outside = row_mass - seen_raw;
        // Of what lies outside a mask may forbid all; without one only lowered tokens have lost mass.
        let lost = match mask {
            Some(_) => outside,
            None => self.lowered_outside(&top.ids) as f64 * mass(floor),
        };
        let slack = row_mass * LOG_SUM_EXP_ERROR;
        candidates.truncate(certain);

        let total = (
            seen + (outside - lost - slack).max(0.0),
            seen + (outside + slack).max(0.0),
        );
        let drawn = match self.config.truncates() {
            true => keep(&candidates, &self.config, total, Some(floor)).and_then(|kept| self.draw(&candidates[..kept])),
            false => self.draw_among(&candidates, total, floor),
        };
        let Some(id) = drawn else {
            return Ok(None);
        };
        // The chosen token is a candidate, so its raw logit is here.
        let logprob = raw()
            .find(|&(other, _)| other == id)
            .map_or(f32::NEG_INFINITY, |(_, l)| l - top.log_sum_exp);
        let alternatives = raw()
            .take(self.config.top_logprobs)
            .map(|(id, l)| (id, l - top.log_sum_exp))
            .collect();
        Ok(Some(Sampled {
            id,
            logprob,
            top: alternatives,
            measured: measured.map(|place| of_token(place, id, logprob)),
        }))
    }

    /// Samples from the whole row `[n_vocab]`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a logit is NaN or plus infinity, or if all are minus infinity;
    /// [`Error::InvalidRequest`] if the logit bias bans every token that the model allows.
    pub fn sample_row(&mut self, row: &[f32]) -> Result<Sampled> {
        self.sample_row_of(row, None)
    }

    /// [`Sampler::sample_row`] among the tokens that `mask` allows (see [`Constraint::mask`]).
    ///
    /// # Errors
    /// As [`Sampler::sample_row`]; [`Error::InvalidRequest`] also if the logit bias bans every token that the mask allows.
    pub fn sample_row_of(&mut self, row: &[f32], mask: Option<&[u32]>) -> Result<Sampled> {
        check_finite(row)?;
        let Some(sums) = sums(row) else {
            return Err(not_finite("no logit above minus infinity"));
        };
        let log_sum_exp = sums.0 + sums.1.ln() as f32;

        let allowed = (0u32..).zip(row).filter(|(id, _)| allows(mask, *id));
        let mut all: Vec<Candidate> = allowed.map(|(id, &logit)| self.adjusted(id, logit)).collect();
        let id = self.choose(&mut all)?;
        let top = if self.config.top_logprobs == 0 {
            Vec::new()
        } else {
            let mut raw: Vec<Candidate> = (0u32..).zip(row).map(|(id, &logit)| Candidate { id, logit }).collect();
            let n = self.config.top_logprobs.min(raw.len());
            sort_prefix(&mut raw, n);
            raw[..n].iter().map(|c| (c.id, c.logit - log_sum_exp)).collect()
        };
        let logprob = row[id as usize] - log_sum_exp;
        let place = self.config.signals.then(|| measure::of_row(row, sums, mask));
        Ok(Sampled {
            id,
            logprob,
            top,
            measured: place.map(|place| of_token(place, id, logprob)),
        })
    }

    /// Stages 3 to 7 over every token; sorts only as much as needed.
    fn choose(&mut self, all: &mut [Candidate]) -> Result<u32> {
        let max = all.iter().map(|c| c.logit).fold(f32::NEG_INFINITY, f32::max);
        if max == f32::NEG_INFINITY {
            let got = format!("{} biases that ban every token", self.bias.len());
            return Err(Error::invalid("logit_bias", "at least one token left", got));
        }
        let total: f64 = all.iter().map(|c| f64::from(c.logit - max).exp()).sum();
        let mut width = self.config.top_k.max(ROW_PREFIX).min(all.len());
        loop {
            sort_prefix(all, width);
            let floor = (width < all.len()).then(|| all[width - 1].logit);
            if let Some(kept) = keep(&all[..width], &self.config, (total, total), floor) {
                let drawn = self.draw(&all[..kept]);
                return drawn.ok_or_else(|| Error::internal("the sampler kept no token"));
            }
            width = (width * 16).min(all.len());
        }
    }

    /// A token's logit after bias and penalties.
    fn adjusted(&self, id: u32, mut logit: f32) -> Candidate {
        if let Some(&bias) = self.bias.get(&id) {
            logit = if bias <= BAN_BIAS {
                f32::NEG_INFINITY
            } else {
                logit + bias
            };
        }
        if let Some(&count) = self.counts.get(&id) {
            let c = &self.config;
            logit = if logit > 0.0 {
                logit / c.repeat_penalty
            } else {
                logit * c.repeat_penalty
            };
            logit -= count as f32 * c.frequency_penalty + c.presence_penalty;
        }
        // A huge boost stays comparable: plus infinity minus itself is no number.
        let logit = logit.min(f32::MAX);
        Candidate { id, logit }
    }

    /// How many tokens with a changed logit are not in `ids`.
    fn lowered_outside(&self, ids: &[u32]) -> usize {
        let outside = |id: &u32| !ids.contains(id);
        let counted = self.counts.keys().filter(|id| outside(id)).count();
        counted
            + self
                .bias
                .keys()
                .filter(|id| outside(id) && !self.counts.contains_key(id))
                .count()
    }

    /// A draw from the whole vocabulary, of which only the `best` are known, best first: those behind them have logits up to
    /// `floor`, and all together a mass of `total`, from below and above. `None`: it may be one of those, or depends on how
    /// much they weigh; no random number was used up.
    fn draw_among(&mut self, best: &[Candidate], total: (f64, f64), floor: f32) -> Option<u32> {
        let first = best.first()?;
        let temperature = f64::from(self.config.temperature);
        let behind = |logit: f32| f64::from(logit - first.logit);
        let mass: f64 = best.iter().map(|c| behind(c.logit).exp()).sum();
        // At temperature 1 a token weighs its mass, below it the less of that the less likely it is.
        let (least, share) = match self.config.temperature < 1.0 {
            true => (0.0, (behind(floor) * (1.0 / temperature - 1.0)).exp()),
            false => ((total.0 - mass).max(0.0), 1.0),
        };
        let most = (total.1 - mass).max(0.0) * share;
        let weights = || best.iter().map(|c| (behind(c.logit) / temperature).exp());
        let inside: f64 = weights().sum();
        let mut rng = self.rng.clone();
        let random = rng.next_f64();
        // Sums in another order differ by their rounding.
        let slack = inside * 1e-12;
        let (low, high) = (random * (inside + least) - slack, random * (inside + most) + slack);
        let mut sum = 0.0;
        let at = weights().position(|weight| {
            sum += weight;
            low < sum
        })?;
        if high >= sum {
            return None;
        }
        self.rng = rng;
        Some(best[at].id)
    }

    /// What a device is to guess by for the token that comes `ahead` after the next one.
    pub fn foresee(&self, ahead: usize) -> Draw {
        let c = &self.config;
        let mut rng = self.rng.clone();
        let mut random = 0.0;
        if c.temperature > 0.0 {
            (0..=ahead).for_each(|_| random = rng.next_f64());
        }
        Draw {
            temperature: c.temperature,
            top_k: u32::try_from(c.top_k).unwrap_or(u32::MAX),
            top_p: c.top_p,
            min_p: c.min_p,
            random: (random as f32).min(1.0 - f32::EPSILON / 2.0),
        }
    }

    /// Temperature and draw among the kept candidates, best first. `None` if there are none.
    fn draw(&mut self, kept: &[Candidate]) -> Option<u32> {
        let best = kept.first()?;
        if best.logit == f32::NEG_INFINITY {
            return None;
        }
        if self.config.temperature == 0.0 {
            return Some(best.id);
        }
        let weight = |c: &Candidate| (f64::from(c.logit - best.logit) / f64::from(self.config.temperature)).exp();
        let total: f64 = kept.iter().map(weight).sum();
        let mut left = self.rng.next_f64() * total;
        for c in kept {
            left -= weight(c);
            if left < 0.0 {
                return Some(c.id);
            }
        }
        // Rounding left a crumb: the last token that can be drawn at all.
        kept.iter().rev().find(|c| weight(c) > 0.0).map(|c| c.id)
    }
}

/// What was measured at the place of a token, once that is chosen.
fn of_token(place: Measured, id: u32, logprob: f32) -> Measured {
    Measured {
        token: id,
        logprob: f64::from(logprob),
        ..place
    }
}

/// Sorts the best `n` entries to the front.
fn sort_prefix(all: &mut [Candidate], n: usize) {
    if n < all.len() && n > 0 {
        all.select_nth_unstable_by(n - 1, best_first);
    }
    all[..n].sort_unstable_by(best_first);
}

fn check_finite(logits: &[f32]) -> Result<()> {
    match logits.iter().find(|l| l.is_nan() || **l == f32::INFINITY) {
        Some(bad) => Err(not_finite(&format!("a logit of {bad}"))),
        None => Ok(()),
    }
}

fn not_finite(what: &str) -> Error {
    Error::NotFinite { what: what.to_string() }
}
