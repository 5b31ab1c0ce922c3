//! The doubt of an answer under way: what its tokens say, whether that ends it, and what is said of it at the end.

use kinglet_route::Signals;
use kinglet_route::agree::{Form, MOST_SAMPLES, agreement};
use kinglet_route::gauge::{AbortRule, Gauge, Measured, Place};
use kinglet_route::signals::Origin;
use kinglet_route::values::Values;
use serde_json::Value;

use super::{Chunk, FinishReason, Request};
use crate::engine::Timings;
use crate::error::{Error, Result};

/// The doubt of one answer. It goes on where the answer does, after a lost device, too.
pub(super) struct Doubt {
    gauge: Gauge,
    rule: Option<AbortRule>,
    /// Of an answer in JSON: where its values are.
    values: Option<Values>,
    /// The answer so far, calls of tools included.
    said: String,
    report: Report,
}

/// Whether signals are given out.
enum Report {
    /// They are measured for the rule alone.
    No,
    Yes,
}

impl Doubt {
    /// Of an answer to `request`; `None`: nobody asks.
    pub(super) fn of(request: &Request) -> Option<Self> {
        (request.signals || request.abort.is_some()).then(|| Doubt {
            gauge: Gauge::new(Origin::Measured),
            rule: request.abort,
            values: request.format.is_json().then(Values::default),
            said: String::new(),
            report: match request.signals {
                true => Report::Yes,
                false => Report::No,
            },
        })
    }

    /// One more token, of these bytes; true: the rule ends the answer.
    ///
    /// # Errors
    /// [`Error::Internal`] for a measurement that is no number, which the sampler does not let pass.
    pub(super) fn push(&mut self, measured: &Measured, bytes: &[u8]) -> Result<bool> {
        let value = self.values.as_mut().is_some_and(|values| values.push(bytes));
        let measured = Measured {
            // An f32 near its end may be a little above.
            logprob: measured.logprob.min(0.0),
            place: if value { Place::Value } else { Place::Plain },
            ..*measured
        };
        let pushed = self.gauge.push(&measured);
        pushed.map_err(|error| Error::internal(error.to_string()))?;
        Ok(self.rule.is_some_and(|rule| self.gauge.aborts(&rule)))
    }

    /// Reads a piece of the answer as it is given out.
    pub(super) fn read(&mut self, chunk: &Chunk) {
        self.said += &chunk.text;
        for call in &chunk.tool_calls {
            self.said += call.function.name.as_deref().unwrap_or("");
            self.said += &call.function.arguments;
        }
    }

    /// What is known at the end, if it is wanted. `samples`: the answers to the same prompt before this one; this one
    /// joins them.
    pub(super) fn signals(self, reason: FinishReason, spent: &Timings, samples: &mut Samples) -> Option<Signals> {
        if matches!(self.report, Report::No) {
            return None;
        }
        let json = self.values.is_some();
        let mut signals = Signals {
            truncated: Some(reason == FinishReason::Length),
            empty: Some(self.said.trim().is_empty()),
            parse_ok: json.then(|| serde_json::from_str::<Value>(&self.said).is_ok()),
            prompt_tokens: u32::try_from(spent.prompt_tokens).ok(),
            ..self.gauge.signals()
        };
        let form = if json { Form::Json } else { Form::Text };
        if let Some(share) = samples.add(self.said, form) {
            signals.agreement = Some(share);
            signals.samples = u32::try_from(samples.asked).ok();
        }
        Some(signals)
    }
}

/// The answers to one prompt, as far as they are there.
#[derive(Default)]
pub(super) struct Samples {
    /// How many there will be.
    asked: usize,
    said: Vec<String>,
}

impl Samples {
    /// Of a prompt that is answered `n` times.
    pub(super) fn of(n: usize) -> Self {
        Samples {
            asked: n,
            said: Vec::new(),
        }
    }

    /// One more; with the last of them how many pairs agree. More than [`MOST_SAMPLES`] are not compared.
    fn add(&mut self, said: String, form: Form) -> Option<f64> {
        if !(2..=MOST_SAMPLES).contains(&self.asked) {
            return None;
        }
        self.said.push(said);
        (self.said.len() == self.asked).then(|| agreement(&std::mem::take(&mut self.said), form))?
    }
}
