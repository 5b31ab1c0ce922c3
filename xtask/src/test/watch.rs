//! A child process whose output is read line by line and which is stopped when it takes too long.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::sh;

/// How a watched process ended.
pub enum End {
    Exited(ExitStatus),
    /// It was stopped at its limit.
    TimedOut(Duration),
}

impl End {
    /// None if it succeeded, else what happened.
    pub fn trouble(&self) -> Option<String> {
        match self {
            End::Exited(status) if status.success() => None,
            End::Exited(status) => Some(status.to_string()),
            End::TimedOut(limit) => Some(format!("stopped after {} s", limit.as_secs())),
        }
    }
}

/// Kills the child (and only it) when dropped, so that an early return leaves nothing behind.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command`; `line` sees each line of its standard output as it comes. Standard error passes through.
pub fn run(command: &mut Command, limit: Duration, mut line: impl FnMut(&str)) -> Result<End> {
    let shown = sh::show(command);
    let shown = shown.split(' ').next().unwrap_or_default().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = Guard(command.spawn().with_context(|| format!("cannot start `{shown}`"))?);
    let stdout = child.0.stdout.take().context("no standard output")?;
    let (sender, receiver) = channel();
    thread::spawn(move || read_lines(stdout, &sender));
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(text) => line(&text),
            Err(RecvTimeoutError::Timeout) => return Ok(End::TimedOut(limit)),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // Its output has ended: so has the process, or it will at once.
    Ok(End::Exited(child.0.wait()?))
}

fn read_lines(stdout: impl Read, lines: &Sender<String>) {
    let mut reader = BufReader::new(stdout);
    let mut bytes = Vec::new();
    while matches!(reader.read_until(b'\n', &mut bytes), Ok(n) if n > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_string();
        if lines.send(line).is_err() {
            return;
        }
        bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_status() {
        let mut lines = Vec::new();
        let mut command = sh::cmd("sh");
        command.args(["-c", "echo a; echo b; exit 3"]);
        let end = run(&mut command, Duration::from_secs(20), |l| lines.push(l.to_string())).expect("sh starts");
        assert_eq!(lines, ["a", "b"]);
        assert!(end.trouble().expect("it failed").contains('3'));
    }

    #[test]
    fn a_hanging_child_is_stopped() {
        let start = Instant::now();
        let end = run(sh::cmd("sleep").arg("60"), Duration::from_millis(100), |_| {}).expect("sleep starts");
        assert!(matches!(end, End::TimedOut(_)));
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
