//! What a model would take, for `availability` (pkg/src/inspect.ts): only its header is read.

use std::rc::Rc;

use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use super::{from_js, source, thrown, to_js};
use crate::error::{Error, Result};
use crate::platform::{ByteSource, Reader};
use crate::session::{Estimate, Place, SessionOptions, Size};

/// Reads a model's header. `places`: `[{max_buffer, total, shards}]`, bytes or null; the answer has a verdict for each:
/// `{model, …, context, memory, verdicts: [{needed, error}], smaller: [{context, memory, verdicts}]}`, where `needed` is the
/// largest share's, and `error` null where it fits; `smaller` is what loading on a GPU tries where it does not.
#[wasm_bindgen]
pub async fn inspect(readers: Vec<Reader>, options: JsValue, places: JsValue) -> std::result::Result<JsValue, JsValue> {
    verdicts(readers, options, places).await.map_err(thrown)
}

async fn verdicts(readers: Vec<Reader>, options: JsValue, places: JsValue) -> Result<JsValue> {
    let options = SessionOptions::from_json(&from_js("options", options)?)?;
    let places = from_js("places", places)?;
    let sources: Vec<Rc<dyn ByteSource>> = readers.into_iter().map(source).collect();
    let estimate = Estimate::new(sources, &options).await?;
    let places: Vec<Place> = places.as_array().into_iter().flatten().map(read_place).collect();
    let verdicts = |size: &Size| -> Value {
        let verdict = |&place: &Place| {
            let error = size.fits(place).err().as_ref().map(Error::to_json);
            json!({"needed": size.share(place), "error": error})
        };
        places.iter().map(verdict).collect()
    };
    let mut answer = json!(estimate);
    answer["verdicts"] = verdicts(&estimate.size);
    for (i, size) in estimate.smaller.iter().enumerate() {
        answer["smaller"][i]["verdicts"] = verdicts(size);
    }
    Ok(to_js(&answer))
}

fn read_place(place: &Value) -> Place {
    let bytes = |name: &str| place.get(name).and_then(Value::as_f64).map(|n| n as u64);
    Place {
        max_buffer: bytes("max_buffer").unwrap_or(u64::MAX),
        total: bytes("total"),
        shards: bytes("shards")
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(1)
            .max(1),
    }
}
