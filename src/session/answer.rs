//! What a request becomes: answers that have not begun.

use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::Value;

use super::calls::CallReader;
use super::doubt::{Doubt, Samples};
use super::reading::Reading;
use super::tools::CallStyle;
use super::{Input, Request, Session, ToolChoice, Usage, prompt};
use crate::engine::GenerateOptions;
use crate::error::{Error, Result};
use crate::platform::{now_ms, unix_seconds};
use crate::sampler::{Constraint, Rng, SamplerConfig};
use crate::text::template::CivilTime;
use crate::text::{Special, StopFilter, TokenStream};

/// One answer of a request, under way or still to come.
pub(super) struct Answer {
    pub(super) index: usize,
    prompt: Rc<[u32]>,
    /// Of the whole request: its biases may be many.
    sampling: Rc<SamplerConfig>,
    /// Instead of that of `sampling`.
    seed: u64,
    max_tokens: usize,
    shift: bool,
    /// The first answer to its prompt: the prompt counts once.
    pub(super) first: bool,
    /// The prompt as text, where it is to be given back.
    pub(super) echo: Option<String>,
    pub(super) reading: Reading,
    pub(super) logprobs: bool,
    /// Where somebody asks for it.
    pub(super) doubt: Option<Doubt>,
}

impl Session {
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
        sampling.signals = request.signals || request.abort.is_some();
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
        let sampling = Rc::new(sampling);
        for (input, prompt) in inputs().zip(prompts) {
            let max_tokens = self.max_tokens(&prompt, request)?;
            let prompt: Rc<[u32]> = prompt.into();
            for choice in 0..request.n {
                let index = waiting.len();
                let reading = self.reading(&prompt, input, request);
                let mut answer = Answer {
                    index,
                    prompt: Rc::clone(&prompt),
                    sampling: Rc::clone(&sampling),
                    seed: if index == 0 { sampling.seed } else { seeds.next_u64() },
                    max_tokens,
                    shift: request.shift,
                    first: choice == 0,
                    echo: self.echo(input, request)?,
                    reading,
                    logprobs: request.logprobs,
                    doubt: Doubt::of(request),
                };
                answer.reading.calls = style.as_ref().map(|(style, _)| {
                    let required = request.format.choice != ToolChoice::Auto;
                    CallReader::new(style, required, now_ms().to_bits() ^ (index as u64) << 32)
                });
                waiting.push_back(answer);
            }
        }
        self.waiting = waiting;
        self.constraint = constraint;
        self.usage = Usage::default();
        self.samples = Samples::of(request.n);
        self.begin() // what the engine refuses is said now
    }

    /// How many tokens may follow `prompt`; [`Error::ContextOverflow`] where that cannot fit.
    fn max_tokens(&self, prompt: &[u32], request: &Request) -> Result<usize> {
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
            None => Ok(max_tokens),
        }
    }

    /// How an answer to `prompt` is read.
    fn reading(&self, prompt: &[u32], input: &Input, request: &Request) -> Reading {
        // After a control token a text of its own begins, and its first token brings the space that encoding puts there.
        let opens = prompt.last().is_some_and(|&id| self.tokenizer.is_markup(id));
        Reading {
            stream: match input {
                Input::Chat { .. } if opens => TokenStream::new(Special::AsText),
                _ => TokenStream::continuing(Special::AsText),
            },
            // An answer in JSON ends where it is complete.
            stop: StopFilter::new(match request.format.is_json() {
                true => Vec::new(),
                false => request.stop.clone(),
            }),
            calls: None,
        }
    }

    /// The prompt as text, where the request wants it back.
    fn echo(&self, input: &Input, request: &Request) -> Result<Option<String>> {
        Ok(match input {
            _ if !request.echo => None,
            Input::Completion { prompt } | Input::Infill { prefix: prompt, .. } => Some(prompt.clone()),
            Input::Tokens { ids } => Some(self.tokenizer.decode(ids, Special::Parse)?),
            Input::Chat { .. } => None,
        })
    }

    /// Positions that the answers which have not begun need at most.
    pub(super) fn context_of_waiting(&self) -> usize {
        let context = |answer: &Answer| {
            let asked = if answer.shift { 0 } else { answer.max_tokens };
            answer.prompt.len().saturating_add(asked)
        };
        self.waiting.iter().map(context).fold(0, usize::max)
    }

    /// Begins the next answer of the request, unless one is under way or none is left.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.answer.is_none()
            && let Some(next) = self.waiting.pop_front()
        {
            let constraint = match self.constraint.take() {
                Some(fresh) => Some(fresh),
                None => self.engine.take_constraint(),
            };
            let constraint = constraint.map(|mut c| c.reset().map(|()| c)).transpose()?;
            let options = GenerateOptions {
                sampling: SamplerConfig {
                    seed: next.seed,
                    ..SamplerConfig::clone(&next.sampling)
                },
                max_tokens: next.max_tokens,
                stop_tokens: self.tokenizer.eog().to_vec(),
                shift: next.shift,
                ..GenerateOptions::default()
            };
            let started = self.engine.start_under(&next.prompt, options, constraint);
            if started.is_err() {
                self.abort();
            }
            started?;
            self.generated.clear();
            self.answer = Some(next);
        }
        Ok(())
    }
}
