//! The measurement of kernels (`crate::bench`) for a page: only in a module that is built for it.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::thrown;
use crate::bench::{self, Plan};
use crate::error::{Error, Result};
use crate::gpu::{Device, GpuOptions};
use crate::platform::now_ms;

/// Measures by `plan`, the text of a JSON object; `said(line)` hears of each figure. Resolves to the text of the report.
#[wasm_bindgen(js_name = measureKernels)]
pub async fn measure_kernels(plan: String, said: Function) -> std::result::Result<String, JsValue> {
    measure(&plan, &said).await.map_err(thrown)
}

async fn measure(plan: &str, said: &Function) -> Result<String> {
    let plan: Plan = serde_json::from_str(plan).map_err(|e| Error::invalid("plan", "fields of bench::Plan", e))?;
    let options = GpuOptions {
        allow_software: true,
        ..GpuOptions::default()
    };
    let device = Device::open(&options).await?;
    let mut tell = |line: &str| {
        let _ = said.call1(&JsValue::NULL, &line.into()); // a listener that throws changes nothing
    };
    Ok(bench::run(device, &plan, now_ms, &mut tell).await?.to_string())
}
