//! `kinglet generate` and `kinglet score`.

use std::path::Path;

use kinglet::engine::{self, AnyEngine, BackendChoice, LoadOptions};
use kinglet::gguf::GgufFile;
use kinglet::model::plan::DecoderOptions;
use kinglet::ops::CacheType;
use kinglet::session::{Request, Session, SessionOptions, Speculation};
use kinglet::text::{Bos, Special, Tokenizer};
use kinglet::{Result, platform};
use pollster::block_on;
use serde_json::{Value, json};

use crate::args::{BackendArg, CacheArg, Generate, ModelArgs, RunArgs};
use crate::{constraint, open, output};

impl From<BackendArg> for BackendChoice {
    fn from(b: BackendArg) -> Self {
        match b {
            BackendArg::Auto => BackendChoice::Auto,
            BackendArg::Gpu => BackendChoice::Gpu,
            BackendArg::Cpu => BackendChoice::Cpu,
        }
    }
}

impl From<CacheArg> for CacheType {
    fn from(c: CacheArg) -> Self {
        match c {
            CacheArg::F16 => CacheType::F16,
            CacheArg::F32 => CacheType::F32,
            CacheArg::Q8_0 => CacheType::Q8_0,
        }
    }
}

/// Loads an engine without a session: what scoring and benchmarks need.
pub fn load_engine(gguf: &GgufFile, args: &RunArgs) -> Result<AnyEngine> {
    let default = DecoderOptions::default();
    let options = LoadOptions {
        backend: args.backend.into(),
        decoder: DecoderOptions {
            n_ctx: args.ctx,
            n_batch: args.batch.unwrap_or(default.n_batch),
            cache_type: args.cache.into(),
            ignore_window: args.ignore_window,
        },
        exact: args.exact,
        threads: args.threads.map(Into::into),
        ..LoadOptions::default()
    };
    block_on(engine::load(gguf, &options, platform::now_ms, &mut |_| {
        std::ops::ControlFlow::Continue(())
    }))
}

/// Loads everything a request needs.
pub fn load_session(file: &Path, args: &RunArgs) -> Result<Session> {
    let mut sources = open::sources(file)?;
    let speculation = match args.speculation.as_str() {
        "off" => Speculation::Off,
        "lookup" => Speculation::Lookup,
        draft => {
            let draft = open::sources(Path::new(draft))?;
            let files = draft.len();
            sources.extend(draft);
            Speculation::Draft(files)
        }
    };
    let options = SessionOptions {
        speculation,
        proposals: args.proposals,
        backend: args.backend.into(),
        n_ctx: args.ctx,
        n_batch: args.batch,
        cache_type: args.cache.into(),
        ignore_window: args.ignore_window,
        exact: args.exact,
        threads: args.threads.map(Into::into),
        ..SessionOptions::default()
    };
    block_on(Session::load(sources, &options, &mut |_| {
        std::ops::ControlFlow::Continue(())
    }))
}

/// What one request produced.
pub struct Answer {
    pub ids: Vec<u32>,
    pub text: String,
    pub finish_reason: Value,
    pub timings: Value,
    pub usage: Value,
}

/// Runs one request to its end.
pub fn answer(session: &mut Session, request: &Value) -> Result<Answer> {
    block_on(async {
        let request = if request.get("messages").is_some() {
            Request::chat(request)?
        } else {
            Request::completion(request)?
        };
        let constraint = constraint::of(session, &request)?;
        session.start_under(&request, constraint)?;
        let mut answer = Answer {
            ids: vec![],
            text: String::new(),
            finish_reason: Value::Null,
            timings: Value::Null,
            usage: Value::Null,
        };
        while let Some(chunk) = session.next().await? {
            answer.text += &chunk.text;
            if let Some(reason) = chunk.finish_reason {
                answer.finish_reason = json!(reason);
                answer.timings = json!(chunk.timings);
                answer.usage = json!(chunk.usage);
            }
        }
        answer.ids = session.generated().to_vec();
        Ok(answer)
    })
}

pub fn generate(g: &Generate) -> Result<()> {
    let mut request = json!({"max_tokens": g.max_tokens, "temperature": g.temperature});
    if let Some(prompt) = &g.prompt {
        request["prompt"] = json!(prompt);
    } else if let Some(message) = &g.message {
        request["messages"] = json!([{"role": "user", "content": message}]);
    } else {
        request["messages"] = serde_json::from_str(g.messages.as_deref().unwrap_or_default())
            .map_err(|e| kinglet::Error::invalid("--messages", "a JSON array of messages", e))?;
    }
    let optional = [
        ("top_p", json!(g.top_p)),
        ("presence_penalty", json!(g.presence_penalty)),
        ("frequency_penalty", json!(g.frequency_penalty)),
        ("seed", json!(g.seed)),
    ];
    for (name, value) in optional.into_iter().filter(|(_, v)| !v.is_null()) {
        request[name] = value;
    }
    let ours = [
        ("top_k", json!(g.top_k)),
        ("min_p", json!(g.min_p)),
        ("repeat_penalty", json!(g.repeat_penalty)),
    ];
    for (name, value) in ours.into_iter().filter(|(_, v)| !v.is_null()) {
        request["kinglet"][name] = value;
    }
    if let Some(file) = &g.json_schema {
        let schema: Value = serde_json::from_str(&read(file)?)
            .map_err(|e| kinglet::Error::invalid("--json-schema", "a file with a JSON schema", e))?;
        request["response_format"] =
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    }
    if let Some(regex) = &g.regex {
        request["kinglet"]["regex"] = json!(regex);
    }
    if let Some(file) = &g.lark {
        request["kinglet"]["lark"] = json!(read(file)?);
    }
    if let Some(suffix) = &g.suffix {
        request["suffix"] = json!(suffix);
    }
    if !g.stop.is_empty() {
        request["stop"] = json!(g.stop);
    }
    let mut session = load_session(&g.model.file, &g.model.run)?;
    let a = answer(&mut session, &request)?;
    output::line(&json!({
        "ids": a.ids, "text": a.text, "finish_reason": a.finish_reason, "timings": a.timings, "usage": a.usage,
        "backend": session.info().backend, "adapter": session.info().adapter,
    }))
}

/// The text of a file.
pub fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| kinglet::Error::Io {
        source_name: file.display().to_string(),
        message: e.to_string(),
    })
}

/// Perplexity and what leads to it, of one text.
pub struct Score {
    pub ids: Vec<u32>,
    pub nll: Vec<f32>,
    pub argmax: Vec<u32>,
}

impl Score {
    pub fn of(engine: &mut AnyEngine, ids: Vec<u32>) -> Result<Self> {
        let scored = block_on(engine.score(&ids))?;
        Ok(Self {
            nll: scored.iter().map(|s| s.nll).collect(),
            argmax: scored.iter().map(|s| s.argmax).collect(),
            ids,
        })
    }

    /// exp(mean nll), `None` where nothing was predicted.
    pub fn perplexity(&self) -> Option<f64> {
        let n = self.nll.len();
        (n > 0).then(|| (self.nll.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64).exp())
    }
}

pub fn score(args: &ModelArgs) -> Result<()> {
    let gguf = open::gguf(&args.file)?;
    let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
    let mut engine = load_engine(&gguf, &args.run)?;
    output::each_line(|line| {
        let ids = match output::ids(&line)? {
            Some(ids) => ids,
            None => tokenizer.encode(output::text(&line)?, Special::AsText, Bos::Auto)?,
        };
        let s = Score::of(&mut engine, ids)?;
        output::line(&json!({"ids": s.ids, "nll": s.nll, "argmax": s.argmax, "perplexity": s.perplexity()}))
    })
}
