//! What every GPU test needs: the adapter under test, a shared device, inputs, the comparator.

use std::sync::OnceLock;

use kinglet::gpu::{Device, GpuOptions, Recorder, Tensor};
use kinglet::kernels::Style;

use crate::support::Rng;

/// Lengths that are no multiple of anything, beside ones that are.
pub const AWKWARD: [usize; 8] = [1, 2, 31, 32, 33, 257, 1757, 3072];

/// The device of the adapter that `KINGLET_ADAPTER` names (default lavapipe); opened once per process.
/// A missing adapter fails the test: a skipped GPU test proves nothing.
pub fn device() -> Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(open).clone()
}

/// A recorder of its own on the shared device.
pub fn recorder(style: Style) -> Recorder {
    Recorder::new(device().with_style(style)).expect("recorder")
}

/// A backend of its own on the shared device.
pub fn backend() -> kinglet::backend::Gpu {
    kinglet::backend::Gpu::on(device()).expect("backend")
}

/// A fresh device, for tests that break it.
pub fn open() -> Device {
    opened(GpuOptions::default())
}

/// A fresh device, for tests that measure by its own clock.
pub fn open_with_clock() -> Device {
    opened(GpuOptions {
        timestamps: true,
        ..Default::default()
    })
}

fn opened(options: GpuOptions) -> Device {
    choose_driver();
    let options = GpuOptions {
        allow_software: true,
        ..options
    };
    pollster::block_on(Device::open(&options)).expect("an adapter; install a Vulkan driver")
}

/// Points the Vulkan loader at the driver under test.
pub fn choose_driver() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let wanted = std::env::var("KINGLET_ADAPTER").unwrap_or_else(|_| "lavapipe".into());
        let manifest = match wanted.as_str() {
            "lavapipe" => "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
            "swiftshader" => "/usr/lib/chromium/vk_swiftshader_icd.json",
            "system" => return,
            other => panic!("KINGLET_ADAPTER={other}: expected lavapipe, swiftshader or system"),
        };
        for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
            // SAFETY: done once, under the lock of `ONCE`, before any Vulkan call of this process; tests read no
            // environment concurrently that this could move (the loader is the only reader of these names).
            unsafe { std::env::set_var(name, manifest) };
        }
    });
}

/// How far a GPU may be from the reference.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Normalised mean squared error: `sum((got - want)^2) / sum(want^2)`.
    pub nmse: f64,
    /// Largest error of one element, relative to the larger of its magnitude and the root mean square of all.
    pub max: f64,
}

/// f32 arithmetic in another order: some ulps (6e-8) per sum, squared in the NMSE.
pub const F32_SUM: Bound = Bound { nmse: 1e-12, max: 2e-5 };

/// The same single operations in the same order: at most an ulp or two (fused multiply-add, division).
pub const F32_EXACT: Bound = Bound { nmse: 1e-13, max: 1e-6 };

/// Checks `got` against `want`; `Err` says what is wrong.
pub fn agree(got: &[f32], want: &[f32], bound: Bound) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{} values, expected {}", got.len(), want.len()));
    }
    if let Some(i) = got.iter().position(|v| !v.is_finite()) {
        return Err(format!("element {i} is {}", got[i]));
    }
    let squared = |v: f64| v * v;
    let power: f64 = want.iter().map(|w| squared(f64::from(*w))).sum();
    let error: f64 = got
        .iter()
        .zip(want)
        .map(|(g, w)| squared(f64::from(*g) - f64::from(*w)))
        .sum();
    let rms = (power / want.len().max(1) as f64).sqrt();
    let nmse = if power > 0.0 { error / power } else { error };
    if nmse > bound.nmse {
        return Err(format!("NMSE {nmse:.3e} > {:.1e}", bound.nmse));
    }
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let off = (f64::from(*g) - f64::from(*w)).abs();
        if off > bound.max * f64::from(w.abs()).max(rms) {
            return Err(format!("element {i}: {g}, expected {w} (rms {rms:.3e})"));
        }
    }
    Ok(())
}

/// Checks `got` against `want` where each element has a size of its own, in proportion to which it may be off: a sum may
/// cancel to nothing, its rounding errors do not.
pub fn agree_by(got: &[f32], want: &[f32], size: &[f32], bound: Bound) -> Result<(), String> {
    if got.len() != want.len() || size.len() != want.len() {
        return Err(format!("{} values, expected {}", got.len(), want.len()));
    }
    let mut total = (0f64, 0f64);
    for (i, ((&got, &want), &size)) in got.iter().zip(want).zip(size).enumerate() {
        let (error, size) = (f64::from(got) - f64::from(want), f64::from(size));
        let close = error.abs() <= bound.max * size; // false for NaN
        if !close {
            return Err(format!("element {i}: {got}, expected {want} (size {size:.3e})"));
        }
        total = (total.0 + error * error, total.1 + size * size);
    }
    if total.0 > bound.nmse * total.1 {
        return Err(format!("NMSE {:.3e} > {:.1e}", total.0 / total.1, bound.nmse));
    }
    Ok(())
}

/// Asserts agreement, and that the comparator would have rejected one element that is off by 1 % of the rms.
#[track_caller]
pub fn assert_agree(what: &str, got: &[f32], want: &[f32], bound: Bound) {
    if let Err(e) = agree(got, want, bound) {
        panic!("{what}: {e}");
    }
    let mut wrong = got.to_vec();
    let rms = (want.iter().map(|w| w * w).sum::<f32>() / want.len().max(1) as f32).sqrt();
    let largest = want.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    if let Some(middle) = wrong.len().checked_sub(1).map(|last| last / 2) {
        wrong[middle] += (0.01 * rms).max(10.0 * bound.max as f32 * largest) + 1e-20;
        assert!(
            agree(&wrong, want, bound).is_err(),
            "{what}: the comparator accepts a perturbed element"
        );
    }
}

/// `n` activations with outliers.
pub fn values(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.activation()).collect()
}

/// An activation on the device with this content.
pub fn upload(rec: &mut Recorder, rows: usize, cols: usize, data: &[f32]) -> Tensor {
    let t = rec.tensor("test", rows, cols).expect("tensor");
    rec.upload(&t, 0, data).expect("upload");
    t
}

/// The rows in use of an activation.
pub fn download(rec: &mut Recorder, t: &Tensor) -> Vec<f32> {
    pollster::block_on(rec.download(t)).expect("download")
}
