//! Results: a line for each test as it ends, the slowest and the skipped at the end, the count last.

use std::time::Duration;

/// How a test ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    Passed,
    /// With the output that explains it.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

#[derive(Debug)]
struct Outcome {
    name: String,
    seconds: f64,
    status: Status,
}

/// All results of one run.
#[derive(Default)]
pub struct Report {
    outcomes: Vec<Outcome>,
}

const SLOWEST: usize = 10;

impl Report {
    /// Records and prints one result. `name` is unique within the run: suite, then test.
    pub fn add(&mut self, name: String, seconds: f64, status: Status) {
        let word = match &status {
            Status::Passed => "ok",
            Status::Failed(_) => "FAILED",
            Status::Skipped(_) => "skipped",
        };
        println!("{word:7} {seconds:8.3} s  {name}");
        match &status {
            Status::Failed(output) => print_indented(output),
            Status::Skipped(reason) => println!("{:21}{reason}", ""),
            Status::Passed => {}
        }
        self.outcomes.push(Outcome { name, seconds, status });
    }

    /// What another one was told, and has printed.
    pub fn append(&mut self, mut other: Report) {
        self.outcomes.append(&mut other.outcomes);
    }

    /// Times `check` and records it.
    pub fn check(&mut self, name: &str, check: impl FnOnce() -> anyhow::Result<()>) {
        let start = std::time::Instant::now();
        let status = match check() {
            Ok(()) => Status::Passed,
            Err(error) => Status::Failed(format!("{error:#}")),
        };
        self.add(name.into(), start.elapsed().as_secs_f64(), status);
    }

    /// Turns skips for reasons that cannot be true here into failures; a reason is known by its first words.
    pub fn forbid_skips(&mut self, reasons: &[&str]) {
        for outcome in &mut self.outcomes {
            if let Status::Skipped(reason) = &outcome.status
                && reasons.iter().any(|start| reason.starts_with(start))
            {
                println!(
                    "FAILED  {}: skipped ({reason}), but the shared data is here",
                    outcome.name
                );
                outcome.status = Status::Failed(format!("skipped: {reason}"));
            }
        }
    }

    pub fn passed(&self) -> bool {
        self.count(|s| matches!(s, Status::Failed(_))) == 0 && !self.outcomes.is_empty()
    }

    fn count(&self, which: impl Fn(&Status) -> bool) -> usize {
        self.outcomes.iter().filter(|o| which(&o.status)).count()
    }

    /// The summary. Its last line is `N passed, N failed, N skipped`.
    pub fn close(&self, elapsed: Duration) {
        let mut slowest: Vec<&Outcome> = self.outcomes.iter().collect();
        slowest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        println!("\nslowest:");
        for outcome in slowest.iter().take(SLOWEST) {
            println!("{:16.3} s  {}", outcome.seconds, outcome.name);
        }
        self.list("skipped", |s| match s {
            Status::Skipped(reason) => Some(reason),
            _ => None,
        });
        self.list("failed", |s| match s {
            Status::Failed(output) => Some(output.lines().next().unwrap_or("")),
            _ => None,
        });
        let seconds = elapsed.as_secs();
        println!("\n{} min {:02} s in all", seconds / 60, seconds % 60);
        println!("{}", self.closing_line());
    }

    fn list<'a>(&'a self, title: &str, reason: impl Fn(&'a Status) -> Option<&'a str>) {
        let chosen: Vec<_> = self
            .outcomes
            .iter()
            .filter_map(|o| Some((&o.name, reason(&o.status)?)))
            .collect();
        if !chosen.is_empty() {
            println!("\n{title}:");
        }
        for (name, reason) in chosen {
            println!("  {name}: {reason}");
        }
    }

    fn closing_line(&self) -> String {
        let passed = self.count(|s| *s == Status::Passed);
        let failed = self.count(|s| matches!(s, Status::Failed(_)));
        let skipped = self.count(|s| matches!(s, Status::Skipped(_)));
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }
}

fn print_indented(text: &str) {
    for line in text.trim_end().lines() {
        println!("        | {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        let mut report = Report::default();
        report.add("a".into(), 1.0, Status::Passed);
        report.add("b".into(), 2.0, Status::Skipped("needs shared data x".into()));
        report.add("c".into(), 3.0, Status::Skipped("#[ignore]".into()));
        report
    }

    #[test]
    fn counts() {
        let report = sample();
        assert_eq!(report.closing_line(), "1 passed, 0 failed, 2 skipped");
        assert!(report.passed());
    }

    #[test]
    fn a_skip_without_cause_is_a_failure() {
        let mut report = sample();
        report.forbid_skips(&["no disk", "needs shared data"]);
        assert_eq!(report.closing_line(), "1 passed, 1 failed, 1 skipped");
        assert!(!report.passed());
    }

    #[test]
    fn nothing_run_is_not_a_pass() {
        assert!(!Report::default().passed());
    }
}
