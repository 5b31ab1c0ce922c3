//! What a dispatch is given: an encoder with a pass, a uniform, a bind group.

use std::num::NonZeroU64;

use super::Device;
use super::launch::Launch;
use super::pipeline::{Pipeline, STEP_BYTES};

pub(super) fn open(device: &Device) -> (wgpu::CommandEncoder, wgpu::ComputePass<'static>) {
    let mut encoder = device.device.create_command_encoder(&Default::default());
    let pass = encoder.begin_compute_pass(&Default::default()).forget_lifetime();
    (encoder, pass)
}

/// A uniform with this content.
pub(super) fn uniform(device: &Device, content: &[u8]) -> wgpu::Buffer {
    let mut bytes = content.to_vec();
    bytes.resize(content.len().next_multiple_of(16).max(16), 0);
    let buffer = device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("params"),
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    device.queue.write_buffer(&buffer, 0, &bytes);
    buffer
}

pub(super) fn bind(
    device: &Device,
    pipeline: &Pipeline,
    step: &wgpu::Buffer,
    uniform: &wgpu::Buffer,
    launch: &Launch<'_>,
) -> wgpu::BindGroup {
    let step = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer: step,
        offset: 0,
        size: NonZeroU64::new(STEP_BYTES),
    });
    let mut entries = vec![
        wgpu::BindGroupEntry {
            binding: 0,
            resource: step,
        },
        wgpu::BindGroupEntry {
            binding: 1,
            resource: uniform.as_entire_binding(),
        },
    ];
    for (binding, b) in (2..).zip(launch.bindings) {
        entries.push(wgpu::BindGroupEntry {
            binding,
            resource: b.buffer.raw.as_entire_binding(),
        });
    }
    device.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(launch.variant.kernel),
        layout: &pipeline.layout,
        entries: &entries,
    })
}
