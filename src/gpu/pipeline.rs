//! Pipelines by variant, compiled once per device.

use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use super::Device;
use super::error::typed;
use super::launch::Access;
use crate::error::{Error, Result};
use crate::kernels::wgsl::Variant;

/// A compiled shader and the layout of its bindings.
pub(super) struct Pipeline {
    pub raw: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// Cache of pipelines.
#[derive(Default)]
pub(super) struct Pipelines(Mutex<HashMap<Variant, Arc<Pipeline>>>);

/// What is wrong with a new pipeline or buffer, if anything: known at once natively, after a round trip in a browser.
pub(super) type Verdict = Pin<Box<dyn Future<Output = Option<Error>>>>;

/// Bytes of a step record: `struct Step` of lib/step.wgsl, and the eight words of [`Launch::more`](super::Launch).
pub(super) const STEP_BYTES: u64 = 48;

impl Pipelines {
    /// The pipeline of `variant`, and the verdict to await when it was compiled just now.
    pub fn get(
        &self,
        device: &Device,
        variant: &Variant,
        access: &[Access],
    ) -> Result<(Arc<Pipeline>, Option<Verdict>)> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache.get(variant) {
            return Ok((found.clone(), None));
        }
        let source = device.drill.compiled(variant, variant.wgsl()?);
        let internal = device.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = Arc::new(compile(&device.device, variant, source, access));
        let (validation, internal) = (validation.pop(), internal.pop());
        let label = variant.label();
        let verdict = Box::pin(async move {
            // A driver that fails to compile a valid shader is an internal error.
            let (invalid, failed) = (validation.await, internal.await);
            invalid.or(failed).map(|error| typed(&label, &error))
        });
        cache.insert(variant.clone(), pipeline.clone());
        Ok((pipeline, Some(verdict)))
    }
}

fn compile(device: &wgpu::Device, variant: &Variant, source: String, access: &[Access]) -> Pipeline {
    let label = variant.label();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(&label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let mut entries = vec![
        entry(0, wgpu::BufferBindingType::Uniform, true),
        entry(1, wgpu::BufferBindingType::Uniform, false),
    ];
    for (binding, access) in (2..).zip(access) {
        let read_only = *access == Access::Read;
        entries.push(entry(binding, wgpu::BufferBindingType::Storage { read_only }, false));
    }
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(&label),
        entries: &entries,
    });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(&label),
        bind_group_layouts: &[Some(&layout)],
        ..Default::default()
    });
    let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&label),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some(variant.entry),
        compilation_options: Default::default(),
        cache: None,
    });
    Pipeline { raw, layout }
}

fn entry(binding: u32, ty: wgpu::BufferBindingType, has_dynamic_offset: bool) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset,
            min_binding_size: if has_dynamic_offset {
                NonZeroU64::new(STEP_BYTES)
            } else {
                None
            },
        },
        count: None,
    }
}
