//! Which of several ways to compute the same operation a device gets.
//!
//! Every way gives the same result: exactly the same bits are nobody's promise on a GPU, but [`Math::F32`] keeps to the
//! tolerances of f32 sums. The other two are *lossy*: they round activations, and nothing else.

use serde::{Deserialize, Serialize};

use super::wgsl::Style;
use crate::gpu::{Abilities, Device};

/// How the threads that share a sum bring it together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduce {
    /// They share none: one thread, one row. For adapters that run threads one after the other.
    Serial,
    /// A tree in workgroup memory.
    Tree,
    /// `subgroupAdd`, then workgroup memory between the subgroups where there are several.
    Subgroups,
}

/// What the inner loop of a matrix product multiplies. Sums are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Math {
    /// f32: exact but for the order of sums.
    F32,
    /// Products of half-precision numbers. Lossy: activations have 11 bits.
    F16,
    /// Bytes, four at a time (DP4A). Lossy: activations have 8 bits and a scale for each 32. Formats of floats fall back to f32.
    Int8,
}

impl Math {
    /// All of them.
    pub const ALL: [Math; 3] = [Math::F32, Math::F16, Math::Int8];
}

/// Products with one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gemv {
    /// How a row's sum is brought together.
    pub reduce: Reduce,
    /// Threads that share four rows: a power of two up to 256. Of no meaning with [`Reduce::Serial`].
    pub lanes: u32,
    /// Inner loop.
    pub math: Math,
}

/// Products with several tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gemm {
    /// Serial, or tiles in workgroup memory.
    pub reduce: Reduce,
    /// Inner loop.
    pub math: Math,
}

/// Attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attention {
    /// How scores and values are summed.
    pub reduce: Reduce,
    /// Keys that one workgroup goes through before the work is split among several, whose results are combined.
    pub split: u32,
}

/// The choice for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tuning {
    /// Products with one token.
    pub gemv: Gemv,
    /// Products with several tokens.
    pub gemm: Gemm,
    /// Attention.
    pub attention: Attention,
}

impl Tuning {
    /// A device with these abilities can compute with it.
    pub fn fits(&self, has: Abilities) -> bool {
        let reduces = [self.gemv.reduce, self.gemm.reduce, self.attention.reduce];
        let maths = [self.gemv.math, self.gemm.math];
        let lanes = self.gemv.lanes;
        let split = self.attention.split;
        (has.subgroups.is_some() || !reduces.contains(&Reduce::Subgroups))
            && (has.f16 || !maths.contains(&Math::F16))
            && (has.int8 || !maths.contains(&Math::Int8))
            && lanes.is_power_of_two()
            && (32..=256).contains(&lanes)
            && split.is_power_of_two()
            && (64..=1 << 16).contains(&split)
    }

    /// What a device gets that nobody has measured: exact, and known to be correct everywhere. A token's products are summed by
    /// subgroups where these always have as many threads as a real GPU's do.
    pub fn of(device: &Device) -> Tuning {
        let reduce = match device.style() {
            Style::Serial => Reduce::Serial,
            Style::Tree => Reduce::Tree,
        };
        let fixed = device
            .abilities()
            .subgroups
            .is_some_and(|(least, most)| least == most && (16..=64).contains(&least));
        Tuning {
            gemv: Gemv {
                reduce: if fixed && reduce == Reduce::Tree {
                    Reduce::Subgroups
                } else {
                    reduce
                },
                lanes: 32,
                math: Math::F32,
            },
            gemm: Gemm {
                reduce,
                math: Math::F32,
            },
            attention: Attention { reduce, split: 512 },
        }
    }
}
