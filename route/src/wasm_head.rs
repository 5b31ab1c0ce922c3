//! What JavaScript sees of heads: fitting one, and a fitted one. Errors are thrown as `{code, message, detail}`.

use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::document::read;
use crate::head::{self, Examples, FitOptions, HeadBinding};
use crate::wasm::thrown;

/// What may be said of the fitting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    c: Option<f64>,
}

/// Fits a head to states, one after the other, and the index of the label of each; gives it as JSON.
#[wasm_bindgen]
pub fn fit_head(
    states: &[f32],
    labels: &[u32],
    names: Vec<String>,
    binding: &str,
    options: &str,
) -> Result<String, JsValue> {
    let fitted = || {
        let binding: HeadBinding = read("binding", binding)?;
        let Options { c } = read("options", options)?;
        let default = FitOptions::default();
        let examples = Examples {
            states,
            dimensions: states.len() / labels.len().max(1),
            labels,
        };
        let options = FitOptions {
            c: c.unwrap_or(default.c),
            ..default
        };
        head::fit(&examples, &names, &binding, &options)?.to_json()
    };
    fitted().map_err(thrown)
}

/// A fitted head.
#[wasm_bindgen]
pub struct Head {
    inner: head::Head,
}

#[wasm_bindgen]
impl Head {
    /// From JSON; `binding` is what there is here, and must be what it was fitted with.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str, binding: &str) -> Result<Head, JsValue> {
        let opened = || {
            let inner = head::Head::from_json(text)?;
            inner.binding.check(&read("binding", binding)?)?;
            Ok(Head { inner })
        };
        opened().map_err(thrown)
    }

    /// Its labels.
    pub fn labels(&self) -> Vec<String> {
        self.inner.labels.clone()
    }

    /// The probability of each label.
    pub fn predict(&self, state: &[f32]) -> Result<Vec<f64>, JsValue> {
        Ok(self.inner.predict(state).map_err(thrown)?.probabilities)
    }
}
