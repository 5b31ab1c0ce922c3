//! `kinglet kernels`: what each GPU kernel reaches of what the adapter can read and compute.

use kinglet::backend::gpu::{Device, GpuOptions};
use kinglet::bench::{self, Plan};
use kinglet::{Error, Result, platform};
use pollster::block_on;

use crate::output;

/// Measures by a plan in JSON; progress goes to standard error, one line of JSON to standard output.
pub fn kernels(plan: &str) -> Result<()> {
    let plan: Plan = serde_json::from_str(plan).map_err(|e| Error::invalid("plan", "fields of bench::Plan", e))?;
    let options = GpuOptions {
        allow_software: true,
        ..GpuOptions::default()
    };
    block_on(async {
        let device = Device::open(&options).await?;
        let found = bench::run(device, &plan, platform::now_ms, &mut |line| eprintln!("{line}")).await?;
        output::line(&found)
    })
}
