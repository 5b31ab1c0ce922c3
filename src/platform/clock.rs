//! What time it is: monotonic milliseconds for timings, and the date.

/// Monotonic milliseconds.
#[cfg(not(target_arch = "wasm32"))]
pub fn now_ms() -> f64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGIN.elapsed().as_secs_f64() * 1e3
}

/// `performance.now()`, which pages and workers both have; 0 where a host has not.
#[cfg(target_arch = "wasm32")]
pub fn now_ms() -> f64 {
    use wasm_bindgen::{JsCast, JsValue};
    let performance = js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str("performance"));
    let performance = performance.ok().and_then(|p| p.dyn_into::<web_sys::Performance>().ok());
    performance.map_or(0.0, |p| p.now())
}

/// Seconds since 1970-01-01 00:00:00 UTC.
#[cfg(not(target_arch = "wasm32"))]
pub fn unix_seconds() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |d| d.as_secs_f64())
}

/// Seconds since 1970-01-01 00:00:00 UTC.
#[cfg(target_arch = "wasm32")]
pub fn unix_seconds() -> f64 {
    js_sys::Date::now() / 1e3
}

/// Returns after `ms` milliseconds.
#[cfg(not(target_arch = "wasm32"))]
pub async fn sleep(ms: u32) {
    std::thread::sleep(std::time::Duration::from_millis(ms.into()));
}

/// Returns after `ms` milliseconds; what else happens in this thread goes on.
#[cfg(target_arch = "wasm32")]
pub async fn sleep(ms: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| set_timeout(&resolve, ms));
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await; // it is never rejected
}

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &js_sys::Function, ms: u32);
}
