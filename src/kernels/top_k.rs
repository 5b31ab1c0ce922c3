//! The k largest logits of one row, best first (ties: lowest id first), and the row's log-sum-exp and entropy.
//!
//! On the GPU the search also guesses which token the sampler is going to choose, so that the next step can follow before
//! the host has seen the result: the chain of docs/decode.md. The guess computes the sampler's stages in f32 over the k best;
//! where it is wrong nothing but time is lost, for the host decides.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::Style;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Buffer, Grid, Launch, Recorder, Tensor};
use crate::ops::row::{entropy, log_sum_exp, sums};
#[cfg(feature = "gpu")]
use crate::ops::{Find, Found};
use crate::ops::{TOP_K_MAX, TopK};

/// Shape of the operation; the uniform of `top_k.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Logits in the row.
    pub n_vocab: u32,
}

impl Kernel for Params {
    const NAME: &'static str = "top_k";

    fn variants() -> Vec<Variant> {
        Style::ALL.into_iter().flat_map(passes).collect()
    }
}

/// Logits that one thread (serial) or one workgroup (tree) searches; the larger fits 8 KiB of workgroup memory.
fn chunk(style: Style) -> u32 {
    match style {
        Style::Serial => 512,
        Style::Tree => 2048,
    }
}

/// Both passes: the best of each chunk, then the best of all.
fn passes(style: Style) -> [Variant; 2] {
    let first = match style {
        Style::Serial => "serial_chunks",
        Style::Tree => "tree_chunks",
    };
    [first, "merge"].map(|e| {
        let variant = Variant::new(Params::NAME).entry(e).int("CHUNK", chunk(style));
        variant.int("MOST", super::dim(TOP_K_MAX))
    })
}

/// Results that lie side by side, for steps that are submitted together.
#[cfg(feature = "gpu")]
pub const SLOTS: usize = 16;

/// Words of one result: the best, the row's sums, the guess.
#[cfg(feature = "gpu")]
const SLOT_WORDS: usize = 2 * (TOP_K_MAX + 2);

/// Bytes of one result.
#[cfg(feature = "gpu")]
pub const SLOT_BYTES: usize = 4 * SLOT_WORDS;

/// Buffers of the search, for rows of one length.
#[cfg(feature = "gpu")]
#[derive(Debug)]
pub struct Scratch {
    n_vocab: u32,
    best: Buffer,
    sums: Buffer,
    /// `[SLOTS]` results of [`SLOT_BYTES`] each, for [`found`].
    pub results: Buffer,
}

#[cfg(feature = "gpu")]
impl Scratch {
    /// Buffers for rows of `n_vocab` logits.
    pub fn new(rec: &mut Recorder, n_vocab: u32) -> Result<Self> {
        let chunks = u64::from(n_vocab.div_ceil(chunk(rec.device().style())));
        Ok(Self {
            n_vocab,
            best: rec.buffer("top_k best", TOP_K_MAX as u64 * chunks * 8)?,
            sums: rec.buffer("top_k sums", chunks * 12)?,
            results: rec.buffer("top_k results", (SLOTS * SLOT_BYTES) as u64)?,
        })
    }

    /// Rows of this length can be searched.
    pub fn fits(&self, n_vocab: u32) -> bool {
        self.n_vocab == n_vocab
    }
}

/// Records the search of row 0 of `logits [1, n_vocab]`; its result goes to this slot, its guess to the recorder's tokens.
///
/// # Errors
/// What [`Recorder::record`] says.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, find: &Find, slot: usize, scratch: &Scratch, logits: &Tensor) -> Result<()> {
    let p = Params {
        n_vocab: scratch.n_vocab,
    };
    let style = rec.device().style();
    let chunks = p.n_vocab.div_ceil(chunk(style)) as usize;
    let grids = match style {
        Style::Serial => [Grid::threads(chunks, 8, 1), Grid::new(1, 1)],
        Style::Tree => [Grid::new(chunks, 1), Grid::new(1, 1)],
    };
    let tokens = rec.tokens();
    let bindings = &[
        Binding::write(&scratch.best),
        Binding::write(&scratch.sums),
        Binding::input(logits),
        Binding::write(&scratch.results),
        Binding::write(&tokens),
    ];
    let draw = &find.draw;
    let [temperature, top_p, min_p, random] = [draw.temperature, draw.top_p, draw.min_p, draw.random].map(f32::to_bits);
    let (k, slot) = (super::dim(find.k.min(TOP_K_MAX)), super::dim(slot));
    for (variant, grid) in passes(style).into_iter().zip(grids) {
        rec.record(&Launch {
            variant,
            params: bytemuck::bytes_of(&p),
            bindings,
            rows: 1,
            first: 0,
            more: [k, slot, temperature, draw.top_k, top_p, min_p, random, 0],
            grid,
        })?;
    }
    Ok(())
}

/// What a slot says: `bytes` are its [`SLOT_BYTES`].
#[cfg(feature = "gpu")]
pub fn found(p: &Params, k: usize, bytes: &[u8]) -> Found {
    let word = |at: usize| {
        bytes
            .get(at * 4..at * 4 + 4)
            .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    };
    let k = k.min(TOP_K_MAX);
    let there = k.min(p.n_vocab as usize);
    let [highest, sum, weighted] = [2 * k, 2 * k + 1, 2 * k + 2].map(|at| f32::from_bits(word(at)));
    let top = TopK {
        ids: (0..there).map(|i| word(2 * i + 1)).collect(),
        logits: (0..there).map(|i| logit_of(word(2 * i))).collect(),
        log_sum_exp: (f64::from(highest) + f64::from(sum).ln()) as f32,
        entropy: entropy(f64::from(sum), f64::from(weighted)),
    };
    let guess = Some(word(2 * k + 3));
    Found { top, guess }
}

/// Inverse of the shader's `key_of`.
#[cfg(feature = "gpu")]
fn logit_of(key: u32) -> f32 {
    let positive = key & 0x8000_0000 != 0;
    f32::from_bits(if positive { key & 0x7fff_ffff } else { !key })
}

/// Reference: `logits [n_vocab]`. Returns `min(k, n_vocab)` entries; a NaN counts as minus infinity.
pub fn cpu(p: &Params, k: usize, logits: &[f32]) -> TopK {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(k + 1);
    for (id, logit) in (0..p.n_vocab).zip(logits) {
        let logit = if logit.is_nan() { f32::NEG_INFINITY } else { *logit };
        // Ids rise, so an equal logit goes behind the ones already held.
        let at = best.partition_point(|(_, held)| *held >= logit);
        if at < k {
            best.truncate(k - 1);
            best.insert(at, (id, logit));
        }
    }
    TopK {
        ids: best.iter().map(|b| b.0).collect(),
        logits: best.iter().map(|b| b.1).collect(),
        log_sum_exp: log_sum_exp(logits),
        entropy: sums(logits).map_or(0.0, |(_, sum, weighted)| entropy(sum, weighted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_id_and_nan_to_the_end() {
        let logits = [1.0, 3.0, f32::NAN, 3.0, -2.0];
        let top = cpu(&Params { n_vocab: 5 }, 3, &logits);
        assert_eq!(top.ids, [1, 3, 0]);
        assert_eq!(top.logits, [3.0, 3.0, 1.0]);
        let expected = (2.0 * 3f64.exp() + 1f64.exp() + (-2f64).exp()).ln() as f32;
        assert!((top.log_sum_exp - expected).abs() < 1e-6);
        let p = [1.0, 3.0, 3.0, -2.0].map(|l: f64| (l - f64::from(expected)).exp());
        let expected: f64 = p.iter().map(|p| -p * p.ln()).sum();
        assert!((f64::from(top.entropy) - expected).abs() < 1e-6);
    }

    #[test]
    fn asking_for_more_than_there_are_returns_all() {
        let top = cpu(&Params { n_vocab: 2 }, 9, &[0.5, 0.75]);
        assert_eq!(top.ids, [1, 0]);
    }
}
