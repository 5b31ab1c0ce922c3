//! An engine on whichever backend was asked for.

use super::{Clock, Engine, FinishReason, GenerateOptions, Scored, Timings, Token};
use crate::backend::Cpu;
use crate::error::Result;
use crate::gguf::GgufFile;
use crate::model::arch;
use crate::model::decoder::Decoder;
use crate::model::loader::{OnProgress, Phase, Progress};
use crate::model::plan::{DecoderOptions, Plan};
use crate::ops::{BackendInfo, Ops};

/// Which backend runs the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// The GPU where there is a real one, otherwise the CPU: a *software* adapter is slower than the CPU backend.
    #[default]
    Auto,
    /// The GPU, software adapters included, or an error.
    Gpu,
    /// The CPU.
    Cpu,
}

/// How to load a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadOptions {
    /// Where it runs.
    pub backend: BackendChoice,
    /// Context, batch, cache.
    pub decoder: DecoderOptions,
}

/// [`Engine`] with the backend chosen at run time; the same methods.
pub enum AnyEngine {
    /// The reference backend.
    Cpu(Engine<Cpu>),
}

/// Opens the backend, checks that the model fits, and streams it in.
///
/// `on_progress` is called between pieces; its `Break` aborts with [`Error::Aborted`](crate::Error::Aborted).
pub async fn load(
    gguf: &GgufFile,
    options: &LoadOptions,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
) -> Result<AnyEngine> {
    if options.backend == BackendChoice::Gpu {
        return Err(crate::Error::GpuUnavailable {
            message: "this build has no GPU backend".into(),
        });
    }
    Ok(AnyEngine::Cpu(
        load_on(Cpu::new(), gguf, options, clock, on_progress).await?,
    ))
}

async fn load_on<O: Ops>(
    ops: O,
    gguf: &GgufFile,
    options: &LoadOptions,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
) -> Result<Engine<O>> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    let decoder = Decoder::load(ops, gguf, config, &options.decoder, on_progress).await?;
    let weights = decoder.plan().memory.weights;
    let _ = on_progress(Progress {
        phase: Phase::Ready,
        loaded: weights,
        total: weights,
    }); // nothing is left to abort
    Ok(Engine::new(decoder, clock))
}

/// Runs the body on the engine, whichever backend it has.
macro_rules! on_engine {
    ($any:expr, $engine:ident => $body:expr) => {
        match $any {
            AnyEngine::Cpu($engine) => $body,
        }
    };
}

impl AnyEngine {
    /// See [`Engine::info`].
    pub fn info(&self) -> BackendInfo {
        on_engine!(self, e => e.info())
    }

    /// Sizes and memory of the model.
    pub fn plan(&self) -> &Plan {
        on_engine!(self, e => e.decoder().plan())
    }

    /// See [`Engine::n_ctx`].
    pub fn n_ctx(&self) -> usize {
        self.plan().n_ctx
    }

    /// See [`Engine::start`].
    pub fn start(&mut self, prompt: &[u32], options: GenerateOptions) -> Result<()> {
        on_engine!(self, e => e.start(prompt, options))
    }

    /// See [`Engine::prefill`].
    pub async fn prefill(&mut self) -> Result<bool> {
        on_engine!(self, e => e.prefill().await)
    }

    /// See [`Engine::next`].
    pub async fn next(&mut self) -> Result<Option<Token>> {
        on_engine!(self, e => e.next().await)
    }

    /// See [`Engine::finish_reason`].
    pub fn finish_reason(&self) -> Option<FinishReason> {
        on_engine!(self, e => e.finish_reason())
    }

    /// See [`Engine::timings`].
    pub fn timings(&self) -> Timings {
        on_engine!(self, e => e.timings())
    }

    /// See [`Engine::score`].
    pub async fn score(&mut self, ids: &[u32]) -> Result<Vec<Scored>> {
        on_engine!(self, e => e.score(ids).await)
    }

    /// See [`Engine::reset`].
    pub fn reset(&mut self) {
        on_engine!(self, e => e.reset())
    }
}
