//! `kinglet eval`: a labelled task file through the real engine. docs/eval.md says what comes out.

mod grade;
mod item;
mod row;
mod stats;
mod summary;

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};

use kinglet::Result;
use serde_json::{Value, json};

use crate::args::Eval;
use crate::{output, run};
use grade::Refusals;
use item::Evaluator;
use summary::Summary;

/// How answers are drawn: a calibration's `sampler`.
const SAMPLER: &str = "greedy";

/// Items between two reports of progress.
const PROGRESS: usize = 25;

pub fn eval(options: &Eval) -> Result<()> {
    let rows = row::read(&options.taskset, options.limit.map(Into::into))?;
    let refusals = Refusals::of(&rows);
    let session = run::load_session(&options.model, &options.run)?;
    if let Some(path) = &options.binding {
        let mut binding = json!(session.info().binding);
        binding["sampler"] = json!(SAMPLER);
        std::fs::write(path, format!("{binding}\n")).map_err(|e| output::io(&path.display().to_string(), &e))?;
    }
    let mut out = Items::open(options)?;
    let mut evaluator = Evaluator::new(session, options.max_tokens);
    let mut summary = Summary::default();
    let watched = std::io::stderr().is_terminal();
    for (i, row) in rows.iter().enumerate() {
        let item = evaluator.item(row, &refusals).map_err(|e| row::at_line(row.line, e))?;
        out.write(&item.to_json(row))?;
        summary.add(row, item);
        if watched && (i + 1) % PROGRESS == 0 {
            eprint!("\r{} of {}", i + 1, rows.len());
        }
    }
    out.finish()?;
    if watched {
        eprint!("\r");
    }
    for line in summary.lines(options, evaluator.session().info()) {
        output::line(&line)?;
    }
    eprint!("{}", summary.table());
    Ok(())
}

/// Where the items go.
enum Items {
    Standard,
    File(String, BufWriter<File>),
}

impl Items {
    fn open(options: &Eval) -> Result<Self> {
        let Some(path) = &options.out else {
            return Ok(Items::Standard);
        };
        let name = path.display().to_string();
        let file = File::create(path).map_err(|e| output::io(&name, &e))?;
        Ok(Items::File(name, BufWriter::new(file)))
    }

    fn write(&mut self, item: &Value) -> Result<()> {
        match self {
            Items::Standard => output::line(item),
            Items::File(name, file) => writeln!(file, "{item}").map_err(|e| output::io(name, &e)),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match self {
            Items::Standard => Ok(()),
            Items::File(name, file) => file.flush().map_err(|e| output::io(name, &e)),
        }
    }
}
