//! The command line: every command, its options and their defaults.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs, inspects and checks GGUF models. JSON Lines on standard output; errors as one JSON object on standard error,
/// with exit code 1.
#[derive(Parser)]
#[command(name = "kinglet", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Metadata, tensors, size, memory needed, and whether the file runs here.
    Inspect {
        /// A GGUF file; of a split model, its first file.
        file: PathBuf,
        /// Context to plan memory for (default: the model's, at most 4096).
        #[arg(long)]
        ctx: Option<usize>,
    },
    /// Lines {"text":…} in, {"ids":[…]} out. Vocabulary-only files work.
    Tokenize {
        file: PathBuf,
        /// Whether texts such as <|end|> become control tokens.
        #[arg(long, value_enum, default_value_t = SpecialArg::Text)]
        special: SpecialArg,
        /// Whether a begin-of-sequence token is put in front.
        #[arg(long, value_enum, default_value_t = BosArg::Auto)]
        bos: BosArg,
    },
    /// Lines {"ids":[…]} in, {"text":…} out.
    Detokenize {
        file: PathBuf,
        /// Whether control tokens appear in the text.
        #[arg(long, value_enum, default_value_t = SpecialArg::Text)]
        special: SpecialArg,
    },
    /// Lines {"messages":[…],"add_generation_prompt":bool,"tools":…} in, {"text":…} or {"error":…} out for each.
    Render {
        /// A GGUF file with a chat template, or the template itself (.jinja).
        file: PathBuf,
        /// Replaces the file's begin-of-sequence text.
        #[arg(long)]
        bos_token: Option<String>,
        /// Replaces the file's end-of-sequence text.
        #[arg(long)]
        eos_token: Option<String>,
        /// The time that `strftime_now` sees, ISO 8601 (default: now, UTC).
        #[arg(long)]
        now: Option<String>,
    },
    /// Continues a prompt or answers a conversation: one line {"ids","text","finish_reason","timings"}.
    Generate(Box<Generate>),
    /// Answers OpenAI's chat requests over HTTP, one at a time; prints one line {"listening","model"} when it is ready.
    Serve(Serve),
    /// Lines {"text":…} or {"ids":[…]} in; per-token nll and argmax, and perplexity, out.
    Score {
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Lines {"text":…} or {"ids":[…]} in, {"embedding":[…],"tokens"} out: a vector of length 1 for each.
    Embed {
        #[command(flatten)]
        model: ModelArgs,
        /// mean or last (default: what the file says, else mean).
        #[arg(long)]
        pooling: Option<String>,
    },
    /// Runs a labelled task file: accuracy per task, speed, and the signals of doubt of each item.
    Eval(Eval),
    /// Escalation: from rows of outcomes to figures, plans, calibrations; docs/route.md describes it.
    #[command(subcommand)]
    Route(crate::route::args::Route),
    /// Speed of prefill and decode, time to first token, peak memory, dispatches per token.
    Bench {
        #[command(flatten)]
        model: ModelArgs,
        /// Prompt length.
        #[arg(long, default_value_t = 64)]
        prompt_tokens: usize,
        /// Tokens to generate.
        #[arg(long, default_value_t = 32)]
        generate: usize,
        /// Runs; the median of each figure is printed.
        #[arg(long, default_value_t = 3)]
        repeat: usize,
        /// Lines of completion requests instead, all in turn, after a round to warm up: {"rounds"} has the milliseconds that
        /// one thread computed for a token of each, round by round. Linux, with --backend cpu --threads 1.
        #[arg(long)]
        requests: Option<PathBuf>,
        /// Prompts, one a line, instead: the ten likeliest tokens after each, {"adapter","lists"}.
        #[arg(long, conflicts_with = "requests")]
        likely: Option<PathBuf>,
        /// Short answers with and without signals of doubt instead, this many pairs for each way of sampling: how much longer
        /// the thread computes. Linux, with --backend cpu --threads 1.
        #[arg(long, conflicts_with = "requests")]
        signals: Option<usize>,
        /// Lines of chat requests instead, each answered with and without speculation in turn: {"tokens_per_s", "ratio",
        /// "drafted", "accepted"} of each, and of all. The answers must be the same.
        #[arg(long, conflicts_with_all = ["requests", "signals"])]
        compare: Option<PathBuf>,
    },
    /// GB/s and GFLOP/s of each GPU kernel beside those of the adapter itself, checked before they are timed.
    Kernels {
        /// What to measure, as JSON; docs/benchmarks.md describes it. Default: the shapes of Phi-3-mini.
        #[arg(long, default_value = "{}")]
        plan: String,
    },
    /// Writes a model file in a smaller type: one line {"name","shape","from","to","bytes","rmse"} for each tensor, then
    /// one with totals.
    Quantize(Quantize),
    /// Checks a file end to end and prints one JSON report to copy into an issue.
    Verify {
        file: PathBuf,
        /// Skips the comparison with the GPU.
        #[arg(long)]
        cpu_only: bool,
    },
}

/// Which model runs where.
#[derive(Args, Clone)]
pub struct ModelArgs {
    /// A GGUF file (of a split model, its first file), or the name of the project's own: desk, desk-nano.
    pub file: PathBuf,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Where and how a model runs.
#[derive(Args, Clone)]
pub struct RunArgs {
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = BackendArg::Auto)]
    pub backend: BackendArg,
    /// Context to allocate (default: the model's, at most 4096).
    #[arg(long)]
    pub ctx: Option<usize>,
    /// Type of the key/value cache.
    #[arg(long, value_enum, default_value_t = CacheArg::F16)]
    pub cache: CacheArg,
    /// Tokens of one prefill chunk.
    #[arg(long)]
    pub batch: Option<usize>,
    /// Attends to the whole context even if the file declares a sliding window (as llama.cpp does for phi3).
    #[arg(long)]
    pub ignore_window: bool,
    /// On the CPU: f32 activations and f64 sums instead of 8-bit activations. Many times slower.
    #[arg(long)]
    pub exact: bool,
    /// On the CPU: threads that share the work (default: one per core, at most 8).
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
    /// Who proposes tokens that the model only has to check: off, lookup, or a smaller model with the same vocabulary (a GGUF
    /// file, or a name as above).
    #[arg(long, default_value = "off")]
    pub speculation: String,
    /// Always so many proposals, whether they pay or not.
    #[arg(long)]
    pub proposals: Option<usize>,
}

#[derive(Args)]
pub struct Eval {
    /// Labelled tasks, one JSON object a line: {"task","messages":[…],"answer",…}; docs/eval.md describes them.
    pub taskset: PathBuf,
    /// A GGUF file (of a split model, its first file), or the name of the project's own: desk, desk-nano.
    #[arg(long)]
    pub model: PathBuf,
    /// Writes the items here instead of to standard output.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Writes here what a calibration made from the items is bound to: `kinglet route calibrate --binding` reads it.
    #[arg(long)]
    pub binding: Option<PathBuf>,
    /// Only this many rows, from the first on.
    #[arg(long)]
    pub limit: Option<NonZeroUsize>,
    /// Most tokens of an answer.
    #[arg(long, default_value_t = 160)]
    pub max_tokens: usize,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Where to listen; 0: any free port.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// The address to listen at. There is no key: whoever reaches it may ask.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: std::net::IpAddr,
    /// What clients call the model (default: the file's name without its end).
    #[arg(long)]
    pub name: Option<String>,
    /// A page that may ask, as browsers send its origin (https://app.example); may be given several times. Default: none.
    #[arg(long)]
    pub origin: Vec<String>,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("input").required(true))]
pub struct Generate {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Text to continue as it stands, without the model's chat template.
    #[arg(long, group = "input")]
    pub prompt: Option<String>,
    /// Text behind the gap that is filled after the prompt, where the file declares fill-in-the-middle tokens.
    #[arg(long, requires = "prompt")]
    pub suffix: Option<String>,
    /// One message of a user, answered by way of the chat template.
    #[arg(long, group = "input")]
    pub message: Option<String>,
    /// A conversation as JSON: [{"role":"user","content":"…"}].
    #[arg(long, group = "input")]
    pub messages: Option<String>,
    #[arg(long, default_value_t = 128)]
    pub max_tokens: usize,
    /// 0 is greedy.
    #[arg(long, default_value_t = 0.0)]
    pub temperature: f32,
    #[arg(long)]
    pub top_k: Option<u32>,
    #[arg(long)]
    pub top_p: Option<f32>,
    #[arg(long)]
    pub min_p: Option<f32>,
    #[arg(long)]
    pub repeat_penalty: Option<f32>,
    #[arg(long)]
    pub presence_penalty: Option<f32>,
    #[arg(long)]
    pub frequency_penalty: Option<f32>,
    #[arg(long)]
    pub seed: Option<u64>,
    /// Ends the answer before this text; may be given several times.
    #[arg(long)]
    pub stop: Vec<String>,
    /// The answer is JSON that satisfies the schema in this file.
    #[arg(long, group = "grammar")]
    pub json_schema: Option<PathBuf>,
    /// The answer matches this regular expression (JavaScript's syntax) from beginning to end.
    #[arg(long, group = "grammar")]
    pub regex: Option<String>,
    /// The answer is a sentence of the Lark grammar in this file.
    #[arg(long, group = "grammar")]
    pub lark: Option<PathBuf>,
}

#[derive(Args)]
pub struct Quantize {
    /// A GGUF file in F32, F16 or BF16; of a split model, its first file.
    pub input: PathBuf,
    /// The file to write: one, also for a split model.
    pub output: PathBuf,
    /// f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k_s, q3_k_m, q3_k_l, q4_k_s, q4_k_m, q5_k_s, q5_k_m or q6_k.
    #[arg(long = "type")]
    pub file_type: String,
    /// Every matrix in the same format: no mix.
    #[arg(long)]
    pub pure: bool,
    /// Format of the output projection (also where it is the embedding), for example q8_0.
    #[arg(long)]
    pub output_type: Option<String>,
    /// Format of the token embedding.
    #[arg(long)]
    pub embedding_type: Option<String>,
    /// Accepts an input that is quantized already. Worse than starting from the original.
    #[arg(long)]
    pub allow_requantize: bool,
    /// Replaces the file to write if it exists.
    #[arg(long)]
    pub force: bool,
    /// Threads that share the work (default: one per core).
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SpecialArg {
    /// Control tokens are recognised.
    Parse,
    /// Control tokens are ordinary text.
    Text,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum BosArg {
    /// As the file's metadata says.
    Auto,
    Yes,
    No,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum BackendArg {
    /// A hardware GPU if there is one, else the CPU.
    Auto,
    Gpu,
    Cpu,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum CacheArg {
    F16,
    F32,
    /// A little over half of f16.
    #[value(name = "q8_0")]
    Q8_0,
}
