//! Options of `kinglet route`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub enum Route {
    /// Rows of outcomes in, figures out: what escalating by a signal gains and costs, beside every baseline.
    Eval(Eval),
    /// The same as a folder to show: report.json, report.md, deferral.svg, frontier.svg.
    Report {
        #[command(flatten)]
        eval: Eval,
        /// The folder to write; it is made.
        #[arg(long)]
        out: PathBuf,
    },
    /// Items of two or three runs of `kinglet eval` on one task file in, rows out.
    Join(Join),
    /// What escalation a quality target needs, what that costs, and which model is enough; or why none is promised.
    Plan {
        /// {"quality","money","candidates",…} as JSON; docs/route.md describes it.
        file: PathBuf,
    },
    /// Rows in, a calibration out.
    Calibrate(Calibrate),
    /// Lines of traces in, each computed again: {"identical",…} for each. Fails unless all are identical.
    Replay {
        /// Traces, one a line.
        traces: PathBuf,
        /// The calibration that they name.
        #[arg(long)]
        profile: Option<PathBuf>,
    },
}

#[derive(Args)]
#[command(group = ArgGroup::new("operating").required(true).args(["escalation", "threshold", "profile"]))]
pub struct Eval {
    /// Rows of outcomes, one JSON object a line.
    pub rows: PathBuf,
    /// Whose doubt: score, p_error, or a feature of the rows' signals, such as label_margin.
    #[arg(long, default_value = "score")]
    pub signal: String,
    /// Escalates this share, the most doubtful. Looks at no label.
    #[arg(long)]
    pub escalation: Option<f64>,
    /// Escalates from this score on.
    #[arg(long)]
    pub threshold: Option<f64>,
    /// Scores and escalates as this calibration says.
    #[arg(long, conflicts_with = "signal")]
    pub profile: Option<PathBuf>,
    /// Counts how often the share of wrong answers among those kept is larger than this.
    #[arg(long)]
    pub risk: Option<f64>,
    /// Samples that are drawn for the intervals.
    #[arg(long, default_value_t = 1000)]
    pub replicates: u32,
    /// The share of samples within an interval.
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// Of the samples, and of the half on which the task label is learnt.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Args)]
pub struct Join {
    /// Items of the local model: kinglet eval … --out.
    #[arg(long)]
    pub local: PathBuf,
    /// Items of the strong model on the same task file.
    #[arg(long)]
    pub remote: PathBuf,
    /// Items of a cheap remote model on the same task file.
    #[arg(long)]
    pub cheap: Option<PathBuf>,
    /// What the strong model would cost, as JSON: {"inputPerMillion","outputPerMillion","currency","asOf"}.
    #[arg(long)]
    pub remote_price: Option<PathBuf>,
    /// The same of the cheap one.
    #[arg(long, requires = "cheap", requires = "remote_price")]
    pub cheap_price: Option<PathBuf>,
}

#[derive(Args)]
pub struct Calibrate {
    /// Rows of outcomes, one JSON object a line.
    pub rows: PathBuf,
    /// What the app calls the task.
    #[arg(long)]
    pub task: String,
    /// Today: 2026-11-22.
    #[arg(long)]
    pub created: String,
    /// What the answers were made with, as JSON: {"model_hash",…}.
    #[arg(long)]
    pub binding: PathBuf,
    /// What is promised, as JSON: {"mode":"risk","alpha":0.05,"delta":0.1}.
    #[arg(long)]
    pub target: String,
    /// Features to fit a score to, with commas between (default: the rows' score as it stands).
    #[arg(long, value_delimiter = ',')]
    pub features: Vec<String>,
    /// What a fitted score means.
    #[arg(long, value_enum, default_value_t = Scale::Error, requires = "features")]
    pub scale: Scale,
    /// All classes that the traffic has, with commas between: the lint names those without a row.
    #[arg(long, value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Makes a profile although the lint says that its promise would not be true; its notes say so, too.
    #[arg(long)]
    pub despite_lint: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Scale {
    /// The probability that the local answer is wrong.
    Error,
    /// What the remote model is expected to gain.
    Gain,
}
