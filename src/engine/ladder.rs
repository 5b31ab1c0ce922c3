//! Loads on the GPU, and steps down where it will not have it: a smaller context, a smaller batch, the CPU.
//!
//! What the caller asked for by name is not changed behind its back: a context that was given stays as it is, and where
//! the GPU was demanded there is an error instead of the CPU. Every step down is a [`Notice`].

use std::collections::BTreeSet;

use serde_json::json;

use super::any::{Pause, SelfTest, Tune, load_on};
use super::{BackendChoice, Clock, Engine, LoadOptions, Notice, step_down};
use crate::backend::autotune::{Source, Tuned};
use crate::backend::gpu::{Gpu, GpuOptions};
use crate::backend::{autotune, self_test, truth};
use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::arch;
use crate::model::loader::{OnProgress, Phase, report};
use crate::model::plan::{DecoderOptions, Plan};
use crate::ops::{AttentionShape, HeadLayout, MemoryLimits, Ops};

/// Devices that may be lost during one load. The first loss may be anything; later ones are taken for a lack of memory,
/// which some drivers report in this way.
pub const MAX_LOAD_LOSSES: usize = 3;

/// Milliseconds after which a GPU that is not to be had is asked for again, where a model had one: a driver that was updated
/// or has crashed is away for moments.
const REOPEN_MS: [u32; 3] = [200, 1000, 3000];
/// Of these, an abort waits for no more.
const HEARING_MS: u32 = 200;

/// What came of it.
pub enum Outcome {
    /// The model is on the GPU.
    Loaded(Box<Engine<Gpu>>),
    /// The CPU is to take it, for this reason.
    Cpu(String),
}

/// Opens the GPU, checks that it computes correctly, and loads.
///
/// # Errors
/// Those of the file; those of the GPU where it was demanded.
pub async fn load(
    gguf: &GgufFile,
    options: &LoadOptions,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
    notices: &mut Vec<Notice>,
    test: &mut SelfTest,
) -> Result<Outcome> {
    let forced = options.backend == BackendChoice::Gpu;
    let mut decoder = options.decoder.clone();
    let mut known = &options.tested[..];
    let (mut losses, mut waits) = (0, REOPEN_MS.into_iter());
    // What was made smaller for the GPU is no news where the CPU takes the model with what was asked for.
    let mut steps = Vec::new();
    loop {
        let attempt = attempt(gguf, options, &decoder, clock, on_progress, test, known).await;
        let error = match attempt {
            Ok(engine) => {
                notices.append(&mut steps);
                return Ok(Outcome::Loaded(Box::new(engine)));
            }
            Err(error) => error,
        };
        if let Error::GpuLost { .. } | Error::GpuUnavailable { .. } = error {
            // The next one may be another GPU, and few browsers say which it is.
            known = &[];
            test.tried.clear();
        }
        losses += usize::from(matches!(error, Error::GpuLost { .. }));
        let mut cpu = |notice| {
            notices.push(notice);
            Ok(Outcome::Cpu(error.to_string()))
        };
        let instead = || Notice::degraded("backend", json!("gpu"), json!("cpu"), &error);
        match &error {
            Error::GpuUnavailable { message } => match options.again.zip(waits.next()) {
                Some((Pause(pause), ms)) => {
                    for _ in 0..ms / HEARING_MS {
                        pause(HEARING_MS).await;
                        report(on_progress, Phase::Compile, 0, 0)?;
                    }
                    continue;
                }
                None if forced => return Err(error),
                None if options.again.is_some() => return cpu(instead()),
                None => return Ok(Outcome::Cpu(message.clone())),
            },
            Error::GpuWrong { .. } if !forced => return cpu(Notice::disabled(&error)),
            Error::Gpu { .. } if !forced => return cpu(instead()),
            Error::GpuLost { .. } if losses == 1 => {
                notices.push(Notice::lost(&error));
                continue;
            }
            Error::GpuLost { .. } | Error::TooLarge { .. } => {}
            _ => return Err(error),
        }
        let smaller = match losses < MAX_LOAD_LOSSES && !heavy(gguf, &decoder, &error)? {
            true => step_down(gguf, &options.decoder, options.least_context, &decoder)?,
            false => None,
        };
        match smaller {
            Some((next, what, before, now)) => {
                steps.push(Notice::degraded(what, json!(before), json!(now), &error));
                decoder = next;
            }
            // Nothing is left to be made smaller, and it may not have been memory.
            None if losses < MAX_LOAD_LOSSES && matches!(error, Error::GpuLost { .. }) => {
                notices.push(Notice::lost(&error));
            }
            None if forced => return Err(error),
            None => return cpu(instead()),
        }
    }
}

/// The weights alone are more than the GPU has: no smaller context or batch helps.
fn heavy(gguf: &GgufFile, options: &DecoderOptions, error: &Error) -> Result<bool> {
    let Error::TooLarge { needed, available, .. } = error else {
        return Ok(false);
    };
    let plan = Plan::new(gguf, arch::config(gguf.metadata(), gguf.tensors())?, options)?;
    // A single buffer that is too large for this GPU is no lack of memory.
    let one_buffer = plan.check(MemoryLimits {
        total: None,
        max_buffer: *available,
        shards: 1,
    });
    Ok(*needed <= plan.memory.weights && one_buffer.is_ok())
}

/// One device, one load. A device that failed gives its memory back before the next one is opened.
async fn attempt(
    gguf: &GgufFile,
    options: &LoadOptions,
    decoder: &DecoderOptions,
    clock: Clock,
    on_progress: &mut OnProgress<'_>,
    test: &mut SelfTest,
    known: &[String],
) -> Result<Engine<Gpu>> {
    let mut gpu = Gpu::open(&GpuOptions {
        allow_software: options.backend == BackendChoice::Gpu,
        timestamps: options.timestamps,
        drill: options.drill.clone(),
    })
    .await?;
    let device = gpu.device().clone();
    let loaded = async {
        if test.tried.is_empty() {
            if options.backend == BackendChoice::Auto && device.name_hidden() {
                self_test::require_fast(&mut gpu, clock).await?;
            }
            let plan = fitting(&gpu, gguf, decoder)?;
            let demands = demands_of(&plan);
            tune(&mut gpu, options.tuning, &plan, &demands, clock, &mut test.tuned).await?;
            let begun = clock();
            test.tried = truth::require_correct(&mut gpu, &demands, known).await?;
            test.ms = clock() - begun;
        }
        if let Some(tuned) = &test.tuned {
            gpu.set_tuning(tuned.tuning);
        }
        load_on(gpu, gguf, decoder, clock, on_progress).await
    };
    let loaded = loaded.await;
    if loaded.is_err() {
        device.destroy();
    }
    loaded
}

/// What the model will ask of the GPU, which must be able to hold it.
fn fitting(gpu: &Gpu, gguf: &GgufFile, options: &DecoderOptions) -> Result<Plan> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    let plan = Plan::new(gguf, config, options)?;
    plan.check(gpu.limits())?;
    Ok(plan)
}

/// Chooses the variants that run. A device that is lost over the measuring gets those of the table the next time.
async fn tune(
    gpu: &mut Gpu,
    how: Tune,
    plan: &Plan,
    demands: &truth::Demands,
    clock: Clock,
    tuned: &mut Option<Tuned>,
) -> Result<()> {
    let table = Tuned::unmeasured(*gpu.tuning(), Source::Table);
    let measured = tuned.is_none() && (how == Tune::Always || (how == Tune::Auto && !gpu.device().software()));
    let chosen = tuned.insert(match how {
        Tune::Given(tuning) if tuning.fits(gpu.device().abilities()) => Tuned::unmeasured(tuning, Source::Given),
        _ => table,
    });
    if measured {
        *chosen = autotune::device::measure(gpu, &work_of(plan), demands, false, clock).await?;
    }
    gpu.set_tuning(chosen.tuning);
    Ok(())
}

/// What a step of the model computes.
fn work_of(plan: &Plan) -> autotune::device::Work {
    let config = &plan.config;
    let embedding = plan.output.is_some().then_some(&plan.token_embd); // of which a token reads one row
    let matrices = plan
        .matrices()
        .filter(|m| embedding.is_none_or(|e| !std::ptr::eq(*m, e)));
    autotune::device::Work {
        matrices: matrices.flat_map(|m| m.parts.clone()).collect(),
        attention: AttentionShape {
            heads: HeadLayout {
                n_head: config.n_head,
                n_head_kv: config.n_head_kv,
                head_dim: config.head_dim,
            },
            scale: 1.0,
            window: None,
        },
        cache: plan.cache,
    }
}

/// What a model asks of whatever computes it.
pub fn demands_of(plan: &Plan) -> truth::Demands {
    let formats_from = |cols| {
        let parts = plan.matrices().flat_map(|m| &m.parts).filter(|p| p.cols >= cols);
        let formats: BTreeSet<_> = parts.map(|p| p.dtype).collect();
        formats.into_iter().collect()
    };
    truth::Demands {
        formats: formats_from(0),
        long: formats_from(truth::LONG_ROW),
        embedding: plan.token_embd.parts.iter().map(|p| p.dtype).collect(),
        head_dim: plan.config.head_dim,
        cache: plan.cache.dtype,
        order: plan.config.rope.order,
        head_norms: plan.config.tensors.head_norms,
    }
}
