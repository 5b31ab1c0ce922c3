//! What a session does when its GPU device is lost: a new device, the weights again, and the answer goes on.

use std::rc::Rc;

use super::{BackendChoice, Session, SessionInfo};
use crate::backend::Recruit;
use crate::engine::{self, AnyEngine, LoadOptions, Notice};
use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::loader::OnProgress;
use crate::platform::{ByteSource, now_ms};
use crate::text::Tokenizer;

/// Devices that may be lost within [`LOSS_WINDOW_MS`]; with one more, the GPU is given up. A laptop that sleeps loses one
/// now and then; a driver that breaks loses them as fast as they are opened.
pub const MAX_LOSSES: usize = 3;
/// How long a loss counts, in milliseconds.
pub const LOSS_WINDOW_MS: f64 = 120_000.0;

/// Where a session came from, to load it again.
pub(super) struct Origin {
    pub sources: Vec<Rc<dyn ByteSource>>,
    pub options: LoadOptions,
    pub losses: Losses,
}

/// When devices were lost, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Losses(Vec<f64>);

impl Losses {
    /// One more, at `now`; how many count.
    fn add(&mut self, now: f64) -> usize {
        self.0.retain(|then| now - then < LOSS_WINDOW_MS);
        self.0.push(now);
        self.0.len()
    }
}

/// The request goes on after this error, once [`Session::restore`] has been called.
pub(super) fn survives(error: &Error) -> bool {
    matches!(error, Error::GpuLost { .. })
}

/// The file of one source, or of all parts in order.
pub(super) async fn open(sources: &[Rc<dyn ByteSource>]) -> Result<GgufFile> {
    match sources {
        [one] => GgufFile::open(one.clone()).await,
        parts => GgufFile::open_split(parts.to_vec()).await,
    }
}

/// What was loaded, and where it runs.
pub(super) fn info(engine: &AnyEngine, tokenizer: &Tokenizer) -> SessionInfo {
    let (backend, plan) = (engine.info(), engine.plan());
    SessionInfo {
        backend: backend.backend,
        adapter: backend.adapter,
        software: backend.software,
        fallback: engine.fallback().map(str::to_owned),
        model: plan.config.name.clone(),
        architecture: plan.config.arch.into(),
        context: plan.n_ctx,
        trained_context: plan.config.n_ctx_train,
        vocabulary: plan.config.n_vocab,
        embedding_length: plan.config.n_embd,
        chat_template: tokenizer.chat_template(None).is_some(),
    }
}

impl Session {
    /// After a call has failed with [`Error::GpuLost`]: opens a device and loads the model again, from the sources that it
    /// came from. The running request is kept: call what failed again. Its tokens are computed anew, and sampler, text and
    /// stop strings go on where they were.
    ///
    /// After more than [`MAX_LOSSES`] within [`LOSS_WINDOW_MS`] the CPU takes over, if the caller left the choice.
    ///
    /// # Errors
    /// [`Error::GpuLost`] where the GPU was demanded and is lost too often; those of [`Session::load`]. The session stays
    /// as it is, and the call may be repeated.
    pub async fn restore(&mut self, recruit: &mut Recruit<'_>, on_progress: &mut OnProgress<'_>) -> Result<()> {
        let begun = now_ms();
        let lost = Error::GpuLost {
            message: format!("{} times within {} s", MAX_LOSSES + 1, LOSS_WINDOW_MS / 1000.0),
        };
        let mut options = self.origin.options.clone();
        let given_up = self.origin.losses.add(begun) > MAX_LOSSES;
        match options.backend {
            BackendChoice::Gpu if given_up => return Err(lost),
            _ if given_up => options.backend = BackendChoice::Cpu,
            _ => {}
        }
        let paused = self.engine.pause();
        options.least_context = paused.as_ref().map_or(0, engine::Paused::context);
        let loaded = self.load_again(&options, recruit, on_progress).await;
        let mut engine = match loaded {
            Ok(engine) => engine,
            Err(error) => {
                if let Some(paused) = paused {
                    self.engine.resume(paused)?; // the request waits for another attempt
                }
                return Err(error);
            }
        };
        if given_up {
            self.notices.push(Notice::given_up(&lost));
        }
        self.notices.extend(engine.notices().iter().cloned());
        let resumed = paused.map_or(Ok(()), |paused| engine.resume(paused));
        self.engine = engine;
        self.info = info(&self.engine, &self.tokenizer);
        if given_up {
            self.info.fallback = Some(lost.to_string());
        }
        if resumed.is_err() {
            self.abort();
        }
        let spent = now_ms() - begun;
        self.notices
            .push(Notice::restored(self.info.backend, self.engine.plan(), spent));
        resumed
    }

    async fn load_again(
        &mut self,
        options: &LoadOptions,
        recruit: &mut Recruit<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<AnyEngine> {
        let gguf = open(&self.origin.sources).await?;
        engine::load_with(&gguf, options, recruit, now_ms, on_progress).await
    }

    /// What happened since the last call that the caller should hear of.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_count_for_a_while() {
        let mut losses = Losses::default();
        let counts: Vec<usize> = (0..5).map(|i| losses.add(f64::from(i) * 1000.0)).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5]);
        assert_eq!(losses.add(LOSS_WINDOW_MS + 1500.0), 4, "two are old");
        assert_eq!(losses.add(10.0 * LOSS_WINDOW_MS), 1);
    }
}
