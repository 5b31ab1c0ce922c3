//! Opening the device and what it can do.

use std::sync::{Arc, Mutex, PoisonError};

use super::account::Account;
use super::drill::Drill;
use super::error::{Fault, typed};
use super::pipeline::Pipelines;
use crate::error::{Error, Result};
use crate::kernels::wgsl::{Extra, Style};
use crate::platform::{has_packed_products, has_subgroups, request_device};

/// How to open the device.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Accept an adapter that computes on the CPU. Without it, finding only such an adapter is an error: the CPU backend
    /// is faster.
    pub allow_software: bool,
    /// Ask for the device's own clock, which [`Recorder::measured`](super::Recorder::measured) then uses. Only for measuring:
    /// on some GPUs all work is slower with it.
    pub timestamps: bool,
    /// Faults that a test orders.
    pub drill: Drill,
}

/// What an open device has beyond what every one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Abilities {
    /// Least and most threads of a subgroup, where shaders may use subgroups.
    pub subgroups: Option<(u32, u32)>,
    /// Shaders may use the type `f16`.
    pub f16: bool,
    /// Shaders may use the packed products of bytes (a language feature: fast only where the hardware has them).
    pub int8: bool,
}

impl Abilities {
    /// A variant that needs these can be compiled.
    pub fn allow(&self, extras: &[Extra]) -> bool {
        extras.iter().all(|extra| match extra {
            Extra::Subgroups => self.subgroups.is_some(),
            Extra::F16 => self.f16,
            Extra::Int8 => self.int8,
        })
    }
}

/// Names by which software adapters are known where nothing else tells.
const SOFTWARE_NAMES: [&str; 5] = ["swiftshader", "llvmpipe", "lavapipe", "softpipe", "basic render"];

/// Stands for the name of an adapter that does not tell it.
const HIDDEN_NAME: &str = "WebGPU adapter (name hidden)";

/// An open device; cheap to clone, shared by everything that computes on it.
#[derive(Clone)]
pub struct Device {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) fault: Fault,
    pub(super) pipelines: Arc<Pipelines>,
    pub(super) account: Account,
    pub(super) drill: Drill,
    /// Bytes that a drill leaves.
    pub(super) memory: Option<u64>,
    /// Submits left until a drill's loss.
    countdown: Arc<Mutex<Option<u64>>>,
    name: Arc<str>,
    software: bool,
    style: Style,
    max_binding: u64,
    /// It can say what time it is.
    pub(super) timestamps: bool,
    abilities: Abilities,
}

impl Device {
    /// Opens the best adapter, or says why there is none ([`Error::GpuUnavailable`]).
    pub async fn open(options: &GpuOptions) -> Result<Self> {
        if !options.drill.present() {
            return Err(unavailable("no WebGPU adapter: a drill".into()));
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            })
            .await
            .map_err(|e| unavailable(format!("no WebGPU adapter: {e}")))?;
        let info = adapter.get_info();
        let serial = is_software(&info);
        let software = serial && !options.drill.hardware();
        let name = if info.name.is_empty() {
            HIDDEN_NAME.into()
        } else {
            info.name
        };
        if software && !options.allow_software {
            return Err(unavailable(format!("the only adapter, {name}, computes in software")));
        }
        let limits = required_limits(&adapter.limits());
        let mut wanted = wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP;
        wanted.set(wgpu::Features::TIMESTAMP_QUERY, options.timestamps);
        let features = adapter.features() & wanted;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("kinglet"),
            required_features: features,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) = request_device(&adapter, &descriptor)
            .await
            .map_err(|e| unavailable(format!("{name}: {e}")))?;
        let sizes = (info.subgroup_min_size, info.subgroup_max_size);
        let abilities = Abilities {
            // Sizes that are not told are of no use.
            subgroups: (has_subgroups(&device) && sizes.0 > 0).then_some(sizes),
            f16: features.contains(wgpu::Features::SHADER_F16),
            int8: has_packed_products(&instance),
        };
        let fault = Fault::default();
        watch(&device, &fault);
        let style = if serial { Style::Serial } else { Style::Tree };
        Ok(Self {
            device,
            queue,
            fault,
            pipelines: Arc::default(),
            account: Account::default(),
            countdown: Arc::new(Mutex::new(options.drill.next_loss())),
            memory: options.drill.next_memory(),
            drill: options.drill.clone(),
            name: name.into(),
            software,
            style,
            max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            abilities,
        })
    }

    /// Adapter name as far as it is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The adapter does not say what it is (most browsers): whether it is software, only its speed can tell.
    pub fn name_hidden(&self) -> bool {
        &*self.name == HIDDEN_NAME
    }

    /// True when the adapter is known to compute on the CPU.
    pub fn software(&self) -> bool {
        self.software
    }

    /// The same device with kernels of the given style.
    pub fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// The same device with a lower limit for bindings: larger weights are split by rows.
    pub fn with_max_binding(mut self, bytes: u64) -> Self {
        self.max_binding = self.max_binding.min(bytes);
        self
    }

    /// What it has beyond what every device has.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// How kernels reduce on this device.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Most bytes in one storage buffer that a kernel can see.
    pub fn max_binding(&self) -> u64 {
        self.max_binding
    }

    /// The error that the device reported since it was opened, if any.
    pub fn check(&self) -> Result<()> {
        self.fault.check()
    }

    /// Waits for a submit, or for all of them, natively; in a browser the event loop does it.
    pub(super) fn poll(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        match self.device.poll(wgpu::PollType::Wait {
            submission_index,
            timeout: None,
        }) {
            Ok(_) => Ok(()),
            Err(e) => Err(Error::Gpu {
                what: "waiting for the device".into(),
                message: e.to_string(),
            }),
        }
    }

    /// Called before each submit: a drill may end the device here.
    pub(super) fn count_down(&self) {
        let mut left = self.countdown.lock().unwrap_or_else(PoisonError::into_inner);
        match left.as_mut() {
            Some(0) => {
                *left = None;
                match self.drill.fails() {
                    true => self.fault.set(Error::Gpu {
                        what: "a command".into(),
                        message: "a drill".into(),
                    }),
                    false => self.destroy(),
                }
            }
            Some(n) => *n -= 1,
            None => {}
        }
    }

    /// Ends the device's life on purpose; every later call fails with [`Error::GpuLost`]. For tests and disposal: all its
    /// memory is returned at once.
    pub fn destroy(&self) {
        self.device.destroy();
        self.fault.set(Error::GpuLost {
            message: "it was destroyed".into(),
        });
    }
}

/// Routes lost-device and uncaptured errors into `fault`.
fn watch(device: &wgpu::Device, fault: &Fault) {
    let lost = fault.clone();
    device.set_device_lost_callback(move |reason, message| {
        // Dropping the last handle also "loses" the device; nobody is left to be told.
        lost.set(Error::GpuLost {
            message: format!("{message} ({reason:?})"),
        });
    });
    let uncaptured = fault.clone();
    device.on_uncaptured_error(Arc::new(move |error| uncaptured.set(typed("a command", &error))));
}

/// The specification's defaults (which every kernel respects), with the adapter's buffer sizes.
fn required_limits(adapter: &wgpu::Limits) -> wgpu::Limits {
    wgpu::Limits {
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        max_buffer_size: adapter.max_buffer_size,
        ..wgpu::Limits::default()
    }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    let name = format!("{} {}", info.name, info.driver).to_lowercase();
    info.device_type == wgpu::DeviceType::Cpu || SOFTWARE_NAMES.iter().any(|s| name.contains(s))
}

fn unavailable(message: String) -> Error {
    Error::GpuUnavailable { message }
}
