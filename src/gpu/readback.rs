//! Reading results back: the only wait.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::account::Aid;
use super::buffer::{Buffer, Tensor, judged};
use super::error::refused;
use super::recorder::Recorder;
use crate::error::{Error, Result};
use crate::platform::sleep;

/// The mappable buffers: idle ones, and those whose results are asked for, in the order of asking. A steady loop finds an
/// idle one every time.
#[derive(Default)]
pub(super) struct Readbacks {
    idle: Vec<Aid>,
    asked: VecDeque<Asked>,
    /// Numbers given so far.
    next: u64,
    /// Copies that go with the next submit: from, to, offset there, bytes.
    pub(super) copies: Vec<(wgpu::Buffer, wgpu::Buffer, u64, u64)>,
}

/// What was asked for and not fetched yet.
struct Asked {
    number: u64,
    buffer: Aid,
    bytes: u64,
    /// Of the submit that copies it; none: it was not submitted yet.
    sent: Option<(Signal, wgpu::SubmissionIndex)>,
}

impl Readbacks {
    /// Begins to map what the submit `index` has copied.
    pub(super) fn sent(&mut self, index: &wgpu::SubmissionIndex) -> u64 {
        let mut maps = 0;
        for asked in self.asked.iter_mut().filter(|asked| asked.sent.is_none()) {
            let signal = Signal::default();
            let done = signal.clone();
            let range = ..asked.bytes;
            asked.buffer.raw.map_async(wgpu::MapMode::Read, range, move |result| {
                done.set(result.map_err(|e| e.to_string()));
            });
            asked.sent = Some((signal, index.clone()));
            maps += 1;
        }
        maps
    }

    /// Takes the buffer of one that is asked for; those asked for earlier are given up: nobody will fetch them.
    fn take(&mut self, number: u64) -> Option<Asked> {
        while self.asked.front().is_some_and(|asked| asked.number < number) {
            self.give_up_first();
        }
        match self.asked.front() {
            Some(asked) if asked.number == number => self.asked.pop_front(),
            _ => None,
        }
    }

    /// A map that is under way ends with the unmapping, so that the buffer can be used at once.
    fn give_up_first(&mut self) {
        if let Some(Asked { buffer, sent, .. }) = self.asked.pop_front() {
            if sent.is_some() {
                buffer.raw.unmap();
            }
            self.idle.push(buffer);
        }
    }

    /// Nobody fetches what was asked for so far.
    pub(super) fn give_up(&mut self) {
        self.copies.clear();
        while !self.asked.is_empty() {
            self.give_up_first();
        }
    }
}

impl Recorder {
    /// Asks for the first `bytes` (multiples of 4) of each of `sources`, one behind the other, as the next submit leaves
    /// them; [`Recorder::fetch`] waits for it.
    ///
    /// # Errors
    /// Those of the device.
    pub fn ask(&mut self, sources: &[(&Buffer, u64)]) -> Result<u64> {
        let bytes = sources.iter().map(|(_, bytes)| bytes).sum();
        let fits = |buffer: &Aid| buffer.raw.size() >= bytes;
        let buffer = match self.readbacks.idle.iter().position(fits) {
            Some(at) => self.readbacks.idle.swap_remove(at),
            None => {
                // It stands in for a smaller one: there are never more than were wanted at a time.
                self.readbacks.idle.pop();
                self.create_staging(bytes)?
            }
        };
        let mut at = 0;
        for (source, bytes) in sources {
            let copy = (source.raw.clone(), buffer.raw.clone(), at, *bytes);
            self.readbacks.copies.push(copy);
            at += bytes;
        }
        let number = self.readbacks.next;
        self.readbacks.next += 1;
        self.readbacks.asked.push_back(Asked {
            number,
            buffer,
            bytes,
            sent: None,
        });
        Ok(number)
    }

    /// Waits for what was asked for under this number and submitted, and gives up what was asked for before it. Who drops
    /// the future may ask for it again.
    ///
    /// # Errors
    /// [`Error::GpuLost`] where the device is; [`Error::Internal`] for what was given up.
    pub async fn fetch(&mut self, number: u64) -> Result<Vec<u8>> {
        let sent = self.readbacks.asked.iter().find(|asked| asked.number == number);
        let Some((signal, index)) = sent.and_then(|asked| asked.sent.clone()) else {
            return Err(Error::internal(format!("result {number} is not under way")));
        };
        self.device().poll(Some(index))?;
        let mapped = self.wait(signal).await;
        self.verdicts().await?;
        // A valid buffer cannot be mapped for one reason only. The browser may tell of the loss itself a moment later.
        let failed = |message: String| Error::GpuLost {
            message: format!("reading back failed: {message}"),
        };
        let Some(Asked { buffer, bytes, .. }) = self.readbacks.take(number) else {
            return Err(Error::internal(format!("result {number} is gone")));
        };
        mapped.map_err(failed)?;
        let data = {
            let view = buffer
                .raw
                .get_mapped_range(..bytes)
                .map_err(|e| failed(e.to_string()))?;
            view.to_vec()
        };
        buffer.raw.unmap();
        self.readbacks.idle.push(buffer);
        Ok(data)
    }

    /// Submits what was recorded and reads the first `bytes` (a multiple of 4) of `source`.
    pub async fn read(&mut self, source: &Buffer, bytes: u64) -> Result<Vec<u8>> {
        self.read_all(&[(source, bytes)]).await
    }

    /// [`Recorder::read`] of several buffers, one behind the other, in one wait.
    async fn read_all(&mut self, sources: &[(&Buffer, u64)]) -> Result<Vec<u8>> {
        if sources.iter().all(|(_, bytes)| *bytes == 0) {
            return Ok(Vec::new());
        }
        let number = self.ask(sources)?;
        self.submit()?;
        self.fetch(number).await
    }

    /// [`Recorder::ask`] for the rows in use of an activation, for [`Recorder::asked_rows`].
    ///
    /// # Errors
    /// Those of the device.
    pub fn ask_rows(&mut self, t: &Tensor) -> Result<u64> {
        self.ask(&[(t.buffer(), row_bytes(t))])
    }

    /// Waits for rows that were asked for and submitted, without padding.
    ///
    /// # Errors
    /// As [`Recorder::fetch`].
    pub async fn asked_rows(&mut self, t: &Tensor, number: u64) -> Result<Vec<f32>> {
        Ok(unpad(t, &self.fetch(number).await?))
    }

    /// The rows in use of an activation, without padding.
    pub async fn download(&mut self, t: &Tensor) -> Result<Vec<f32>> {
        Ok(self.download_all(&[t]).await?.pop().unwrap_or_default())
    }

    /// [`Recorder::download`] of several, in one wait.
    pub async fn download_all(&mut self, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
        let sources: Vec<_> = tensors.iter().map(|t| (t.buffer(), row_bytes(t))).collect();
        let bytes = self.read_all(&sources).await?;
        let mut rest = &bytes[..];
        let rows = tensors.iter().map(|t| {
            let (these, others) = rest.split_at(row_bytes(t) as usize);
            rest = others;
            unpad(t, these)
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
        self.device().poll(None)?;
        // The callback reports no failure; the device does.
        self.wait(signal).await.map_err(Error::internal)?;
        self.verdicts().await
    }

    /// While something is awaited, an empty submit every so many milliseconds: some browsers look only then, or seldom, at
    /// what has been done. Without a number, and natively, none.
    pub fn kick(&mut self, every_ms: Option<u32>) {
        self.kick_ms = every_ms.filter(|_| cfg!(target_arch = "wasm32"));
    }

    async fn wait(&self, mut signal: Signal) -> Result<(), String> {
        let Some(ms) = self.kick_ms else {
            return signal.await;
        };
        loop {
            let mut nap = pin!(sleep(ms));
            let waited = poll_fn(|context| match Pin::new(&mut signal).poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending => nap.as_mut().poll(context).map(|()| None),
            });
            if let Some(result) = waited.await {
                return result;
            }
            self.device().queue.submit([]);
        }
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

/// Bytes of the rows in use, with their padding.
fn row_bytes(t: &Tensor) -> u64 {
    (t.stride() * 4 * t.rows()) as u64
}

fn unpad(t: &Tensor, bytes: &[u8]) -> Vec<f32> {
    let mut out = Vec::with_capacity(t.rows() * t.cols());
    for row in bytes.chunks_exact(t.stride() * 4) {
        let words = row.chunks_exact(4).take(t.cols());
        out.extend(words.map(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]])));
    }
    out
}

/// A future that a device callback completes.
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
        match &state.result {
            // Who dropped the future that was told may ask once more.
            Some(result) => Poll::Ready(result.clone()),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
