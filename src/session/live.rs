//! A loaded model that answers requests.

use std::rc::Rc;

use super::{BackendChoice, Chunk, FinishReason, Input, Request, SessionInfo, SessionOptions, Timings, Usage};
use crate::engine::{self, AnyEngine, GenerateOptions, LoadOptions};
use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::loader::OnProgress;
use crate::model::plan::DecoderOptions;
use crate::platform::{ByteSource, now_ms};
use crate::session::PromptDetails;
use crate::text::{Bos, Special, TokenStream, Tokenizer};

/// Tokenizer and engine of one model. Requests do not interleave: [`Session::start`] ends what was running before.
pub struct Session {
    tokenizer: Tokenizer,
    engine: AnyEngine,
    info: SessionInfo,
    answer: Option<Answer>,
    /// Tokens of the current answer, or of the last one.
    generated: Vec<u32>,
}

/// The request being answered.
struct Answer {
    stream: TokenStream,
}

impl Session {
    /// Loads a model from one file, or from all parts of a split one in order.
    ///
    /// # Errors
    /// Whatever is wrong with the file, the memory or the backend; [`Error::Aborted`] when `on_progress` breaks.
    pub async fn load(
        mut sources: Vec<Rc<dyn ByteSource>>,
        options: &SessionOptions,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self> {
        let gguf = match sources.len() {
            1 => GgufFile::open(sources.remove(0)).await?,
            _ => GgufFile::open_split(sources).await?,
        };
        let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
        let defaults = DecoderOptions::default();
        let load = LoadOptions {
            backend: match options.backend {
                BackendChoice::Auto => engine::BackendChoice::Auto,
                BackendChoice::Gpu => engine::BackendChoice::Gpu,
                BackendChoice::Cpu => engine::BackendChoice::Cpu,
            },
            decoder: DecoderOptions {
                n_ctx: options.n_ctx,
                n_batch: options.n_batch.unwrap_or(defaults.n_batch),
                cache_type: options.cache_type,
                ignore_window: options.ignore_window,
            },
        };
        let engine = engine::load(&gguf, &load, now_ms, on_progress).await?;
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

    /// Tokens generated for the current request, or for the last one; a stop token included.
    pub fn generated(&self) -> &[u32] {
        &self.generated
    }

    /// The prompt of a request as tokens.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] for a conversation with a model that has no chat template.
    pub fn prompt(&self, input: &Input) -> Result<Vec<u32>> {
        match input {
            Input::Completion { prompt } => self.tokenizer.encode(prompt, Special::Parse, Bos::Auto),
            Input::Chat { .. } => Err(Error::UnsupportedFeature {
                what: "request".into(),
                got: "chat".into(),
                supported: "completion".into(),
            }),
        }
    }

    /// Begins to answer; nothing is computed yet. Ends what was running before.
    ///
    /// # Errors
    /// [`Error::ContextOverflow`], [`Error::InvalidRequest`], and those of [`Session::prompt`].
    pub fn start(&mut self, request: &Request) -> Result<()> {
        self.abort();
        let prompt = self.prompt(&request.input)?;
        let room = self.info.context.saturating_sub(prompt.len());
        let options = GenerateOptions {
            sampling: request.sampling.clone(),
            max_tokens: request.max_tokens.unwrap_or(room.max(1)),
            stop_tokens: self.tokenizer.eog().to_vec(),
            shift: request.shift,
            ..GenerateOptions::default()
        };
        self.engine.start(&prompt, options)?;
        self.generated.clear();
        self.answer = Some(Answer {
            stream: TokenStream::continuing(Special::AsText),
        });
        Ok(())
    }

    /// Reads one chunk of the prompt; true: call again, false: call [`Session::next`]. Optional: a moment to stop.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn prefill(&mut self) -> Result<bool> {
        match self.answer {
            Some(_) => self.engine.prefill().await,
            None => Ok(false),
        }
    }

    /// The next piece of the answer, one step at most; `None` after the last.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        let Some(answer) = &mut self.answer else {
            return Ok(None);
        };
        let token = self.engine.next().await?;
        let mut chunk = Chunk::default();
        if let Some(token) = &token {
            self.generated.push(token.id);
            chunk.text = answer.stream.push(&self.tokenizer, token.id);
        }
        if let Some(finish) = self.engine.finish_reason() {
            chunk.text.push_str(&answer.stream.flush());
            let spent = self.engine.timings();
            chunk.finish_reason = Some(match finish {
                engine::FinishReason::Stop => FinishReason::Stop,
                engine::FinishReason::Length => FinishReason::Length,
            });
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
            self.answer = None;
        }
        Ok(Some(chunk))
    }

    /// Forgets the request; the cache stays, so a next one with the same beginning is quick.
    pub fn abort(&mut self) {
        self.answer = None;
    }
}
