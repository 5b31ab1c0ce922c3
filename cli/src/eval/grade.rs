//! Whether an answer is right, and how far it is from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::row::{Row, object};

/// What the project's task models say where a passage does not hold the answer, and where no label fits.
pub const UNKNOWN: &str = "I don't know.";
pub const NONE: &str = "none of these";

/// The judgement of one answer; what a task does not measure is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grade {
    pub correct: bool,
    /// F1 of the words, against the best of the answers that are right.
    pub f1: Option<f64>,
    /// Of an extraction: which fields have the right value.
    pub fields: Option<BTreeMap<String, bool>>,
    /// The answer is one that says: not from here.
    pub refused: Option<bool>,
}

impl Grade {
    /// As part of an item's line.
    pub fn to_json(&self) -> Value {
        let mut out = json!({"correct": self.correct});
        for (key, value) in [
            ("f1", json!(self.f1)),
            ("fields", json!(self.fields)),
            ("refused", json!(self.refused)),
        ] {
            if !value.is_null() {
                out[key] = value;
            }
        }
        out
    }
}

/// The sentences that count as a refusal, by task: the fixed ones, and every right answer of a row that is not known.
pub struct Refusals(HashMap<String, BTreeSet<String>>);

impl Refusals {
    pub fn of(rows: &[Row]) -> Self {
        let mut found: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (task, text) in [("answer", UNKNOWN), ("classify", NONE)] {
            found.entry(task.into()).or_default().insert(normal(text));
        }
        // Of an extraction, the right answer to a message that holds nothing is an object like any other.
        for row in rows.iter().filter(|r| !r.known && r.task != "extract") {
            found
                .entry(row.task.clone())
                .or_default()
                .extend(right(row).map(normal));
        }
        Refusals(found)
    }

    fn include(&self, task: &str, answer: &str) -> Option<bool> {
        self.0.get(task).map(|texts| texts.contains(&normal(answer)))
    }
}

/// Judges `answer` to `row`.
pub fn grade(row: &Row, answer: &str, refusals: &Refusals) -> Grade {
    let refused = refusals.include(&row.task, answer);
    if !row.labels.is_empty() {
        let correct = right(row).any(|r| r == answer);
        return Grade {
            correct,
            refused,
            ..Grade::default()
        };
    }
    if row.task == "extract" {
        return extraction(row, answer);
    }
    let f1 = right(row).map(|r| word_f1(answer, r)).fold(0.0, f64::max);
    Grade {
        correct: right(row).any(|r| normal(r) == normal(answer)),
        f1: matches!(row.task.as_str(), "answer" | "summarise").then_some(f1),
        refused,
        fields: None,
    }
}

/// Everything that counts as right.
fn right(row: &Row) -> impl Iterator<Item = &str> {
    std::iter::once(&row.answer).chain(&row.accept).map(String::as_str)
}

/// Objects are equal whatever the order of their keys. Fields are held against the right answer with most of them.
fn extraction(row: &Row, answer: &str) -> Grade {
    let got = object(answer);
    let judged = right(row).filter_map(object).map(|want| {
        let names: Vec<String> = match row.fields.is_empty() {
            true => want.keys().cloned().collect(),
            false => row.fields.clone(),
        };
        let same = |name: &String| got.as_ref().is_some_and(|got| got.get(name) == want.get(name));
        let fields: BTreeMap<String, bool> = names.into_iter().map(|name| (name.clone(), same(&name))).collect();
        (got.as_ref() == Some(&want), fields)
    });
    let (correct, fields) = judged
        .max_by_key(|(equal, fields)| (*equal, fields.values().filter(|right| **right).count()))
        .unwrap_or_default();
    Grade {
        correct,
        fields: Some(fields),
        ..Grade::default()
    }
}

/// Text as it is compared: lower case, single spaces, no final period.
pub fn normal(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").to_lowercase().replace('\u{2019}', "'");
    text.strip_suffix('.').unwrap_or(&text).trim_end().to_owned()
}

/// F1 of the words that two texts share, each as often as it occurs in both (ROUGE-1 F). Words are runs of letters and
/// digits, in lower case. 1 where neither has any.
pub fn word_f1(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        let lower = text.to_lowercase();
        let parts = lower.split(|c: char| !c.is_alphanumeric());
        parts.filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (a, mut b) = (words(a), words(b));
    let total = a.len() + b.len();
    if total == 0 {
        return 1.0;
    }
    let mut shared = 0;
    for word in &a {
        if let Some(at) = b.iter().position(|other| other == word) {
            b.swap_remove(at);
            shared += 1;
        }
    }
    2.0 * f64::from(shared) / total as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str, answer: &str) -> Row {
        Row {
            line: 1,
            id: None,
            task: task.into(),
            family: None,
            messages: serde_json::Value::Null,
            answer: answer.into(),
            labels: vec![],
            fields: vec![],
            accept: vec![],
            known: true,
        }
    }

    fn graded(row: &Row, answer: &str) -> Grade {
        grade(row, answer, &Refusals::of(std::slice::from_ref(row)))
    }

    #[test]
    fn labels_are_compared_as_they_are() {
        let mut row = row("classify", "refund");
        row.labels = vec!["refund".into(), "Refund".into(), NONE.into()];
        assert!(graded(&row, "refund").correct);
        assert!(!graded(&row, "Refund").correct);
        assert_eq!(graded(&row, NONE).refused, Some(true));
    }

    #[test]
    fn extractions_are_objects() {
        let mut row = row("extract", r#"{"a": "1", "b": null}"#);
        let same = graded(&row, " {\"b\":null,\"a\":\"1\"}\n");
        assert!(same.correct && same.fields.expect("fields").values().all(|r| *r));
        for wrong in [
            r#"{"a": 1, "b": null}"#,
            r#"{"a": "1"}"#,
            r#"{"a": "1", "b": null, "c": 2}"#,
            "no",
            r#"[]"#,
        ] {
            assert!(!graded(&row, wrong).correct, "{wrong}");
        }
        let fields = |answer: &str, row: &Row| {
            graded(row, answer)
                .fields
                .expect("fields")
                .into_values()
                .collect::<Vec<_>>()
        };
        assert_eq!(fields(r#"{"a": "2", "b": null}"#, &row), [false, true]);
        assert_eq!(fields("no", &row), [false, false]);
        // An absent field is not a null one.
        assert_eq!(fields(r#"{"a": "1"}"#, &row), [true, false]);
        row.accept = vec![r#"{"a": "2", "b": null}"#.into()];
        assert!(graded(&row, r#"{"a": "2", "b": null}"#).correct);
    }

    #[test]
    fn sentences_are_compared_loosely() {
        let mut row = row("answer", "In two  weeks.");
        row.accept = vec!["two weeks".into()];
        assert!(graded(&row, " in two weeks").correct);
        assert!(graded(&row, "Two weeks.").correct);
        let near = graded(&row, "In three weeks");
        assert!(!near.correct && near.refused == Some(false));
        assert!((near.f1.expect("an F1") - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(graded(&row, "I don\u{2019}t know").refused, Some(true));
    }

    #[test]
    fn refusals_of_small_talk_come_from_the_rows() {
        let mut beyond = row("chat", "That is beyond me.");
        (beyond.known, beyond.accept) = (false, vec!["Not I.".into()]);
        let refusals = Refusals::of(&[beyond.clone(), row("chat", "Hello!")]);
        assert_eq!(grade(&row("chat", "Hello!"), "not i", &refusals).refused, Some(true));
        assert!(grade(&beyond, "not i", &refusals).correct);
        assert_eq!(
            graded(&row("chat", "Hello!"), "Hello!").refused,
            None,
            "nothing to tell a refusal by"
        );
    }

    #[test]
    fn words_are_counted() {
        assert_eq!(word_f1("a b", "a b"), 1.0);
        assert_eq!(word_f1("a a", "a b"), 0.5);
        assert_eq!(word_f1("A, b!", "b a"), 1.0);
        assert_eq!((word_f1("", ""), word_f1("", "a")), (1.0, 0.0));
    }
}
