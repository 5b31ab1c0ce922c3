//! Which tokens may come next: JSON schemas, regular expressions, Lark grammars and calls of tools over a model's
//! vocabulary. The automata are those of `llguidance`; what is here decides what they may be given (never a weaker
//! constraint than was asked for), and speaks of tokens.
//!
//! ```
//! use std::rc::Rc;
//! use kinglet_grammar::{Grammar, Matcher, Spec, Vocabulary};
//!
//! let tokens: Vec<Vec<u8>> = ["yes", "no", "y", "es", "<end>"].iter().map(|t| t.as_bytes().to_vec()).collect();
//! let vocabulary = Rc::new(Vocabulary::new(tokens, vec![false, false, false, false, true], vec![4])?);
//! let grammar = Grammar::Regex { pattern: "yes|no".into() };
//! let mut matcher = Matcher::new(&vocabulary, &Spec { grammar, path: "kinglet.regex".into(), trigger: None })?;
//! assert_eq!(matcher.mask()?, Some(&[0b00111][..])); // all but "es" and the end
//! matcher.commit(2)?;
//! assert_eq!(matcher.mask()?, Some(&[0b01000][..]));
//! matcher.commit(3)?;
//! assert!(matcher.accepts()?);
//! # Ok::<(), kinglet_grammar::GrammarError>(())
//! ```

mod error;
mod formats;
mod free;
mod keyword;
mod lark;
mod matcher;
mod pattern;
mod rarer;
mod schema;
mod spec;
mod values;
mod vocab;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use error::{GrammarError, Result};
pub use matcher::Matcher;
pub use spec::{CallFormat, Grammar, Spec, Tool, Trigger};
pub use vocab::Vocabulary;
