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

/// Ends the child, and what it started, when dropped; so an early return leaves nothing behind.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        let family: Vec<String> = family(self.0.id()).iter().map(u32::to_string).collect();
        // Politely first: a browser's driver takes its browser along.
        for (signal, patience) in [("-TERM", Duration::from_secs(3)), ("-KILL", Duration::ZERO)] {
            let _ = Command::new("kill")
                .arg(signal)
                .args(&family)
                .stderr(Stdio::null())
                .status();
            thread::sleep(patience);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The process and all its descendants, as far as the system tells (Linux).
fn family(root: u32) -> Vec<u32> {
    let number = |name: &str| name.parse::<u32>().ok();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<u32> = entries
        .filter_map(|e| number(&e.file_name().to_string_lossy()))
        .collect();
    let parent = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        number(stat.rsplit_once(") ")?.1.split(' ').nth(1)?)
    };
    let pairs: Vec<(u32, u32)> = all.iter().filter_map(|pid| Some((*pid, parent(pid)?))).collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&member) = family.get(next) {
        family.extend(
            pairs
                .iter()
                .filter(|(_, parent)| *parent == member)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    family
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
    fn a_childs_child_is_stopped_too() {
        let mut pid = String::new();
        let mut command = sh::cmd("sh");
        command.args(["-c", "sleep 61 & echo $!; wait"]);
        run(&mut command, Duration::from_secs(2), |l| pid = l.to_string()).expect("sh starts");
        assert!(!pid.is_empty(), "it did not begin");
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(!state.contains("(sleep)") || state.contains(") Z"), "{state}");
    }

    #[test]
    fn a_hanging_child_is_stopped() {
        let start = Instant::now();
        let end = run(sh::cmd("sleep").arg("60"), Duration::from_millis(100), |_| {}).expect("sleep starts");
        assert!(matches!(end, End::TimedOut(_)));
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
