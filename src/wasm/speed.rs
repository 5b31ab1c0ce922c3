//! The module's own check of its instructions, and measurements for the benchmark.

use wasm_bindgen::prelude::*;

use super::thrown;
use crate::cpu::simd::Level;
use crate::cpu::speed;
use crate::error::{Error, Result};
use crate::platform::now_ms;
use crate::quant::DType;

/// False where this module's instructions do not do on this processor what the kernels rely on: load the other module.
#[wasm_bindgen]
pub fn self_test() -> bool {
    speed::byte_dot_is_exact(Level::best())
}

/// GB/s of a plain read of `bytes` bytes of linear memory, median of `rounds`.
#[wasm_bindgen(js_name = streamingRead)]
pub fn streaming_read(bytes: usize, rounds: usize) -> std::result::Result<f64, JsValue> {
    speed::streaming_read(Level::best(), bytes, rounds, now_ms).map_err(thrown)
}

/// GB/s of weights `[rows, cols]` of a format in a product with one activation, median of `rounds`.
#[wasm_bindgen(js_name = kernelSpeed)]
pub fn kernel_speed(dtype: &str, rows: usize, cols: usize, rounds: usize) -> std::result::Result<f64, JsValue> {
    product_speed(dtype, rows, cols, rounds).map_err(thrown)
}

fn product_speed(dtype: &str, rows: usize, cols: usize, rounds: usize) -> Result<f64> {
    let found = DType::ALL.into_iter().find(|t| t.name() == dtype);
    let all = || DType::ALL.map(DType::name).join(", ");
    let dtype = found.ok_or_else(|| Error::invalid("dtype", all(), dtype))?;
    speed::product_speed(Level::best(), dtype, [rows, cols, 1], rounds, now_ms)
}
