//! Merge-list BPE through the `tokenizers` crate, byte-level (GPT-2 and after) or over characters.
//!
//! The crate's engine wants every byte (or byte piece) and every merge's parts and product in its vocabulary. Files
//! need not have them all, so the engine gets ids of its own, each standing for the list of real tokens that
//! llama.cpp would give for the same text: usually one, none for a byte that the model has no token for.

use tokenizers::models::bpe::{BpeConfig, Merges, PipelineBPE, Vocab as EngineVocab};
use tokenizers::pipeline::Model;

use super::vocab::Vocab;
use crate::error::{Error, Result};

/// How a vocabulary spells text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Each byte is one printable character ([`byte_char`]).
    Bytes,
    /// Characters as they are; one without token becomes its `<0x..>` pieces.
    Characters,
}

/// The character that spells `byte` in a byte-level vocabulary: printable Latin-1 itself, the others from U+0100 on.
pub(super) fn byte_char(byte: u8) -> char {
    let printable = |b: u8| matches!(b, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return byte as char;
    }
    let before = (0..byte).filter(|&b| !printable(b)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or('\u{100}')
}

/// Byte of each character of the byte-level alphabet; it ends at U+0143.
pub(super) struct ByteOf([Option<u8>; 0x144]);

impl ByteOf {
    pub(super) fn new() -> Self {
        let mut table = [None; 0x144];
        for byte in 0..=255 {
            table[byte_char(byte) as usize] = Some(byte);
        }
        Self(table)
    }

    pub(super) fn get(&self, c: char) -> Option<u8> {
        self.0.get(c as usize).copied().flatten()
    }
}

/// The merge engine of one vocabulary.
pub(super) struct Bpe {
    engine: PipelineBPE,
    /// Real tokens of each engine id: `tokens[ends[i - 1]..ends[i]]`.
    tokens: Vec<u32>,
    ends: Vec<u32>,
}

/// What is collected before the engine is built.
struct Builder<'v> {
    vocab: &'v Vocab,
    engine: EngineVocab,
    /// As in [`Bpe`].
    tokens: Vec<u32>,
    ends: Vec<u32>,
}

impl Builder<'_> {
    /// The engine's id of `piece`, made on first sight.
    fn id(&mut self, piece: &str, expansion: impl FnOnce(&Self) -> Vec<u32>) -> u32 {
        if let Some(&id) = self.engine.get(piece) {
            return id;
        }
        let id = self.ends.len() as u32;
        match self.vocab.id(piece) {
            Some(token) if !self.vocab.kind(token).is_markup() => self.tokens.push(token),
            _ => self.tokens.extend(expansion(self)),
        }
        self.ends.push(self.tokens.len() as u32);
        self.engine.insert(piece.to_owned(), id);
        id
    }
}

impl Bpe {
    /// `merges`: the two halves of each, in order of rank; `whole_words`: a word that is a token is taken whole.
    ///
    /// A large vocabulary (280 000 merges) makes this the peak of linear memory on the GPU path: every list gets its
    /// size at once, and what is no longer needed goes before the engine builds its tables.
    pub(super) fn new<'a>(
        vocab: &Vocab,
        merges: impl Iterator<Item = (&'a str, &'a str)>,
        alphabet: Alphabet,
        whole_words: bool,
        unknown: Option<u32>,
    ) -> Result<Self> {
        let byte_of = ByteOf::new();
        let spelled = |piece: &str| alphabet == Alphabet::Characters || piece.chars().all(|c| byte_of.get(c).is_some());
        let mut builder = Builder {
            vocab,
            engine: EngineVocab::with_capacity(vocab.len()),
            tokens: Vec::with_capacity(vocab.len()),
            ends: Vec::with_capacity(vocab.len()),
        };
        for byte in 0..=255u8 {
            match alphabet {
                Alphabet::Bytes => builder.id(byte_char(byte).encode_utf8(&mut [0; 4]), |_| Vec::new()),
                Alphabet::Characters => builder.id(&format!("<0x{byte:02X}>"), |_| unknown.into_iter().collect()),
            };
        }
        if whole_words || alphabet == Alphabet::Characters {
            for (id, piece) in vocab.pieces().enumerate() {
                if !vocab.kind(id as u32).is_markup() && spelled(piece) {
                    builder.id(piece, |_| Vec::new());
                }
            }
        }
        let at_most = merges.size_hint().1.unwrap_or(0); // the length of a list at hand
        let mut list = Merges::with_capacity(at_most);
        let mut seen = std::collections::HashSet::with_capacity(at_most);
        let mut product = String::new();
        for (left, right) in merges {
            if left.is_empty() || right.is_empty() || !spelled(left) || !spelled(right) {
                continue; // can never apply
            }
            let l = builder.id(left, |b| spell_out(b.vocab, left));
            let r = builder.id(right, |b| spell_out(b.vocab, right));
            if !seen.insert((l, r)) {
                continue; // the first, lowest rank counts
            }
            product.clear();
            product.push_str(left);
            product.push_str(right);
            if product.len() > u16::MAX as usize {
                return Err(Error::bad_file(
                    "tokenizer.ggml.merges",
                    "products below 64 KiB",
                    product.len(),
                ));
            }
            builder.id(&product, |b| match b.vocab.id(&product) {
                // markup: what it is merged from instead
                Some(_) => [l, r]
                    .iter()
                    .flat_map(|&half| real(&b.tokens, &b.ends, half))
                    .copied()
                    .collect(),
                None => spell_out(b.vocab, &product),
            });
            list.push((left.to_owned(), right.to_owned()));
        }
        drop(seen);
        list.shrink_to_fit();
        let Builder {
            engine, tokens, ends, ..
        } = builder;
        let config = BpeConfig {
            vocab: engine,
            merges: list,
            byte_level: alphabet == Alphabet::Bytes,
            byte_fallback: alphabet == Alphabet::Characters,
            ignore_merges: whole_words,
            cache_capacity: 0,
            ..BpeConfig::default()
        };
        let engine =
            PipelineBPE::from_config(config).map_err(|e| Error::bad_file("tokenizer", "a BPE vocabulary", e))?;
        Ok(Self { engine, tokens, ends })
    }

    /// A session for many words: holds the engine's buffers.
    pub(super) fn session(&self) -> Session<'_> {
        Session {
            bpe: self,
            scratch: self.engine.init_scratch(),
            found: Vec::new(),
        }
    }
}

/// The real tokens of engine id `id`.
fn real<'t>(tokens: &'t [u32], ends: &[u32], id: u32) -> &'t [u32] {
    let start = id.checked_sub(1).map_or(0, |before| ends[before as usize]);
    &tokens[start as usize..ends[id as usize] as usize]
}

/// Tokens of a piece that merges can make but the vocabulary lacks: llama.cpp looks up each UTF-8 byte of its
/// spelling as a piece of its own, which finds ASCII only.
fn spell_out(vocab: &Vocab, piece: &str) -> Vec<u32> {
    let ascii = piece.chars().filter(char::is_ascii);
    let tokens = ascii.filter_map(|c| vocab.id(c.encode_utf8(&mut [0; 4])));
    tokens.filter(|&id| !vocab.kind(id).is_markup()).collect()
}

/// The merge engine with its buffers.
pub(super) struct Session<'b> {
    bpe: &'b Bpe,
    scratch: <PipelineBPE as Model>::Scratch,
    found: Vec<tokenizers::pipeline::PipelineToken>,
}

impl Session<'_> {
    /// Appends the tokens of one word.
    pub(super) fn encode(&mut self, word: &str, out: &mut Vec<u32>) -> Result<()> {
        self.found.clear();
        let done = self
            .bpe
            .engine
            .tokenize_pipeline(word, &mut self.scratch, &mut self.found);
        done.map_err(|e| Error::internal(format!("BPE: {e}")))?;
        for token in &self.found {
            out.extend(real(&self.bpe.tokens, &self.bpe.ends, token.id()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_alphabet_is_a_bijection() {
        let byte_of = ByteOf::new();
        for byte in 0..=255 {
            assert_eq!(byte_of.get(byte_char(byte)), Some(byte));
        }
        assert_eq!((byte_char(b' '), byte_char(b'\n'), byte_char(0xad)), ('Ġ', 'Ċ', 'Ń'));
        assert_eq!(byte_of.get('漢'), None);
    }
}
