//! Text to tokens and back, for every kind of vocabulary that kinglet runs.
//!
//! The reference is llama.cpp's `llama_tokenize`. One thing is stricter here: text never becomes markup, not even by
//! way of merges.

use std::borrow::Cow;

use super::bpe::{Alphabet, Bpe, ByteOf};
use super::pre::Pre;
use super::special::{self, Part, Specials, Strip};
use super::spm::{SPACE, Spm};
use super::vocab::{Kind, Vocab};
use crate::error::{Error, Result};
use crate::gguf::Strings;

/// What the names of control tokens in a text are; in decoding, whether control tokens are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// Control tokens (decoding: they are shown). For text from a template.
    Parse,
    /// Just text (decoding: control tokens are left out). For text from anyone else.
    AsText,
}

/// Whether tokens are put around a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bos {
    /// As the file says: its beginning-of-text token, its end-of-text token, both or none.
    Auto,
    /// The beginning-of-text token.
    Yes,
    /// None.
    No,
}

/// How a vocabulary turns text into tokens.
pub(super) enum Scheme<'a> {
    /// Merges by score of the product; spaces become U+2581.
    Spm,
    /// Byte-level merges inside words.
    ByteLevel { pre: Pre, merges: MergeList<'a> },
    /// Merges over characters, spaces become U+2581: a SentencePiece vocabulary in a tokenizer.json.
    Characters { merges: MergeList<'a> },
}

/// The two halves of each merge, in order of rank: not a second list beside the file's own.
pub(super) type MergeList<'a> = Box<dyn Iterator<Item = (&'a str, &'a str)> + 'a>;

/// Roles of the tokens around a gap in a text that is to be filled.
const FILL_ROLES: [&str; 3] = ["fim_pre", "fim_suf", "fim_mid"];

/// Everything that a model file says about its tokenizer.
pub(super) struct VocabSpec<'a> {
    pub(super) scheme: Scheme<'a>,
    pub(super) tokens: Strings,
    pub(super) scores: Option<Vec<f32>>,
    pub(super) kinds: Option<Vec<Kind>>,
    /// Ids by role: `bos`, `eos`, `eot`, `eom`, `unknown`, `fim_pad`, …
    pub(super) roles: Vec<(&'static str, u32)>,
    pub(super) add_bos: bool,
    pub(super) add_eos: bool,
    pub(super) space_prefix: bool,
    /// Stripping of single tokens, for those where it is known.
    pub(super) strips: Vec<(u32, Strip)>,
    /// Phi-3's rule: most special tokens swallow the white space after them.
    pub(super) phi3: bool,
    /// Chat templates by name; the default one has the name "".
    pub(super) templates: Vec<(String, String)>,
}

enum Engine {
    Spm(Spm),
    ByteLevel { bpe: Bpe, pre: Pre },
    Characters(Bpe),
}

/// A model's tokenizer.
pub struct Tokenizer {
    vocab: Vocab,
    engine: Engine,
    specials: Specials,
    byte_of: ByteOf,
    roles: Vec<(&'static str, u32)>,
    eog: Vec<u32>,
    add_bos: bool,
    add_eos: bool,
    space_prefix: bool,
    templates: Vec<(String, String)>,
}

impl Tokenizer {
    pub(super) fn new(spec: VocabSpec<'_>) -> Result<Self> {
        let mut vocab = Vocab::new(spec.tokens, spec.kinds, spec.scores)?;
        for &(role, id) in &spec.roles {
            if id as usize >= vocab.len() {
                let expected = format!("an id below {}", vocab.len());
                return Err(Error::bad_file(format!("id of the {role} token"), expected, id));
            }
        }
        let role = |name: &str| spec.roles.iter().find(|r| r.0 == name).map(|r| r.1);
        let mut eog = special::mark(&mut vocab, role);
        let mut roles = spec.roles.clone();
        if let Some(id) = special::turn_end(&vocab).filter(|_| role("eot").is_none()) {
            roles.push(("eot", id));
        }
        for name in FILL_ROLES {
            roles.extend(
                special::middle(&vocab, name)
                    .filter(|_| role(name).is_none())
                    .map(|id| (name, id)),
            );
        }
        eog.extend(["eos", "eot", "eom"].iter().filter_map(|&name| role(name)));
        eog.sort_unstable();
        eog.dedup();
        let strip = |id: u32| match spec.strips.iter().find(|s| s.0 == id) {
            Some(known) => known.1,
            None => Strip {
                left: false,
                right: spec.phi3 && !matches!(vocab.piece(id), "<unk>" | "<s>" | "<|endoftext|>"),
            },
        };
        let specials = Specials::new(&vocab, strip);
        let merges =
            |list: MergeList<'_>, alphabet, whole_words| Bpe::new(&vocab, list, alphabet, whole_words, role("unknown"));
        let engine = match spec.scheme {
            Scheme::Spm => Engine::Spm(Spm::new(&vocab, role("unknown"))),
            Scheme::ByteLevel { pre, merges: list } => Engine::ByteLevel {
                bpe: merges(list, Alphabet::Bytes, pre.whole_words)?,
                pre,
            },
            Scheme::Characters { merges: list } => Engine::Characters(merges(list, Alphabet::Characters, false)?),
        };
        Ok(Self {
            specials,
            engine,
            byte_of: ByteOf::new(),
            roles,
            eog,
            add_bos: spec.add_bos,
            add_eos: spec.add_eos,
            space_prefix: spec.space_prefix,
            templates: spec.templates,
            vocab,
        })
    }

    /// The tokens of `text`.
    ///
    /// User-defined tokens are always found in it; control tokens only with [`Special::Parse`].
    pub fn encode(&self, text: &str, special: Special, bos: Bos) -> Result<Vec<u32>> {
        self.encode_parts(text, special == Special::Parse, &[], bos)
    }

    /// The tokens of a rendered template in which `marker` stands inside every control-token text that a user wrote.
    ///
    /// Control tokens are recognised where no marker interrupts them; then the markers are gone, and everything else
    /// is tokenized as one text. So user text loses the recognition of control tokens and nothing more.
    pub fn encode_marked(&self, text: &str, marker: Option<char>) -> Result<Vec<u32>> {
        let Some(marker) = marker else {
            return self.encode(text, Special::Parse, Bos::No);
        };
        let mut clean = String::with_capacity(text.len());
        let mut seams = Vec::new();
        for (i, piece) in text.split(marker).enumerate() {
            if i > 0 {
                seams.push(clean.len());
            }
            clean.push_str(piece);
        }
        self.encode_parts(&clean, true, &seams, Bos::No)
    }

    fn encode_parts(&self, text: &str, markup: bool, seams: &[usize], bos: Bos) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 2);
        match bos {
            Bos::Auto if self.add_bos => ids.extend(self.bos()),
            Bos::Yes => ids.push(self.bos().ok_or_else(|| {
                let expected = "a model that has a beginning-of-text token";
                Error::invalid("bos", expected, "a model without one")
            })?),
            Bos::Auto | Bos::No => {}
        }
        let parts = self.specials.split(&self.vocab, text, markup, seams);
        let mut session = match &self.engine {
            Engine::Spm(_) => None,
            Engine::ByteLevel { bpe, .. } | Engine::Characters(bpe) => Some(bpe.session()),
        };
        let mut after_special = true;
        for part in parts {
            let range = match part {
                Part::Token(id) => {
                    ids.push(id);
                    after_special = true;
                    continue;
                }
                Part::Text(range) => range,
            };
            let text = &text[range];
            let prefixed = std::mem::take(&mut after_special) && self.space_prefix;
            match (&self.engine, &mut session) {
                (Engine::Spm(spm), _) => spm.encode(&self.vocab, &with_spaces(text, prefixed), &mut ids)?,
                (Engine::ByteLevel { pre, .. }, Some(session)) => {
                    pre.words(text, |word| session.encode(word, &mut ids))?
                }
                (Engine::Characters(_), Some(session)) => session.encode(&with_spaces(text, prefixed), &mut ids)?,
                (_, None) => return Err(Error::internal("a merge engine without session")),
            }
        }
        if bos == Bos::Auto && self.add_eos {
            ids.extend(self.eos());
        }
        Ok(ids)
    }

    /// The text of `ids`, without the space that encoding put in front. Bytes that are no character become U+FFFD.
    pub fn decode(&self, ids: &[u32], special: Special) -> Result<String> {
        if let Some(id) = ids.iter().find(|&&id| id as usize >= self.vocab.len()) {
            return Err(Error::invalid("ids", format!("ids below {}", self.vocab.len()), id));
        }
        let mut stream = super::TokenStream::new(special);
        let mut text: String = ids.iter().map(|&id| stream.push(self, id)).collect();
        text.push_str(&stream.flush());
        Ok(text)
    }

    /// The bytes that a token stands for; not always whole characters. Markup gives its name, an unused id nothing.
    pub fn token_bytes(&self, id: u32) -> Cow<'_, [u8]> {
        let piece = self.vocab.piece(id);
        match (self.vocab.kind(id), &self.engine) {
            (Kind::Unused, _) => Cow::Borrowed(&[]),
            (Kind::Control | Kind::Unknown | Kind::UserDefined, _) => Cow::Borrowed(piece.as_bytes()),
            (Kind::Byte, _) => match byte_piece(piece) {
                Some(byte) => Cow::Owned(vec![byte]),
                None => Cow::Borrowed(piece.as_bytes()),
            },
            (Kind::Normal, Engine::ByteLevel { .. }) => {
                let mut bytes = Vec::with_capacity(piece.len());
                for c in piece.chars() {
                    match self.byte_of.get(c) {
                        Some(byte) => bytes.push(byte),
                        None => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    }
                }
                Cow::Owned(bytes)
            }
            (Kind::Normal, _) if piece.contains(SPACE) => Cow::Owned(piece.replace(SPACE, " ").into_bytes()),
            (Kind::Normal, _) => Cow::Borrowed(piece.as_bytes()),
        }
    }

    /// The bytes of all tokens, for a module that knows nothing of tokenizers: for each token its length as two bytes,
    /// little-endian, with the highest bit set for markup; then all bytes. A token too long for that has none.
    pub fn packed(&self) -> Vec<u8> {
        const MARKUP: u16 = 0x8000;
        let (mut lengths, mut all) = (Vec::with_capacity(2 * self.n_vocab()), Vec::new());
        for id in 0..self.n_vocab() as u32 {
            let bytes = self.token_bytes(id);
            let length = u16::try_from(bytes.len()).ok().filter(|n| n & MARKUP == 0);
            let markup = if self.is_markup(id) { MARKUP } else { 0 };
            lengths.extend((length.unwrap_or(0) | markup).to_le_bytes());
            if length.is_some() {
                all.extend_from_slice(&bytes);
            }
        }
        lengths.extend(all);
        lengths
    }

    /// The token as the vocabulary spells it.
    pub fn token_text(&self, id: u32) -> &str {
        self.vocab.piece(id)
    }

    /// The token that the vocabulary spells so.
    pub fn token_id(&self, text: &str) -> Option<u32> {
        self.vocab.id(text)
    }

    /// Number of tokens.
    pub fn n_vocab(&self) -> usize {
        self.vocab.len()
    }

    fn role(&self, name: &str) -> Option<u32> {
        self.roles.iter().find(|r| r.0 == name).map(|r| r.1)
    }

    /// Beginning-of-text token.
    pub fn bos(&self) -> Option<u32> {
        self.role("bos")
    }

    /// End-of-text token.
    pub fn eos(&self) -> Option<u32> {
        self.role("eos")
    }

    /// End-of-turn token.
    pub fn eot(&self) -> Option<u32> {
        self.role("eot")
    }

    /// Tokens that stand before the text in front of a gap, before the text behind it, and where the gap's own begins;
    /// `None` where the file does not declare all three.
    pub fn fill_in_the_middle(&self) -> Option<[u32; 3]> {
        let [prefix, suffix, middle] = FILL_ROLES.map(|name| self.role(name));
        Some([prefix?, suffix?, middle?])
    }

    /// Whether [`Bos::Auto`] puts the beginning-of-text token first.
    pub fn add_bos(&self) -> bool {
        self.add_bos
    }

    /// Whether [`Bos::Auto`] puts the end-of-text token last.
    pub fn add_eos(&self) -> bool {
        self.add_eos
    }

    /// Tokens that end generation, in ascending order.
    pub fn eog(&self) -> &[u32] {
        &self.eog
    }

    /// True for a token that ends generation.
    pub fn is_eog(&self, id: u32) -> bool {
        self.eog.binary_search(&id).is_ok()
    }

    /// True for a control token.
    pub fn is_control(&self, id: u32) -> bool {
        self.vocab.kind(id) == Kind::Control
    }

    /// True for a control token or the unknown token: what text never becomes.
    pub fn is_markup(&self, id: u32) -> bool {
        self.vocab.kind(id).is_markup()
    }

    /// Texts that template text turns into markup and user text must not: longest first.
    pub fn control_texts(&self) -> impl Iterator<Item = &str> {
        self.specials
            .ids()
            .filter(|&id| self.is_markup(id))
            .map(|id| self.vocab.piece(id))
    }

    /// A chat template of the file: the default one, or one by name (such as `tool_use`).
    pub fn chat_template(&self, name: Option<&str>) -> Option<&str> {
        let name = name.unwrap_or_default();
        self.templates.iter().find(|t| t.0 == name).map(|t| t.1.as_str())
    }

    /// True where encoding puts a space before text.
    pub(super) fn has_space_prefix(&self) -> bool {
        self.space_prefix
    }
}

/// `text` with U+2581 for spaces, and one more in front where `prefixed`.
fn with_spaces(text: &str, prefixed: bool) -> String {
    let mut spaced = String::with_capacity(text.len() + text.len() / 3 + SPACE.len_utf8());
    if prefixed {
        spaced.push(SPACE);
    }
    spaced.extend(text.chars().map(|c| if c == ' ' { SPACE } else { c }));
    spaced
}

/// The byte of `<0x0A>`.
fn byte_piece(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}
