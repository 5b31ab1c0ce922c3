//! Which tokens of an answer in JSON are values: what the answer says, as opposed to the form in which it says it.

/// Containers inside of each other that are followed; deeper ones are read as arrays.
const DEEPEST: u32 = 64;

/// Reads JSON byte by byte, as it is generated. Not a parser: text that is no JSON gives some answer, and never an error.
///
/// A token is (part of) a value when one of its bytes is: a character of a string that is no key (its quotes are not), of a
/// number, of `true`, `false` or `null`. Keys, punctuation and white space are not.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// One bit for each open container, the innermost the lowest: it is an object.
    objects: u64,
    depth: u32,
    /// In an object: the next string is a key.
    key: bool,
    string: Option<Quoted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Plain,
    /// Behind a backslash.
    Escaped,
}

impl Values {
    /// Whether a token, the next bytes of the answer, is (part of) a value.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        // Every byte is read, whatever those before it said.
        bytes.iter().filter(|&&byte| self.byte(byte)).count() > 0
    }

    fn byte(&mut self, byte: u8) -> bool {
        if let Some(quoted) = self.string {
            self.string = match (quoted, byte) {
                (Quoted::Plain, b'"') => None,
                (Quoted::Plain, b'\\') => Some(Quoted::Escaped),
                _ => Some(Quoted::Plain),
            };
            return self.string.is_some() && !self.key;
        }
        match byte {
            b'"' => self.string = Some(Quoted::Plain),
            b'{' => self.open(1),
            b'[' => self.open(0),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.objects >>= u32::from(self.depth < DEEPEST);
                self.key = false;
            }
            b':' => self.key = false,
            b',' => self.key = self.objects & 1 == 1 && self.depth <= DEEPEST,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => return true,
        }
        false
    }

    fn open(&mut self, object: u64) {
        if self.depth < DEEPEST {
            self.objects = self.objects << 1 | object;
        }
        self.depth = self.depth.saturating_add(1);
        self.key = object == 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of values, all others as dots, read in pieces of `cut` bytes.
    fn marked(text: &str, cut: usize) -> Vec<bool> {
        let mut values = Values::default();
        text.as_bytes().chunks(cut).map(|piece| values.push(piece)).collect()
    }

    /// The runs of value bytes.
    fn runs(text: &str) -> Vec<String> {
        let marks = marked(text, 1);
        let shown: String = text.chars().zip(marks).map(|(c, m)| if m { c } else { '\0' }).collect();
        shown
            .split('\0')
            .filter(|run| !run.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn values_are_told_from_keys_and_punctuation() {
        let cases: [(&str, &[&str]); 6] = [
            (r#"{"name": "Ann", "age": 41, "ok": true}"#, &["Ann", "41", "true"]),
            (
                r#"{"a": {"b": ["c", "d"], "e": null}, "f": -1.5e3}"#,
                &["c", "d", "null", "-1.5e3"],
            ),
            (r#"["x", {"y": "z"}, 7]"#, &["x", "z", "7"]),
            (r#""only""#, &["only"]),
            (r#"{"k\"": "v\"w"}"#, &[r#"v\"w"#]),
            ("3.5", &["3.5"]),
        ];
        for (text, want) in cases {
            assert_eq!(runs(text), want, "{text}");
        }
    }

    #[test]
    fn a_token_counts_with_any_byte() {
        let text = r#"{"a": "bc"}"#;
        assert_eq!(marked(text, 4), [false, true, true]);
        assert_eq!(marked(text, 100), [true]);
    }

    #[test]
    fn nonsense_and_depth_are_no_trouble() {
        let mut values = Values::default();
        for byte in 0..=255u8 {
            values.push(&[byte; 3]);
        }
        for open in [b"{\"a\":".as_slice(), b"[", b"}", b"]"] {
            let mut values = Values::default();
            (0..100_000).for_each(|_| {
                values.push(open);
            });
        }
        // What is deeper than can be followed does not confuse what is not.
        let text = ["{\"a\":", &"[".repeat(100), "1", &"]".repeat(100), ",\"key\":\"v\"}"].concat();
        let marks = marked(&text, 1);
        let said: String = text.chars().zip(marks).filter(|(_, m)| *m).map(|(c, _)| c).collect();
        assert_eq!(said, "1v");
    }
}
