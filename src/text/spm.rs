//! SentencePiece-style merging by score, as llama.cpp does it.
//!
//! Text starts as characters. Of all neighbours whose joint text is a token, the pair with the highest score is
//! joined first, the leftmost on a tie, until none is left. A merge list with one rank for each *pair* (what BPE
//! engines take) cannot say this: a token that can be split in several ways has one score for all of them, scores
//! tie across tokens, and a neighbour may be a character that is no token itself. Hence these few lines instead.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::vocab::Vocab;
use crate::error::{Error, Result};

/// Stands for a space inside pieces: U+2581.
pub(super) const SPACE: char = '▁';

/// No neighbour.
const NONE: u32 = u32::MAX;

/// A run of bytes of the text that is, so far, one symbol. Empty once it has been joined to the one before it.
struct Symbol {
    start: u32,
    len: u32,
    prev: u32,
    next: u32,
}

/// Two neighbours that may be joined.
struct Pair {
    score: f32,
    left: u32,
    right: u32,
    /// Joint length when the pair was found: differs once either has changed.
    len: u32,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        // scores are never NaN (checked when the vocabulary is built); +0 and -0 tie
        let by_score = self.score.partial_cmp(&other.score).unwrap_or(Ordering::Equal);
        by_score.then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

/// Which tokens may be made from text.
#[derive(Clone, Copy, PartialEq)]
enum Through {
    /// Any; markup as a step on the way to longer tokens.
    Markup,
    /// Only tokens that are not markup.
    Text,
}

/// The merge engine of SentencePiece-style vocabularies.
pub(super) struct Spm {
    /// Token of each byte, where the vocabulary has one.
    bytes: [Option<u32>; 256],
    unknown: Option<u32>,
}

impl Spm {
    pub(super) fn new(vocab: &Vocab, unknown: Option<u32>) -> Self {
        let byte = |b: u8| {
            let spelled = vocab.id(&format!("<0x{b:02X}>"));
            spelled.or_else(|| {
                b.is_ascii()
                    .then(|| vocab.id((b as char).encode_utf8(&mut [0; 4])))
                    .flatten()
            })
        };
        Self {
            bytes: std::array::from_fn(|b| byte(b as u8).filter(|&id| !vocab.kind(id).is_markup())),
            unknown: unknown.filter(|&id| vocab.kind(id).is_markup()),
        }
    }

    /// Appends the tokens of `text`, in which spaces are already [`SPACE`]s.
    pub(super) fn encode(&self, vocab: &Vocab, text: &str, out: &mut Vec<u32>) -> Result<()> {
        self.merge(vocab, text, Through::Markup, out)
    }

    fn merge(&self, vocab: &Vocab, text: &str, through: Through, out: &mut Vec<u32>) -> Result<()> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::invalid("text", "less than 4 GiB", text.len()));
        }
        let mut symbols: Vec<Symbol> = Vec::with_capacity(text.len());
        for (i, (start, c)) in text.char_indices().enumerate() {
            symbols.push(Symbol {
                start: start as u32,
                len: c.len_utf8() as u32,
                prev: (i as u32).wrapping_sub(1),
                next: i as u32 + 1,
            });
        }
        if let Some(last) = symbols.last_mut() {
            last.next = NONE;
        }
        let mut queue = BinaryHeap::new();
        let seek = |symbols: &[Symbol], left: u32, right: u32, queue: &mut BinaryHeap<Pair>| {
            if left == NONE || right == NONE {
                return;
            }
            let (l, r) = (&symbols[left as usize], &symbols[right as usize]);
            let len = l.len + r.len;
            let joint = vocab.id(&text[l.start as usize..(l.start + len) as usize]);
            if let Some(id) = joint.filter(|&id| through == Through::Markup || !vocab.kind(id).is_markup()) {
                let score = vocab.score(id);
                queue.push(Pair {
                    score,
                    left,
                    right,
                    len,
                });
            }
        };
        for right in 1..symbols.len() as u32 {
            seek(&symbols, right - 1, right, &mut queue);
        }
        while let Some(Pair { left, right, len, .. }) = queue.pop() {
            let (l, r) = (&symbols[left as usize], &symbols[right as usize]);
            if l.len == 0 || r.len == 0 || l.len + r.len != len {
                continue; // one of them has been joined to something else
            }
            let (before, after) = (l.prev, r.next);
            symbols[right as usize].len = 0;
            symbols[left as usize].len = len;
            symbols[left as usize].next = after;
            if after != NONE {
                symbols[after as usize].prev = left;
            }
            seek(&symbols, before, left, &mut queue);
            seek(&symbols, left, after, &mut queue);
        }
        drop(queue);
        for symbol in symbols.iter().filter(|s| s.len > 0) {
            let piece = &text[symbol.start as usize..(symbol.start + symbol.len) as usize];
            match vocab.id(piece) {
                Some(id) if !vocab.kind(id).is_markup() => out.push(id),
                // text that spells markup: what it consists of instead
                Some(_) if through == Through::Markup => self.merge(vocab, piece, Through::Text, out)?,
                _ => self.fall_back(piece, out)?,
            }
        }
        Ok(())
    }

    /// A character without token: its bytes, or one unknown token.
    fn fall_back(&self, character: &str, out: &mut Vec<u32>) -> Result<()> {
        let bytes: Option<Vec<u32>> = character.bytes().map(|b| self.bytes[b as usize]).collect();
        if let Some(bytes) = bytes {
            out.extend(bytes);
            return Ok(());
        }
        let unknown = self.unknown.ok_or_else(|| {
            let expected = "text of this vocabulary, which has neither byte tokens nor an unknown token";
            Error::invalid("text", expected, format!("{character:?}"))
        })?;
        out.push(unknown);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocab::Kind;
    use super::*;

    fn encode(pieces: &[(&str, f32, i32)], text: &str) -> Vec<String> {
        let kinds = pieces.iter().map(|p| Kind::from_number(p.2)).collect();
        let scores = pieces.iter().map(|p| p.1).collect();
        let vocab = Vocab::new(pieces.iter().map(|p| p.0).collect(), Some(kinds), Some(scores)).expect("valid");
        let mut ids = Vec::new();
        let spm = Spm::new(&vocab, vocab.id("<unk>"));
        spm.encode(&vocab, text, &mut ids).expect("encodes");
        ids.iter().map(|&id| vocab.piece(id).to_owned()).collect()
    }

    #[test]
    fn the_leftmost_of_equal_scores_goes_first() {
        // one token with two splits, in both orders of neighbours: no rank for each pair gives both
        let aaa = [("a", -9.0, 1), ("aa", 0.0, 1), ("aaa", -1.0, 1), ("b", -9.0, 1)];
        assert_eq!(encode(&aaa, "aaaa"), ["aa", "aa"]);
        assert_eq!(encode(&aaa, "aaa"), ["aaa"]);
        let tie = [
            ("a", 0.0, 1),
            ("b", 0.0, 1),
            ("c", 0.0, 1),
            ("ab", -1.0, 1),
            ("bc", -1.0, 1),
        ];
        assert_eq!(encode(&tie, "abc"), ["ab", "c"]);
        assert_eq!(encode(&tie, "bcab"), ["bc", "ab"]);
    }

    #[test]
    fn characters_without_token_still_merge() {
        let pieces = [("x", 0.0, 1), ("日本", -1.0, 1), ("<0xE6>", 0.0, 6), ("<unk>", 0.0, 2)];
        assert_eq!(encode(&pieces, "x日本"), ["x", "日本"]);
        assert_eq!(encode(&pieces, "日x本"), ["<unk>", "x", "<unk>"]);
    }

    #[test]
    fn markup_is_never_made_from_text() {
        let pieces = [
            ("<", 0.0, 1),
            ("s", 0.0, 1),
            (">", 0.0, 1),
            ("<s", -1.0, 1),
            ("<s>", -2.0, 3),
            ("<s>s", -3.0, 1),
        ];
        assert_eq!(encode(&pieces, "<s>"), ["<s", ">"]);
        // but it may be a step towards an ordinary token
        assert_eq!(encode(&pieces, "<s>s"), ["<s>s"]);
    }
}
