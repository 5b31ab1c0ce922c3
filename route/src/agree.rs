//! Whether several answers to one question say the same.

use serde_json::Value;

/// Answers that are compared at most: more cost more than they tell.
pub const MOST_SAMPLES: usize = 4;

/// How answers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As text, but for case, white space, and a final period.
    Text,
    /// As values of JSON: order of keys, white space and the way a number is written do not matter. What is no JSON is
    /// compared as text.
    Json,
}

/// Agreeing pairs over all pairs; none for fewer than two answers.
pub fn agreement(answers: &[String], form: Form) -> Option<f64> {
    let read: Vec<Said> = answers.iter().map(|answer| Said::of(answer, form)).collect();
    let (mut pairs, mut agreeing) = (0u32, 0u32);
    for (i, one) in read.iter().enumerate() {
        for other in &read[i + 1..] {
            pairs += 1;
            agreeing += u32::from(one == other);
        }
    }
    (pairs > 0).then(|| f64::from(agreeing) / f64::from(pairs))
}

/// What an answer says.
enum Said {
    Text(String),
    Json(Value),
}

impl Said {
    fn of(answer: &str, form: Form) -> Self {
        let json = || serde_json::from_str(answer).ok();
        match (form == Form::Json).then(json).flatten() {
            Some(value) => Said::Json(value),
            None => Said::Text(normalised(answer)),
        }
    }
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Said::Text(a), Said::Text(b)) => a == b,
            (Said::Json(a), Said::Json(b)) => same(a, b),
            _ => false,
        }
    }
}

/// Lower case, single spaces, no period at the end.
fn normalised(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    text.strip_suffix('.').unwrap_or(&text).trim_end().to_owned()
}

/// Equality of values; the reader has bounded their depth.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // Whole numbers beyond 2^53 are equal only digit by digit.
        (Value::Number(x), Value::Number(y)) => {
            x == y || (x.is_f64() || y.is_f64()) && x.as_f64().is_some_and(|x| Some(x) == y.as_f64())
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, a)| y.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(answers: &[&str], form: Form) -> Option<f64> {
        let answers: Vec<String> = answers.iter().map(|a| (*a).to_owned()).collect();
        agreement(&answers, form)
    }

    #[test]
    fn texts_agree_but_for_case_space_and_a_period() {
        assert_eq!(share(&[], Form::Text), None);
        assert_eq!(share(&["a"], Form::Text), None);
        assert_eq!(share(&["On  Monday.", " on monday\n"], Form::Text), Some(1.0));
        assert_eq!(share(&["a", "a", "b"], Form::Text), Some(1.0 / 3.0));
        assert_eq!(share(&["a", "b", "c", "d"], Form::Text), Some(0.0));
        assert_eq!(share(&["a!", "a"], Form::Text), Some(0.0));
    }

    #[test]
    fn json_agrees_by_value() {
        let same = [r#"{"a": 1, "b": ["x"]}"#, r#"{"b":["x"],"a":1.0}"#];
        assert_eq!(share(&same, Form::Json), Some(1.0));
        assert_eq!(share(&same, Form::Text), Some(0.0));
        let differ = [
            [r#"{"a": "x"}"#, r#"{"a": "X"}"#],
            ["[1, 2]", "[2, 1]"],
            ["[1]", "[1, 1]"],
            ["9007199254740993", "9007199254740992"],
            ["1", "\"1\""],
            ["{}", "{"],
            [r#"{"a": null}"#, r#"{"b": null}"#],
        ];
        for pair in differ {
            assert_eq!(share(&pair, Form::Json), Some(0.0), "{pair:?}");
        }
        assert_eq!(share(&["no JSON", "No json."], Form::Json), Some(1.0));
        let deep = "[".repeat(100_000);
        assert_eq!(
            share(&[&deep, &deep], Form::Json),
            Some(1.0),
            "as text: too deep to read"
        );
    }
}
