//! Tokens in, tokens out: prefill in chunks, decode one by one, and a cache that outlives the request.
//!
//! The engine remembers which tokens the key/value cache holds. A new prompt keeps the longest common prefix and
//! computes only the rest, so that a chat's next turn costs its own length; a prompt that goes back in time simply
//! rewinds. Positions behind the remembered tokens may hold anything: they are written again before they are read.
//!
//! Requests cannot interleave: everything takes `&mut self`, and [`Engine::start`] ends what was running before. A call
//! that fails or whose future is dropped half-way leaves the list of remembered tokens no longer than what is valid.
//!
//! ```
//! use std::{ops::ControlFlow, rc::Rc};
//! use kinglet::engine::{BackendChoice, GenerateOptions, LoadOptions, load};
//! use kinglet::gguf::GgufFile;
//! use kinglet::platform::{FileSource, now_ms};
//!
//! # pollster::block_on(async {
//! let gguf = GgufFile::open(Rc::new(FileSource::open("tests/goldens/qwen2.gguf")?)).await?;
//! let options = LoadOptions { backend: BackendChoice::Cpu, ..Default::default() };
//! let mut engine = load(&gguf, &options, now_ms, &mut |_| ControlFlow::Continue(())).await?;
//! engine.start(&[1, 88, 263], GenerateOptions { max_tokens: 3, ..Default::default() })?;
//! let mut ids = Vec::new();
//! while let Some(token) = engine.next().await? {
//!     ids.push(token.id);
//! }
//! assert_eq!(ids.len(), 3);
//! # Ok::<(), kinglet::Error>(())
//! # }).unwrap();
//! ```

#[cfg(feature = "gpu")]
mod again;
mod any;
mod batches;
mod chain;
mod choose;
mod hidden;
#[cfg(feature = "gpu")]
mod ladder;
mod notice;
mod profile;
mod score;
mod smaller;
mod speculate;

pub use crate::model::decoder::{Profile, ProfileRow};
#[cfg(feature = "gpu")]
pub use again::{Verdict, Wrong};
pub use any::{AnyEngine, BackendChoice, LoadOptions, Pause, SelfTest, load, load_with};
#[cfg(feature = "gpu")]
pub use any::{GpuFacts, Tune};
pub use batches::{Depth, Guesses};
pub use chain::{Chain, chain_of};
pub use choose::{AnswerScore, ChooseOptions, Chosen};
pub use notice::Notice;
pub use score::Scored;
pub use smaller::{LEAST_BATCH, LEAST_CONTEXT, Step, step_down};
use speculate::Ahead;
pub use speculate::{Pace, Speculator, check_draft};

use crate::error::{Error, Result};
use crate::model::decoder::{Decoder, Rows};
use crate::ops::{BackendInfo, Ops, TOP_K_MAX};
use crate::sampler::{Constraint, Need, Sampled, Sampler, SamplerConfig};
use batches::Batches;
use chain::{Flight, Order};

/// Milliseconds from some fixed moment: the engine reads no clock of its own.
pub type Clock = fn() -> f64;

/// First tokens that a shift keeps by default: attention collapses without them ("attention sinks", StreamingLLM,
/// arXiv 2309.17453, finds four enough).
pub const DEFAULT_N_KEEP: usize = 4;

/// How to continue a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// How a token is chosen.
    pub sampling: SamplerConfig,
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// Tokens that end the answer; they are not part of it.
    pub stop_tokens: Vec<u32>,
    /// When the context is full, forget the older half of what follows the first `n_keep` tokens and go on, instead of
    /// refusing at the start. The answer may lose its thread.
    pub shift: bool,
    /// Tokens at the beginning that a shift keeps.
    pub n_keep: usize,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            sampling: SamplerConfig::default(),
            max_tokens: 256,
            stop_tokens: Vec::new(),
            shift: false,
            n_keep: DEFAULT_N_KEEP,
        }
    }
}

/// One generated token.
pub type Token = Sampled;

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FinishReason {
    /// The model chose a stop token.
    Stop,
    /// `max_tokens` were generated.
    Length,
}

/// What a request cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Timings {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, found in the cache.
    pub reused_tokens: usize,
    /// Tokens generated.
    pub generated_tokens: usize,
    /// Milliseconds spent until the first token was known.
    pub prefill_ms: f64,
    /// Milliseconds spent on the tokens after the first.
    pub decode_ms: f64,
    /// Tokens that were proposed by speculation.
    pub drafted_tokens: usize,
    /// Of these, the ones that the model chose, too.
    pub accepted_tokens: usize,
}

/// A request that was interrupted: all of it but what the cache held. See [`Engine::pause`].
pub struct Paused(Run);

impl Paused {
    /// Positions that it needs at most.
    pub fn context(&self) -> usize {
        let Run {
            options,
            tokens,
            timings,
            ..
        } = &self.0;
        let left = options.max_tokens.saturating_sub(timings.generated_tokens);
        if options.shift {
            tokens.len().max(options.n_keep.saturating_add(2))
        } else {
            tokens.len().saturating_add(left)
        }
    }
}

/// The request being answered.
struct Run {
    options: GenerateOptions,
    sampler: Sampler,
    constraint: Option<Box<dyn Constraint>>,
    /// Prompt and answer, less what a shift has dropped.
    tokens: Vec<u32>,
    finish: Option<FinishReason>,
    timings: Timings,
    /// What speculation has computed ahead.
    ahead: Option<Ahead>,
}

/// A loaded model with its cache. See the module's documentation.
pub struct Engine<O: Ops> {
    decoder: Decoder<O>,
    /// Tokens whose keys and values the cache holds at positions `0 ..`.
    cached: Vec<u32>,
    run: Option<Run>,
    speculator: Option<Speculator<O>>,
    /// Steps of the run that were submitted and not decided.
    flight: Flight,
    batches: Batches,
    clock: Clock,
}

impl<O: Ops> Engine<O> {
    /// An engine with an empty cache.
    pub fn new(decoder: Decoder<O>, clock: Clock) -> Self {
        Self {
            decoder,
            cached: Vec::new(),
            run: None,
            speculator: None,
            flight: Flight::default(),
            batches: Batches::default(),
            clock,
        }
    }

    /// The decoder: sizes, memory, backend.
    pub fn decoder(&self) -> &Decoder<O> {
        &self.decoder
    }

    /// The backend that runs it.
    pub fn info(&self) -> BackendInfo {
        self.decoder.ops().info()
    }

    /// Positions allocated.
    pub fn n_ctx(&self) -> usize {
        self.decoder.plan().n_ctx
    }

    /// Says how far steps may run ahead of what is decided; no answer depends on it.
    pub fn set_depth(&mut self, depth: Depth) {
        self.batches.depth = depth;
    }

    /// The device's guesses so far.
    pub fn guesses(&self) -> Guesses {
        self.batches.guesses
    }

    /// Begins to answer `prompt`; nothing is computed yet. Ends what was running before.
    ///
    /// Fails with [`Error::ContextOverflow`] when prompt and answer cannot both fit (with `shift`: when the prompt
    /// does not), with [`Error::InvalidRequest`] for an empty prompt, an unknown token or a bad option.
    pub fn start(&mut self, prompt: &[u32], options: GenerateOptions) -> Result<()> {
        self.start_under(prompt, options, None)
    }

    /// [`Engine::start`] for an answer that keeps to a grammar. It ends with [`FinishReason::Stop`] where nothing can follow.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_under(
        &mut self,
        prompt: &[u32],
        options: GenerateOptions,
        constraint: Option<Box<dyn Constraint>>,
    ) -> Result<()> {
        self.end();
        self.check_ids("prompt", prompt)?;
        if prompt.is_empty() {
            return Err(Error::invalid("prompt", "at least one token", "none"));
        }
        let n_ctx = self.n_ctx();
        let asked = if options.shift { 0 } else { options.max_tokens };
        if prompt.len().saturating_add(asked) > n_ctx {
            let (prompt, max_tokens) = (prompt.len(), options.max_tokens);
            return Err(Error::ContextOverflow {
                prompt,
                max_tokens,
                n_ctx,
            });
        }
        if options.shift && options.n_keep + 2 > n_ctx {
            return Err(Error::invalid(
                "n_keep",
                format!("at most {}", n_ctx.saturating_sub(2)),
                options.n_keep,
            ));
        }
        let mut sampler = Sampler::new(options.sampling.clone())?;
        prompt.iter().for_each(|&id| sampler.accept(id));

        // At least the last token is computed again: its logits are not kept.
        let common = self.cached.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        self.cached.truncate(common.min(prompt.len() - 1));
        self.run = Some(Run {
            sampler,
            constraint,
            tokens: prompt.to_vec(),
            finish: (options.max_tokens == 0).then_some(FinishReason::Length),
            timings: Timings {
                prompt_tokens: prompt.len(),
                reused_tokens: self.cached.len(),
                ..Timings::default()
            },
            ahead: None,
            options,
        });
        Ok(())
    }

    /// Takes the constraint of the last request, and with it the request.
    pub fn take_constraint(&mut self) -> Option<Box<dyn Constraint>> {
        let constraint = self.run.as_mut().and_then(|run| run.constraint.take());
        if constraint.is_some() {
            self.end();
        }
        constraint
    }

    /// Computes one more chunk of the prompt, unless it is the last one; true: call again, false: call
    /// [`Engine::next`]. Optional: it gives a caller a moment between chunks, to show progress or to stop.
    pub async fn prefill(&mut self) -> Result<bool> {
        let begun = (self.clock)();
        let more = self.chunk().await;
        if let Some(run) = &mut self.run {
            run.timings.prefill_ms += (self.clock)() - begun;
        }
        self.checked(more)
    }

    /// The next token, or `None` when the answer is complete: see [`Engine::finish_reason`].
    ///
    /// To cancel is to stop calling; a dropped future only loses the step it was in.
    pub async fn next(&mut self) -> Result<Option<Token>> {
        let begun = (self.clock)();
        let first = self.timings().generated_tokens == 0;
        let token = match self.look_ahead().await {
            Ok(prepared) => self.advance().await.map(|token| (prepared, token)),
            Err(error) => Err(error),
        };
        let spent = (self.clock)() - begun;
        if let Some(run) = &mut self.run {
            let timings = &mut run.timings;
            *(if first {
                &mut timings.prefill_ms
            } else {
                &mut timings.decode_ms
            }) += spent;
        }
        if let (false, Ok((prepared, _))) = (first, &token) {
            self.learn(spent - prepared);
        }
        self.checked(token.map(|(_, token)| token))
    }

    /// Why the answer ended; `None` while it goes on.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.run.as_ref().and_then(|run| run.finish)
    }

    /// What the current or last request cost.
    pub fn timings(&self) -> Timings {
        self.run.as_ref().map(|run| run.timings).unwrap_or_default()
    }

    /// Tokens in the cache.
    pub fn cached(&self) -> &[u32] {
        &self.cached
    }

    /// Forgets every text.
    pub fn reset(&mut self) {
        self.end();
        self.cached.clear();
    }

    /// Ends the request, and with it what is in flight.
    fn end(&mut self) {
        self.run = None;
        self.flight.give_up();
        self.batches.restart();
    }

    /// Takes the running request out, so that [`Engine::resume`] goes on with it, here or on another engine with the same
    /// model: its tokens, its sampler with all that it remembers, its counts. Also forgets what the cache holds.
    pub fn pause(&mut self) -> Option<Paused> {
        self.cached.clear();
        self.flight.give_up();
        self.run.take().map(Paused)
    }

    /// Goes on with an interrupted request: [`Engine::next`] computes its tokens again, and then the one that follows.
    ///
    /// Fails with [`Error::ContextOverflow`] when what is left of the request does not fit; the request is lost then.
    pub fn resume(&mut self, paused: Paused) -> Result<()> {
        let (n_ctx, needed) = (self.n_ctx(), paused.context());
        let Paused(mut run) = paused;
        run.ahead = None;
        self.check_ids("prompt", &run.tokens)?;
        if needed > n_ctx {
            let prompt = run.tokens.len();
            let max_tokens = needed - prompt;
            return Err(Error::ContextOverflow {
                prompt,
                max_tokens,
                n_ctx,
            });
        }
        self.reset();
        self.run = Some(run);
        Ok(())
    }

    /// A failed step may have left anything in the cache, and a lost device leaves nothing. The request itself survives the
    /// device: it waits for [`Engine::pause`].
    fn checked<T>(&mut self, result: Result<T>) -> Result<T> {
        let result = result.map_err(|error| self.decoder.ops().outcome(error));
        match &result {
            Ok(_) => {}
            Err(Error::GpuLost { .. }) => {
                self.cached.clear();
                if let Some(run) = &mut self.run {
                    run.ahead = None;
                }
            }
            Err(_) => self.reset(),
        }
        result
    }

    fn check_ids(&self, param: &str, ids: &[u32]) -> Result<()> {
        let n_vocab = self.decoder.plan().config.n_vocab;
        match ids.iter().find(|&&id| id as usize >= n_vocab) {
            Some(id) => Err(Error::invalid(param, format!("token ids below {n_vocab}"), id)),
            None => Ok(()),
        }
    }

    /// One chunk without logits, while more than one is left.
    async fn chunk(&mut self) -> Result<bool> {
        let n_batch = self.decoder.plan().n_batch;
        let Some(run) = self.run.as_mut().filter(|run| run.finish.is_none()) else {
            return Ok(false);
        };
        let n_ctx = self.decoder.plan().n_ctx;
        if run.tokens.len() > n_ctx {
            let keep = run.options.n_keep.min(n_ctx);
            let drop = (n_ctx - keep).div_ceil(2);
            run.tokens.drain(keep..keep + drop);
            self.cached.truncate(keep);
        }
        let pos = self.cached.len();
        if run.tokens.len() - pos <= n_batch {
            return Ok(false);
        }
        let tokens = &run.tokens[pos..pos + n_batch];
        self.decoder.step(tokens, pos, Rows::None)?;
        self.cached.extend_from_slice(tokens);
        self.decoder.settle().await?;
        Ok(true)
    }

    async fn advance(&mut self) -> Result<Option<Token>> {
        while self.chunk().await? {}
        // Whoever drops this future has lost what is in flight.
        let mut flight = std::mem::take(&mut self.flight);
        let Some(run) = self.run.as_mut().filter(|run| run.finish.is_none()) else {
            return Ok(None);
        };
        let pos = self.cached.len();
        let row = run.ahead.as_ref().and_then(Ahead::row);
        let alone = self.speculator.is_none();
        let chains = O::CHAINS && alone && chain_of(&run.options, run.constraint.is_some()) != Chain::Unchained;
        if chains && run.timings.generated_tokens > 0 && self.batches.wants_latency() {
            self.batches.measure(&mut self.decoder, self.clock).await?;
        }
        let batch = if chains { self.batches.batch() } else { 0 };
        if row.is_none() {
            let order = Order {
                sampler: &run.sampler,
                need: match run.sampler.need() {
                    // Under a mask any of the best may be forbidden.
                    Need::Top(_) if run.constraint.is_some() => Need::Top(TOP_K_MAX),
                    need => need,
                },
                tokens: &run.tokens,
                most: run.options.max_tokens.saturating_sub(run.timings.generated_tokens),
                batch,
            };
            flight.launch(&mut self.decoder, &order, pos)?;
        }
        // The step is under way: what may come next is found out meanwhile.
        let mask = match &mut run.constraint {
            Some(constraint) => constraint.mask()?,
            None => None,
        };
        let tokens = &run.tokens[pos..];
        if mask.is_some_and(|mask| mask.iter().all(|&word| word == 0)) {
            self.decoder.settle().await?;
            self.cached.extend_from_slice(tokens);
            run.finish = Some(FinishReason::Stop);
            return Ok(None);
        }
        let lost = flight.chained();
        let (mut token, right) = match row {
            Some(row) => (run.sampler.sample_row_of(row, mask)?, false),
            None => flight.land(&mut self.decoder, &mut run.sampler, tokens, mask).await?,
        };
        self.cached.extend_from_slice(tokens);
        if chains {
            self.batches.landed(right, lost, (self.clock)());
        }
        if let (Some(measured), Some(_)) = (&mut token.measured, &run.constraint) {
            // A grammar that forbids nothing here keeps everything.
            measured.kept = measured.kept.or(Some(0.0));
        }

        if let Some(ahead) = &mut run.ahead {
            run.timings.accepted_tokens += usize::from(ahead.choose(token.id));
        }
        if run.options.stop_tokens.contains(&token.id) {
            run.finish = Some(FinishReason::Stop);
            return Ok(None);
        }
        run.sampler.accept(token.id);
        run.tokens.push(token.id);
        run.timings.generated_tokens += 1;
        if run.timings.generated_tokens >= run.options.max_tokens {
            run.finish = Some(FinishReason::Length);
        }
        if let Some(constraint) = &mut run.constraint
            && constraint.commit(token.id)?
        {
            run.finish = Some(FinishReason::Stop);
        }
        if run.finish.is_none() {
            self.flight = flight;
        }
        Ok(Some(token))
    }
}
