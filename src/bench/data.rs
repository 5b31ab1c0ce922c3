//! Seeded inputs of a case, the same on every machine.

use std::borrow::Cow;

use super::case::{Case, Stage};
use crate::error::{Error, Result};

/// Which rows of the weight a stand has.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// All, in order.
    All,
    /// These outputs and no others.
    Some(&'a [usize]),
}

/// Weights as they lie in a file, activations, and which outputs are compared.
pub struct Data {
    /// `[rows, cols]` blocks.
    weight: Vec<u8>,
    row_bytes: usize,
    /// `[tokens, cols]`.
    pub x: Vec<f32>,
    /// `[1, cols]`: gain of a norm.
    pub gain: Vec<f32>,
    /// Outputs that are compared.
    picks: Vec<usize>,
    /// Outputs of a token.
    outputs: usize,
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Roughly normal, of variance 1.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|i| (bits >> (16 * i)) & 0xffff).sum();
        (sum as f32 / 65536.0 - 2.0) * 1.732
    }

    fn normals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal()).collect()
    }
}

impl Data {
    /// Inputs of `case`, of which `compared` outputs are compared (all of an attention).
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] where the columns are not whole blocks of the format, or it has none.
    pub fn new(case: &Case, compared: usize) -> Result<Data> {
        let mut rng = Rng(0x6b69_6e67 ^ (case.cols as u64) << 20 ^ case.rows as u64);
        let bad = || {
            Error::invalid(
                "formats",
                "a format of blocks that divide the columns",
                case.dtype.name(),
            )
        };
        let attention = case.stage == Stage::Attention;
        let row_bytes = case.dtype.row_bytes(case.cols).ok_or_else(bad)?;
        let weight = if attention {
            Vec::new()
        } else {
            weight(&mut rng, case, row_bytes)?
        };
        let outputs = match case.stage {
            Stage::GateUp => case.rows / 2,
            _ => case.rows,
        };
        // The first, the last, and others between that no tile has in common.
        let count = if attention { outputs } else { compared.min(outputs) };
        let pick = |i: usize| i * (outputs - 1) / count.saturating_sub(1).max(1);
        Ok(Data {
            weight,
            row_bytes,
            x: rng.normals(case.tokens * case.cols),
            gain: (0..case.cols).map(|_| 1.0 + 0.25 * rng.normal()).collect(),
            picks: (0..count).map(pick).collect(),
            outputs,
        })
    }

    /// Everything.
    pub fn whole(&self) -> Rows<'_> {
        Rows::All
    }

    /// What is compared.
    pub fn picked(&self) -> Rows<'_> {
        Rows::Some(&self.picks)
    }

    /// Outputs of a token that a stand with these rows has.
    pub fn outputs(&self, rows: Rows<'_>) -> usize {
        match rows {
            Rows::All => self.outputs,
            Rows::Some(picks) => picks.len(),
        }
    }

    /// The weight's rows, as in a file.
    pub fn weight(&self, case: &Case, rows: Rows<'_>) -> Cow<'_, [u8]> {
        let Rows::Some(picks) = rows else {
            return Cow::Borrowed(&self.weight);
        };
        let halves = if case.stage == Stage::GateUp { 2 } else { 1 };
        let all = (0..halves).flat_map(|half| picks.iter().map(move |pick| half * self.outputs + pick));
        let bytes = all.flat_map(|row| &self.weight[row * self.row_bytes..][..self.row_bytes]);
        Cow::Owned(bytes.copied().collect())
    }

    /// The compared outputs of a whole result `[tokens, outputs]`.
    pub fn pick(&self, all: &[f32]) -> Vec<f32> {
        let rows = all.chunks_exact(self.outputs);
        rows.flat_map(|row| self.picks.iter().map(|pick| row[*pick])).collect()
    }

    /// What the outputs `rows` had before a projection is added to them: `[tokens, outputs]`.
    pub fn residual(&self, case: &Case, rows: Rows<'_>) -> Vec<f32> {
        let all = Rng(7).normals(case.tokens * self.outputs);
        match rows {
            Rows::All => all,
            Rows::Some(_) => self.pick(&all),
        }
    }

    /// Queries, keys and values `[count, 3 * cols]` of the positions from `first` on.
    pub fn qkv(&self, case: &Case, first: usize, count: usize) -> Vec<f32> {
        let row = |pos: usize| Rng(0x716b_7600 + pos as u64).normals(3 * case.cols);
        (first..first + count).flat_map(row).collect()
    }
}

/// Random blocks whose scales are those of real files: small, and for the larger formats subnormal.
fn weight(rng: &mut Rng, case: &Case, row_bytes: usize) -> Result<Vec<u8>> {
    let t = case.dtype;
    let offsets = t.scale_offsets();
    if offsets.is_empty() {
        return Err(Error::invalid("formats", "one with scales", t.name()));
    }
    let scale = if t.block_len() == 256 { 2e-5 } else { 2e-3 };
    let mut bytes = vec![0u8; row_bytes * case.rows];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next().to_le_bytes()[..chunk.len()]);
    }
    for block in bytes.chunks_exact_mut(t.block_bytes()) {
        for &at in offsets {
            // Between one and two times the scale, either sign: quants alone have a mean that is not 0.
            let sign = if block[at] & 1 == 0 { 1.0 } else { -1.0 };
            let d = half::f16::from_f32(sign * scale * (1.0 + f32::from(block[at + 1]) / 256.0));
            block[at..at + 2].copy_from_slice(&d.to_le_bytes());
        }
    }
    Ok(bytes)
}
