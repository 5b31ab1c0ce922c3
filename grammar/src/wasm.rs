//! What JavaScript sees: a vocabulary that is handed over once, and matchers. Errors are thrown as `{code, message, detail}`.

use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::error::GrammarError;
use crate::{Matcher, Spec, Vocabulary};

/// A model's vocabulary.
#[wasm_bindgen]
pub struct Grammars {
    vocabulary: Rc<Vocabulary>,
}

#[wasm_bindgen]
impl Grammars {
    /// Takes the vocabulary in its packed form.
    #[wasm_bindgen(constructor)]
    pub fn new(n_tokens: usize, packed: &[u8], ends: Vec<u32>) -> Result<Grammars, JsValue> {
        let vocabulary = Vocabulary::from_packed(n_tokens, packed, ends).map_err(thrown)?;
        Ok(Grammars {
            vocabulary: Rc::new(vocabulary),
        })
    }

    /// Compiles a grammar for one answer; `spec` is JSON.
    pub fn compile(&self, spec: &str) -> Result<Constraint, JsValue> {
        let spec = Spec::from_json(spec).map_err(thrown)?;
        let matcher = Matcher::new(&self.vocabulary, &spec).map_err(thrown)?;
        Ok(Constraint { matcher })
    }
}

/// One answer under a grammar.
#[wasm_bindgen]
pub struct Constraint {
    matcher: Matcher,
}

#[wasm_bindgen]
impl Constraint {
    /// One bit for each token that may come next; undefined: every token may.
    pub fn mask(&mut self) -> Result<Option<Vec<u32>>, JsValue> {
        Ok(self.matcher.mask().map_err(thrown)?.map(<[u32]>::to_vec))
    }

    /// Goes on by a token; true: nothing can follow, the answer is complete.
    pub fn commit(&mut self, token: u32) -> Result<bool, JsValue> {
        self.matcher.commit(token).map_err(thrown)?;
        Ok(self.matcher.is_finished())
    }

    /// Goes back to the beginning.
    pub fn reset(&mut self) {
        self.matcher.reset();
    }
}

fn thrown(error: GrammarError) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    error.to_json().serialize(&serializer).unwrap_or(JsValue::NULL)
}
