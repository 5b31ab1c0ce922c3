//! What a session does when its GPU device is lost: a new device, the weights again, and the answer goes on.

use std::rc::Rc;

use super::embedding::Job;
use super::{BackendChoice, Session, SessionInfo, Speculation, choosing};
use crate::backend::Recruit;
use crate::engine::{self, AnyEngine, LoadOptions, Notice, Pace, check_draft};
use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::loader::OnProgress;
use crate::platform::{ByteSource, now_ms, sleep};
use crate::text::Tokenizer;

/// Devices that may be lost within [`LOSS_WINDOW_MS`], and without a step forward in the request that runs, however long
/// that takes; with one more, the GPU is given up. A laptop that sleeps loses one now and then; a driver that breaks loses
/// them as fast as they are opened, or always at the same command.
pub const MAX_LOSSES: usize = 3;
/// How long a loss counts, in milliseconds.
pub const LOSS_WINDOW_MS: f64 = 120_000.0;

/// Where a session came from, to load it again.
pub(super) struct Origin {
    pub sources: Vec<Rc<dyn ByteSource>>,
    /// Of the model that proposes tokens, where there is one.
    pub drafts: Vec<Rc<dyn ByteSource>>,
    pub speculation: Speculation,
    pub pace: Pace,
    pub options: LoadOptions,
    pub losses: Losses,
}

impl Origin {
    /// The model of `gguf`, with who proposes. What a draft model lacks is known before a byte of weights is read.
    pub async fn load(
        &self,
        gguf: &GgufFile,
        options: &LoadOptions,
        recruit: &mut Recruit<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<AnyEngine> {
        let draft = match self.speculation {
            Speculation::Draft(_) => {
                let draft = open(&self.drafts).await?;
                check_draft(gguf, &draft)?;
                Some(draft)
            }
            Speculation::Off | Speculation::Lookup => None,
        };
        let mut engine = engine::load_with(gguf, options, recruit, now_ms, on_progress).await?;
        match (self.speculation, draft) {
            (Speculation::Lookup, _) => engine.look_up(self.pace.clone()),
            (_, Some(draft)) => engine.add_draft(&draft, self.pace.clone(), now_ms).await?,
            _ => {}
        }
        Ok(engine)
    }
}

/// Which losses count.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// When devices were lost, in milliseconds.
    times: Vec<f64>,
    /// How many since the request that runs made a step forward.
    stuck: usize,
}

impl Losses {
    /// One more, at `now`; or, where that is one too many, why. What was given up is no further loss: who asks again later
    /// does not wait the longer.
    fn add(&mut self, now: f64) -> Option<String> {
        self.times.retain(|then| now - then < LOSS_WINDOW_MS);
        if self.times.len() >= MAX_LOSSES {
            let seconds = LOSS_WINDOW_MS / 1000.0;
            return Some(format!("{} times within {seconds} s", MAX_LOSSES + 1));
        }
        if self.stuck >= MAX_LOSSES {
            return Some(format!("{} times at the same place of one request", MAX_LOSSES + 1));
        }
        self.times.push(now);
        self.stuck += 1;
        None
    }

    /// The last one, which [`Losses::add`] has counted, is not made good for a reason that is none of the GPU's: who asks
    /// again asks for the same.
    fn take_back(&mut self) {
        self.times.pop();
        self.stuck = self.stuck.saturating_sub(1);
    }

    /// A token or a vector has come, or another request.
    pub(super) fn progress(&mut self) {
        self.stuck = 0;
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
        #[cfg(feature = "gpu")]
        gpu: engine.gpu_facts(),
        fallback: engine.fallback().map(str::to_owned),
        model: plan.config.name.clone(),
        architecture: plan.config.arch.into(),
        context: plan.n_ctx,
        trained_context: plan.config.n_ctx_train,
        vocabulary: plan.config.n_vocab,
        embedding_length: plan.config.n_embd,
        chat_template: tokenizer.chat_template(None).is_some(),
        binding: engine.identity().clone(),
    }
}

impl Session {
    /// After a call has failed with [`Error::GpuLost`]: opens a device and loads the model again, from the sources that it
    /// came from. The running request is kept: call what failed again. Its tokens are computed anew, and sampler, text and
    /// stop strings go on where they were.
    ///
    /// After more than [`MAX_LOSSES`] within [`LOSS_WINDOW_MS`], or without a step forward, the CPU takes over, if the caller
    /// left the choice.
    ///
    /// # Errors
    /// [`Error::GpuLost`] where the GPU was demanded and is lost too often; those of [`Session::load`]. The session stays
    /// as it is, and the call may be repeated.
    pub async fn restore(&mut self, recruit: &mut Recruit<'_>, on_progress: &mut OnProgress<'_>) -> Result<()> {
        let begun = now_ms();
        let mut options = self.origin.options.clone();
        let given_up = self.origin.losses.add(begun).map(|message| Error::GpuLost { message });
        match (options.backend, &given_up) {
            (BackendChoice::Gpu, Some(lost)) => return Err(lost.clone()),
            (_, Some(_)) => options.backend = BackendChoice::Cpu,
            _ => {}
        }
        let paused = self.engine.pause();
        options.least_context = [
            paused.as_ref().map_or(0, engine::Paused::context),
            self.context_of_waiting(),
            self.embedding.as_ref().map_or(0, Job::context),
            self.choosing.as_ref().map_or(0, choosing::Job::context),
        ]
        .into_iter()
        .fold(0, usize::max);
        options.again = Some(engine::Pause(|ms| Box::pin(sleep(ms))));
        #[cfg(feature = "gpu")]
        if let Some(old) = self.engine.device() {
            old.destroy(); // a device that only failed still has its memory, which the next one needs
        }
        let loaded = self.load_again(&options, recruit, on_progress).await;
        let mut engine = match loaded {
            Ok(engine) => engine,
            Err(error) => {
                if given_up.is_none() && !matches!(error, Error::GpuLost { .. } | Error::Gpu { .. }) {
                    self.origin.losses.take_back();
                }
                if let Some(paused) = paused {
                    self.engine.resume(paused)?; // the request waits for another attempt
                }
                return Err(error);
            }
        };
        if let Some(lost) = &given_up {
            self.notices.push(Notice::given_up(lost));
        }
        self.notices.extend(engine.notices().iter().cloned());
        let resumed = paused.map_or(Ok(()), |paused| engine.resume(paused));
        self.engine = engine;
        self.info = info(&self.engine, &self.tokenizer);
        if let Some(lost) = given_up {
            self.info.fallback = Some(lost.to_string());
        }
        if resumed.is_err() {
            self.abort();
        }
        if self.info.backend == "gpu" {
            let spent = now_ms() - begun;
            self.notices
                .push(Notice::restored(self.info.backend, self.engine.plan(), spent));
        }
        resumed
    }

    /// What the GPU that is there now was found to compute correctly: see [`SelfTest::tried`](super::SelfTest::tried). It may
    /// be another one than before. `tuning` as in the options of loading; what is none changes nothing.
    pub fn set_tested(&mut self, tested: Vec<String>, tuning: &serde_json::Value) {
        self.origin.options.tested = tested;
        #[cfg(feature = "gpu")]
        if let Ok(tuning) = serde::Deserialize::deserialize(tuning) {
            self.origin.options.tuning = tuning;
        }
        #[cfg(not(feature = "gpu"))]
        let _ = tuning;
    }

    async fn load_again(
        &mut self,
        options: &LoadOptions,
        recruit: &mut Recruit<'_>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<AnyEngine> {
        let gguf = open(&self.origin.sources).await?;
        self.origin.load(&gguf, options, recruit, on_progress).await
    }

    /// What happened since the last call that the caller should hear of.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use pollster::block_on;
    use serde_json::json;

    use super::*;
    use crate::platform::{FileSource, MemorySource};
    use crate::session::{EmbeddingRequest, Request, SessionOptions};

    #[test]
    fn losses_count_for_a_while() {
        let mut losses = Losses::default();
        let mut add = |now: f64| {
            losses.progress();
            losses.add(now).is_none()
        };
        let early: Vec<bool> = (0..3).map(|i| add(f64::from(i) * 1000.0)).collect();
        assert_eq!(early, [true; 3]);
        for i in 3..200 {
            assert!(!add(f64::from(i) * 500.0), "the fourth within the window");
        }
        assert!(
            add(LOSS_WINDOW_MS + 10.0),
            "the first is old, and what was given up does not count"
        );
        assert!(!add(LOSS_WINDOW_MS + 20.0));
        assert!(add(10.0 * LOSS_WINDOW_MS));
    }

    #[test]
    fn losses_without_a_step_forward_count_for_ever() {
        let mut losses = Losses::default();
        let far = |i: usize| i as f64 * 10.0 * LOSS_WINDOW_MS;
        for i in 0..MAX_LOSSES {
            assert_eq!(losses.add(far(i)), None);
        }
        let why = losses.add(far(3)).expect("one too many");
        assert!(why.contains("4 times at the same place"), "{why}");
        assert!(losses.add(far(4)).is_some(), "it stays so");
        losses.progress();
        assert_eq!(losses.add(far(5)), None);
    }

    fn restore(session: &mut Session, flow: ControlFlow<()>) -> Result<()> {
        let restored = async { session.restore(&mut crate::backend::recruit, &mut |_| flow).await };
        block_on(restored)
    }

    /// Devices that are lost so far apart that only the place counts: whether the next one is given up.
    fn lose(session: &mut Session, times: usize) -> bool {
        for _ in 0..times {
            session.origin.losses.times.clear();
            session.notices.clear();
            assert_eq!(restore(session, ControlFlow::Continue(())), Ok(()));
        }
        session.notices.iter().any(|notice| notice.code == "degraded")
    }

    fn load() -> Session {
        let file =
            FileSource::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/qwen2.gguf")).expect("readable");
        let options = SessionOptions {
            backend: BackendChoice::Cpu,
            ..SessionOptions::default()
        };
        let loaded = async { Session::load(vec![Rc::new(file)], &options, &mut |_| ControlFlow::Continue(())).await };
        block_on(loaded).expect("loads")
    }

    #[test]
    fn a_restore_that_was_aborted_or_had_no_file_is_no_loss() {
        let mut session = load();
        for _ in 0..=MAX_LOSSES {
            assert_eq!(restore(&mut session, ControlFlow::Break(())), Err(Error::Aborted));
        }
        let none: Rc<dyn ByteSource> = Rc::new(MemorySource::new(vec![0; 64]));
        let sources = std::mem::replace(&mut session.origin.sources, vec![none]);
        for _ in 0..=MAX_LOSSES {
            assert!(restore(&mut session, ControlFlow::Continue(())).is_err());
        }
        session.origin.sources = sources;
        for _ in 0..MAX_LOSSES {
            assert_eq!(restore(&mut session, ControlFlow::Continue(())), Ok(()));
        }
        assert!(session.notices.is_empty(), "{:?}", session.notices);
        assert!(lose(&mut session, 1), "one too many");
    }

    #[test]
    fn a_token_a_vector_and_another_request_are_steps_forward() {
        let mut session = load();
        let request =
            Request::completion(&json!({"prompt": "a", "max_tokens": 4, "temperature": 0})).expect("a request");
        let texts = EmbeddingRequest::new(&json!({"input": ["a", "b"]})).expect("a request");

        session.start(&request).expect("starts");
        assert!(!lose(&mut session, MAX_LOSSES));
        assert!(lose(&mut session, 1), "the same place");
        block_on(session.next()).expect("a token").expect("not the last");
        assert!(!lose(&mut session, MAX_LOSSES), "a token came");
        session.start(&request).expect("starts");
        assert!(!lose(&mut session, MAX_LOSSES), "another request");
        session.start_embedding(&texts).expect("starts");
        assert!(!lose(&mut session, MAX_LOSSES), "another request");
        block_on(session.next_embedding())
            .expect("a vector")
            .expect("the first");
        assert!(!lose(&mut session, MAX_LOSSES), "a vector came");
        assert!(lose(&mut session, 1), "the same place");
    }
}
