//! A conversation whose answer is one of given labels: decoding that can say nothing else, with a score for each label.

use kinglet_route::Signals;
use kinglet_route::gauge::{Gauge, Measured};
use kinglet_route::signals::Origin;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Input, Logprobs, PromptDetails, Session, Timings, TokenLogprob, Usage, prompt};
use crate::engine::ChooseOptions;
use crate::error::{Error, Result};
use crate::text::template::CivilTime;

/// Labels as the tokens of an assistant's messages, made by [`Session::labels`]; good for any number of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    texts: Vec<String>,
    /// Each with the token that ends the message.
    tokens: Vec<Vec<u32>>,
}

impl Labels {
    /// The labels, as given.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The tokens of each label, the token that ends the message included.
    pub fn tokens(&self) -> &[Vec<u32>] {
        &self.tokens
    }
}

/// How likely one label is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// Natural logarithm of the model's probability of exactly this message: the product over its tokens and its end.
    pub logprob: f64,
    /// The same probability, divided by that of all labels together (`mass`).
    pub score: f64,
    /// Not computed to its end, because it is too unlikely to matter: both numbers are upper bounds.
    pub bound: bool,
}

/// What [`Session::choose`] found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Index of the likeliest label.
    pub best: usize,
    /// One for each label, in the order given.
    pub scores: Vec<LabelScore>,
    /// The best score less the second best; the best score where there is one label only.
    pub margin: f64,
    /// Probability of all labels that were computed to their end, together: what the model would have said anyway.
    pub mass: f64,
    /// Bound of the probability of all other labels together, divided by `mass`.
    pub rest: f64,
    /// The best label's tokens, with the one that ends the message.
    pub logprobs: Logprobs,
    /// Of the doubt: statistics of those tokens, and of the labels: `label_max`, `label_margin`, `label_mass`, and
    /// `label_none` where [`ChooseOptions::none`] names one.
    pub signals: Signals,
    /// Counts; `completion_tokens` are those that the search computed behind the prompt.
    pub usage: Usage,
    /// Milliseconds for the prompt and for the search behind it.
    pub timings: Timings,
}

impl Session {
    /// Prepares labels: their tokens are those that the model's chat template and tokenizer give an assistant's message.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for no labels, an empty one, or two that are the same to the tokenizer;
    /// [`Error::Template`] where the template does not continue a prompt with the assistant's message and its end.
    pub fn labels(&self, texts: &[String]) -> Result<Labels> {
        if texts.is_empty() {
            return Err(Error::invalid("labels", "at least one label", "none"));
        }
        // What was said before is the same for all of them, and does not change the tokens of what follows.
        let question = json!({"role": "user", "content": "?"});
        let render =
            |messages: &[Value]| prompt::chat(&self.tokenizer, messages, None, &Map::new(), CivilTime::from_unix(0));
        let before = render(std::slice::from_ref(&question))?;
        let mut tokens: Vec<Vec<u32>> = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            let at = || format!("labels[{i}]");
            if text.trim().is_empty() {
                return Err(Error::invalid(at(), "a text", "an empty one"));
            }
            let whole = render(&[question.clone(), json!({"role": "assistant", "content": text})])?;
            let answer = whole.strip_prefix(&before[..]).and_then(|rest| {
                let end = rest.iter().position(|&id| self.tokenizer.is_eog(id))?;
                Some(rest[..=end].to_vec())
            });
            let answer = answer.ok_or_else(|| Error::Template {
                message: "it does not continue the prompt with the assistant's message and a token that ends it, so \
                    labels cannot be scored"
                    .into(),
            })?;
            if tokens.contains(&answer) {
                return Err(Error::invalid(at(), "labels that differ", format!("{text:?} again")));
            }
            tokens.push(answer);
        }
        Ok(Labels {
            texts: texts.to_vec(),
            tokens,
        })
    }

    /// Scores `labels` as the answer to a request's `input`, and chooses the likeliest. Ends what was running before; the
    /// cache is kept, so that a prompt which begins like the last one (the same list of labels) costs only what differs.
    ///
    /// # Errors
    /// Those of [`Session::prompt`] and of [`Engine::choose`](crate::engine::Engine::choose).
    pub async fn choose(&mut self, input: &Input, labels: &Labels, options: &ChooseOptions) -> Result<Choice> {
        self.abort();
        self.generated.clear();
        let prompt = self.prompt(input)?;
        self.choose_behind(&prompt, labels, options).await
    }

    pub(super) async fn choose_behind(
        &mut self,
        prompt: &[u32],
        labels: &Labels,
        options: &ChooseOptions,
    ) -> Result<Choice> {
        let found = self.engine.choose(prompt, &labels.tokens, options).await?;
        // Relative to the best label: probabilities themselves may be too small for a number.
        let best = found.scores[found.best].logprob;
        let relative = |logprob: f64| {
            if best == f64::NEG_INFINITY {
                0.0
            } else {
                (logprob - best).exp()
            }
        };
        let done = found.scores.iter().filter(|s| !s.bound);
        let total: f64 = done.map(|s| relative(s.logprob)).sum();
        let share = |logprob: f64| if total > 0.0 { relative(logprob) / total } else { 0.0 };
        let scores: Vec<LabelScore> = (found.scores.iter().zip(&labels.texts))
            .map(|(s, label)| LabelScore {
                label: label.clone(),
                logprob: s.logprob,
                score: share(s.logprob),
                bound: s.bound,
            })
            .collect();
        let rivals = scores.iter().enumerate().filter(|(i, s)| *i != found.best && !s.bound);
        let second = rivals.map(|(_, s)| s.score).fold(0.0, f64::max);
        let content: Vec<TokenLogprob> = found.tokens.iter().flat_map(|t| self.logprobs(t).content).collect();
        let spent = found.timings;
        let mut gauge = Gauge::new(Origin::Measured);
        for measured in found.tokens.iter().filter_map(|token| token.measured) {
            let pushed = gauge.push(&Measured {
                logprob: measured.logprob.min(0.0), // but for rounding
                ..measured
            });
            pushed.map_err(|error| Error::internal(error.to_string()))?;
        }
        let (margin, mass) = (scores[found.best].score - second, total * best.exp());
        Ok(Choice {
            signals: Signals {
                label_max: Some(scores[found.best].score),
                label_margin: Some(margin),
                label_mass: Some(mass.min(1.0)),
                label_none: options.none.map(|none| scores[none].score),
                truncated: Some(false),
                empty: Some(false),
                prompt_tokens: u32::try_from(spent.prompt_tokens).ok(),
                ..gauge.signals()
            },
            best: found.best,
            margin,
            mass,
            rest: share(found.rest),
            logprobs: Logprobs { content },
            scores,
            usage: Usage {
                prompt_tokens: spent.prompt_tokens,
                completion_tokens: spent.generated_tokens,
                total_tokens: spent.prompt_tokens + spent.generated_tokens,
                prompt_tokens_details: PromptDetails {
                    cached_tokens: spent.reused_tokens,
                },
            },
            timings: Timings::of(&spent, spent.generated_tokens),
        })
    }
}
