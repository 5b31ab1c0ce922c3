//! Records the dispatches of a step and submits them together.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Device;
use super::account::{Account, Aid};
use super::bind::{bind, open, uniform};
use super::buffer::{Buffer, Graveyard, Tensor, stride};
use super::launch::{Binding, Grid, Launch};
use super::measure::Kept;
use super::memo::{Known, Memo};
use super::pipeline::{STEP_BYTES, Verdict};
use super::readback::Readbacks;
use super::ring::Ring;
use crate::error::{Error, Result};
use crate::kernels::wgsl::Variant;
use crate::kernels::{Kernel, dim};

/// What was done so far; tests assert with it that the GPU worked and that steady steps create nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Stats {
    /// Kernels launched.
    pub dispatches: u64,
    /// Command buffers handed to the device.
    pub submits: u64,
    /// Compute passes begun.
    pub passes: u64,
    /// Buffers mapped: waits for a result.
    pub readbacks: u64,
    /// Bytes of weights that dispatches were given, of each dispatch.
    pub weight_bytes: u64,
    /// Bytes written to the device.
    pub uploaded: u64,
    /// GPU objects created: buffers, pipelines, bind groups.
    pub created: u64,
    /// Of these, pipelines: what a compiler was asked for.
    pub compiled: u64,
    /// Storage buffers that the device holds now.
    pub buffers: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Buffers for parameters and results that it holds now.
    pub aids: u64,
    /// Bytes of these.
    pub aid_bytes: u64,
}

/// Distance of two step records: the largest alignment that a device may ask of a dynamic offset.
const STEP_SLOT: u64 = 256;
/// Different row counts (and source rows) within one submit; more are submitted in pieces.
const STEP_SLOTS: usize = 64;

/// Work of one submit: bytes of weights times rows. Some 60 GFLOP, a third of a second on a GPU of 0.2 TFLOPS: the screen waits
/// for a command buffer, and drivers end one of some seconds. A prompt of 128 tokens of Phi-3-mini is some twenty submits.
const MOST_WORK: u64 = 16 << 30;

/// `struct Step` of lib/step.wgsl, and [`Launch::more`].
type Step = [u32; 12];

/// A bind group is determined by its pipeline's layout (the variant), its uniform and its buffers.
#[derive(PartialEq, Eq, Hash)]
struct GroupKey {
    /// Address: pipelines are not dropped before the device.
    pipeline: usize,
    uniform: usize,
    buffers: Vec<u64>,
}

/// Where dispatches are recorded.
pub struct Recorder {
    device: Device,
    graveyard: Graveyard,
    memo: Memo,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
    uniforms: HashMap<Vec<u8>, (usize, Aid)>,
    verdicts: Vec<Verdict>,
    steps: Vec<Step>,
    step_buffer: Aid,
    tokens: Rc<Buffer>,
    pos: u32,
    pub(super) open: Option<(wgpu::CommandEncoder, wgpu::ComputePass<'static>)>,
    /// Dispatches that are not recorded but kept, while somebody measures.
    pub(super) kept: Option<Kept>,
    /// Dispatches since the last submit, and their work.
    recorded: u64,
    work: u64,
    /// Work behind which a step of several rows is handed over in part, unless it is held back.
    most_work: u64,
    held: bool,
    /// An empty submit every so many milliseconds while a result is awaited.
    pub(super) kick_ms: Option<u32>,
    pub(super) readbacks: Readbacks,
    pub(super) ring: Ring,
    pub(super) aids: Account,
    pub(super) stats: Stats,
}

impl Recorder {
    /// A recorder on `device`.
    pub fn new(device: Device) -> Result<Self> {
        let graveyard = Graveyard::new(&device);
        let step_buffer = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("step"),
            size: STEP_SLOT * STEP_SLOTS as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let aids = Account::default();
        let step_buffer = Aid::new(step_buffer, &aids);
        let (tokens, verdict) = Buffer::new(&device, &graveyard, "tokens", 4096)?;
        Ok(Self {
            device,
            graveyard,
            memo: Memo::default(),
            groups: HashMap::new(),
            uniforms: HashMap::new(),
            verdicts: vec![verdict],
            steps: Vec::new(),
            step_buffer,
            tokens: Rc::new(tokens),
            pos: 0,
            open: None,
            kept: None,
            recorded: 0,
            work: 0,
            most_work: MOST_WORK,
            held: false,
            kick_ms: None,
            readbacks: Readbacks::default(),
            ring: Ring::default(),
            aids,
            stats: Stats::default(),
        })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        Stats {
            buffers: self.device.account.buffers(),
            bytes: self.device.account.bytes(),
            aids: self.aids.buffers(),
            aid_bytes: self.aids.bytes(),
            ..self.stats
        }
    }

    /// The token ids of the current step, `array<u32>`.
    pub fn tokens(&self) -> Rc<Buffer> {
        self.tokens.clone()
    }

    /// A zeroed storage buffer.
    pub fn buffer(&mut self, label: &str, bytes: u64) -> Result<Buffer> {
        self.stats.created += 1;
        let (buffer, verdict) = Buffer::new(&self.device, &self.graveyard, label, bytes)?;
        self.judge(verdict)?;
        Ok(buffer)
    }

    /// A zeroed storage buffer for weights, which [`Stats::weight_bytes`] counts.
    pub fn plane(&mut self, label: &str, bytes: u64) -> Result<Buffer> {
        let mut buffer = self.buffer(label, bytes)?;
        buffer.weight = true;
        Ok(buffer)
    }

    /// A zeroed activation.
    pub fn tensor(&mut self, label: &str, rows: usize, cols: usize) -> Result<Tensor> {
        let bytes = (rows as u64).saturating_mul(stride(cols) as u64).saturating_mul(4);
        Ok(Tensor::new(self.buffer(label, bytes)?, rows, cols))
    }

    /// Writes `bytes` (a multiple of 4) at `offset`, after everything recorded before.
    pub fn write(&mut self, buffer: &Buffer, offset: u64, bytes: &[u8]) -> Result<()> {
        self.submit()?;
        if !bytes.len().is_multiple_of(4) || offset.saturating_add(bytes.len() as u64) > buffer.size() {
            let message = format!("write of {} bytes at {offset} into {}", bytes.len(), buffer.size());
            return Err(Error::internal(message));
        }
        self.put(buffer, offset, bytes);
        self.device.check()
    }

    /// Writes `bytes` before everything that is submitted from now on, of which that was recorded before is a part.
    pub(super) fn put(&mut self, buffer: &Buffer, offset: u64, bytes: &[u8]) {
        self.stats.uploaded += bytes.len() as u64;
        self.device.queue.write_buffer(&buffer.raw, offset, bytes);
    }

    /// Writes `data.len() / cols` whole rows of an activation, beginning at `first_row`.
    pub fn upload(&mut self, t: &Tensor, first_row: usize, data: &[f32]) -> Result<()> {
        let mut padded = vec![0.0f32; data.len() / t.cols() * t.stride()];
        for (to, from) in padded.chunks_exact_mut(t.stride()).zip(data.chunks_exact(t.cols())) {
            to[..t.cols()].copy_from_slice(from);
        }
        let offset = first_row as u64 * t.stride() as u64 * 4;
        self.write(t.buffer(), offset, bytemuck::cast_slice(&padded))
    }

    /// Begins a step at position `pos` with these token ids; submits what was recorded before, and gives up the results
    /// that nobody has fetched.
    pub fn begin(&mut self, pos: usize, tokens: &[u32]) -> Result<()> {
        self.submit()?;
        self.readbacks.give_up();
        self.bury();
        self.pos = dim(pos);
        self.memo.begin(tokens.len());
        let bytes = tokens.len() as u64 * 4;
        if bytes > self.tokens.size() {
            self.tokens = Rc::new(self.buffer("tokens", bytes.next_power_of_two())?);
        }
        self.stats.uploaded += bytes;
        self.device
            .queue
            .write_buffer(&self.tokens.raw, 0, bytemuck::cast_slice(tokens));
        self.device.check()
    }

    /// Begins a step at position `pos` whose one token a kernel of the step before writes into [`Recorder::tokens`]; it may
    /// be submitted together with that.
    pub fn begin_chained(&mut self, pos: usize) {
        self.pos = dim(pos);
        self.memo.begin(1);
    }

    /// Records one dispatch of a kernel over `rows` rows.
    pub fn launch<P: Kernel>(
        &mut self,
        params: &P,
        variant: Variant,
        grid: Grid,
        rows: usize,
        bindings: &[Binding<'_>],
    ) -> Result<()> {
        self.record(&Launch {
            variant,
            params: bytemuck::bytes_of(params),
            bindings,
            rows,
            first: 0,
            more: [0; 8],
            grid,
        })
    }

    /// Records one dispatch, with everything that can be said of it.
    pub fn record(&mut self, launch: &Launch<'_>) -> Result<()> {
        if launch.grid.is_empty() {
            return Ok(());
        }
        let offset = self.step_offset(launch)?;
        if !self.memo.expects(launch) {
            let known = self.find(launch)?;
            self.memo.put(known);
        }
        let Some(known) = self.memo.next() else {
            return Err(Error::internal("a dispatch that is not known"));
        };
        if let Some(kept) = &mut self.kept {
            kept.add(launch, &known.pipeline.raw, &known.group, offset);
            return Ok(());
        }
        let (_, pass) = self.open.get_or_insert_with(|| {
            self.stats.passes += 1;
            open(&self.device)
        });
        pass.set_pipeline(&known.pipeline.raw);
        pass.set_bind_group(0, &known.group, &[offset]);
        let [x, y, z] = launch.grid.0;
        pass.dispatch_workgroups(x, y, z);
        self.stats.dispatches += 1;
        self.stats.weight_bytes += known.weight_bytes;
        self.recorded += 1;
        self.work = self
            .work
            .saturating_add(known.weight_bytes.saturating_mul(launch.rows as u64));
        if launch.rows > 1 && self.work >= self.most_work && !self.held {
            return self.submit();
        }
        Ok(())
    }

    /// Sets the work (bytes of weights times rows) of one submit; a single row's step is one submit, whatever its work.
    pub fn set_most_work(&mut self, most: u64) {
        self.most_work = most;
    }

    /// Hands nothing over before [`Recorder::discard`].
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// The pipeline and the bind group of a dispatch, which are made where there are none.
    fn find(&mut self, launch: &Launch<'_>) -> Result<Known> {
        let access: Vec<_> = launch.bindings.iter().map(|b| b.access).collect();
        let (pipeline, verdict) = self.device.pipelines.get(&self.device, &launch.variant, &access)?;
        if let Some(verdict) = verdict {
            self.stats.created += 1;
            self.stats.compiled += 1;
            self.judge(verdict)?;
        }
        if !self.uniforms.contains_key(launch.params) {
            self.stats.created += 1;
            let uniform = Aid::new(uniform(&self.device, launch.params), &self.aids);
            let number = self.uniforms.len();
            self.uniforms.insert(launch.params.to_vec(), (number, uniform));
        }
        let Some((uniform_id, uniform)) = self.uniforms.get(launch.params) else {
            return Err(Error::internal("uniform cache"));
        };
        let key = GroupKey {
            pipeline: Arc::as_ptr(&pipeline) as usize,
            uniform: *uniform_id,
            buffers: launch.bindings.iter().map(|b| b.buffer.id).collect(),
        };
        let group = self.groups.entry(key).or_insert_with(|| {
            self.stats.created += 1;
            bind(&self.device, &pipeline, &self.step_buffer.raw, &uniform.raw, launch)
        });
        Ok(Known::new(launch, pipeline, group.clone()))
    }

    /// Forgets what was recorded since the last submit; what it compiled and bound stays, ready for the next time.
    pub fn discard(&mut self) {
        self.open = None;
        self.readbacks.give_up();
        self.steps.clear();
        self.stats.dispatches -= std::mem::take(&mut self.recorded);
        self.work = 0;
        self.held = false;
    }

    /// Hands what was recorded to the device, with the copies for what was asked for.
    pub fn submit(&mut self) -> Result<()> {
        #[cfg(feature = "drill")]
        if self.open.is_some() {
            self.waste()?;
        }
        let mut encoder = match self.open.take() {
            Some((encoder, pass)) => {
                drop(pass);
                encoder
            }
            None if self.readbacks.copies.is_empty() => return self.device.check(),
            None => self.device.device.create_command_encoder(&Default::default()),
        };
        for (from, to, at, bytes) in self.readbacks.copies.drain(..) {
            encoder.copy_buffer_to_buffer(&from, 0, &to, at, bytes);
        }
        (self.recorded, self.work) = (0, 0);
        self.device.count_down();
        self.write_steps();
        let index = self.queue_up(encoder);
        self.stats.readbacks += self.readbacks.sent(&index);
        self.device.check()
    }

    /// Hands a finished encoder to the device.
    pub(super) fn queue_up(&mut self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        self.stats.submits += 1;
        self.device.queue.submit([encoder.finish()])
    }

    /// Writes what differs among the dispatches that were recorded.
    pub(super) fn write_steps(&mut self) {
        let mut bytes = vec![0u8; self.steps.len() * STEP_SLOT as usize];
        for (slot, step) in bytes.chunks_exact_mut(STEP_SLOT as usize).zip(&self.steps) {
            slot[..STEP_BYTES as usize].copy_from_slice(bytemuck::cast_slice(step));
        }
        self.steps.clear();
        if !bytes.is_empty() {
            self.stats.uploaded += bytes.len() as u64;
            self.device.queue.write_buffer(&self.step_buffer.raw, 0, &bytes);
        }
    }

    /// Waits for the verdicts on pipelines and buffers that were created since the last wait.
    pub(super) async fn verdicts(&mut self) -> Result<()> {
        for verdict in std::mem::take(&mut self.verdicts) {
            if let Some(error) = verdict.await {
                self.device.fault.set(error);
            }
        }
        self.device.check()
    }

    /// Natively a verdict is there at once; a browser's is kept until the next wait.
    pub(super) fn judge(&mut self, mut verdict: Verdict) -> Result<()> {
        match verdict.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(None) => {}
            Poll::Ready(Some(error)) => self.device.fault.set(error),
            Poll::Pending => self.verdicts.push(verdict),
        }
        self.device.check()
    }

    /// Offset of the step record with this launch's rows; equal records are shared.
    fn step_offset(&mut self, launch: &Launch<'_>) -> Result<u32> {
        let mut step = [0; 12];
        step[..3].copy_from_slice(&[self.pos, dim(launch.rows), dim(launch.first)]);
        step[4..].copy_from_slice(&launch.more);
        let found = self.steps.iter().position(|s| *s == step);
        let slot = match found {
            Some(slot) => slot,
            None => {
                if self.steps.len() == STEP_SLOTS {
                    self.submit()?;
                }
                self.steps.push(step);
                self.steps.len() - 1
            }
        };
        Ok(dim(slot * STEP_SLOT as usize))
    }

    /// Returns the memory of dropped buffers, now that nothing recorded uses them, and forgets their bind groups.
    pub(super) fn bury(&mut self) {
        let dead = self.graveyard.take();
        if dead.is_empty() {
            return;
        }
        for (_, buffer) in &dead {
            self.device.account.destroy(buffer);
        }
        self.memo.forget();
        let is_dead = |id: &u64| dead.iter().any(|(other, _)| id == other);
        self.groups.retain(|key, _| !key.buffers.iter().any(is_dead));
    }
}
