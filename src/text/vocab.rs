//! The pieces of a vocabulary: text, kind and score by id, and id by text.

use std::hash::{BuildHasher, RandomState};

use crate::error::{Error, Result};
use crate::gguf::Strings;

/// What a token is, as `tokenizer.ggml.token_type` numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ordinary text.
    Normal,
    /// The stand-in for text that has no token.
    Unknown,
    /// Markup with a meaning for the model: `<s>`, `<|user|>`. Never made from text, only from templates.
    Control,
    /// Text that is always one token, wherever it occurs.
    UserDefined,
    /// Reserved.
    Unused,
    /// One byte, spelled `<0x0A>`.
    Byte,
}

impl Kind {
    /// From the number in a GGUF file; 0 and numbers that nobody defined are as good as unused.
    pub(super) fn from_number(number: i32) -> Self {
        match number {
            1 => Kind::Normal,
            2 => Kind::Unknown,
            3 => Kind::Control,
            4 => Kind::UserDefined,
            6 => Kind::Byte,
            _ => Kind::Unused,
        }
    }

    /// True for tokens that text never becomes: their names in text are just text.
    pub fn is_markup(self) -> bool {
        matches!(self, Kind::Control | Kind::Unknown)
    }
}

/// Longest piece, in bytes: a limit of the merge engine, far above any real token.
const MAX_PIECE_BYTES: usize = 65_535;

/// All tokens of a model.
pub(super) struct Vocab {
    pieces: Strings,
    kinds: Vec<Kind>,
    /// Empty where the file has none.
    scores: Vec<f32>,
    /// Open addressing over ids by hash of the piece; `EMPTY` where free. A power of two, at most half full.
    slots: Vec<u32>,
    hasher: RandomState,
}

const EMPTY: u32 = u32::MAX;

impl Vocab {
    /// Checks and indexes a vocabulary. Without `kinds` all tokens are normal, without `scores` all scores are 0.
    pub(super) fn new(pieces: Strings, kinds: Option<Vec<Kind>>, scores: Option<Vec<f32>>) -> Result<Self> {
        let n = pieces.len();
        let counted = |what: &str, len: usize| {
            let expected = format!("{n}, one for each token");
            (len == n)
                .then_some(())
                .ok_or_else(|| Error::bad_file(format!("number of {what}"), expected, len))
        };
        if n == 0 || n >= EMPTY as usize {
            return Err(Error::bad_file("tokenizer.ggml.tokens", "at least one token", n));
        }
        if let Some(kinds) = &kinds {
            counted("tokenizer.ggml.token_type", kinds.len())?;
        }
        if let Some(scores) = &scores {
            counted("tokenizer.ggml.scores", scores.len())?;
            if let Some(id) = scores.iter().position(|s| s.is_nan()) {
                return Err(Error::bad_file(format!("score of token {id}"), "a number", "NaN"));
            }
        }
        // An empty piece can never be found in text; llama.cpp names it so.
        let pieces = if pieces.iter().any(str::is_empty) {
            let named = pieces.iter().enumerate().map(|(id, p)| match p {
                "" => std::borrow::Cow::Owned(format!("[EMPTY_{id}]")),
                p => std::borrow::Cow::Borrowed(p),
            });
            named.collect()
        } else {
            pieces
        };
        let mut vocab = Self {
            kinds: kinds.unwrap_or_else(|| vec![Kind::Normal; n]),
            scores: scores.unwrap_or_default(),
            slots: vec![EMPTY; (2 * n).next_power_of_two()],
            hasher: RandomState::new(),
            pieces,
        };
        for id in 0..n as u32 {
            let piece = vocab.piece(id);
            if piece.len() > MAX_PIECE_BYTES {
                let expected = format!("at most {MAX_PIECE_BYTES} bytes");
                return Err(Error::bad_file(format!("length of token {id}"), expected, piece.len()));
            }
            let slot = vocab.slot(piece);
            if vocab.slots[slot] != EMPTY {
                let first = vocab.slots[slot];
                return Err(Error::bad_file(
                    format!("token {id}"),
                    "a piece that no other token has",
                    format!("that of token {first}, {piece:?}"),
                ));
            }
            vocab.slots[slot] = id;
        }
        Ok(vocab)
    }

    /// The slot that holds `piece`, or the free one where it belongs.
    fn slot(&self, piece: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.hasher.hash_one(piece) as usize & mask;
        while self.slots[slot] != EMPTY && self.piece(self.slots[slot]) != piece {
            slot = (slot + 1) & mask;
        }
        slot
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The text of a token as the file spells it; empty for an id outside the vocabulary.
    pub(super) fn piece(&self, id: u32) -> &str {
        self.pieces.get(id as usize).unwrap_or_default()
    }

    pub(super) fn pieces(&self) -> impl ExactSizeIterator<Item = &str> {
        self.pieces.iter()
    }

    /// The token with exactly this text.
    pub(super) fn id(&self, piece: &str) -> Option<u32> {
        Some(self.slots[self.slot(piece)]).filter(|&id| id != EMPTY)
    }

    pub(super) fn kind(&self, id: u32) -> Kind {
        self.kinds.get(id as usize).copied().unwrap_or(Kind::Unused)
    }

    pub(super) fn set_kind(&mut self, id: u32, kind: Kind) {
        if let Some(slot) = self.kinds.get_mut(id as usize) {
            *slot = kind;
        }
    }

    pub(super) fn score(&self, id: u32) -> f32 {
        self.scores.get(id as usize).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_piece() {
        let pieces: Strings = (0..5000).map(|i| format!("piece {i}")).collect();
        let vocab = Vocab::new(pieces, None, None).expect("valid");
        for id in 0..5000 {
            assert_eq!(vocab.id(vocab.piece(id)), Some(id));
        }
        assert_eq!(vocab.id("piece 5000"), None);
        assert_eq!(vocab.id(""), None);
    }

    #[test]
    fn refuses_hostile_vocabularies() {
        let strings = |v: &[&str]| v.iter().collect::<Strings>();
        let new = |p: &[&str], kinds, scores| Vocab::new(strings(p), kinds, scores).err().map(|e| e.to_string());
        let error = new(&[], None, None).expect("no tokens");
        assert!(error.contains("at least one"), "{error}");
        let error = new(&["a", "b", "a"], None, None).expect("duplicate");
        assert!(error.contains("token 2") && error.contains("token 0"), "{error}");
        let error = new(&["a", "b"], Some(vec![Kind::Normal]), None).expect("too few types");
        assert!(error.contains("token_type"), "{error}");
        let error = new(&["a", "b"], None, Some(vec![0.0; 3])).expect("too many scores");
        assert!(error.contains("scores"), "{error}");
        let error = new(&["a"], None, Some(vec![f32::NAN])).expect("NaN");
        assert!(error.contains("NaN"), "{error}");
        let error = new(&["x", &"y".repeat(70_000)], None, None).expect("enormous");
        assert!(error.contains("token 1"), "{error}");
        let named = Vocab::new(strings(&["", "\0", "x"]), None, None).expect("an empty piece is only unreachable");
        assert_eq!((named.piece(0), named.id("\0")), ("[EMPTY_0]", Some(1)));
    }
}
