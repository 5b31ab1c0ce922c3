//! A loaded model that answers requests.

use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::Value;

use super::calls::CallReader;
use super::embedding::{Job, Pooling};
use super::reading::Reading;
use super::restore::{Losses, Origin, info, open, survives};
use super::tools::CallStyle;
use super::{
    Chunk, FinishReason, Input, Logprobs, Request, SessionInfo, SessionOptions, Timings, TokenLogprob, ToolChoice,
    Usage, prompt,
};
use crate::backend::{Recruit, recruit};
use crate::engine::{self, AnyEngine, GenerateOptions, LoadOptions, Notice};
use crate::error::{Error, Result};
use crate::model::loader::OnProgress;
use crate::platform::{ByteSource, now_ms, unix_seconds};
use crate::sampler::{Constraint, Rng, SamplerConfig};
use crate::text::template::CivilTime;
use crate::text::{Special, StopFilter, TokenStream, Tokenizer};

/// Tokenizer and engine of one model. Requests do not interleave: [`Session::start`] ends what was running before.
pub struct Session {
    pub(super) tokenizer: Tokenizer,
    pub(super) engine: AnyEngine,
    pub(super) info: SessionInfo,
    answer: Option<Answer>,
    /// Answers of the current request that have not begun.
    waiting: VecDeque<Answer>,
    /// What the answers must keep to, until the first of them begins; then the engine has it.
    constraint: Option<Box<dyn Constraint>>,
    /// Of the current request so far.
    usage: Usage,
    /// The request for embeddings that is under way.
    pub(super) embedding: Option<Job>,
    /// What the file says of it.
    pub(super) pooling: Result<Pooling>,
    /// Tokens of the current answer, or of the last one.
    pub(super) generated: Vec<u32>,
    pub(super) origin: Origin,
    pub(super) notices: Vec<Notice>,
}

/// One answer of a request, under way or still to come.
struct Answer {
    index: usize,
    prompt: Rc<[u32]>,
    options: GenerateOptions,
    /// The first answer to its prompt: the prompt counts once.
    first: bool,
    /// The prompt as text, where it is to be given back.
    echo: Option<String>,
    reading: Reading,
    logprobs: bool,
}

impl Session {
    /// Loads a model from one file, or from all parts of a split one in order.
    ///
    /// # Errors
    /// Whatever is wrong with the file, the memory or the backend; [`Error::Aborted`] when `on_progress` breaks.
    pub async fn load(
        sources: Vec<Rc<dyn ByteSource>>,
        options: &SessionOptions,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self> {
        Self::load_with(sources, options, &mut recruit, on_progress).await
    }

    /// [`Session::load`] for a caller that knows where followers of the CPU backend come from (a browser: workers).
    ///
    /// # Errors
    /// As [`Session::load`], and those of `recruit`.
    pub async fn load_with(
        sources: Vec<Rc<dyn ByteSource>>,
        options: &SessionOptions,
        recruit: &mut Recruit<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self> {
        let gguf = open(&sources).await?;
        let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
        let load = LoadOptions {
            backend: options.backend,
            decoder: options.decoder(),
            exact: options.exact,
            threads: options.threads,
            tested: options.tested.clone(),
            least_context: 0,
            again: None,
            #[cfg(feature = "gpu")]
            drill: options.drill.clone(),
        };
        let engine = engine::load_with(&gguf, &load, recruit, now_ms, on_progress).await?;
        let pooling = Pooling::declared(gguf.metadata(), engine.plan().config.arch);
        Ok(Session {
            info: info(&engine, &tokenizer),
            notices: engine.notices().to_vec(),
            tokenizer,
            engine,
            answer: None,
            waiting: VecDeque::new(),
            constraint: None,
            usage: Usage::default(),
            embedding: None,
            pooling,
            generated: Vec::new(),
            origin: Origin {
                sources,
                options: load,
                losses: Losses::default(),
            },
        })
    }

    /// What was loaded, and where it runs.
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The engine, for its counters.
    pub fn engine(&self) -> &AnyEngine {
        &self.engine
    }

    /// Tokens whose keys and values are remembered: the conversation so far.
    pub fn context_used(&self) -> usize {
        self.engine.cached().len()
    }

    /// Tokens generated for the current request, or for the last one, without the stop token.
    pub fn generated(&self) -> &[u32] {
        &self.generated
    }

    /// The prompt of a request as tokens.
    ///
    /// # Errors
    /// [`Error::Template`] for a conversation with a model that has no (working) chat template;
    /// [`Error::TemplateRefused`] where the template refuses the conversation.
    pub fn prompt(&self, input: &Input) -> Result<Vec<u32>> {
        let now = CivilTime::from_unix(unix_seconds() as i64);
        match input {
            Input::Completion { prompt } => prompt::completion(&self.tokenizer, prompt),
            Input::Tokens { ids } => Ok(ids.clone()),
            Input::Infill { prefix, suffix } => prompt::infill(&self.tokenizer, prefix, suffix),
            Input::Chat { messages, tools, extra } => {
                prompt::chat(&self.tokenizer, messages, tools.as_ref(), extra, now)
            }
        }
    }

    /// Begins to answer; nothing is computed yet. Ends what was running before.
    ///
    /// # Errors
    /// [`Error::ContextOverflow`], [`Error::InvalidRequest`], and those of [`Session::prompt`].
    pub fn start(&mut self, request: &Request) -> Result<()> {
        self.start_under(request, None)
    }

    /// The grammar that a request's answers must keep to, as the grammar module reads it (`kinglet_grammar::Spec`): what
    /// that makes of it goes to [`Session::start_under`].
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for tools that this model's template cannot show or call.
    pub fn grammar(&self, request: &Request) -> Result<Option<Value>> {
        Ok(match self.call_style(request)? {
            Some((style, tools)) => Some(style.grammar(tools, &request.format)),
            None => request.format.grammar.clone(),
        })
    }

    /// How the model calls the tools of a request, if it may call any.
    fn call_style<'r>(&self, request: &'r Request) -> Result<Option<(CallStyle, &'r Value)>> {
        match &request.input {
            Input::Chat {
                tools: Some(tools),
                extra,
                ..
            } => Ok(Some((CallStyle::of(&self.tokenizer, extra)?, tools))),
            _ => Ok(None),
        }
    }

    /// [`Session::start`] for answers that keep to the request's grammar.
    ///
    /// # Errors
    /// As [`Session::start`]; [`Error::Internal`] for a request with a grammar and no constraint.
    pub fn start_under(&mut self, request: &Request, constraint: Option<Box<dyn Constraint>>) -> Result<()> {
        self.abort();
        self.origin.losses.progress();
        let style = self.call_style(request)?;
        if constraint.is_none() && (style.is_some() || request.format.grammar.is_some()) {
            return Err(Error::internal(
                "a request with a grammar was started without a constraint",
            ));
        }
        let mut sampling = request.sampling.clone();
        let n_vocab = self.info.vocabulary;
        if let Some((id, _)) = sampling.logit_bias.iter().find(|(id, _)| *id as usize >= n_vocab) {
            return Err(Error::invalid(
                format!("logit_bias[{id}]"),
                format!("a token id below {n_vocab}"),
                id,
            ));
        }
        if !request.seeded {
            // Neighbouring moments give unrelated seeds.
            sampling.seed = Rng::new(unix_seconds().to_bits() ^ now_ms().to_bits().rotate_left(32)).next_u64();
        }
        let inputs = || std::iter::once(&request.input).chain(&request.more);
        let prompts: Vec<Vec<u32>> = inputs().map(|input| self.prompt(input)).collect::<Result<_>>()?;
        let mut seeds = Rng::new(sampling.seed);
        let mut waiting = VecDeque::new();
        for (input, prompt) in inputs().zip(prompts) {
            let options = self.options(&prompt, request, &sampling)?;
            let prompt: Rc<[u32]> = prompt.into();
            for choice in 0..request.n {
                let index = waiting.len();
                let mut answer = self.answer_to(index, Rc::clone(&prompt), input, request, options.clone())?;
                answer.first = choice == 0;
                answer.reading.calls = style.as_ref().map(|(style, _)| {
                    let required = request.format.choice != ToolChoice::Auto;
                    CallReader::new(style, required, now_ms().to_bits() ^ (index as u64) << 32)
                });
                if index > 0 {
                    answer.options.sampling.seed = seeds.next_u64();
                }
                waiting.push_back(answer);
            }
        }
        self.waiting = waiting;
        self.constraint = constraint;
        self.usage = Usage::default();
        self.begin() // what the engine refuses is said now
    }

    /// How to continue `prompt`; [`Error::ContextOverflow`] where that cannot fit.
    fn options(&self, prompt: &[u32], request: &Request, sampling: &SamplerConfig) -> Result<GenerateOptions> {
        let n_ctx = self.info.context;
        let max_tokens = request.max_tokens.unwrap_or(n_ctx.saturating_sub(prompt.len()).max(1));
        let asked = if request.shift { 0 } else { max_tokens };
        if prompt.len().saturating_add(asked) > n_ctx {
            return Err(Error::ContextOverflow {
                prompt: prompt.len(),
                max_tokens,
                n_ctx,
            });
        }
        let n_vocab = self.info.vocabulary;
        match prompt.iter().find(|&&id| id as usize >= n_vocab) {
            _ if prompt.is_empty() => Err(Error::invalid("prompt", "at least one token", "none")),
            Some(id) => Err(Error::invalid("prompt", format!("token ids below {n_vocab}"), id)),
            None => Ok(GenerateOptions {
                sampling: sampling.clone(),
                max_tokens,
                stop_tokens: self.tokenizer.eog().to_vec(),
                shift: request.shift,
                ..GenerateOptions::default()
            }),
        }
    }

    /// An answer that has not begun.
    fn answer_to(
        &self,
        index: usize,
        prompt: Rc<[u32]>,
        input: &Input,
        request: &Request,
        options: GenerateOptions,
    ) -> Result<Answer> {
        // After a control token a text of its own begins, and its first token brings the space that encoding puts there.
        let opens = prompt.last().is_some_and(|&id| self.tokenizer.is_markup(id));
        let stream = match input {
            Input::Chat { .. } if opens => TokenStream::new(Special::AsText),
            _ => TokenStream::continuing(Special::AsText),
        };
        let echo = match input {
            _ if !request.echo => None,
            Input::Completion { prompt } | Input::Infill { prefix: prompt, .. } => Some(prompt.clone()),
            Input::Tokens { ids } => Some(self.tokenizer.decode(ids, Special::Parse)?),
            Input::Chat { .. } => None,
        };
        Ok(Answer {
            index,
            prompt,
            options,
            first: true,
            echo,
            reading: Reading {
                stream,
                // An answer in JSON ends where it is complete.
                stop: StopFilter::new(match request.format.is_json() {
                    true => Vec::new(),
                    false => request.stop.clone(),
                }),
                calls: None,
            },
            logprobs: request.logprobs,
        })
    }

    /// Positions that the answers which have not begun need at most.
    pub(super) fn context_of_waiting(&self) -> usize {
        let context = |answer: &Answer| {
            let asked = if answer.options.shift {
                0
            } else {
                answer.options.max_tokens
            };
            answer.prompt.len().saturating_add(asked)
        };
        self.waiting.iter().map(context).fold(0, usize::max)
    }

    /// Begins the next answer of the request, unless one is under way or none is left.
    fn begin(&mut self) -> Result<()> {
        if self.answer.is_none()
            && let Some(next) = self.waiting.pop_front()
        {
            let constraint = match self.constraint.take() {
                Some(fresh) => Some(fresh),
                None => self.engine.take_constraint(),
            };
            let constraint = constraint.map(|mut c| c.reset().map(|()| c)).transpose()?;
            let started = self.engine.start_under(&next.prompt, next.options.clone(), constraint);
            if started.is_err() {
                self.abort();
            }
            started?;
            self.generated.clear();
            self.answer = Some(next);
        }
        Ok(())
    }

    /// Reads one chunk of the prompt; true: call again, false: call [`Session::next`]. Optional: a moment to stop.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn prefill(&mut self) -> Result<bool> {
        self.begin()?;
        if self.answer.is_none() {
            return Ok(false);
        }
        let more = self.engine.prefill().await;
        if more.as_ref().is_err_and(|error| !survives(error)) {
            self.abort(); // the engine has forgotten the request
        }
        more
    }

    /// The next piece of an answer, one step at most; `None` after the last of the request.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        self.begin()?;
        let Some(mut answer) = self.answer.take() else {
            return Ok(None);
        };
        // Whoever drops this future, or fails in it for good, has ended the request.
        let waiting = std::mem::take(&mut self.waiting);
        let token = match self.engine.next().await {
            Ok(token) => {
                self.origin.losses.progress();
                token
            }
            Err(error) => {
                if survives(&error) {
                    (self.answer, self.waiting) = (Some(answer), waiting);
                }
                return Err(error);
            }
        };
        let mut chunk = Chunk {
            index: answer.index,
            ..Chunk::default()
        };
        let mut stopped = false;
        if let Some(token) = &token {
            self.generated.push(token.id);
            stopped = answer.reading.push(&self.tokenizer, token.id, &mut chunk);
            chunk.logprobs = answer.logprobs.then(|| self.logprobs(token));
        }
        let finish = match self.engine.finish_reason() {
            _ if stopped => Some(FinishReason::Stop),
            Some(engine::FinishReason::Stop) => Some(answer.reading.flush(FinishReason::Stop, &mut chunk)),
            Some(engine::FinishReason::Length) => Some(answer.reading.flush(FinishReason::Length, &mut chunk)),
            None => None,
        };
        if let Some(prompt) = answer.echo.take() {
            chunk.text.insert_str(0, &prompt);
        }
        self.waiting = waiting;
        match finish {
            None => self.answer = Some(answer),
            Some(reason) => self.finish(&mut chunk, reason, answer.first),
        }
        Ok(Some(chunk))
    }

    /// Adds to an answer's last chunk what it took.
    fn finish(&mut self, chunk: &mut Chunk, reason: FinishReason, first: bool) {
        let spent = self.engine.timings();
        let usage = &mut self.usage;
        if first {
            usage.prompt_tokens += spent.prompt_tokens;
            usage.prompt_tokens_details.cached_tokens += spent.reused_tokens;
        }
        usage.completion_tokens += spent.generated_tokens;
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
        chunk.finish_reason = Some(reason);
        chunk.usage = self.waiting.is_empty().then_some(self.usage);
        chunk.timings = Some(Timings {
            prefill_ms: spent.prefill_ms,
            decode_ms: spent.decode_ms,
            reused_tokens: spent.reused_tokens,
        });
    }

    pub(super) fn logprobs(&self, token: &engine::Token) -> Logprobs {
        let entry = |id: u32, logprob: f32| {
            let bytes = self.tokenizer.token_bytes(id);
            TokenLogprob {
                token: String::from_utf8_lossy(&bytes).into_owned(),
                logprob,
                bytes: bytes.into_owned(),
                top_logprobs: None,
            }
        };
        let mut chosen = entry(token.id, token.logprob);
        chosen.top_logprobs = Some(token.top.iter().map(|&(id, logprob)| entry(id, logprob)).collect());
        Logprobs { content: vec![chosen] }
    }

    /// Forgets the request; the cache stays, so a next one with the same beginning is quick. Dropping the future of
    /// [`Session::next`] does the same.
    pub fn abort(&mut self) {
        self.answer = None;
        self.waiting.clear();
        self.constraint = None;
        drop(self.engine.take_constraint());
        self.embedding = None;
    }
}
