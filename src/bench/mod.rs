//! What each kernel reaches of what the device can read and compute, measured in the same run. Only with the feature
//! `bench`, which nothing that is shipped has.
//!
//! A stage of [`Ops`](crate::ops::Ops) is run with random weights on the GPU, compared with the exact mode on some of its
//! rows, and only then timed: one that computes something else gets no figures. The device's own speeds come from
//! shaders that do nothing but read, multiply or be dispatched; they are checked as well.

mod case;
mod compare;
mod data;
mod peaks;
mod plan;
mod stand;
mod timing;
mod tunings;

pub use case::Stage;
pub use peaks::variants;
pub use plan::Plan;

use serde_json::{Value, json};

use crate::backend::{Gpu, Reference};
use crate::error::Result;
use crate::gpu::Device;
use case::Case;
use compare::{Bound, compare};
use data::Data;
use peaks::{Peaks, best};
use stand::Stand;
use timing::Timer;

/// Rows of a product that are compared with the reference.
const COMPARED: usize = 48;

/// Measures everything that `plan` names on `device`; `said` hears of each figure as it is there.
///
/// # Errors
/// What the device reports, and what cannot be measured: an unknown format, a matrix that does not fit.
pub async fn run(device: Device, plan: &Plan, now_ms: fn() -> f64, said: &mut dyn FnMut(&str)) -> Result<Value> {
    let mut gpu = Gpu::on(device)?;
    let timer = Timer::new(&mut gpu, plan, now_ms).await?;
    let peaks = Peaks::measure(&mut gpu, plan, &timer).await?;
    for (name, peak) in &peaks.0 {
        said(&format!("{name}: {peak}"));
    }
    let base = *gpu.tuning();
    let mut kernels = Vec::new();
    for case in plan.cases()? {
        let data = Data::new(&case, COMPARED)?;
        for tuning in tunings::of(plan, &case, &base, gpu.device().abilities()) {
            gpu.set_tuning(tuning);
            let mut found = measure(&mut gpu, &case, &data, plan, &timer).await?;
            peaks.relate(&case, &mut found);
            found["tuning"] = json!(tuning);
            said(&found.to_string());
            kernels.push(found);
        }
        gpu.set_tuning(base);
    }
    let device = gpu.device();
    Ok(json!({
        "adapter": device.name(),
        "software": device.software(),
        "abilities": device.abilities(),
        "max_binding": device.max_binding(),
        "empty_wait_ms": timer.empty_ms(),
        "plan": plan,
        "peaks": peaks.0,
        "kernels": kernels,
    }))
}

/// One stage with one tuning: `{…, valid, ms, gb_per_s, gflop_per_s}`, or `{…, wrong}` and no figures.
async fn measure(gpu: &mut Gpu, case: &Case, data: &Data, plan: &Plan, timer: &Timer) -> Result<Value> {
    let mut found = case.describe();
    let mut stand = Stand::new(gpu, case, data, data.whole(), plan.copies(case)).await?;
    let shaders = stand.shaders(gpu, timer.clock()).await?;
    (found["dispatches"], found["shaders"]) = (json!(shaders.0), json!(shaders.1));
    // What it took to find that out has run.
    stand.refresh(gpu, data, data.whole())?;
    if plan.broken {
        stand.spoil(gpu, data)?;
    }
    let mut reference = Reference::new();
    let mut twin = Stand::new(&mut reference, case, data, data.picked(), 1).await?;
    let want = twin.result(&mut reference).await?;
    let got = data.pick(&stand.result(gpu).await?);
    match compare(&got, &want, Bound::of(gpu.tuning(), case)) {
        Ok(agreement) => found["valid"] = json!(agreement),
        Err(problem) => {
            found["wrong"] = json!(problem);
            return Ok(found);
        }
    }
    let time = timer.time(gpu, |gpu, i| stand.run(gpu, i)).await?;
    found["ms"] = json!(time);
    found["gb_per_s"] = json!(case.bytes() as f64 / time.median / 1e6);
    found["gflop_per_s"] = json!(case.flop() / time.median / 1e6);
    Ok(found)
}

impl Peaks {
    /// Adds which part of the device's own speeds a kernel reached.
    fn relate(&self, case: &Case, found: &mut Value) {
        let share = |rate: &Value, peak: Option<f64>| rate.as_f64().zip(peak).map(|(rate, peak)| rate / peak);
        let read = share(&found["gb_per_s"], best(&self.0, "read"));
        let fma = share(&found["gflop_per_s"], best(&self.0, "fma"));
        if case.tokens == 1 {
            found["of_read"] = json!(read);
        } else {
            found["of_fma"] = json!(fma);
        }
    }
}
