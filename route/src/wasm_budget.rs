//! What JavaScript sees of budgets: JSON texts in, JSON texts out. Errors are thrown as `{code, message, detail}`.

use wasm_bindgen::prelude::*;

use crate::budget;
use crate::wasm::thrown;

/// What is done with a budget's state: see [`budget::answer`].
#[wasm_bindgen]
pub fn budget(policy: &str, state: &str, now: f64, call: &str) -> Result<String, JsValue> {
    budget::answer(policy, state, now, call).map_err(thrown)
}

/// The summary of rows.
#[wasm_bindgen]
pub fn summarise_ledger(rows: &str) -> Result<String, JsValue> {
    budget::summarised(rows).map_err(thrown)
}
