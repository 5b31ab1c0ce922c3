//! A request for one of given labels, begun like any other: its prompt is read in chunks, and the choice is its only piece.

use serde_json::Value;

use super::message::messages;
use super::reader::{Reader, count};
use super::request::{Input, template_arguments};
use super::restore::survives;
use super::{Choice, ChooseOptions, Labels, Session};
use crate::error::{Error, Result, json_kind};
use crate::platform::now_ms;

/// Most labels of one request.
const MAX_LABELS: usize = 1000;

/// A request for a choice, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceRequest {
    /// The conversation that the label answers.
    pub input: Input,
    /// What can be answered.
    pub labels: Vec<String>,
    /// How far to search.
    pub options: ChooseOptions,
}

impl ChoiceRequest {
    /// Reads `messages`, `labels`, `always` (indices of labels that are always computed to their end), `none` (the index of
    /// the one that means none of them) and `kinglet.chat_template_kwargs`.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn new(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body, &["model"])?;
        let mut ours = reader.ours()?;
        let input = Input::Chat {
            messages: messages(&mut reader)?,
            tools: None,
            extra: template_arguments(&mut ours)?,
        };
        let labels = list("labels", reader.take("labels"), "a string", |v| {
            v.as_str().map(str::to_owned)
        })?;
        if labels.len() > MAX_LABELS {
            return Err(Error::invalid("labels", format!("at most {MAX_LABELS}"), labels.len()));
        }
        let options = ChooseOptions {
            always: match reader.take("always") {
                None => Vec::new(),
                always => list("always", always, "an index of a label", count)?,
            },
            none: reader.count("none")?,
            ..ChooseOptions::default()
        };
        if let Some(none) = options.none.filter(|&none| none >= labels.len()) {
            return Err(Error::invalid("none", format!("an index below {}", labels.len()), none));
        }
        reader.done(&["chat_template_kwargs"])?;
        ours.done(&[])?;
        Ok(ChoiceRequest { input, labels, options })
    }
}

fn list<T>(name: &str, value: Option<&Value>, each: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>> {
    let Some(Value::Array(list)) = value else {
        return Err(Error::invalid(name, "a list", value.map_or("nothing", json_kind)));
    };
    let wrong = |i: usize, v: &Value| Error::invalid(format!("{name}[{i}]"), each, json_kind(v));
    let read = list.iter().enumerate().map(|(i, v)| read(v).ok_or_else(|| wrong(i, v)));
    read.collect()
}

/// A choice that is under way.
pub(super) struct Job {
    prompt: Vec<u32>,
    labels: Labels,
    options: ChooseOptions,
    /// When it began, and what the cache held of the prompt then.
    begun: f64,
    reused: usize,
}

impl Job {
    /// Positions that it needs at most; a label's last token is only predicted.
    pub(super) fn context(&self) -> usize {
        self.prompt.len() + self.labels.tokens().iter().map(Vec::len).max().unwrap_or(0)
    }
}

impl Session {
    /// Begins to choose; nothing is computed yet. Ends what was running before. The same labels as before need not be
    /// prepared again.
    ///
    /// # Errors
    /// Those of [`Session::labels`] and of [`Session::prompt`].
    pub fn start_choice(&mut self, request: &ChoiceRequest) -> Result<()> {
        self.abort();
        self.generated.clear();
        self.origin.losses.progress();
        let labels = match self.labels_before.take() {
            Some(labels) if labels.texts() == request.labels => labels,
            _ => self.labels(&request.labels)?,
        };
        self.labels_before = Some(labels.clone());
        let prompt = self.prompt(&request.input)?;
        let cached = self.engine.cached();
        self.choosing = Some(Job {
            reused: (cached.iter().zip(&prompt).take_while(|(a, b)| a == b).count())
                .min(prompt.len().saturating_sub(1)),
            prompt,
            labels,
            options: request.options.clone(),
            begun: now_ms(),
        });
        Ok(())
    }

    /// True while a choice is under way.
    pub fn chooses(&self) -> bool {
        self.choosing.is_some()
    }

    /// Reads one more chunk of the prompt, while more than one is left; true: call again, false: call
    /// [`Session::next_choice`].
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn choice_chunk(&mut self) -> Result<bool> {
        // Whoever drops this future, or fails in it for good, has ended the request.
        let Some(job) = self.choosing.take() else {
            return Ok(false);
        };
        let more = match job.context() <= self.engine.plan().n_ctx {
            true => self.engine.read_ahead(&job.prompt).await,
            false => Ok(false), // the choice itself says so
        };
        if more.as_ref().map_or_else(survives, |_| true) {
            self.choosing = Some(job);
        }
        more
    }

    /// The choice; `None`: there is none under way.
    ///
    /// # Errors
    /// Those of the backend; [`Error::ContextOverflow`] when prompt and longest label do not fit.
    pub async fn next_choice(&mut self) -> Result<Option<Choice>> {
        let Some(job) = self.choosing.take() else {
            return Ok(None);
        };
        match self.choose_behind(&job.prompt, &job.labels, &job.options).await {
            Ok(mut choice) => {
                choice.timings.prefill_ms = (now_ms() - job.begun - choice.timings.decode_ms).max(0.0);
                choice.timings.reused_tokens = job.reused;
                choice.usage.prompt_tokens_details.cached_tokens = job.reused;
                self.origin.losses.progress();
                Ok(Some(choice))
            }
            Err(error) => {
                if survives(&error) {
                    self.choosing = Some(job);
                }
                Err(error)
            }
        }
    }
}
