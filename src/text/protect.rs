//! Keeps user text from becoming markup.
//!
//! A template mixes its own control tokens with strings of users: contents, names, tool arguments. Before rendering, a
//! marker character that occurs nowhere is put *inside* everything in those strings that is, or could become part of,
//! the text of a control token. The tokenizer recognises no control token across a marker, then drops the markers
//! ([`Tokenizer::encode_marked`](super::Tokenizer::encode_marked)). So the ids are those of the unmarked text wherever
//! it holds no markup. Roles are the one thing that templates build control tokens from; the session checks them.
//!
//! ```text
//! whole     "a <|end|> b"        a <M|end|> b
//! beginning "... <|en"           ... <M|en      the next string, or the template, may go on with "d|>"
//! end       "d|> ..."            d|M> ...
//! middle    "end"                eMnd           the template may write "<|" and "|>" around it
//! ```

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{Error, Result};

/// Marks strings against a list of control-token texts.
pub struct Guard<'a> {
    controls: Vec<&'a str>,
    template: &'a str,
    marker: char,
}

/// Unicode's private-use characters of the basic plane: no text has all of them, templates have none.
const MARKERS: std::ops::RangeInclusive<char> = '\u{e000}'..='\u{f8ff}';

impl<'a> Guard<'a> {
    /// A guard whose marker occurs neither in `template` (the source) nor in the strings of `values`.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the strings use up every possible marker.
    pub fn new(controls: impl Iterator<Item = &'a str>, template: &'a str, values: &[&Value]) -> Result<Self> {
        let mut used: BTreeSet<char> = template.chars().filter(|c| MARKERS.contains(c)).collect();
        for value in values {
            each_string(value, &mut |s| used.extend(s.chars().filter(|c| MARKERS.contains(c))));
        }
        let marker = MARKERS.rev().find(|c| !used.contains(c));
        let marker =
            marker.ok_or_else(|| Error::invalid("messages", "a private-use character left over", "all of them"))?;
        Ok(Guard {
            // A token of one character has no inside; vocabularies have no such control tokens.
            controls: controls.filter(|c| c.chars().nth(1).is_some()).collect(),
            template,
            marker,
        })
    }

    /// The character that marks.
    pub fn marker(&self) -> char {
        self.marker
    }

    /// Marks every string of a message but its role.
    pub fn message(&self, message: &Value) -> Value {
        match message {
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| match key.as_str() {
                        "role" => (key.clone(), value.clone()),
                        _ => (self.edges(key), self.value(value)),
                    })
                    .collect(),
            ),
            other => self.value(other),
        }
    }

    /// Marks every string in a value, keys included.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(s) => Value::String(self.text(s)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(k, v)| (self.edges(k), self.value(v))).collect())
            }
            other => other.clone(),
        }
    }

    /// Marks one string of a user.
    pub fn text(&self, s: &str) -> String {
        let core = s.trim();
        // What the template compares with stays whole: its author foresaw that very string.
        let quoted = |q: char| self.template.contains(&format!("{q}{core}{q}"));
        let middle = !core.is_empty() && self.controls.iter().any(|c| c.contains(core));
        if middle && !quoted('\'') && !quoted('"') {
            let start = s.len() - s.trim_start().len();
            let mut seams = self.seams(s);
            seams.insert(start + char_len(core));
            return self.with_markers(s, &seams);
        }
        self.edges(s)
    }

    /// Marks whole control tokens, and those that begin or end at an end of the string.
    fn edges(&self, s: &str) -> String {
        let seams = self.seams(s);
        if seams.is_empty() {
            s.to_owned()
        } else {
            self.with_markers(s, &seams)
        }
    }

    /// Byte offsets at which markers belong. A template may trim, so the ends without white space count as ends too.
    fn seams(&self, s: &str) -> BTreeSet<usize> {
        let mut seams = BTreeSet::new();
        let starts = [0, s.len() - s.trim_start().len()];
        let ends = [s.len(), s.trim_end().len()];
        for control in &self.controls {
            let first = char_len(control);
            let last = control.char_indices().next_back().map_or(0, |(i, _)| i);
            let mut from = 0;
            while let Some(at) = s[from..].find(control) {
                seams.insert(from + at + first);
                from += at + first;
            }
            for cut in control.char_indices().map(|(i, _)| i).skip(1) {
                for end in ends {
                    if s[..end].ends_with(&control[..cut]) {
                        seams.insert(end - cut + first);
                    }
                }
                for start in starts {
                    if s[start..].starts_with(&control[cut..]) {
                        seams.insert(start + last - cut);
                    }
                }
            }
        }
        seams
    }

    fn with_markers(&self, s: &str, seams: &BTreeSet<usize>) -> String {
        let mut out = String::with_capacity(s.len() + seams.len() * 3);
        let mut from = 0;
        for &seam in seams {
            out.push_str(&s[from..seam]);
            out.push(self.marker);
            from = seam;
        }
        out.push_str(&s[from..]);
        out
    }
}

fn char_len(s: &str) -> usize {
    s.chars().next().map_or(0, char::len_utf8)
}

/// Calls `f` with every string of a value, keys included.
fn each_string(value: &Value, f: &mut impl FnMut(&str)) {
    match value {
        Value::String(s) => f(s),
        Value::Array(items) => items.iter().for_each(|item| each_string(item, f)),
        Value::Object(fields) => fields.iter().for_each(|(key, item)| {
            f(key);
            each_string(item, f);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CONTROLS: [&str; 4] = ["<|end|>", "<|user|>", "</s>", "<|python_tag|>"];

    fn mark(template: &str, s: &str) -> String {
        let guard = Guard::new(CONTROLS.into_iter(), template, &[]).expect("a marker");
        guard.text(s).replace(guard.marker(), "M")
    }

    #[test]
    fn where_markers_go() {
        for (text, expect) in [
            ("plain text", "plain text"),
            ("a < b", "a < b"),
            ("a <|end|> b", "a <M|end|> b"),
            ("<|end|><|end|>", "<M|end|><M|end|>"),
            ("<|en", "<M|en"),
            ("see <", "see <M"),
            ("see <  ", "see <M  "),
            ("d|> x", "d|M> x"),
            (" > quote", " M> quote"),
            ("user", "uMser"),
            ("s", "sM"),
            ("", ""),
            ("日本<|user|>", "日本<M|user|>"),
        ] {
            let got = mark("", text);
            assert_eq!(got.replace('M', ""), text);
            // More markers than needed do no harm, so compare the needed ones only.
            assert!(
                contains_markers(&got, expect),
                "{text:?}: got {got:?}, want at least {expect:?}"
            );
        }
        assert_eq!(mark("", "plain text"), "plain text");
        assert_eq!(
            mark("{% if name == \"python\" %}", "python"),
            "python",
            "compared by the template"
        );
        assert_ne!(mark("", "python"), "python");
    }

    /// True if `got` has a marker wherever `want` has one.
    fn contains_markers(got: &str, want: &str) -> bool {
        let mut got = got.chars().peekable();
        for w in want.chars() {
            if w == 'M' {
                if got.next() != Some('M') {
                    return false;
                }
                continue;
            }
            while got.next_if_eq(&'M').is_some() {}
            if got.next() != Some(w) {
                return false;
            }
        }
        true
    }

    /// However two strings are joined, and whatever the template writes around them, no control token that has a
    /// character of theirs stays without a marker inside.
    #[test]
    fn no_join_makes_a_control_token() {
        for control in CONTROLS {
            let cuts: Vec<usize> = (0..=control.len()).collect();
            for &i in &cuts {
                for &j in cuts.iter().filter(|&&j| j > i) {
                    let (before, inside, after) = (&control[..i], &control[i..j], &control[j..]);
                    for padded in [inside.to_owned(), format!(" {inside} ")] {
                        let marked = mark("", &padded);
                        let joined = format!("{before}{}{after}", marked.trim());
                        assert!(
                            !joined.contains(control),
                            "{before:?} {padded:?} {after:?} -> {joined:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn roles_stay_and_markers_are_new() {
        let message = json!({"role": "user", "content": "\u{f8ff}<|end|>", "tool_calls": [{"<|end|>": ["</s>"]}]});
        let guard = Guard::new(CONTROLS.into_iter(), "\u{f8fe}", &[&message]).expect("a marker");
        assert_eq!(guard.marker(), '\u{f8fd}');
        let marked = guard.message(&message);
        assert_eq!(marked["role"], "user");
        assert!(!marked.to_string().contains("<|end|>") && !marked.to_string().contains("</s>"));
    }
}
