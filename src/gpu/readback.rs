//! Reading results back: the only wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::account::Aid;
use super::buffer::{Buffer, Tensor, judged};
use super::error::refused;
use super::recorder::Recorder;
use crate::error::{Error, Result};

/// The mappable buffer, kept between reads. Taken out while in use: a read that is dropped halfway takes it along.
#[derive(Default)]
pub(super) struct Staging(Option<Aid>);

impl Recorder {
    /// Submits what was recorded and reads the first `bytes` (a multiple of 4) of `source`.
    pub async fn read(&mut self, source: &Buffer, bytes: u64) -> Result<Vec<u8>> {
        self.read_all(&[(source, bytes)]).await
    }

    /// [`Recorder::read`] of several buffers, one behind the other, in one wait.
    async fn read_all(&mut self, sources: &[(&Buffer, u64)]) -> Result<Vec<u8>> {
        let bytes = sources.iter().map(|(_, bytes)| bytes).sum();
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let staging = match self.staging.0.take() {
            Some(buffer) if buffer.raw.size() >= bytes => buffer,
            _ => self.create_staging(bytes)?,
        };
        self.submit_copies(|encoder| {
            let mut at = 0;
            for (source, bytes) in sources {
                encoder.copy_buffer_to_buffer(&source.raw, 0, &staging.raw, at, *bytes);
                at += bytes;
            }
        })?;
        let signal = Signal::default();
        let done = signal.clone();
        staging.raw.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            done.set(result.map_err(|e| e.to_string()));
        });
        self.device().poll()?;
        let mapped = signal.await;
        self.verdicts().await?;
        // A valid buffer cannot be mapped for one reason only. The browser may tell of the loss itself a moment later.
        let failed = |message: String| Error::GpuLost {
            message: format!("reading back failed: {message}"),
        };
        mapped.map_err(failed)?;
        let data = {
            let view = staging
                .raw
                .get_mapped_range(..bytes)
                .map_err(|e| failed(e.to_string()))?;
            view.to_vec()
        };
        staging.raw.unmap();
        self.staging.0 = Some(staging);
        Ok(data)
    }

    /// The rows in use of an activation, without padding.
    pub async fn download(&mut self, t: &Tensor) -> Result<Vec<f32>> {
        Ok(self.download_all(&[t]).await?.pop().unwrap_or_default())
    }

    /// [`Recorder::download`] of several, in one wait.
    pub async fn download_all(&mut self, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
        let size = |t: &Tensor| t.stride() * 4 * t.rows();
        let sources: Vec<_> = tensors.iter().map(|t| (t.buffer(), size(t) as u64)).collect();
        let bytes = self.read_all(&sources).await?;
        let mut rest = &bytes[..];
        let rows = tensors.iter().map(|t| {
            let (these, others) = rest.split_at(size(t));
            rest = others;
            let mut out = Vec::with_capacity(t.rows() * t.cols());
            for row in these.chunks_exact(t.stride() * 4) {
                let words = row.chunks_exact(4).take(t.cols());
                out.extend(words.map(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]])));
            }
            out
        });
        Ok(rows.collect())
    }

    /// Submits what was recorded and waits until the device has done it.
    pub async fn settle(&mut self) -> Result<()> {
        self.submit()?;
        // Without a submission natively, writes would stay in their staging memory.
        self.device().queue.submit([]);
        let signal = Signal::default();
        let done = signal.clone();
        self.device().queue.on_submitted_work_done(move || done.set(Ok(())));
        self.device().poll()?;
        // The callback reports no failure; the device does.
        signal.await.map_err(Error::internal)?;
        self.verdicts().await
    }

    fn create_staging(&mut self, bytes: u64) -> Result<Aid> {
        self.stats.created += 1;
        let descriptor = wgpu::BufferDescriptor {
            label: Some("readback"),
            size: bytes.next_multiple_of(4096),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let refused = refused("readback", self.stats().bytes, descriptor.size);
        let (staging, verdict) = judged(self.device(), &descriptor, refused);
        let staging = Aid::new(staging, &self.aids);
        self.judge(verdict)?;
        Ok(staging)
    }
}

/// A one-shot future that a device callback completes.
#[derive(Clone, Default)]
pub(super) struct Signal(Arc<Mutex<SignalState>>);

#[derive(Default)]
struct SignalState {
    result: Option<Result<(), String>>,
    waker: Option<Waker>,
}

impl Signal {
    pub fn set(&self, result: Result<(), String>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.result = Some(result);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

impl Future for Signal {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
