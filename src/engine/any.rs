//! An engine on whichever backend was asked for.

use super::{ChooseOptions, Chosen, Clock, Engine, FinishReason, GenerateOptions, Scored, Timings, Token};
#[cfg(feature = "gpu")]
use crate::backend::gpu::{Gpu, GpuOptions, Stats};
#[cfg(feature = "gpu")]
use crate::backend::self_test;
use crate::backend::{Cpu, Recruit, Reference, recruit};
use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::arch;
use crate::model::decoder::Decoder;
use crate::model::loader::{OnProgress, Phase, Progress};
use crate::model::plan::{DecoderOptions, Plan};
use crate::ops::{BackendInfo, Ops};
use crate::sampler::Constraint;

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
    /// On the CPU: activations stay f32 and sums are f64, instead of 8-bit activations. Many times slower.
    pub exact: bool,
    /// On the CPU: how many threads share the work; `None`: as many as the machine has cores, at most 8. The exact mode
    /// has one.
    pub threads: Option<usize>,
}

/// [`Engine`] with the backend chosen at run time; the same methods.
pub struct AnyEngine {
    on: Backend,
    fallback: Option<String>,
}

enum Backend {
    Cpu(Box<Engine<Cpu>>),
    Exact(Box<Engine<Reference>>),
    #[cfg(feature = "gpu")]
    Gpu(Box<Engine<Gpu>>),
}

/// Opens the backend, checks that the model fits, and streams it in.
///
/// `on_progress` is called between pieces; its `Break` aborts with [`Error::Aborted`].
pub async fn load(
    gguf: &GgufFile,
    options: &LoadOptions,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
) -> Result<AnyEngine> {
    load_with(gguf, options, &mut recruit, clock, on_progress).await
}

/// [`load`] for a caller that knows where followers of the CPU backend come from (a browser: workers).
pub async fn load_with(
    gguf: &GgufFile,
    options: &LoadOptions,
    recruit: &mut Recruit<'_>,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
) -> Result<AnyEngine> {
    let fallback = match options.backend {
        BackendChoice::Cpu => None,
        choice => match (open_gpu(choice, clock).await, choice) {
            #[cfg(feature = "gpu")]
            (Ok(gpu), _) => {
                let engine = load_on(gpu, gguf, options, clock, on_progress).await?;
                return Ok(AnyEngine {
                    on: Backend::Gpu(Box::new(engine)),
                    fallback: None,
                });
            }
            (Err(Error::GpuUnavailable { message }), BackendChoice::Auto) => Some(message),
            (Err(error), _) => return Err(error),
            #[cfg(not(feature = "gpu"))]
            (Ok(never), _) => match never {},
        },
    };
    let on = match options.exact {
        true => {
            let engine = load_on(Reference::new(), gguf, options, clock, on_progress).await?;
            Backend::Exact(Box::new(engine))
        }
        false => {
            let cpu = Cpu::new(recruit(options.threads).await?);
            Backend::Cpu(Box::new(load_on(cpu, gguf, options, clock, on_progress).await?))
        }
    };
    Ok(AnyEngine { on, fallback })
}

#[cfg(feature = "gpu")]
async fn open_gpu(choice: BackendChoice, clock: Clock) -> Result<Gpu> {
    let forced = choice == BackendChoice::Gpu;
    let mut gpu = Gpu::open(&GpuOptions { allow_software: forced }).await?;
    if !forced && gpu.device().name_hidden() {
        self_test::require_fast(&mut gpu, clock).await?;
    }
    Ok(gpu)
}

#[cfg(not(feature = "gpu"))]
async fn open_gpu(_: BackendChoice, _: Clock) -> Result<std::convert::Infallible> {
    Err(Error::GpuUnavailable {
        message: "this build has no GPU backend".into(),
    })
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
            Backend::Cpu($engine) => $body,
            Backend::Exact($engine) => $body,
            #[cfg(feature = "gpu")]
            Backend::Gpu($engine) => $body,
        }
    };
}

impl AnyEngine {
    /// Why `Auto` did not take the GPU, where it did not.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// What the GPU was asked to do so far; `None` on the CPU.
    #[cfg(feature = "gpu")]
    pub fn gpu_stats(&self) -> Option<Stats> {
        match &self.on {
            Backend::Cpu(_) | Backend::Exact(_) => None,
            Backend::Gpu(engine) => Some(engine.decoder().ops().stats()),
        }
    }

    /// See [`Engine::info`].
    pub fn info(&self) -> BackendInfo {
        on_engine!(&self.on, e => e.info())
    }

    /// Sizes and memory of the model.
    pub fn plan(&self) -> &Plan {
        on_engine!(&self.on, e => e.decoder().plan())
    }

    /// See [`Engine::n_ctx`].
    pub fn n_ctx(&self) -> usize {
        self.plan().n_ctx
    }

    /// See [`Engine::start`].
    pub fn start(&mut self, prompt: &[u32], options: GenerateOptions) -> Result<()> {
        on_engine!(&mut self.on, e => e.start(prompt, options))
    }

    /// See [`Engine::start_under`].
    pub fn start_under(
        &mut self,
        prompt: &[u32],
        options: GenerateOptions,
        constraint: Option<Box<dyn Constraint>>,
    ) -> Result<()> {
        on_engine!(&mut self.on, e => e.start_under(prompt, options, constraint))
    }

    /// See [`Engine::take_constraint`].
    pub fn take_constraint(&mut self) -> Option<Box<dyn Constraint>> {
        on_engine!(&mut self.on, e => e.take_constraint())
    }

    /// See [`Engine::prefill`].
    pub async fn prefill(&mut self) -> Result<bool> {
        on_engine!(&mut self.on, e => e.prefill().await)
    }

    /// See [`Engine::next`].
    pub async fn next(&mut self) -> Result<Option<Token>> {
        on_engine!(&mut self.on, e => e.next().await)
    }

    /// See [`Engine::finish_reason`].
    pub fn finish_reason(&self) -> Option<FinishReason> {
        on_engine!(&self.on, e => e.finish_reason())
    }

    /// See [`Engine::timings`].
    pub fn timings(&self) -> Timings {
        on_engine!(&self.on, e => e.timings())
    }

    /// See [`Engine::score`].
    pub async fn score(&mut self, ids: &[u32]) -> Result<Vec<Scored>> {
        on_engine!(&mut self.on, e => e.score(ids).await)
    }

    /// See [`Engine::hidden`].
    pub async fn hidden(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        on_engine!(&mut self.on, e => e.hidden(tokens).await)
    }

    /// See [`Engine::cached`].
    pub fn cached(&self) -> &[u32] {
        on_engine!(&self.on, e => e.cached())
    }

    /// See [`Engine::choose`].
    pub async fn choose(&mut self, prompt: &[u32], answers: &[Vec<u32>], options: &ChooseOptions) -> Result<Chosen> {
        on_engine!(&mut self.on, e => e.choose(prompt, answers, options).await)
    }

    /// See [`Engine::reset`].
    pub fn reset(&mut self) {
        on_engine!(&mut self.on, e => e.reset())
    }
}
