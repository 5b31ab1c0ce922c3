//! What every test needs: shared data, skips by name, a seeded generator.
#![allow(dead_code)] // not every build (e.g. without `gpu`) uses every helper

use std::io::Write;
use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the shared test data, or `None` after reporting the current test as skipped, by name.
pub fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var_os("KINGLET_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let file = base.join("data").join(path);
    if file.exists() {
        return Some(file);
    }
    skip(&format!("needs shared data {path}"));
    None
}

/// Reports the current test as skipped; `cargo xtask test` collects the names.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("?");
    eprintln!("SKIPPED {name}: {reason}");
    if let Some(log) = std::env::var_os("KINGLET_SKIP_LOG") {
        let line = format!("{name}\t{reason}\n");
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(Path::new(&log));
        written
            .and_then(|mut f| f.write_all(line.as_bytes()))
            .expect("skip log is writable");
    }
}

/// True in `cargo xtask soak`: use the large counts.
pub fn soak() -> bool {
    std::env::var_os("KINGLET_SOAK").is_some()
}

/// `small` in a test run, `large` in a soak run.
pub fn count(small: usize, large: usize) -> usize {
    if soak() { large } else { small }
}

/// A small seeded generator (SplitMix64): same sequence on every machine.
pub struct Rng(pub u64);

impl Rng {
    /// Next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0 .. n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next_u64() % n as u64) as usize
    }

    /// Uniform in `-1.0 .. 1.0`.
    pub fn unit(&mut self) -> f32 {
        ((self.next_u64() >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    }

    /// Roughly normal, with a rare outlier 50 times larger: what activations look like.
    pub fn activation(&mut self) -> f32 {
        let n = (self.unit() + self.unit() + self.unit()) * 0.8;
        if self.below(97) == 0 { n * 50.0 } else { n }
    }
}
