//! An engine on whichever backend was asked for.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;

#[cfg(feature = "gpu")]
use super::ladder::{self, Outcome};
use super::{
    ChooseOptions, Chosen, Clock, Engine, FinishReason, GenerateOptions, Notice, Pace, Paused, Profile, Scored,
    Speculator, Timings, Token,
};
#[cfg(feature = "gpu")]
use crate::backend::autotune::Tuned;
#[cfg(feature = "gpu")]
use crate::backend::gpu::{Abilities, Device, Drill, Gpu, Stats, Tuning};
use crate::backend::{Cpu, Recruit, Reference, recruit};
#[cfg(not(feature = "gpu"))]
use crate::error::Error;
use crate::error::Result;
use crate::gguf::GgufFile;
use crate::model::arch;
use crate::model::decoder::Decoder;
use crate::model::identity::Identity;
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

/// Waits for so many milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Pause(pub fn(u32) -> Pin<Box<dyn Future<Output = ()>>>);

/// They differ in how they wait, which nobody asks.
impl PartialEq for Pause {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// How the variants of a GPU's kernels are chosen.
#[cfg(feature = "gpu")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tune {
    /// By a table: [`Tuning::of`].
    #[default]
    Off,
    /// By measuring, on anything but a software adapter: of that the table knows enough.
    Auto,
    /// By measuring.
    Always,
    /// These, where the device has what they need; else by the table.
    #[serde(untagged)]
    Given(Tuning),
}

/// What a GPU has, and what runs on it.
#[cfg(feature = "gpu")]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct GpuFacts {
    /// What it has beyond what every one has.
    #[serde(flatten)]
    pub abilities: Abilities,
    /// The variants of the kernels, and how they were chosen.
    #[serde(flatten)]
    pub tuned: Tuned,
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
    /// What this GPU, with this driver and browser, was found to compute correctly: see [`SelfTest::tried`].
    pub tested: Vec<String>,
    /// On the GPU: [`AnyEngine::profile`] may use its own clock, where it has one. On some GPUs everything is slower with it.
    pub timestamps: bool,
    /// Which variants of the kernels a GPU runs.
    #[cfg(feature = "gpu")]
    pub tuning: Tune,
    /// The context is not made smaller than this where the GPU's memory is short and `decoder.n_ctx` is free.
    pub least_context: usize,
    /// The model was loaded before and its GPU lost: where none is to be had now, one may be after a pause.
    pub again: Option<Pause>,
    /// Faults that a test orders.
    #[cfg(feature = "gpu")]
    pub drill: Drill,
}

/// What the comparison of this GPU with the CPU twins did; it is in [`AnyEngine::self_test`] only where there was none
/// wrong.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct SelfTest {
    /// Comparisons by name; one that passed need not be repeated on the same adapter, browser and version of kinglet.
    pub tried: Vec<String>,
    /// Milliseconds that they took.
    pub ms: f64,
    /// The variants that were compared, and how they were chosen.
    #[cfg(feature = "gpu")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Tuned>,
}

/// [`Engine`] with the backend chosen at run time; the same methods.
pub struct AnyEngine {
    on: Backend,
    fallback: Option<String>,
    notices: Vec<Notice>,
    self_test: SelfTest,
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
    #[cfg_attr(not(feature = "gpu"), expect(unused_mut))]
    let (mut notices, mut self_test) = (Vec::new(), SelfTest::default());
    let fallback = match options.backend {
        BackendChoice::Cpu => None,
        #[cfg(feature = "gpu")]
        _ => match ladder::load(gguf, options, clock, on_progress, &mut notices, &mut self_test).await? {
            Outcome::Cpu(why) => Some(why),
            Outcome::Loaded(engine) => {
                return Ok(AnyEngine {
                    on: Backend::Gpu(engine),
                    fallback: None,
                    notices,
                    self_test,
                });
            }
        },
        #[cfg(not(feature = "gpu"))]
        choice => match (String::from("this build has no GPU backend"), choice) {
            (why, BackendChoice::Auto) => Some(why),
            (message, _) => return Err(Error::GpuUnavailable { message }),
        },
    };
    let decoder = &options.decoder;
    let on = match options.exact {
        true => {
            let engine = load_on(Reference::new(), gguf, decoder, clock, on_progress).await?;
            Backend::Exact(Box::new(engine))
        }
        false => {
            let cpu = Cpu::new(recruit(options.threads).await?);
            Backend::Cpu(Box::new(load_on(cpu, gguf, decoder, clock, on_progress).await?))
        }
    };
    Ok(AnyEngine {
        on,
        fallback,
        notices,
        self_test,
    })
}

pub(super) async fn load_on<O: Ops>(
    ops: O,
    gguf: &GgufFile,
    options: &DecoderOptions,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
) -> Result<Engine<O>> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    let decoder = Decoder::load(ops, gguf, config, options, on_progress).await?;
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

    /// What happened while it was loaded: steps down, lost devices.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What was tried of the GPU; empty on the CPU.
    pub fn self_test(&self) -> &SelfTest {
        &self.self_test
    }

    /// The GPU device; `None` on the CPU.
    #[cfg(feature = "gpu")]
    pub fn device(&self) -> Option<&Device> {
        match &self.on {
            Backend::Cpu(_) | Backend::Exact(_) => None,
            Backend::Gpu(engine) => Some(engine.decoder().ops().device()),
        }
    }

    /// What the GPU has, and which variants run there; `None` on the CPU.
    #[cfg(feature = "gpu")]
    pub fn gpu_facts(&self) -> Option<GpuFacts> {
        let tuned = self.self_test.tuned.clone();
        Some(GpuFacts {
            abilities: self.device()?.abilities(),
            tuned: tuned?,
        })
    }

    /// See [`Engine::pause`].
    pub fn pause(&mut self) -> Option<Paused> {
        on_engine!(&mut self.on, e => e.pause())
    }

    /// See [`Engine::resume`].
    pub fn resume(&mut self, paused: Paused) -> Result<()> {
        on_engine!(&mut self.on, e => e.resume(paused))
    }

    /// See [`Engine::info`].
    pub fn info(&self) -> BackendInfo {
        on_engine!(&self.on, e => e.info())
    }

    /// Sizes and memory of the model.
    pub fn plan(&self) -> &Plan {
        on_engine!(&self.on, e => e.decoder().plan())
    }

    /// Which model it is.
    pub fn identity(&self) -> &Identity {
        on_engine!(&self.on, e => e.decoder().identity())
    }

    /// See [`Engine::n_ctx`].
    pub fn n_ctx(&self) -> usize {
        self.plan().n_ctx
    }

    /// Has the next tokens proposed by what stands in the text; see [`Engine::speculate`].
    pub fn look_up(&mut self, pace: Pace) {
        on_engine!(&mut self.on, e => e.speculate(Some(Speculator::lookup(pace))))
    }

    /// Loads a smaller model, to which [`check_draft`](super::check_draft) has nothing to object, to propose the next tokens.
    /// It computes where the model does; on the CPU in this thread alone. Its context is the model's, as far as it was trained.
    pub async fn add_draft(&mut self, draft: &GgufFile, pace: Pace, clock: Clock) -> Result<()> {
        let plan = self.plan();
        let trained = arch::config(draft.metadata(), draft.tensors())?.n_ctx_train;
        let options = DecoderOptions {
            n_ctx: Some(plan.n_ctx.min(trained)),
            n_batch: plan.n_batch,
            cache_type: plan.cache.dtype,
            ignore_window: false,
        };
        let hear = &mut |_: Progress| ControlFlow::Continue(());
        match &mut self.on {
            Backend::Cpu(engine) => {
                let draft = load_on(Cpu::default(), draft, &options, clock, hear).await?;
                engine.speculate(Some(Speculator::draft(draft.decoder, pace)));
            }
            Backend::Exact(engine) => {
                let draft = load_on(Reference::new(), draft, &options, clock, hear).await?;
                engine.speculate(Some(Speculator::draft(draft.decoder, pace)));
            }
            #[cfg(feature = "gpu")]
            Backend::Gpu(engine) => {
                let mut gpu = Gpu::on(engine.decoder().ops().device().clone())?;
                gpu.set_tuning(*engine.decoder().ops().tuning());
                let draft = load_on(gpu, draft, &options, clock, hear).await?;
                engine.speculate(Some(Speculator::draft(draft.decoder, pace)));
            }
        }
        Ok(())
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

    /// See [`Engine::profile`].
    pub async fn profile(&mut self, tokens: usize, pos: usize) -> Result<Profile> {
        match &mut self.on {
            Backend::Cpu(engine) => engine.profile(tokens, pos).await,
            #[cfg(feature = "gpu")]
            Backend::Gpu(engine) => engine.profile(tokens, pos).await,
            Backend::Exact(_) => {
                let expected = "one whose operations can be timed";
                Err(crate::error::Error::invalid("backend", expected, "the exact mode"))
            }
        }
    }

    /// See [`Engine::cached`].
    pub fn cached(&self) -> &[u32] {
        on_engine!(&self.on, e => e.cached())
    }

    /// See [`Engine::choose`].
    pub async fn choose(&mut self, prompt: &[u32], answers: &[Vec<u32>], options: &ChooseOptions) -> Result<Chosen> {
        on_engine!(&mut self.on, e => e.choose(prompt, answers, options).await)
    }

    /// See [`Engine::read_ahead`].
    pub async fn read_ahead(&mut self, prompt: &[u32]) -> Result<bool> {
        on_engine!(&mut self.on, e => e.read_ahead(prompt).await)
    }

    /// See [`Engine::reset`].
    pub fn reset(&mut self) {
        on_engine!(&mut self.on, e => e.reset())
    }
}

/// The device is the engine's own: its memory is returned now, not when a browser collects garbage.
#[cfg(feature = "gpu")]
impl Drop for AnyEngine {
    fn drop(&mut self) {
        if let Some(device) = self.device() {
            device.destroy();
        }
    }
}
