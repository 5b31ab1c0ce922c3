//! A small backtracking regex, just large enough for the patterns of pre-tokenizers.
//!
//! Understood: literals, `\r \n \t \s \S \p{L} \p{M} \p{N} \p{P} \p{S}`, classes `[^a-z\p{L}]` with intersection
//! `[\p{L}&&[^A-Z]]`, `? * +` and `{m,n}` on one character or class, groups `( | )`, `(?: )`, `(?i: )` with an optional
//! `?`, lookahead `(?= )` and `(?! )`, and `$`. Anything else is refused when the pattern is compiled.
//! Matching prefers earlier alternatives and greedy repetition, as Perl does.

use super::unicode_classes::CLASSES;

/// A compiled pattern: alternatives of sequences.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Vec<Node>>);

#[derive(Debug, Clone)]
enum Node {
    /// `min..=max` characters of the set, as many as possible.
    Repeat(Set, usize, usize),
    /// One of the alternatives; or nothing, where optional and none leads to a match.
    Group { branches: Vec<Vec<Node>>, optional: bool },
    /// What follows must (or must not) match; consumes nothing.
    Ahead { branches: Vec<Vec<Node>>, negated: bool },
    /// End of the text.
    End,
}

/// A set of characters.
#[derive(Debug, Clone, Default)]
struct Set {
    negated: bool,
    ranges: Vec<(char, char)>,
    /// Bit g: general-category group g of [`CLASSES`].
    groups: u8,
    /// White space (`\s`) and its complement (`\S`).
    space: bool,
    not_space: bool,
    and: Option<Box<Set>>,
}

/// General-category group of a character: 1 letter, 2 mark, 3 number, 4 punctuation, 5 symbol, 0 other.
fn group(c: char) -> u32 {
    let after = CLASSES.partition_point(|&entry| entry >> 3 <= c as u32);
    CLASSES[after - 1] & 7
}

impl Set {
    fn has(&self, c: char) -> bool {
        let listed = self.ranges.iter().any(|&(low, high)| low <= c && c <= high)
            || (self.groups != 0 && self.groups >> group(c) & 1 == 1)
            || (self.space && c.is_whitespace())
            || (self.not_space && !c.is_whitespace());
        (listed != self.negated) && self.and.as_ref().is_none_or(|s| s.has(c))
    }
}

/// What must match after the current sequence is done.
struct Then<'a> {
    seq: &'a [Node],
    then: Option<&'a Then<'a>>,
}

fn run(seq: &[Node], then: Option<&Then<'_>>, text: &[char], at: usize) -> Option<usize> {
    let Some((node, rest)) = seq.split_first() else {
        return match then {
            None => Some(at),
            Some(t) => run(t.seq, t.then, text, at),
        };
    };
    match node {
        Node::Repeat(set, min, max) => {
            let most = text[at..].iter().take(*max).take_while(|&&c| set.has(c)).count();
            (*min..=most).rev().find_map(|n| run(rest, then, text, at + n))
        }
        Node::Group { branches, optional } => {
            let after = Then { seq: rest, then };
            let matched = branches.iter().find_map(|b| run(b, Some(&after), text, at));
            matched.or_else(|| optional.then(|| run(rest, then, text, at)).flatten())
        }
        Node::Ahead { branches, negated } => {
            let found = branches.iter().any(|b| run(b, None, text, at).is_some());
            (found != *negated).then(|| run(rest, then, text, at)).flatten()
        }
        Node::End => (at == text.len()).then(|| run(rest, then, text, at)).flatten(),
    }
}

impl Pattern {
    /// Compiles `source`; `None` where it uses something that is not understood.
    pub(super) fn new(source: &str) -> Option<Self> {
        let mut parser = Parser {
            rest: source.chars().collect(),
            ignore_case: false,
        };
        parser.rest.reverse(); // the next character is the last: pop() consumes it
        let branches = parser.branches()?;
        parser.rest.is_empty().then_some(Self(branches))
    }

    /// End of the match that starts at `at`.
    fn match_at(&self, text: &[char], at: usize) -> Option<usize> {
        self.0.iter().find_map(|b| run(b, None, text, at))
    }

    /// After a failure: how many starts cannot match either. A pattern that opens with an unbounded repetition has
    /// tried every end that a later start in the same run could reach, so `\s+$` stays linear on long white space.
    fn hopeless(&self, text: &[char]) -> usize {
        let [branch] = self.0.as_slice() else { return 0 };
        match branch.first() {
            Some(Node::Repeat(set, _, usize::MAX)) => text.iter().take_while(|&&c| set.has(c)).count(),
            _ => 0,
        }
    }

    /// Cuts each piece (lengths that sum to `text.len()`) at every match: matches and the gaps between them.
    pub(super) fn split(&self, text: &[char], pieces: &[usize]) -> Vec<usize> {
        let mut out = Vec::with_capacity(pieces.len());
        let mut start = 0;
        for &len in pieces {
            let piece = &text[start..start + len];
            let (mut gap, mut at) = (0, 0);
            while at < len {
                match self.match_at(piece, at) {
                    Some(end) if end > at => {
                        if at > gap {
                            out.push(at - gap);
                        }
                        out.push(end - at);
                        (gap, at) = (end, end);
                    }
                    _ => at += self.hopeless(&piece[at..]).max(1),
                }
            }
            if len > gap {
                out.push(len - gap);
            }
            start += len;
        }
        out
    }
}

/// A recursive-descent parser over the reversed characters of a pattern.
struct Parser {
    rest: Vec<char>,
    ignore_case: bool,
}

impl Parser {
    /// Consumes `text` if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(i, c)| self.rest.iter().nth_back(i) == Some(&c));
        if found {
            self.rest.truncate(self.rest.len() - text.chars().count());
        }
        found
    }

    fn branches(&mut self) -> Option<Vec<Vec<Node>>> {
        let mut branches = vec![Vec::new()];
        while !self.rest.is_empty() && self.rest.last() != Some(&')') {
            if self.eat("|") {
                branches.push(Vec::new());
            } else {
                let node = self.node()?;
                branches.last_mut()?.push(node);
            }
        }
        Some(branches)
    }

    fn node(&mut self) -> Option<Node> {
        if self.eat("$") {
            return Some(Node::End);
        }
        for (open, negated) in [("(?=", false), ("(?!", true)] {
            if self.eat(open) {
                let branches = self.branches()?;
                return self.eat(")").then_some(Node::Ahead { branches, negated });
            }
        }
        for (open, ignore_case) in [("(?i:", true), ("(?:", self.ignore_case), ("(", self.ignore_case)] {
            if self.eat(open) {
                let outer = std::mem::replace(&mut self.ignore_case, ignore_case);
                let branches = self.branches()?;
                self.ignore_case = outer;
                let closed = self.eat(")");
                let optional = self.eat("?");
                let repeated = matches!(self.rest.last(), Some('*' | '+' | '{' | '?'));
                return (closed && !repeated).then_some(Node::Group { branches, optional });
            }
        }
        let set = if self.eat("[") { self.class()? } else { self.single()? };
        let (min, max) = self.repetition()?;
        Some(Node::Repeat(set, min, max))
    }

    /// `? * + {m} {m,n}` or nothing; lazy and possessive forms are refused.
    fn repetition(&mut self) -> Option<(usize, usize)> {
        let bounds = if self.eat("?") {
            (0, 1)
        } else if self.eat("*") {
            (0, usize::MAX)
        } else if self.eat("+") {
            (1, usize::MAX)
        } else if self.eat("{") {
            let min = self.number()?;
            let max = if self.eat(",") { self.number()? } else { min };
            if !self.eat("}") {
                return None;
            }
            (min, max)
        } else {
            return Some((1, 1));
        };
        (!matches!(self.rest.last(), Some('?' | '+' | '*' | '{'))).then_some(bounds)
    }

    fn number(&mut self) -> Option<usize> {
        let mut digits = String::new();
        while let Some(c) = self.rest.pop_if(|c| c.is_ascii_digit()) {
            digits.push(c);
        }
        digits.parse().ok()
    }

    /// One character, escape or category outside a class.
    fn single(&mut self) -> Option<Set> {
        let mut set = Set::default();
        match self.rest.pop()? {
            '\\' => {
                if let Some(c) = self.escape(&mut set)? {
                    set.ranges.push((c, c));
                }
            }
            '.' | '^' | ')' | ']' | '{' | '*' | '+' | '?' => return None,
            c if self.ignore_case => {
                // ASCII only; the patterns hold no other letters here
                set.ranges = vec![
                    (c.to_ascii_lowercase(), c.to_ascii_lowercase()),
                    (c.to_ascii_uppercase(), c.to_ascii_uppercase()),
                ];
            }
            c => set.ranges.push((c, c)),
        }
        Some(set)
    }

    /// The rest of an escape: adds a category to `set`, or gives the literal character.
    fn escape(&mut self, set: &mut Set) -> Option<Option<char>> {
        Some(match self.rest.pop()? {
            'r' => Some('\r'),
            'n' => Some('\n'),
            't' => Some('\t'),
            's' => {
                set.space = true;
                None
            }
            'S' => {
                set.not_space = true;
                None
            }
            'p' => {
                let letters = ["{L}", "{M}", "{N}", "{P}", "{S}"];
                let bit = letters.iter().position(|l| self.eat(l))? + 1;
                set.groups |= 1 << bit;
                None
            }
            c if c.is_ascii_alphanumeric() => return None,
            c => Some(c),
        })
    }

    /// The rest of a class after `[`.
    fn class(&mut self) -> Option<Set> {
        let mut set = Set {
            negated: self.eat("^"),
            ..Set::default()
        };
        loop {
            if self.eat("]") {
                return Some(set);
            }
            if self.eat("&&[") {
                set.and = Some(Box::new(self.class()?));
                return self.eat("]").then_some(set);
            }
            let low = match self.rest.pop()? {
                '\\' => self.escape(&mut set)?,
                c => Some(c),
            };
            let Some(low) = low else { continue };
            let mut high = low;
            let range = self.rest.last() == Some(&'-') && self.rest.iter().nth_back(1) != Some(&']');
            if range {
                self.rest.pop();
                high = match self.rest.pop()? {
                    '\\' => self.escape(&mut set)??,
                    c => c,
                };
            }
            if low > high {
                return None;
            }
            set.ranges.push((low, high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pattern: &str, text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        let mut rest = chars.as_slice();
        let pattern = Pattern::new(pattern).expect("compiles");
        let lengths = pattern.split(&chars, &[chars.len()]);
        lengths
            .iter()
            .map(|&n| {
                let (head, tail) = rest.split_at(n);
                rest = tail;
                head.iter().collect()
            })
            .collect()
    }

    #[test]
    fn matches_and_gaps() {
        for (pattern, text, expected) in [
            ("a+", "baab", vec!["b", "aa", "b"]),
            ("a|ab", "ab", vec!["a", "b"]),
            ("a{1,3}", "aaaaa", vec!["aaa", "aa"]),
            (r"\s+(?!\S)", "a   b", vec!["a", "  ", " b"]),
            (r"\s+$", "a  b  ", vec!["a  b", "  "]),
            (r"a{2,3}b|c", "aaab", vec!["aaab"]),
            (r"a+b", "aaacaab", vec!["aaac", "aab"]),
            (
                r"\p{L}+(?i:'s|'T)?",
                "it's IT'S don't",
                vec!["it's", " ", "IT'S", " ", "don't"],
            ),
            (r"[\p{L}&&[^a-z]]*[\p{L}&&[^A-Z]]+", "ABcdEÉ", vec!["ABcd", "EÉ"]),
            (r"[^\s\-a-c]+", "ad-e b", vec!["a", "d", "-", "e", " b"]),
            (r"[+-]", "a-+", vec!["a", "-", "+"]),
            (r"(?=b)b", "abb", vec!["a", "b", "b"]),
            (r"\s*[\r\n]+", "  \n  x", vec!["  \n", "  x"]),
        ] {
            assert_eq!(split(pattern, text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn long_runs_take_linear_time() {
        let text = format!("{}x", " ".repeat(400_000));
        assert_eq!(split(r"\s+$", &text).len(), 1);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for pattern in [
            r"\d", "a++", "a*?", "(ab)*", "[a", "(a", "a)", r"\p{Han}", "^a", ".", "a{2", "[b-a]", r"(?<!a)b",
        ] {
            assert!(Pattern::new(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn groups_cover_every_class() {
        for (c, expected) in [
            ('a', 1),
            ('É', 1),
            ('日', 1),
            ('\u{301}', 2),
            ('²', 3),
            ('٣', 3),
            ('!', 4),
            ('„', 4),
            ('+', 5),
            ('🙂', 5),
        ] {
            assert_eq!(group(c), expected, "{c}");
        }
        for c in [' ', '\n', '\0', '\u{200d}', '\u{10ffff}'] {
            assert_eq!(group(c), 0, "{c:?}");
        }
    }
}
