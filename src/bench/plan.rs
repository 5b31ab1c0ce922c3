//! What is measured, as JSON says it.

use serde::{Deserialize, Serialize};

use super::case::{Case, Stage};
use crate::error::{Error, Result};
use crate::quant::DType;

/// See the fields. Everything has a default: Phi-3-mini on a GPU.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Storage formats, by the names of GGUF tools.
    pub formats: Vec<String>,
    /// Matrices `[stage, cols, rows]` (K, N): each is run as a plain product, and as the stage that a block has with it.
    pub matrices: Vec<(Stage, usize, usize)>,
    /// Tokens of a prefill that products are timed with, beside one token; 0: none.
    pub prefill: usize,
    /// Positions in the cache that attention is timed with.
    pub contexts: Vec<usize>,
    /// Heads of the attention, each with keys and values of its own, of 96 elements.
    pub heads: usize,
    /// Every way that this device has, not only the one that it computes with.
    pub all_tunings: bool,
    /// Measurements of each figure; the median counts.
    pub rounds: usize,
    /// Milliseconds of dispatches behind one wait.
    pub batch_ms: f64,
    /// Milliseconds after which a figure has enough rounds, three at least.
    pub budget_ms: f64,
    /// Bytes of weights that are read in turn, so that no cache holds them.
    pub rotate: usize,
    /// Gives the GPU wrong inputs: every comparison must fail.
    pub broken: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            formats: ["Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0"].map(String::from).into(),
            matrices: vec![
                (Stage::Matmul, 3072, 9216),
                (Stage::MatmulAdd, 3072, 3072),
                (Stage::GateUp, 3072, 16384),
                (Stage::MatmulAdd, 8192, 3072),
                (Stage::Head, 3072, 32064),
            ],
            prefill: 128,
            contexts: vec![256, 1024, 4096],
            heads: 32,
            all_tunings: false,
            rounds: 9,
            batch_ms: 100.0,
            budget_ms: 5000.0,
            rotate: 256 << 20,
            broken: false,
        }
    }
}

impl Plan {
    /// All that is to be measured.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a format that has no random weights here, or no rows.
    pub(super) fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for name in &self.formats {
            let dtype = DType::ALL.into_iter().find(|t| t.name() == name);
            let dtype = dtype.ok_or_else(|| Error::invalid("formats", "names like Q4_0 or Q4_K", name))?;
            for &(stage, cols, rows) in &self.matrices {
                if cols == 0 || rows < 2 || stage == Stage::Attention {
                    return Err(Error::invalid(
                        "matrices",
                        "[stage, columns, rows]",
                        format!("{stage:?} {cols}x{rows}"),
                    ));
                }
                // The plain product beside its stage; of a prompt only the last token has a head.
                cases.push(Case::product(Stage::Matmul, dtype, [cols, rows], 1));
                if stage != Stage::Matmul {
                    cases.push(Case::product(stage, dtype, [cols, rows], 1));
                }
                if self.prefill > 0 && stage != Stage::Head {
                    cases.push(Case::product(Stage::Matmul, dtype, [cols, rows], self.prefill));
                }
            }
        }
        for &context in &self.contexts {
            cases.push(Case::attention(self.heads.max(1), context));
        }
        Ok(cases)
    }

    /// Copies of a case's weights that are needed for [`Plan::rotate`].
    pub(super) fn copies(&self, case: &Case) -> usize {
        (self.rotate as u64).div_ceil(case.bytes().max(1)).clamp(1, 64) as usize
    }
}
