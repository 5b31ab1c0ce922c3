//! A loaded model that answers requests.

use std::collections::VecDeque;
use std::rc::Rc;

use super::answer::Answer;
use super::doubt::Samples;
use super::embedding::{Job, Pooling};
use super::restore::{Losses, Origin, info, open, survives};
use super::{
    Aborted, Chunk, FinishReason, Labels, Logprobs, SessionInfo, SessionOptions, Speculation, Timings, TokenLogprob,
    Usage,
};
use super::{choosing, profiling};
use crate::backend::{Recruit, recruit};
use crate::engine::{self, AnyEngine, LoadOptions, Notice};
use crate::error::Result;
use crate::model::loader::OnProgress;
use crate::platform::ByteSource;
#[cfg(feature = "gpu")]
use crate::platform::now_ms;
use crate::sampler::Constraint;
use crate::text::Tokenizer;

/// Tokenizer and engine of one model. Requests do not interleave: [`Session::start`] ends what was running before.
pub struct Session {
    pub(super) tokenizer: Tokenizer,
    pub(super) engine: AnyEngine,
    pub(super) info: SessionInfo,
    pub(super) answer: Option<Answer>,
    /// Answers of the current request that have not begun.
    pub(super) waiting: VecDeque<Answer>,
    /// What the answers must keep to, until the first of them begins; then the engine has it.
    pub(super) constraint: Option<Box<dyn Constraint>>,
    /// Of the current request so far.
    pub(super) usage: Usage,
    /// Answers to the current prompt, to be compared.
    pub(super) samples: Samples,
    /// The request for embeddings that is under way.
    pub(super) embedding: Option<Job>,
    /// The choice among labels that is under way.
    pub(super) choosing: Option<choosing::Job>,
    /// The steps that are being taken apart.
    pub(super) profiling: Option<profiling::Job>,
    /// The labels of the last choice.
    pub(super) labels_before: Option<Labels>,
    /// What the file says of it.
    pub(super) pooling: Result<Pooling>,
    /// Tokens of the current answer, or of the last one.
    pub(super) generated: Vec<u32>,
    pub(super) origin: Origin,
    pub(super) notices: Vec<Notice>,
}

impl Session {
    /// Loads a model from one file, or from all parts of a split one in order; those of a draft model are behind them.
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
        mut sources: Vec<Rc<dyn ByteSource>>,
        options: &SessionOptions,
        recruit: &mut Recruit<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self> {
        let drafts = match options.speculation {
            Speculation::Draft(files) => sources.split_off(sources.len().saturating_sub(files)),
            Speculation::Off | Speculation::Lookup => Vec::new(),
        };
        let gguf = open(&sources).await?;
        let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
        let load = LoadOptions {
            backend: options.backend,
            decoder: options.decoder(),
            exact: options.exact,
            threads: options.threads,
            tested: options.tested.clone(),
            timestamps: options.timestamps,
            #[cfg(feature = "gpu")]
            tuning: options.tuning,
            least_context: 0,
            again: None,
            #[cfg(feature = "gpu")]
            drill: options.drill.clone(),
        };
        let origin = Origin {
            sources,
            drafts,
            speculation: options.speculation,
            pace: options.pace(),
            options: load,
            losses: Losses::default(),
        };
        let engine = origin.load(&gguf, &origin.options, recruit, on_progress).await?;
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
            samples: Samples::default(),
            embedding: None,
            choosing: None,
            profiling: None,
            labels_before: None,
            pooling,
            generated: Vec::new(),
            origin,
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

    /// Compares what the model asks of its backend with the twins; the model and its request stay as they are.
    ///
    /// # Errors
    /// Those of the backend.
    #[cfg(feature = "gpu")]
    pub async fn test_again(&mut self) -> Result<engine::Verdict> {
        self.engine.test_again(now_ms).await
    }

    /// Tokens whose keys and values are remembered: the conversation so far.
    pub fn context_used(&self) -> usize {
        self.engine.cached().len()
    }

    /// Tokens generated for the current request, or for the last one, without the stop token.
    pub fn generated(&self) -> &[u32] {
        &self.generated
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
        let (mut stopped, mut aborts) = (false, false);
        if let Some(token) = &token {
            self.generated.push(token.id);
            stopped = answer.reading.push(&self.tokenizer, token.id, &mut chunk);
            chunk.logprobs = answer.logprobs.then(|| self.logprobs(token));
            if let (Some(doubt), Some(measured)) = (&mut answer.doubt, &token.measured) {
                aborts = doubt.push(measured, &self.tokenizer.token_bytes(token.id))?;
            }
        }
        let finish = match self.engine.finish_reason() {
            _ if stopped => Some(FinishReason::Stop),
            Some(engine::FinishReason::Stop) => Some(answer.reading.flush(FinishReason::Stop, &mut chunk)),
            Some(engine::FinishReason::Length) => Some(answer.reading.flush(FinishReason::Length, &mut chunk)),
            None if aborts => {
                answer.reading.flush(FinishReason::Stop, &mut chunk);
                chunk.aborted = Some(Aborted::MidAbort);
                Some(FinishReason::Stop) // a call that it was about to make is none
            }
            None => None,
        };
        if let Some(doubt) = &mut answer.doubt {
            doubt.read(&chunk);
        }
        if let Some(prompt) = answer.echo.take() {
            chunk.text.insert_str(0, &prompt);
        }
        self.waiting = waiting;
        match finish {
            None => self.answer = Some(answer),
            Some(reason) => self.finish(&mut chunk, reason, answer),
        }
        Ok(Some(chunk))
    }

    /// Adds to an answer's last chunk what it took.
    fn finish(&mut self, chunk: &mut Chunk, reason: FinishReason, answer: Answer) {
        let spent = self.engine.timings();
        let usage = &mut self.usage;
        if answer.first {
            usage.prompt_tokens += spent.prompt_tokens;
            usage.prompt_tokens_details.cached_tokens += spent.reused_tokens;
        }
        usage.completion_tokens += spent.generated_tokens;
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
        chunk.finish_reason = Some(reason);
        chunk.usage = self.waiting.is_empty().then_some(self.usage);
        chunk.timings = Some(Timings::of(&spent, spent.generated_tokens.saturating_sub(1)));
        chunk.signals = answer
            .doubt
            .and_then(|doubt| doubt.signals(reason, &spent, &mut self.samples));
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
        self.choosing = None;
        self.profiling = None;
    }
}
