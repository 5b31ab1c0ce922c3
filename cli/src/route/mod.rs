//! `kinglet route`: what escalation gains and costs, from rows of outcomes. docs/route.md says what goes in and comes out.

pub mod args;
mod calibrate;
mod join;
mod plan;
mod replay;
mod report;
mod svg;
mod table;

use std::path::Path;

use kinglet::Error;
use kinglet_route::RouteError;
use kinglet_route::evaluate::{self, Operating, Options, Source};
use kinglet_route::measure::Bootstrap;
use kinglet_route::profile::Profile;
use serde_json::Value;

use crate::output;
use args::Route;

/// Whatever went wrong, with its own code.
pub enum Failure {
    /// Files, and what the tool itself checks.
    Tool(Error),
    /// What the numbers say.
    Route(RouteError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Tool(error)
    }
}

impl From<RouteError> for Failure {
    fn from(error: RouteError) -> Self {
        Failure::Route(error)
    }
}

impl Failure {
    /// `{code, message, detail}`.
    pub fn to_json(&self) -> Value {
        match self {
            Failure::Tool(error) => error.to_json(),
            Failure::Route(error) => error.to_json(),
        }
    }
}

pub type Result<T> = std::result::Result<T, Failure>;

/// Runs one of the commands.
pub fn run(command: &Route) -> Result<()> {
    match command {
        Route::Eval(options) => {
            let report = evaluated(options)?;
            output::line(&report)?;
            eprint!("{}", table::table(&report));
            Ok(())
        }
        Route::Report { eval, out } => report::write(&evaluated(eval)?, out),
        Route::Join(options) => join::join(options),
        Route::Plan { file } => plan::plan(file),
        Route::Calibrate(options) => calibrate::calibrate(options),
        Route::Replay { traces, profile } => replay::replay(traces, profile.as_deref()),
    }
}

fn evaluated(options: &args::Eval) -> Result<Value> {
    let profile = options.profile.as_deref().map(profile).transpose()?;
    let operating = match (options.escalation, options.threshold) {
        (Some(share), _) => Operating::Share(share),
        (_, Some(threshold)) => Operating::From(threshold),
        _ => Operating::Calibrated,
    };
    let source = match (profile, options.signal.as_str()) {
        (Some(profile), _) => Source::Profile(Box::new(profile)),
        (None, "score") => Source::Score,
        (None, "p_error") => Source::Odds,
        (None, name) => Source::Feature(name.into()),
    };
    let rows = evaluate::read(&text(&options.rows)?)?;
    let options = Options {
        source,
        operating,
        bootstrap: Bootstrap {
            seed: options.seed,
            replicates: options.replicates,
            level: options.level,
        },
        risk: options.risk,
        split_seed: options.seed,
    };
    Ok(evaluate::evaluate(&rows, &options)?)
}

/// A file as text.
fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| output::io(&path.display().to_string(), &e).into())
}

fn profile(path: &Path) -> Result<Profile> {
    Ok(Profile::from_json(&text(path)?)?)
}
