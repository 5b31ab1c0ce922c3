//! Text and tokens: the tokenizer of a model file, its chat template, and text from tokens as they come.

mod bpe;
mod gguf;
mod json;
mod pattern;
mod pre;
mod protect;
mod special;
mod spm;
mod stop;
mod stream;
pub mod template;
mod tokenizer;
mod unicode_classes;
mod vocab;

pub use protect::Guard;
pub use stop::StopFilter;
pub use stream::TokenStream;
pub use tokenizer::{Bos, Special, Tokenizer};
