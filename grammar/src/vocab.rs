//! A model's tokens as bytes, arranged so that all that may follow a text are found at once.

use std::sync::Arc;

use llguidance::toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};
use llguidance::{ParserFactory, earley::SlicedBiasComputer, toktrie::InferenceCapabilities};

use crate::error::{GrammarError, Result};

/// Most entries of a vocabulary, and most bytes of one token: what the trie can hold.
const MAX_TOKENS: usize = 1 << 20;
const MAX_TOKEN_BYTES: usize = 1000;

/// What parsing one grammar and computing one mask may cost. The defaults of `llguidance`, less where a browser's memory
/// counts: a state of the lexer takes 1 to 2 kB.
const MAX_LEXER_STATES: usize = 50_000;

/// A vocabulary, prepared once for all grammars over it.
pub struct Vocabulary {
    pub(crate) factory: ParserFactory,
    pub(crate) tokens: Vec<Vec<u8>>,
    pub(crate) markup: Vec<bool>,
    ends: Vec<u32>,
}

impl Vocabulary {
    /// Prepares a vocabulary. `tokens`: the bytes of each token, empty for one that is never text. `markup`: tokens that
    /// text never becomes; a grammar reaches them by their names alone. `ends`: tokens that end an answer.
    ///
    /// # Errors
    /// [`GrammarError::Unsupported`] for a vocabulary beyond the bounds, or where nothing ends an answer.
    pub fn new(tokens: Vec<Vec<u8>>, markup: Vec<bool>, ends: Vec<u32>) -> Result<Self> {
        let wrong = |message: String| GrammarError::unsupported("model", message);
        if tokens.is_empty() || tokens.len() > MAX_TOKENS || markup.len() != tokens.len() {
            let message = format!("a vocabulary of {} tokens, 1 to {MAX_TOKENS} expected", tokens.len());
            return Err(wrong(message));
        }
        let Some(&first_end) = ends.first() else {
            return Err(wrong("its vocabulary names no token that ends an answer".into()));
        };
        if let Some(id) = ends.iter().find(|&&id| id as usize >= tokens.len()) {
            return Err(wrong(format!("the ending token {id} is not in the vocabulary")));
        }
        let words: Vec<Vec<u8>> = (tokens.iter().zip(&markup))
            .map(|(bytes, &markup)| match markup {
                true => [&[TokTrie::SPECIAL_TOKEN_MARKER][..], bytes].concat(),
                false => bytes.clone(),
            })
            .map(|word| if word.len() > MAX_TOKEN_BYTES { Vec::new() } else { word })
            .collect();
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, first_end), &words).with_eos_tokens(&ends);
        let env: TokEnv = Arc::new(Env(trie));
        let slices = SlicedBiasComputer::json_slices();
        let mut factory = ParserFactory::new(&env, InferenceCapabilities::default(), &slices)
            .map_err(|e| wrong(format!("its vocabulary cannot be arranged: {e}")))?;
        factory.quiet();
        let limits = factory.limits_mut();
        limits.verbose_errors = false;
        limits.max_lexer_states = MAX_LEXER_STATES;
        Ok(Vocabulary {
            factory,
            tokens,
            markup,
            ends,
        })
    }

    /// Reads the form in which a vocabulary crosses from the engine to this module: for each token its length as two bytes,
    /// little-endian, with the highest bit set for markup; then all bytes.
    ///
    /// # Errors
    /// As [`Vocabulary::new`], and for bytes that are no such form.
    pub fn from_packed(n_tokens: usize, packed: &[u8], ends: Vec<u32>) -> Result<Self> {
        let broken = || GrammarError::Misused {
            message: "a vocabulary that was not packed by kinglet".into(),
        };
        let head = n_tokens.checked_mul(2).and_then(|n| packed.split_at_checked(n));
        let (lengths, mut bytes) = head.ok_or_else(broken)?;
        let (mut tokens, mut markup) = (Vec::with_capacity(n_tokens), Vec::with_capacity(n_tokens));
        for length in lengths.chunks_exact(2) {
            let length = u16::from_le_bytes([length[0], length[1]]);
            let (token, rest) = bytes
                .split_at_checked(usize::from(length & 0x7fff))
                .ok_or_else(broken)?;
            tokens.push(token.to_vec());
            markup.push(length & 0x8000 != 0);
            bytes = rest;
        }
        Self::new(tokens, markup, ends)
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// True for no tokens, which [`Vocabulary::new`] refuses.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Tokens that end an answer.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }
}

/// The trie, and no tokenizer: nothing is forced, so none is needed.
struct Env(TokTrie);

impl TokenizerEnv for Env {
    fn tok_trie(&self) -> &TokTrie {
        &self.0
    }

    fn tokenize_bytes(&self, s: &[u8]) -> Vec<TokenId> {
        self.0.greedy_tokenize(s)
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}
