//! One row through the engine: an answer, its grade, and what its probabilities say.

use kinglet::session::{Choice, ChooseOptions, Input, Labels, Logprobs, Request, Session, Signals, Timings, Usage};
use kinglet::{Error, Result};
use pollster::block_on;
use serde_json::{Map, Value, json};

use super::grade::{Grade, NONE, Refusals, grade};
use super::row::Row;

/// A row's result.
pub struct Item {
    pub answer: String,
    pub grade: Grade,
    pub signals: Signals,
    /// Of the answer's tokens; of a label also the one that ends it.
    pub token_logprobs: Vec<f32>,
    /// What only an answer among labels has.
    labels: Option<Value>,
    finish_reason: Value,
    pub usage: Usage,
    pub timings: Timings,
    /// The row could not be run: it counts as wrong.
    pub error: Option<Error>,
}

impl Item {
    /// A line of the output.
    pub fn to_json(&self, row: &Row) -> Value {
        let mut signals = object(json!(self.signals));
        signals.retain(|_, value| !value.is_null());
        signals.extend(object(json!({
            "token_logprobs": self.token_logprobs,
            "finish_reason": self.finish_reason,
            "prompt_tokens": self.usage.prompt_tokens,
            "reused_tokens": self.timings.reused_tokens,
            "generated_tokens": self.token_logprobs.len(),
            "computed_tokens": self.usage.completion_tokens,
            "prefill_ms": self.timings.prefill_ms,
            "decode_ms": self.timings.decode_ms,
        })));
        signals.extend(self.labels.clone().map(object).unwrap_or_default());
        let mut item = object(json!({
            "id": row.id, "task": row.task, "family": row.family, "known": row.known,
            "answer": self.answer, "expected": row.answer,
        }));
        item.extend(object(self.grade.to_json()));
        if let Some(error) = &self.error {
            item.insert("error".into(), error.to_json());
        }
        item.insert("signals".into(), rounded(Value::Object(signals)));
        Value::Object(item)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Six significant digits: what f32 arithmetic is good for.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => {
            let text = format!("{:.5e}", n.as_f64().unwrap_or_default());
            text.parse::<f64>().map_or(Value::Null, |x| json!(x))
        }
        Value::Array(list) => list.into_iter().map(rounded).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, rounded(v))).collect(),
        other => other,
    }
}

/// A session that answers rows.
pub struct Evaluator {
    session: Session,
    max_tokens: usize,
    /// Of the last row that had labels: neighbours often offer the same.
    labels: Option<Labels>,
}

impl Evaluator {
    pub fn new(session: Session, max_tokens: usize) -> Self {
        Evaluator {
            session,
            max_tokens,
            labels: None,
        }
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs one row. What concerns this row alone (too long, refused by the template) becomes part of the item.
    pub fn item(&mut self, row: &Row, refusals: &Refusals) -> Result<Item> {
        let done = match row.labels.is_empty() {
            true => self.generate(row, refusals),
            false => self.choose(row, refusals),
        };
        match done {
            Err(error @ (Error::ContextOverflow { .. } | Error::TemplateRefused { .. })) => Ok(Item {
                answer: String::new(),
                grade: Grade::default(),
                signals: Signals::default(),
                token_logprobs: Vec::new(),
                labels: None,
                finish_reason: Value::Null,
                usage: Usage::default(),
                timings: Timings::default(),
                error: Some(error),
            }),
            done => done,
        }
    }

    /// Greedy, to the end of the turn.
    fn generate(&mut self, row: &Row, refusals: &Refusals) -> Result<Item> {
        let mut request = Request::chat(&json!({
            "messages": row.messages, "temperature": 0, "logprobs": true, "kinglet": {"signals": true},
        }))?;
        let prompt = self.session.prompt(&request.input)?.len();
        let room = self.session.info().context.saturating_sub(prompt).max(1);
        request.max_tokens = Some(self.max_tokens.min(room));
        let (mut text, mut token_logprobs): (String, Vec<f32>) = Default::default();
        let mut last = None;
        block_on(async {
            self.session.start(&request)?;
            while let Some(chunk) = self.session.next().await? {
                text += &chunk.text;
                token_logprobs.extend(chunk.logprobs.iter().flat_map(logprobs));
                last = Some(chunk);
            }
            Ok::<(), Error>(())
        })?;
        let last = last.unwrap_or_default();
        // White space at either end is never what a row asks for.
        let answer = text.trim().to_owned();
        Ok(Item {
            grade: grade(row, &answer, refusals),
            answer,
            signals: last.signals.unwrap_or_default(),
            token_logprobs,
            labels: None,
            finish_reason: json!(last.finish_reason),
            usage: last.usage.unwrap_or_default(),
            timings: last.timings.unwrap_or_default(),
            error: None,
        })
    }

    /// The likeliest of the labels.
    fn choose(&mut self, row: &Row, refusals: &Refusals) -> Result<Item> {
        let labels = match self.labels.take().filter(|l| l.texts() == row.labels) {
            Some(labels) => labels,
            None => self.session.labels(&row.labels)?,
        };
        let request = Request::chat(&json!({"messages": row.messages}))?;
        let none = row.labels.iter().position(|l| l == NONE);
        let options = ChooseOptions {
            none,
            ..ChooseOptions::default()
        };
        let chosen = self.choice(&request.input, &labels, &options);
        self.labels = Some(labels);
        let choice = chosen?;
        let answer = row.labels[choice.best].clone();
        Ok(Item {
            grade: grade(row, &answer, refusals),
            answer,
            token_logprobs: logprobs(&choice.logprobs).collect(),
            labels: Some(label_signals(&choice, none)),
            signals: choice.signals,
            finish_reason: json!("stop"),
            usage: choice.usage,
            timings: choice.timings,
            error: None,
        })
    }

    fn choice(&mut self, input: &Input, labels: &Labels, options: &ChooseOptions) -> Result<Choice> {
        block_on(self.session.choose(input, labels, options))
    }
}

fn logprobs(of: &Logprobs) -> impl Iterator<Item = f32> {
    of.content.iter().map(|token| token.logprob)
}

fn label_signals(choice: &Choice, none: Option<usize>) -> Value {
    let scores = |bound: bool| -> Map<String, Value> {
        let these = choice.scores.iter().filter(|s| s.bound == bound);
        these.map(|s| (s.label.clone(), json!(s.score))).collect()
    };
    let best = &choice.scores[choice.best];
    json!({
        "label_scores": scores(false),
        "label_bounds": scores(true),
        "label_logprob": best.logprob,
        "label_rest": choice.rest,
        "none_score": none.map(|none| choice.scores[none].score),
    })
}
