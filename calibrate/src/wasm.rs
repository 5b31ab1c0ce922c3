//! What JavaScript sees: texts in, a text out. Errors are thrown as `{code, message, detail}`.

use kinglet_route::RouteError;
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// See [`crate::calibrated_text`].
#[wasm_bindgen]
pub fn calibrate(rows: &str, options: &str) -> Result<String, JsValue> {
    crate::calibrated_text(rows, options).map_err(thrown)
}

fn thrown(error: RouteError) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    error.to_json().serialize(&serializer).unwrap_or(JsValue::NULL)
}
