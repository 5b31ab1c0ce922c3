//! Special tokens: which there are, and where they stand in a text.

use std::ops::Range;

use super::vocab::{Kind, Vocab};

/// Texts of tokens that end a turn or a text, most telling first. A token with such a text is markup, whatever its
/// recorded type, and ends generation.
const END_TEXTS: &[&str] = &[
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<｜end▁of▁sentence｜>",
    "<end_of_utterance>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "</s>",
    "<|eom_id|>",
    "[EOS]",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "[e~[",
];

/// How many of [`END_TEXTS`] end a turn (the others end something else, or only sometimes).
const TURN_END_TEXTS: usize = 11;

/// Fill-in-the-middle tokens: the key that names one, texts by which it is known otherwise, and whether it ends
/// generation.
const MIDDLE_TEXTS: &[(&str, &[&str], bool)] = &[
    (
        "fim_pre",
        &[
            "<|fim_prefix|>",
            "<fim-prefix>",
            "<fim_prefix>",
            "<｜fim▁begin｜>",
            "<PRE>",
            "▁<PRE>",
            "<|code_prefix|>",
            "<|prefix|>",
        ],
        false,
    ),
    (
        "fim_suf",
        &[
            "<|fim_suffix|>",
            "<fim-suffix>",
            "<fim_suffix>",
            "<｜fim▁hole｜>",
            "<SUF>",
            "▁<SUF>",
            "<|code_suffix|>",
            "<|suffix|>",
        ],
        false,
    ),
    (
        "fim_mid",
        &[
            "<|fim_middle|>",
            "<fim-middle>",
            "<fim_middle>",
            "<｜fim▁end｜>",
            "<MID>",
            "▁<MID>",
            "<|code_middle|>",
            "<|middle|>",
        ],
        false,
    ),
    (
        "fim_pad",
        &["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
        true,
    ),
    (
        "fim_rep",
        &["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
        true,
    ),
    ("fim_sep", &["<|file_sep|>"], true),
];

/// A token between whose kind a gap in a text is filled (`fim_pre`, `fim_suf`, `fim_mid`), by the texts it is known by.
pub(super) fn middle(vocab: &Vocab, key: &str) -> Option<u32> {
    let (_, texts, _) = MIDDLE_TEXTS.iter().find(|row| row.0 == key)?;
    texts.iter().find_map(|text| vocab.id(text))
}

/// The tokens that end generation, beside those that metadata names; marks them (and fill-in-the-middle tokens) as
/// markup. `named` tells the id that metadata gives for a key such as `fim_pad`.
pub(super) fn mark(vocab: &mut Vocab, named: impl Fn(&str) -> Option<u32>) -> Vec<u32> {
    let mut ends = Vec::new();
    let has = |vocab: &Vocab, text| vocab.id(text).is_some();
    // harmony-style vocabularies: <|end|> ends a message, not the turn
    let message_end =
        has(vocab, "<|call|>") && has(vocab, "<|return|>") || has(vocab, "<|calls|>") && has(vocab, "<|flush|>");
    for &text in END_TEXTS {
        let Some(id) = vocab.id(text) else { continue };
        if !(message_end && text == "<|end|>") {
            ends.push(id);
        }
        if vocab.kind(id) != Kind::Unknown {
            vocab.set_kind(id, Kind::Control);
        }
    }
    for &(key, texts, ends_generation) in MIDDLE_TEXTS {
        let found = match named(key) {
            Some(id) => Some(id),
            None => texts.iter().find_map(|text| vocab.id(text)),
        };
        let Some(id) = found else { continue };
        if named(key).is_none() && vocab.kind(id) != Kind::Unknown {
            vocab.set_kind(id, Kind::Control);
        }
        if ends_generation {
            ends.push(id);
        }
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// The token that ends a turn, by its text.
pub(super) fn turn_end(vocab: &Vocab) -> Option<u32> {
    END_TEXTS[..TURN_END_TEXTS].iter().find_map(|text| vocab.id(text))
}

/// White space around a special token that belongs to the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Strip {
    pub(super) left: bool,
    pub(super) right: bool,
}

/// A token that is cut out of the text before it is tokenized.
struct Entry {
    id: u32,
    strip: Strip,
}

/// All special tokens, longest first.
pub(super) struct Specials {
    entries: Vec<Entry>,
    /// Indices of `entries` by the first byte of the text.
    by_first: Vec<Vec<u32>>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(Range<usize>),
    Token(u32),
}

impl Specials {
    /// Collects the special tokens; `strip` tells whose white space goes.
    pub(super) fn new(vocab: &Vocab, strip: impl Fn(u32) -> Strip) -> Self {
        let special = |id: &u32| vocab.kind(*id).is_markup() || vocab.kind(*id) == Kind::UserDefined;
        let mut ids: Vec<u32> = (0..vocab.len() as u32).filter(special).collect();
        ids.sort_by_key(|&id| std::cmp::Reverse(vocab.piece(id).len()));
        let mut by_first = vec![Vec::new(); 256];
        for (i, &id) in ids.iter().enumerate() {
            if let Some(&first) = vocab.piece(id).as_bytes().first() {
                by_first[first as usize].push(i as u32);
            }
        }
        let entries = ids.into_iter().map(|id| Entry { id, strip: strip(id) }).collect();
        Self { entries, by_first }
    }

    /// Ids, longest text first.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|e| e.id)
    }

    /// Cuts `text` at special tokens, the longest first as llama.cpp does: all occurrences of one token before any of
    /// a shorter one. User-defined tokens are always found, markup only where `markup` says so and where no `seam`
    /// (a byte offset) lies within it.
    pub(super) fn split(&self, vocab: &Vocab, text: &str, markup: bool, seams: &[usize]) -> Vec<Part> {
        let mut parts = Vec::new();
        if !text.is_empty() {
            parts.push(Part::Text(0..text.len()));
        }
        for entry in self.occurring(vocab, text) {
            let control = vocab.kind(entry.id).is_markup();
            if control && !markup {
                continue;
            }
            let seams = if control { seams } else { &[] };
            let mut next = Vec::with_capacity(parts.len());
            for part in parts {
                match part {
                    Part::Text(range) => cut(text, range, vocab.piece(entry.id), entry, seams, &mut next),
                    token => next.push(token),
                }
            }
            parts = next;
        }
        parts
    }

    /// The special tokens that occur in `text` at all, longest first.
    fn occurring(&self, vocab: &Vocab, text: &str) -> impl Iterator<Item = &Entry> {
        let bytes = text.as_bytes();
        let mut occurs = vec![false; self.entries.len()];
        for (at, &first) in bytes.iter().enumerate() {
            for &i in &self.by_first[first as usize] {
                let seen = &mut occurs[i as usize];
                *seen = *seen || bytes[at..].starts_with(vocab.piece(self.entries[i as usize].id).as_bytes());
            }
        }
        self.entries
            .iter()
            .zip(occurs)
            .filter(|(_, occurs)| *occurs)
            .map(|(e, _)| e)
    }
}

/// White space in C's default locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Cuts `range` of `text` at every occurrence of `piece`.
fn cut(text: &str, range: Range<usize>, piece: &str, entry: &Entry, seams: &[usize], out: &mut Vec<Part>) {
    let bytes = text.as_bytes();
    let Range { mut start, end } = range;
    let mut from = start;
    while let Some(found) = text[from..end].find(piece) {
        let (left, right) = (from + found, from + found + piece.len());
        let first_seam = seams.partition_point(|&s| s <= left);
        if seams.get(first_seam).is_some_and(|&s| s < right) {
            // not markup: part of it is the user's; its first character may still begin another match later on
            from = left + text[left..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let mut before = left;
        while entry.strip.left && before > start && is_space(bytes[before - 1]) {
            before -= 1;
        }
        if before > start {
            out.push(Part::Text(start..before));
        }
        out.push(Part::Token(entry.id));
        start = right;
        while entry.strip.right && start < end && is_space(bytes[start]) {
            start += 1;
        }
        from = start;
    }
    if start < end {
        out.push(Part::Text(start..end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `piece`, kind, strip right.
    fn split(tokens: &[(&str, Kind, bool)], text: &str, markup: bool, seams: &[usize]) -> Vec<String> {
        let kinds = tokens.iter().map(|t| t.1).collect();
        let vocab = Vocab::new(tokens.iter().map(|t| t.0).collect(), Some(kinds), None).expect("valid");
        let strip = |id: u32| Strip {
            left: false,
            right: tokens[id as usize].2,
        };
        let parts = Specials::new(&vocab, strip).split(&vocab, text, markup, seams);
        let show = |part: &Part| match part {
            Part::Text(range) => text[range.clone()].to_owned(),
            Part::Token(id) => format!("#{id}"),
        };
        parts.iter().map(show).collect()
    }

    #[test]
    fn longest_first_and_stripping() {
        use Kind::*;
        let tokens = [
            ("<a>", Control, true),
            ("<a><a>", UserDefined, false),
            ("x", Normal, false),
        ];
        assert_eq!(split(&tokens, "x<a> \n<a>x", true, &[]), ["x", "#0", "#0", "x"]);
        assert_eq!(split(&tokens, "<a><a><a> ", true, &[]), ["#1", "#0"]);
        assert_eq!(split(&tokens, "<a><a><a> ", false, &[]), ["#1", "<a> "]);
        assert!(split(&tokens, "", true, &[]).is_empty());
    }

    #[test]
    fn a_seam_inside_markup_makes_it_text() {
        let tokens = [("<a>", Kind::Control, false), ("--", Kind::UserDefined, false)];
        assert_eq!(split(&tokens, "<a>", true, &[1]), ["<a>"]);
        assert_eq!(split(&tokens, "<a><a>", true, &[0, 3, 6]), ["#0", "#0"]);
        assert_eq!(split(&tokens, "<a><a>", true, &[2]), ["<a>", "#0"]);
        assert_eq!(split(&tokens, "--", true, &[1]), ["#1"]);
    }
}
