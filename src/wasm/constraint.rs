//! A constraint that lives in another Wasm module: a JavaScript object with `mask` and `commit`.

use js_sys::Uint32Array;
use serde_json::Value;
use wasm_bindgen::prelude::*;

use crate::error::{Error, Result};
use crate::session::Constraint;

#[wasm_bindgen]
extern "C" {
    /// What grammar.ts makes of a request's grammar.
    pub type JsConstraint;

    /// One bit for each token that may come next; undefined: every token may.
    #[wasm_bindgen(method, catch)]
    fn mask(this: &JsConstraint) -> std::result::Result<Option<Uint32Array>, JsValue>;

    /// Goes on by a token; true: nothing can follow.
    #[wasm_bindgen(method, catch)]
    fn commit(this: &JsConstraint, token: u32) -> std::result::Result<bool, JsValue>;

    /// Goes back to the beginning.
    #[wasm_bindgen(method, catch)]
    fn reset(this: &JsConstraint) -> std::result::Result<(), JsValue>;
}

/// The object, and a copy of its last mask in this module's memory.
struct Foreign {
    object: JsConstraint,
    mask: Vec<u32>,
}

/// A constraint for the engine.
pub(super) fn boxed(object: JsConstraint) -> Box<dyn Constraint> {
    Box::new(Foreign {
        object,
        mask: Vec::new(),
    })
}

impl Constraint for Foreign {
    fn mask(&mut self) -> Result<Option<&[u32]>> {
        let Some(mask) = self.object.mask().map_err(error)? else {
            return Ok(None);
        };
        self.mask.resize(mask.length() as usize, 0);
        mask.copy_to(&mut self.mask);
        Ok(Some(&self.mask))
    }

    fn commit(&mut self, token: u32) -> Result<bool> {
        self.object.commit(token).map_err(error)
    }

    fn reset(&mut self) -> Result<()> {
        self.object.reset().map_err(error)
    }
}

/// The module throws `{code, message, detail: {param}}`; anything else is a crash of it.
fn error(thrown: JsValue) -> Error {
    let told: Value = serde_wasm_bindgen::from_value(thrown.clone()).unwrap_or_default();
    let text = |pointer: &str| {
        told.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (param, message) = (text("/detail/param"), text("/detail/reason"));
    match text("/code").as_str() {
        "invalid_grammar" => Error::InvalidGrammar { param, message },
        "unsupported_grammar" => Error::UnsupportedGrammar { param, message },
        _ => Error::internal(format!("the grammar module failed: {thrown:?}")),
    }
}
