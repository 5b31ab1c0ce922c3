//! What all items together say: one object per task and one for all, and the same as a table for people.

use std::collections::BTreeMap;
use std::path::Path;

use kinglet::session::SessionInfo;
use serde_json::{Map, Value, json};

use super::item::Item;
use super::row::Row;
use super::stats::{mean, quantile, wilson};
use crate::args::Eval;

/// Name of the object for all tasks.
const OVERALL: &str = "overall";

/// All items, by task in the order of their first rows, and overall.
#[derive(Default)]
pub struct Summary {
    tasks: Vec<(String, Totals)>,
    overall: Totals,
}

/// Counts of right ones among all.
#[derive(Default, Clone, Copy)]
struct Share {
    right: usize,
    n: usize,
}

impl Share {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.n += 1;
    }

    fn value(self) -> Option<f64> {
        (self.n > 0).then(|| self.right as f64 / self.n as f64)
    }

    /// `{n, <name>, rate, wilson95}`
    fn to_json(self, name: &str) -> Value {
        json!({"n": self.n, name: self.right, "rate": self.value(), "wilson95": wilson(self.right, self.n)})
    }
}

/// What is added up over items.
#[derive(Default)]
struct Totals {
    correct: Share,
    errors: usize,
    /// Refusals among rows that are not known, and among those that are.
    refused: Share,
    false_refused: Share,
    fields: Share,
    f1: Vec<f64>,
    families: BTreeMap<String, Share>,
    prefill_ms: Vec<f64>,
    decode_ms: Vec<f64>,
    total_ms: Vec<f64>,
    prompt_tokens: usize,
    computed_prompt_tokens: usize,
    generated_tokens: usize,
}

impl Totals {
    fn add(&mut self, row: &Row, item: &Item) {
        self.correct.add(item.grade.correct);
        if let Some(family) = &row.family {
            self.families.entry(family.clone()).or_default().add(item.grade.correct);
        }
        if let Some(refused) = item.grade.refused {
            let share = if row.known {
                &mut self.false_refused
            } else {
                &mut self.refused
            };
            share.add(refused);
        }
        for right in item.grade.fields.iter().flat_map(BTreeMap::values) {
            self.fields.add(*right);
        }
        self.f1.extend(item.grade.f1);
        if item.error.is_some() {
            self.errors += 1;
            return;
        }
        let (prefill, decode) = (item.timings.prefill_ms, item.timings.decode_ms);
        self.prefill_ms.push(prefill);
        self.decode_ms.push(decode);
        self.total_ms.push(prefill + decode);
        self.prompt_tokens += item.usage.prompt_tokens;
        self.computed_prompt_tokens += item.usage.prompt_tokens - item.timings.reused_tokens;
        self.generated_tokens += item.usage.completion_tokens;
    }

    fn to_json(&self, task: &str) -> Map<String, Value> {
        let latency = |ms: &[f64]| json!({"median": quantile(ms, 0.5), "p90": quantile(ms, 0.9)});
        let per_second = |tokens: usize, ms: &[f64]| {
            let ms: f64 = ms.iter().sum();
            (ms > 0.0).then(|| tokens as f64 / ms * 1e3)
        };
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        put("summary", json!(task));
        put("n", json!(self.correct.n));
        put("correct", json!(self.correct.right));
        put("accuracy", json!(self.correct.value()));
        put("wilson95", json!(wilson(self.correct.right, self.correct.n)));
        if self.errors > 0 {
            put("errors", json!(self.errors));
        }
        if self.fields.n > 0 {
            put("fields", self.fields.to_json("correct"));
        }
        if !self.f1.is_empty() {
            put("mean_f1", json!(mean(&self.f1)));
        }
        if self.refused.n > 0 {
            put("refusal_recall", self.refused.to_json("refused"));
        }
        if self.refused.n + self.false_refused.n > 0 {
            put("false_refusals", self.false_refused.to_json("refused"));
        }
        put(
            "latency_ms",
            json!({"prefill": latency(&self.prefill_ms), "decode": latency(&self.decode_ms), "total": latency(&self.total_ms)}),
        );
        put(
            "tokens",
            json!({"prompt": self.prompt_tokens, "prompt_computed": self.computed_prompt_tokens, "generated": self.generated_tokens}),
        );
        put(
            "prefill_tokens_per_s",
            json!(per_second(self.computed_prompt_tokens, &self.prefill_ms)),
        );
        put(
            "decode_tokens_per_s",
            json!(per_second(self.generated_tokens, &self.decode_ms)),
        );
        if task != OVERALL && !self.families.is_empty() {
            let families = self
                .families
                .iter()
                .map(|(name, s)| (name.clone(), json!([s.right, s.n])));
            put("families", Value::Object(families.collect()));
        }
        out
    }
}

impl Summary {
    pub fn add(&mut self, row: &Row, item: Item) {
        let at = self.tasks.iter().position(|(task, _)| *task == row.task);
        let at = at.unwrap_or_else(|| {
            self.tasks.push((row.task.clone(), Totals::default()));
            self.tasks.len() - 1
        });
        self.tasks[at].1.add(row, &item);
        self.overall.add(row, &item);
    }

    /// One object per task, then one for all with what was run and where.
    pub fn lines(&self, options: &Eval, info: &SessionInfo) -> Vec<Value> {
        let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
        let mut overall = self.overall.to_json(OVERALL);
        // One refusal among small talk is not one among questions: rates are given by task.
        overall.retain(|key, _| !matches!(key.as_str(), "refusal_recall" | "false_refusals" | "mean_f1"));
        overall.insert("kinglet".into(), json!(env!("CARGO_PKG_VERSION")));
        overall.insert("taskset".into(), json!(name(&options.taskset)));
        overall.insert(
            "model".into(),
            json!({"file": name(&options.model), "name": info.model, "architecture": info.architecture}),
        );
        overall.insert(
            "backend".into(),
            json!({"backend": info.backend, "adapter": info.adapter, "exact": options.run.exact,
                "threads": options.run.threads, "context": info.context, "max_tokens": options.max_tokens}),
        );
        let tasks = self
            .tasks
            .iter()
            .map(|(task, totals)| Value::Object(totals.to_json(task)));
        tasks.chain([Value::Object(overall)]).collect()
    }

    /// The same for people.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{:<12} {:>6} {:>8} {:>9}  {:>15}  {:>16}  {:>16}  \n",
            "task", "n", "correct", "accuracy", "95 % interval", "prefill ms (p90)", "decode ms (p90)"
        );
        let overall = (OVERALL.to_owned(), &self.overall);
        let tasks = self.tasks.iter().map(|(task, totals)| (task.clone(), totals));
        for (task, t) in tasks.chain([overall]) {
            let percent = |x: Option<f64>| x.map_or("-".into(), |x| format!("{:.1} %", 100.0 * x));
            let interval = wilson(t.correct.right, t.correct.n).map_or("-".into(), |[low, high]| {
                format!("{:.1} - {:.1} %", 100.0 * low, 100.0 * high)
            });
            let ms = |values: &[f64]| match (quantile(values, 0.5), quantile(values, 0.9)) {
                (Some(median), Some(p90)) => format!("{median:.1} ({p90:.1})"),
                _ => "-".into(),
            };
            let mut notes = String::new();
            if t.fields.n > 0 {
                notes += &format!("fields {}  ", percent(t.fields.value()));
            }
            if task != OVERALL {
                if let Some(f1) = mean(&t.f1) {
                    notes += &format!("F1 {:.3}  ", f1);
                }
                if t.refused.n > 0 {
                    notes += &format!("refused where right {}, ", percent(t.refused.value()));
                    notes += &format!("where wrong {}  ", percent(t.false_refused.value()));
                }
            }
            if t.errors > 0 {
                notes += &format!("errors {}", t.errors);
            }
            let row = format!(
                "{task:<12} {:>6} {:>8} {:>9}  {interval:>15}  {:>16}  {:>16}  {notes}",
                t.correct.n,
                t.correct.right,
                percent(t.correct.value()),
                ms(&t.prefill_ms),
                ms(&t.decode_ms),
            );
            out += row.trim_end();
            out.push('\n');
        }
        out
    }
}
