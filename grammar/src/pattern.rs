//! Regular expressions as JavaScript and JSON Schema have them, in the syntax of the matcher (Rust's). The two look alike
//! and differ in small things, each of which would weaken a constraint: so every construct is read, and one that has no
//! exact counterpart is refused.

/// Longest expression that is read, in bytes.
const MAX_BYTES: usize = 16 << 10;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 64;

/// What `.` does not match, and what `\s` matches, in JavaScript.
const LINE_ENDS: &str = r"\n\r\x{2028}\x{2029}";
const SPACES: &str =
    r"\t\n\x{0B}\x{0C}\r\x20\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";

/// Translates an expression; the error says what has no counterpart.
pub fn translate(source: &str) -> Result<String, String> {
    if source.len() > MAX_BYTES {
        return Err(format!(
            "the regular expression has {} bytes, at most {MAX_BYTES} are read",
            source.len()
        ));
    }
    let mut reader = Reader {
        chars: source.chars().collect(),
        at: 0,
        out: String::with_capacity(source.len() * 2),
        anchors: vec![false],
    };
    while let Some(c) = reader.next() {
        reader.one(c)?;
    }
    match reader.anchors.len() {
        1 => Ok(reader.out),
        _ => Err("a group is not closed".into()),
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    out: String,
    /// For each open group: whether it has an anchor.
    anchors: Vec<bool>,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        self.at += if found { text.chars().count() } else { 0 };
        found
    }

    fn one(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => self.open(),
            ')' => self.close(),
            '.' => {
                self.out.push_str(&format!("[^{LINE_ENDS}]"));
                Ok(())
            }
            '^' | '$' => {
                if let Some(anchored) = self.anchors.last_mut() {
                    *anchored = true;
                }
                self.out.push(c);
                Ok(())
            }
            '|' | '*' | '+' | '?' => {
                self.out.push(c);
                Ok(())
            }
            '{' => self.count(),
            '}' | ']' => Err(format!("a lone {c:?}; write it as \"\\{c}\"")),
            c => {
                self.literal(c);
                Ok(())
            }
        }
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!("\\x{{{:X}}}", c as u32));
        }
    }

    /// `{2}`, `{2,}`, `{2,5}`.
    fn count(&mut self) -> Result<(), String> {
        let rest: String = self.chars[self.at..].iter().take_while(|&&c| c != '}').collect();
        let digits = |s: &str| !s.is_empty() && s.len() <= 6 && s.bytes().all(|b| b.is_ascii_digit());
        let fine = match rest.split_once(',') {
            Some((low, "")) => digits(low),
            Some((low, high)) => digits(low) && digits(high),
            None => digits(&rest),
        };
        if !fine || self.chars.get(self.at + rest.chars().count()) != Some(&'}') {
            return Err("a \"{\" that begins no count of at most 6 digits; write it as \"\\{\"".into());
        }
        self.at += rest.chars().count() + 1;
        self.out.push_str(&format!("{{{rest}}}"));
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        if self.anchors.len() > MAX_DEPTH {
            return Err(format!("groups nested deeper than {MAX_DEPTH}"));
        }
        if self.take("?") {
            if self.take("<") && !matches!(self.peek(), Some('=' | '!')) {
                // A name is of no use here, and one of them has a meaning for the matcher.
                while let Some(c) = self.next() {
                    if c == '>' {
                        break;
                    }
                }
            } else if !self.take(":") {
                return Err("look-around and flags in groups \"(?\" cannot be enforced while decoding".into());
            }
        }
        self.out.push_str("(?:");
        self.anchors.push(false);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let anchored = self.anchors.pop().unwrap_or(false);
        let Some(outer) = self.anchors.last_mut() else {
            return Err("a \")\" that closes no group".into());
        };
        *outer |= anchored;
        if anchored && matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return Err("a repeated group with \"^\" or \"$\" in it cannot be enforced while decoding".into());
        }
        self.out.push(')');
        Ok(())
    }

    /// Outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        match self.peek() {
            Some('b' | 'B') => Err("word boundaries cannot be enforced while decoding".into()),
            Some('1'..='9' | 'k') => Err("back references cannot be enforced while decoding".into()),
            _ => {
                let set = self.escaped()?;
                self.out.push_str(&match set {
                    Escaped::Char(c) => format!("\\x{{{:X}}}", c as u32),
                    Escaped::Set(set) => format!("[{set}]"),
                    Escaped::NotSet(set) => format!("[^{set}]"),
                });
                Ok(())
            }
        }
    }

    /// What follows a backslash, in a class or outside.
    fn escaped(&mut self) -> Result<Escaped, String> {
        let c = self.next().ok_or("a lone backslash at the end")?;
        Ok(match c {
            'd' => Escaped::Set("0-9".into()),
            'D' => Escaped::NotSet("0-9".into()),
            'w' => Escaped::Set("0-9A-Za-z_".into()),
            'W' => Escaped::NotSet("0-9A-Za-z_".into()),
            's' => Escaped::Set(SPACES.into()),
            'S' => Escaped::NotSet(SPACES.into()),
            'p' | 'P' => {
                let name: String = match self.next() {
                    Some('{') => self.chars[self.at..].iter().take_while(|&&c| c != '}').collect(),
                    _ => String::new(),
                };
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '=';
                if name.is_empty() || !name.chars().all(word) {
                    return Err(format!("\"\\{c}\" without a property in braces"));
                }
                self.at += name.chars().count() + 1;
                Escaped::Set(format!("\\{c}{{{name}}}"))
            }
            't' => Escaped::Char('\t'),
            'n' => Escaped::Char('\n'),
            'r' => Escaped::Char('\r'),
            'v' => Escaped::Char('\u{0B}'),
            'f' => Escaped::Char('\u{0C}'),
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => Escaped::Char('\0'),
            'c' => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => Escaped::Char((letter as u8 % 32) as char),
                _ => return Err("\"\\c\" without a letter".into()),
            },
            'x' => Escaped::Char(self.code_point(2)?),
            'u' if self.take("{") => {
                let hex: String = self.chars[self.at..].iter().take_while(|&&c| c != '}').collect();
                self.at += hex.chars().count() + 1;
                let number = u32::from_str_radix(&hex, 16).ok();
                Escaped::Char(
                    number
                        .and_then(char::from_u32)
                        .ok_or("\"\\u{\" without a character's number")?,
                )
            }
            'u' => Escaped::Char(self.code_unit()?),
            c if !c.is_ascii_alphanumeric() => Escaped::Char(c),
            c => return Err(format!("\"\\{c}\" has no meaning in JavaScript")),
        })
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text: String = self.chars.get(self.at..self.at + digits)?.iter().collect();
        let number = u32::from_str_radix(&text, 16).ok()?;
        self.at += digits;
        Some(number)
    }

    fn code_point(&mut self, digits: usize) -> Result<char, String> {
        let number = self.hex(digits).and_then(char::from_u32);
        number.ok_or_else(|| format!("an escape without {digits} hexadecimal digits"))
    }

    /// `\uD83D\uDE00` is one character.
    fn code_unit(&mut self) -> Result<char, String> {
        let wrong = || "\"\\u\" without the number of a character".to_string();
        let first = self.hex(4).ok_or_else(wrong)?;
        let number = match first {
            0xD800..0xDC00 if self.take("\\u") => match self.hex(4).ok_or_else(wrong)? {
                second @ 0xDC00..0xE000 => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                _ => return Err(wrong()),
            },
            first => first,
        };
        char::from_u32(number).ok_or_else(wrong)
    }

    fn class(&mut self) -> Result<(), String> {
        let negated = self.take("^");
        if self.peek() == Some(']') {
            self.at += 1;
            // `[]` matches nothing, `[^]` everything.
            self.out.push_str(if negated {
                r"[\x{0}-\x{10FFFF}]"
            } else {
                r"[^\x{0}-\x{10FFFF}]"
            });
            return Ok(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        let mut range_from: Option<char> = None;
        loop {
            let c = self.next().ok_or("a class that is not closed")?;
            let item = match c {
                ']' => break,
                '\\' if self.take("b") => Escaped::Char('\u{8}'),
                '\\' => self.escaped()?,
                c => Escaped::Char(c),
            };
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|&c| c != ']');
            match item {
                Escaped::Char(c) => {
                    let ends = match range_from.take() {
                        Some(from) if from > c => return Err("a range that runs backwards".into()),
                        from => from.is_some(),
                    };
                    self.out.push_str(&format!("\\x{{{:X}}}", c as u32));
                    // The end of one range begins no other: a hyphen behind it is a hyphen.
                    if is_range && !ends {
                        self.at += 1;
                        self.out.push('-');
                        range_from = Some(c);
                    }
                }
                Escaped::Set(_) | Escaped::NotSet(_) if range_from.is_some() || is_range => {
                    return Err("a range that begins or ends with a class".into());
                }
                Escaped::Set(set) => self.out.push_str(&set),
                Escaped::NotSet(set) => self.out.push_str(&format!("[^{set}]")),
            }
        }
        self.out.push(']');
        Ok(())
    }
}

enum Escaped {
    Char(char),
    Set(String),
    NotSet(String),
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn the_same_in_other_words() {
        for (source, expect) in [
            ("ab1", "ab1"),
            ("a.b", r"a[^\n\r\x{2028}\x{2029}]b"),
            (r"^\d{2,}$", "^[0-9]{2,}$"),
            (r"[\w-]", r"[0-9A-Za-z_\x{2D}]"),
            ("[a-f-z]", r"[\x{61}-\x{66}\x{2D}\x{7A}]"),
            ("[[&&]", r"[\x{5B}\x{26}\x{26}]"),
            (r"\/\u0041\x42\u{43}\cJ\0", r"\x{2F}\x{41}\x{42}\x{43}\x{A}\x{0}"),
            (r"\uD83D\uDE00", r"\x{1F600}"),
            ("(?<stop>a)(b|c)?", "(?:a)(?:b|c)?"),
            (r"[^\D]", "[^[^0-9]]"),
            (r"\p{L}", r"[\p{L}]"),
            ("[]|[^]", r"[^\x{0}-\x{10FFFF}]|[\x{0}-\x{10FFFF}]"),
            ("#/", r"\x{23}\x{2F}"),
        ] {
            assert_eq!(translate(source).as_deref(), Ok(expect), "{source}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_refused() {
        for source in [
            "a(?=b)",
            "(?!a)",
            "(?<=a)b",
            r"(a)\1",
            r"\bword\b",
            r"\Z",
            r"\A",
            r"\a",
            "(",
            ")",
            "[a",
            "[z-a]",
            r"[\d-z]",
            "(^a)*b",
            "a{x}",
            "x{1000000000}",
            "}",
            r"\",
            r"\u12",
            r"\c1",
            "(?i)a",
            r"\p",
        ] {
            assert!(translate(source).is_err(), "{source}: {:?}", translate(source));
        }
        assert!(translate(&"(".repeat(500)).is_err());
        assert!(translate(&"a".repeat(1 << 20)).is_err());
    }
}
