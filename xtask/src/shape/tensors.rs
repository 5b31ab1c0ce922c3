//! The tensors of a file: their names, shapes and, by the mix, formats.

use anyhow::{Context, Result};

use super::format::Format;
use super::vocabulary::PIECES;
use super::{N_VOCAB, Shape};

/// Which formats the tensors of a file have. The first two are pure; Q4_K_M is llama.cpp's mix for Phi-3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mix {
    Q4_0,
    Q8_0,
    Q4KM,
}

/// All mixes; the largest last.
const MIXES: [Mix; 3] = [Mix::Q4_0, Mix::Q4KM, Mix::Q8_0];

impl Mix {
    /// The mix of that name.
    pub fn named(name: &str) -> Result<Mix> {
        let found = MIXES.into_iter().find(|mix| mix.name() == name);
        found.with_context(|| format!("no format {name}: Q4_0, Q8_0 or Q4_K_M"))
    }

    /// As `--formats` names it.
    pub fn name(self) -> &'static str {
        match self {
            Mix::Q4_0 => "Q4_0",
            Mix::Q8_0 => "Q8_0",
            Mix::Q4KM => "Q4_K_M",
        }
    }

    /// llama.cpp's `general.file_type`.
    pub(super) fn file_type(self) -> u32 {
        match self {
            Mix::Q4_0 => 2,
            Mix::Q8_0 => 7,
            Mix::Q4KM => 15,
        }
    }

    /// The format of a matrix: for Q4_K_M as given, else the one there is.
    fn format(self, k_quant: Format) -> Format {
        match self {
            Mix::Q4_0 => Format::Q4_0,
            Mix::Q8_0 => Format::Q8_0,
            Mix::Q4KM => k_quant,
        }
    }
}

/// One tensor of a file.
pub struct Tensor {
    pub name: String,
    /// ne0 (inputs), ne1 (outputs); ne1 = 0 for a vector.
    pub shape: [u64; 2],
    pub format: Format,
}

impl Tensor {
    /// Number of blocks.
    pub fn blocks(&self) -> u64 {
        self.shape[0] * self.shape[1].max(1) / self.format.block().0
    }

    /// Bytes without padding.
    pub fn bytes(&self) -> u64 {
        self.blocks() * self.format.block().1 as u64
    }

    /// Rows of zeros: bytes and control tokens are never the best token, so that the text is valid UTF-8 and ends where it
    /// is told to.
    pub fn is_silent(&self, row: u64) -> bool {
        self.name.starts_with("output.") && !PIECES.contains(&row)
    }

    /// Weights of variance 1 / ne0, so that a product keeps the variance of its input; 1 for the embedding.
    pub fn block_scale(&self) -> u16 {
        let embedding = self.name.starts_with("token_embd");
        let rms = if embedding {
            1.0
        } else {
            1.0 / (self.shape[0] as f64).sqrt()
        };
        self.format.scale(rms)
    }
}

impl Shape {
    /// The mixes whose file, with a cache, fits into the 4 GB of one Wasm memory.
    pub fn mixes(&self) -> &'static [Mix] {
        let all = if self.params == "3.8" { 2 } else { 3 };
        &MIXES[..all]
    }

    /// The different matrices that a token is multiplied by: format, ne1 (rows), ne0 (columns).
    pub fn matrices(&self, mix: Mix) -> Vec<(&'static str, u64, u64)> {
        let mut found = Vec::new();
        for t in self
            .tensors(mix)
            .iter()
            .filter(|t| t.name != "token_embd.weight" && t.shape[1] > 0)
        {
            let matrix = (t.format.name(), t.shape[1], t.shape[0]);
            if !found.contains(&matrix) {
                found.push(matrix);
            }
        }
        found
    }

    /// In llama.cpp's order, with the formats that it chooses for Q4_K_M.
    pub(super) fn tensors(&self, mix: Mix) -> Vec<Tensor> {
        let (n_embd, n_ff) = (self.n_embd, self.n_ff);
        let matrix = |name: &str, shape, k_quant| Tensor {
            name: format!("{name}.weight"),
            shape,
            format: mix.format(k_quant),
        };
        let norm = |name: &str| Tensor {
            name: format!("{name}.weight"),
            shape: [n_embd, 0],
            format: Format::F32,
        };
        let mut all = vec![matrix("token_embd", [n_embd, N_VOCAB], Format::Q4K)];
        for i in 0..self.n_layer {
            // "use_more_bits": the first and last eighth, and every third layer between.
            let eighth = self.n_layer / 8;
            let more = i < eighth || i >= 7 * self.n_layer / 8 || (i - eighth) % 3 == 2;
            let down = if more { Format::Q6K } else { Format::Q4K };
            let block = |name: &str, shape, format| matrix(&format!("blk.{i}.{name}"), shape, format);
            all.extend([
                norm(&format!("blk.{i}.attn_norm")),
                block("attn_qkv", [n_embd, 3 * n_embd], Format::Q5K),
                block("attn_output", [n_embd, n_embd], Format::Q4K),
                norm(&format!("blk.{i}.ffn_norm")),
                block("ffn_up", [n_embd, 2 * n_ff], Format::Q4K),
                block("ffn_down", [n_ff, n_embd], down),
            ]);
        }
        all.push(norm("output_norm"));
        all.push(matrix("output", [n_embd, N_VOCAB], Format::Q6K));
        all
    }
}
