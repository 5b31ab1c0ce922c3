//! A loaded model that answers requests.

use std::rc::Rc;

use super::{
    Chunk, FinishReason, Input, Logprobs, PromptDetails, Request, SessionInfo, SessionOptions, Timings, TokenLogprob,
    Usage, prompt,
};
use crate::backend::{Recruit, recruit};
use crate::engine::{self, AnyEngine, GenerateOptions, LoadOptions};
use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::loader::OnProgress;
use crate::model::plan::DecoderOptions;
use crate::platform::{ByteSource, now_ms, unix_seconds};
use crate::sampler::Rng;
use crate::text::template::CivilTime;
use crate::text::{Special, StopFilter, TokenStream, Tokenizer};

/// Tokenizer and engine of one model. Requests do not interleave: [`Session::start`] ends what was running before.
pub struct Session {
    pub(super) tokenizer: Tokenizer,
    pub(super) engine: AnyEngine,
    info: SessionInfo,
    answer: Option<Answer>,
    /// Tokens of the current answer, or of the last one.
    pub(super) generated: Vec<u32>,
}

/// The request being answered.
struct Answer {
    stream: TokenStream,
    stop: StopFilter,
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
        mut sources: Vec<Rc<dyn ByteSource>>,
        options: &SessionOptions,
        recruit: &mut Recruit<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self> {
        let gguf = match sources.len() {
            1 => GgufFile::open(sources.remove(0)).await?,
            _ => GgufFile::open_split(sources).await?,
        };
        let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
        let defaults = DecoderOptions::default();
        let load = LoadOptions {
            backend: options.backend,
            decoder: DecoderOptions {
                n_ctx: options.n_ctx,
                n_batch: options.n_batch.unwrap_or(defaults.n_batch),
                cache_type: options.cache_type,
                ignore_window: options.ignore_window,
            },
            exact: options.exact,
            threads: options.threads,
        };
        let engine = engine::load_with(&gguf, &load, recruit, now_ms, on_progress).await?;
        let (backend, plan) = (engine.info(), engine.plan());
        let info = SessionInfo {
            backend: backend.backend,
            adapter: backend.adapter,
            software: backend.software,
            fallback: engine.fallback().map(str::to_owned),
            model: plan.config.name.clone(),
            architecture: plan.config.arch.into(),
            context: plan.n_ctx,
            trained_context: plan.config.n_ctx_train,
            vocabulary: plan.config.n_vocab,
            chat_template: tokenizer.chat_template(None).is_some(),
        };
        Ok(Session {
            tokenizer,
            engine,
            info,
            answer: None,
            generated: Vec::new(),
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
        self.abort();
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
        let prompt = self.prompt(&request.input)?;
        let room = self.info.context.saturating_sub(prompt.len());
        let options = GenerateOptions {
            sampling,
            max_tokens: request.max_tokens.unwrap_or(room.max(1)),
            stop_tokens: self.tokenizer.eog().to_vec(),
            shift: request.shift,
            ..GenerateOptions::default()
        };
        // After a control token a text of its own begins, and its first token brings the space that encoding puts there.
        let opens = prompt.last().is_some_and(|&id| self.tokenizer.is_markup(id));
        let stream = match &request.input {
            Input::Chat { .. } if opens => TokenStream::new(Special::AsText),
            _ => TokenStream::continuing(Special::AsText),
        };
        self.engine.start(&prompt, options)?;
        self.generated.clear();
        self.answer = Some(Answer {
            stream,
            stop: StopFilter::new(request.stop.clone()),
            logprobs: request.logprobs,
        });
        Ok(())
    }

    /// Reads one chunk of the prompt; true: call again, false: call [`Session::next`]. Optional: a moment to stop.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn prefill(&mut self) -> Result<bool> {
        if self.answer.is_none() {
            return Ok(false);
        }
        let more = self.engine.prefill().await;
        if more.is_err() {
            self.answer = None; // the engine has forgotten the request
        }
        more
    }

    /// The next piece of the answer, one step at most; `None` after the last.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        let Some(mut answer) = self.answer.take() else {
            return Ok(None);
        };
        let token = self.engine.next().await?;
        let mut chunk = Chunk::default();
        let mut stopped = false;
        if let Some(token) = &token {
            self.generated.push(token.id);
            let piece = answer.stream.push(&self.tokenizer, token.id);
            (chunk.text, stopped) = answer.stop.push(&piece);
            chunk.logprobs = answer.logprobs.then(|| self.logprobs(token));
        }
        let finish = match self.engine.finish_reason() {
            _ if stopped => Some(FinishReason::Stop),
            Some(engine::FinishReason::Stop) => Some(FinishReason::Stop),
            Some(engine::FinishReason::Length) => Some(FinishReason::Length),
            None => None,
        };
        if finish.is_none() {
            self.answer = Some(answer);
            return Ok(Some(chunk));
        }
        if !stopped {
            let (text, found) = answer.stop.push(&answer.stream.flush());
            chunk.text.push_str(&text);
            if !found {
                chunk.text.push_str(&answer.stop.flush());
            }
        }
        let spent = self.engine.timings();
        chunk.finish_reason = finish;
        chunk.usage = Some(Usage {
            prompt_tokens: spent.prompt_tokens,
            completion_tokens: spent.generated_tokens,
            total_tokens: spent.prompt_tokens + spent.generated_tokens,
            prompt_tokens_details: PromptDetails {
                cached_tokens: spent.reused_tokens,
            },
        });
        chunk.timings = Some(Timings {
            prefill_ms: spent.prefill_ms,
            decode_ms: spent.decode_ms,
            reused_tokens: spent.reused_tokens,
        });
        Ok(Some(chunk))
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
    }
}
