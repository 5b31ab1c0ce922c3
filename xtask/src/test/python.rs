//! The models' Python: unit tests of generator, splits and statistics; and whether the whole way from training to an
//! evaluated file can be walked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::report::{Report, Status};
use super::web::{Line, parse};
use super::{Options, Size, watch};
use crate::{python, sh};

pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    match python::system() {
        Ok(command) => unit_tests(command, "models/desk/tests", options, report)?,
        Err(error) => report.add("desk unit tests".into(), 0.0, Status::Failed(format!("{error:#}"))),
    }
    let (mut trainer, mut kinglet) = (None, None);
    report.check("desk packages for training", || {
        trainer = Some(python::training()?);
        Ok(())
    });
    report.check("desk native tool", || {
        kinglet = Some(program("kinglet")?);
        Ok(())
    });
    let (Some(trainer), Some(kinglet)) = (trainer, kinglet) else {
        return Ok(()); // what is missing has failed already
    };
    let command = sh::cmd(&trainer.to_string_lossy());
    unit_tests(command, "models/desk/tests/training", options, report)?;
    outcomes(&trainer, options, report);
    let ways = Ways { trainer, kinglet };
    report.check("desk training smoke", || ways.smoke());
    if options.size == Size::Soak {
        report.check("desk learns to copy from nothing", || ways.learns_copying());
        report.check("desk learns labels of one's own", || ways.fine_tune());
    }
    Ok(())
}

/// The published outcomes, figure by figure, with numpy and scikit-learn: the file that route/tests/outcomes.rs compares with is
/// what the independent script computes.
fn outcomes(python: &Path, options: &Options, report: &mut Report) {
    const NAME: &str = "published outcomes, by the independent script";
    let data = sh::shared().join("data/routing/mmlu_outcomes");
    if !data.is_dir() {
        let reason = "needs shared data routing/mmlu_outcomes".into();
        return report.add(NAME.into(), 0.0, Status::Skipped(reason));
    }
    report.check(NAME, || {
        let mut script = sh::cmd(&python.to_string_lossy());
        script.args(["-B", "tools/route_outcomes.py"]).arg(&data);
        script.args(["--check", "tests/cases/route_outcomes.json"]);
        if options.size == Size::Soak {
            script.arg("--all");
        }
        let said = sh::read(&mut script)?;
        println!("        | {}", said.trim());
        Ok(())
    });
}

/// Each unittest of `folder`, with the Python of `command`.
fn unit_tests(mut command: Command, folder: &str, options: &Options, report: &mut Report) -> Result<()> {
    command.args(["-B", "xtask/src/test/unit.py", folder]);
    let mut tests = 0;
    let end = watch::run(&mut command, options.limit(), |line| match parse(line) {
        Line::Output(text) => print!("        | {text}"),
        Line::Note(text) => println!("        | {text}"),
        Line::Test { name, seconds, status } => {
            tests += 1;
            report.add(format!("desk {name}"), seconds, status);
        }
    })?;
    if let Some(trouble) = end.trouble() {
        report.add(format!("desk unit tests of {folder}"), 0.0, Status::Failed(trouble));
    } else if tests == 0 {
        report.add(
            format!("desk unit tests of {folder}"),
            0.0,
            Status::Failed("there are none".into()),
        );
    }
    Ok(())
}

/// A program as the Rust tests have built it: the same packages, so the same features.
pub fn program(name: &str) -> Result<PathBuf> {
    let packages = ["--package=kinglet", "--package=kinglet-cli", "--package=kinglet-relay"];
    sh::run(
        sh::cargo()
            .args(["build", "--quiet", "--features=kinglet/drill"])
            .args(packages),
    )?;
    Ok(sh::target_dir().join("debug").join(name))
}

/// Rows that the smoke run evaluates.
const ROWS: usize = 5;
/// Of the labels of one's own: rows that are learnt, rows that are asked, and how many of these must be right.
const LEARNT: usize = 120;
const ASKED: usize = 30;
const RIGHT: usize = 24;
/// The last step of the recipe "short" that trains drills alone, and the loss below which the model copies.
const LAST_DRILL: usize = 250;
const COPIES: f64 = 4.0;

struct Ways {
    /// A Python with the packages of models/desk/requirements.txt.
    trainer: PathBuf,
    kinglet: PathBuf,
}

/// Writes one row of each family, and one that training never sees, into a folder.
fn rows(out: &Path) -> Result<()> {
    let few = ["--quiet", "--count=1", "--heldout-count=1", "--out"];
    sh::run(
        python::system()?
            .args(["-B", "models/desk/generate.py"])
            .args(few)
            .arg(out),
    )
}

impl Ways {
    /// A few steps of training, the file, a quantized file, and rows through the real engine.
    fn smoke(&self) -> Result<()> {
        let out = empty("desk-smoke")?;
        sh::run(self.train(&out).arg("--smoke"))?;
        rows(&out)?;
        let items = self.evaluate(&out.join("desk-f32.gguf"), &out.join("heldout.jsonl"), ROWS)?;
        match items.iter().find(|item| !item["error"].is_null()) {
            Some(item) => bail!("row {} was not answered: {}", item["id"], item["error"]),
            None => Ok(()),
        }
    }

    /// The recipe in minutes: after its drills a model of two layers copies, which shows in the loss (9 for a guess).
    fn learns_copying(&self) -> Result<()> {
        let out = empty("desk-short")?;
        sh::run(
            sh::cmd(&self.trainer.to_string_lossy())
                .args(["-B", "models/desk/train.py", "--name=short", "--rows=12000", "--out"])
                .arg(&out),
        )?;
        let log = out.join("short.log.jsonl");
        let text = fs::read_to_string(&log).with_context(|| log.display().to_string())?;
        let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let last_drill = lines
            .iter()
            .find(|line| line["step"] == LAST_DRILL && line["loss"].is_number());
        let loss = last_drill.and_then(|line| line["loss"].as_f64());
        println!("        | loss after the drills: {loss:?}");
        match loss {
            Some(loss) if loss < COPIES => {}
            _ => bail!("loss {loss:?} at step {LAST_DRILL}, expected less than {COPIES}"),
        }
        rows(&out)?;
        self.evaluate(&out.join("short-f32.gguf"), &out.join("heldout.jsonl"), ROWS)?;
        Ok(())
    }

    /// What the model card promises of `train.py --data`: three labels that it has never seen, known after minutes.
    fn fine_tune(&self) -> Result<()> {
        let out = empty("desk-own")?;
        let labels = ["lost umbrella", "wet carpet", "noisy lift"];
        let text = |i: usize| {
            let item = [["umbrella", "brolly"], ["carpet", "rug"], ["lift", "elevator"]][i % 3][i / 3 % 2];
            let fault = ["was left behind", "is soaked through", "rattles all night"][i % 3];
            let floor = i * 7 % 31;
            match i / 6 % 3 {
                0 => format!("the {item} on floor {floor} {fault}"),
                1 => format!("Hello, I am in room {floor}: my {item} {fault}."),
                _ => format!("somebody tell them that a {item} {fault}, near door {floor}"),
            }
        };
        let own: Vec<Value> = (0..LEARNT)
            .map(|i| json!({"text": text(i), "label": labels[i % 3]}))
            .collect();
        write(&out.join("own.jsonl"), &own)?;
        let asked: Vec<Value> = (LEARNT..LEARNT + ASKED)
            .map(|i| {
                let prompt = format!("classify: {}\nmessage: {}", labels.join(", "), text(i));
                json!({"task": "classify", "messages": [{"role": "user", "content": prompt}], "answer": labels[i % 3],
                    "labels": labels})
            })
            .collect();
        write(&out.join("asked.jsonl"), &asked)?;
        let from = sh::root().join("models/desk/desk.gguf");
        sh::run(
            self.train(&out)
                .arg("--data")
                .arg(out.join("own.jsonl"))
                .arg("--from")
                .arg(from),
        )?;
        let items = self.evaluate(&out.join("desk-f32.gguf"), &out.join("asked.jsonl"), ASKED)?;
        let right = items.iter().filter(|item| item["correct"] == true).count();
        println!("        | {right} of {ASKED} right");
        if right < RIGHT {
            bail!("{right} of {ASKED} right, expected at least {RIGHT}");
        }
        Ok(())
    }

    fn train(&self, out: &Path) -> Command {
        let mut command = sh::cmd(&self.trainer.to_string_lossy());
        command
            .args(["-B", "models/desk/train.py", "--name=desk", "--out"])
            .arg(out);
        command
    }

    /// Quantizes a file and runs the first `rows` of a task file on it; the items.
    fn evaluate(&self, model: &Path, tasks: &Path, rows: usize) -> Result<Vec<Value>> {
        let small = model.with_file_name("desk-q8_0.gguf");
        let kinglet = || sh::cmd(&self.kinglet.to_string_lossy());
        sh::read(kinglet().arg("quantize").args([model, &small]).args(["--type", "q8_0"]))?;
        if fs::metadata(&small)?.len() >= fs::metadata(model)?.len() {
            bail!("{} is not smaller than {}", small.display(), model.display());
        }
        let items = model.with_file_name("items.jsonl");
        let mut eval = kinglet();
        eval.arg("eval")
            .arg(tasks)
            .arg("--model")
            .arg(&small)
            .arg("--out")
            .arg(&items);
        sh::read(eval.args(["--backend", "cpu", "--limit"]).arg(rows.to_string()))?;
        let text = fs::read_to_string(&items).with_context(|| items.display().to_string())?;
        let items: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        if items.len() != rows {
            bail!("{} items for {rows} rows", items.len());
        }
        Ok(items)
    }
}

/// An empty folder below target/.
fn empty(name: &str) -> Result<PathBuf> {
    let folder = sh::target_dir().join(name);
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn write(path: &Path, rows: &[Value]) -> Result<()> {
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(path, text).with_context(|| path.display().to_string())
}
