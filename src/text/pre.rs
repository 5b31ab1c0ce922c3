//! Pre-tokenizers: how text is cut into words before byte-level BPE merges run inside each word.
//!
//! `tokenizer.ggml.pre` names one. Each is a list of patterns applied in turn, every one cutting the pieces that the
//! ones before it left. The patterns say what llama.cpp's do (it treats all non-ASCII letters as both cases and
//! folds every non-ASCII white space into one character); ids must agree with it, since that is what the names mean.

use super::pattern::Pattern;
use crate::error::{Error, Result};

/// GPT-2's words: contractions, letters, digits and symbols, each with one leading space.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{L}&&[^a-z]]*[\p{L}&&[^A-Z]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{L}&&[^a-z]]+[\p{L}&&[^A-Z]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{L}&&[^a-z]]*[\p{L}&&[^A-Z]]+|[^\r\n\p{L}\p{N}]?[\p{L}&&[^a-z]]+[\p{L}&&[^A-Z]]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;
const CJK_KANA: &str = "[一-龥぀-ゟ゠-ヿ]+";
const DEEPSEEK_CJK: &str = "[一-龥ࠀ-一가-퟿]+";
/// Letters of alphabets with case, as DeepSeek LLM lists them.
const DEEPSEEK_LETTERS: &str = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const BLOOM: &str = " ?[^(\\s|.,!?…。，、।۔،)]+";

/// A family of pre-tokenizers that share patterns and defaults.
struct Family {
    names: &'static [&'static str],
    patterns: &'static [&'static str],
    /// A word that is a token is taken whole, without merging.
    whole_words: bool,
    /// `add_bos_token` where the file does not say.
    add_bos: bool,
}

/// A row of [`FAMILIES`] with the usual defaults.
const fn family(names: &'static [&'static str], patterns: &'static [&'static str]) -> Family {
    Family {
        names,
        patterns,
        whole_words: false,
        add_bos: false,
    }
}

/// Every pre-tokenizer that kinglet knows exactly.
const FAMILIES: &[Family] = &[
    family(
        &["default"],
        &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
    ),
    Family {
        names: &[
            "llama3",
            "llama-v3",
            "llama-bpe",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2",
            "jina-v5-nano",
        ],
        patterns: &[LLAMA3],
        whole_words: true,
        add_bos: true,
    },
    family(&["dbrx", "smaug-bpe", "chatglm-bpe"], &[LLAMA3]),
    Family {
        names: &["glm4", "glm5"],
        patterns: &[LLAMA3],
        whole_words: true,
        add_bos: false,
    },
    family(
        &[
            "qwen2",
            "deepseek-r1-qwen",
            "kormo",
            "f2llmv2",
            "megrez",
            "stablelm2",
            "hunyuan",
            "grok-2",
            "solar-open",
        ],
        &[QWEN2],
    ),
    family(&["qwen35"], &[QWEN35]),
    family(
        &[
            "gpt-2",
            "phi-2",
            "jina-es",
            "jina-de",
            "gigachat",
            "jina-v2-es",
            "jina-v2-de",
            "a.x-4.0",
            "mellum",
            "modern-bert",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4",
        ],
        &[GPT2],
    ),
    family(
        &[
            "smollm",
            "starcoder",
            "refact",
            "command-r",
            "codeshell",
            "exaone",
            "minerva-7b",
            "mellum2",
        ],
        &[r"\p{N}", GPT2],
    ),
    family(&["gpt-4o", "phi-4", "llama4", "kanana2", "minimax-m2"], &[GPT4O]),
    Family {
        names: &["tekken"],
        patterns: &[TEKKEN],
        whole_words: true,
        add_bos: true,
    },
    family(
        &["deepseek-llm"],
        &[
            "[\r\n]",
            DEEPSEEK_LETTERS,
            r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
            r"\s+$",
            DEEPSEEK_CJK,
            r"\p{N}+",
        ],
    ),
    family(
        &["deepseek-coder"],
        &["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, r"\p{N}"],
    ),
    family(
        &["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"],
        &[r"\p{N}{1,3}", CJK_KANA, DEEPSEEK3],
    ),
    family(&["falcon"], &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"]),
    family(&["bloom", "gpt3-finnish", "poro-chat"], &[BLOOM]),
    family(&["viking"], &[BLOOM, r"\p{N}"]),
    family(
        &["bailingmoe", "bailingmoe2", "llada-moe"],
        &[r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"],
    ),
    family(
        &["seed-coder"],
        &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    ),
];

/// A compiled pre-tokenizer.
#[derive(Debug, Clone)]
pub(super) struct Pre {
    patterns: Vec<Pattern>,
    pub(super) whole_words: bool,
    pub(super) add_bos: bool,
}

impl Pre {
    /// The pre-tokenizer that `tokenizer.ggml.pre` names.
    pub(super) fn named(name: &str) -> Result<Self> {
        let known = FAMILIES.iter().find(|f| f.names.contains(&name));
        let found = known.ok_or_else(|| Error::UnsupportedTokenizer {
            what: "pre-tokenizer".into(),
            got: name.to_owned(),
            supported: FAMILIES
                .iter()
                .flat_map(|f| f.names)
                .copied()
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let patterns: Option<_> = found.patterns.iter().map(|p| Pattern::new(p)).collect();
        Ok(Self {
            patterns: patterns.ok_or_else(|| Error::internal(format!("patterns of pre-tokenizer {name}")))?,
            whole_words: found.whole_words,
            add_bos: found.add_bos,
        })
    }

    /// The pre-tokenizer of a tokenizer.json: its `Split` patterns in order.
    pub(super) fn from_patterns(sources: &[String], whole_words: bool) -> Result<Self> {
        let compile = |source: &String| {
            let source = CASED
                .iter()
                .find(|(theirs, _)| theirs == source)
                .map_or(source.as_str(), |c| c.1);
            Pattern::new(source).ok_or_else(|| Error::UnsupportedTokenizer {
                what: "pre-tokenizer pattern".into(),
                got: source.to_owned(),
                supported: "classes of letters, marks, numbers, punctuation, symbols and white space".into(),
            })
        };
        Ok(Self {
            patterns: sources.iter().map(compile).collect::<Result<_>>()?,
            whole_words,
            add_bos: false,
        })
    }

    /// Calls `word` for each word of `text`, in order; together they are `text`.
    pub(super) fn words<'t>(&self, text: &'t str, mut word: impl FnMut(&'t str) -> Result<()>) -> Result<()> {
        // One stand-in for white space beyond ASCII: no category but \s holds it, and no range of the patterns either.
        let stand_in = |c: char| if !c.is_ascii() && c.is_whitespace() { '\u{b}' } else { c };
        let chars: Vec<char> = text.chars().map(stand_in).collect();
        let mut pieces = vec![chars.len()];
        for pattern in &self.patterns {
            pieces = pattern.split(&chars, &pieces);
        }
        let mut rest = text;
        for len in pieces {
            let end = rest.char_indices().nth(len).map_or(rest.len(), |(at, _)| at);
            let (head, tail) = rest.split_at(end);
            rest = tail;
            word(head)?;
        }
        Ok(())
    }
}

/// Patterns of tokenizer.json files that tell upper from lower case in all alphabets, and what stands for them here
/// (and in llama.cpp).
const CASED: &[(&str, &str)] = &[
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        GPT4O,
    ),
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        TEKKEN,
    ),
];

/// GPT-2's pattern, which the `ByteLevel` step of a tokenizer.json implies.
pub(super) const BYTE_LEVEL_PATTERN: &str = GPT2;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let pre = Pre::named(name).expect("known");
        pre.words(text, |w| {
            out.push(w.to_owned());
            Ok(())
        })
        .expect("splits");
        out
    }

    #[test]
    fn every_family_compiles_and_keeps_the_text() {
        let text = "Hello  wörld's 12345\r\n\n\t日本語 e\u{301} ＋　。🙂 <|x|> I'LL \u{a0}a  ";
        for family in FAMILIES {
            assert_eq!(words(family.names[0], text).concat(), text, "{:?}", family.names);
        }
    }

    #[test]
    fn letters_that_look_alike_were_not_normalised() {
        for c in ['\u{1f7d}', '\u{1fbe}', '\u{1fd3}', '\u{1fdb}', '\u{2126}', '\u{212a}'] {
            assert!(DEEPSEEK_LETTERS.contains(c), "{:x}", c as u32);
        }
    }

    #[test]
    fn words_of_the_common_families() {
        for (name, text, expected) in [
            ("gpt-2", "it's 1234  a\n", vec!["it", "'s", " 1234", " ", " a", "\n"]),
            (
                "llama-bpe",
                "I'LL 12345!\n\nx",
                vec!["I", "'LL", " ", "123", "45", "!\n\n", "x"],
            ),
            ("qwen2", " 12\n  y", vec![" ", "1", "2", "\n", " ", " y"]),
            ("smollm", "a12 b", vec!["a", "1", "2", " b"]),
            ("gpt-4o", "HelloWorld's/\n", vec!["Hello", "World's", "/\n"]),
            ("deepseek-v3", "a1234你好.com", vec!["a", "123", "4", "你好", ".com"]),
        ] {
            assert_eq!(words(name, text), expected, "{name}");
        }
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let error = Pre::named("nonesuch").expect_err("unknown");
        assert!(matches!(&error, Error::UnsupportedTokenizer { supported, .. } if supported.contains("llama-bpe")));
    }
}
