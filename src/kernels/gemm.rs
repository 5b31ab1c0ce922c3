//! Product of several tokens with a weight in its file format, and what follows it directly:
//!
//! ```text
//! s[t, n] = sum_k w[n, k] * x[t, k]                                x [T, K], w [N, K]
//! store  out[t, n] = s[t, n]                                       out [T, N]
//! add    out[t, n] += s[t, n]                                      out [T, N]
//! silu   out[t, i] = silu(s[t, i]) * s[t, N/2 + i]                 out [T, N/2]
//! ```
//!
//! How it is computed depends on T: the ladder below. One token is [`matmul`](super::matmul)'s business.

use bytemuck::{Pod, Zeroable};

use super::wgsl::{Extra, Variant};
use super::{Kernel, dim};
#[cfg(feature = "gpu")]
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};
#[cfg(feature = "gpu")]
use crate::kernels::{
    quantize,
    tuning::{Gemm, Math, Reduce},
    weight::Weight,
};
use crate::quant::DType;
use crate::quant::planes::plane_words;

/// Shape of one dispatch, that is of one piece of a weight; the uniform of `gemm*.wgsl` (shaders/lib/gemm.wgsl).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// N: rows of this piece.
    pub rows: u32,
    /// K.
    pub cols: u32,
    /// Columns of out.
    pub out_cols: u32,
    /// Column of out that row 0 of this piece writes.
    pub out_first: u32,
    /// vec4s of plane `wq` per weight row.
    pub wq_stride: u32,
    /// Words of plane `wd` per weight row.
    pub wd_stride: u32,
    /// Distance of the two rows of a pair: half of the rows, rounded up.
    pub pairs: u32,
    /// A [`Finish`].
    pub finish: u32,
}

impl Params {
    /// For a piece `[rows, cols]` of format `t` whose results go to `out_cols` columns, from `out_first` on.
    pub fn new(t: DType, rows: usize, cols: usize, out_cols: usize, out_first: usize, finish: Finish) -> Self {
        let (wq, wd) = plane_words(t, cols);
        let pairs = rows.div_ceil(2);
        let [rows, cols, out_cols, out_first, wq_stride, wd_stride, pairs] =
            [rows, cols, out_cols, out_first, wq, wd, pairs].map(dim);
        Self {
            rows,
            cols,
            out_cols,
            out_first,
            wq_stride,
            wd_stride,
            pairs,
            finish: finish as u32,
        }
    }
}

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// They are the result.
    Store = 0,
    /// They are added to what is there.
    Add = 1,
    /// The first half of the rows are gates, the second half what they gate.
    Silu = 2,
}

/// What is multiplied: a fragment, and what it needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operands {
    F32,
    F16,
    Int8,
}

impl Operands {
    const ALL: [Operands; 3] = [Operands::F32, Operands::F16, Operands::Int8];

    /// Formats of floats have no integers.
    fn fit(self, t: DType) -> bool {
        self != Operands::Int8 || t.block_len() > 1
    }

    fn ask(self, v: Variant) -> Variant {
        match self {
            Operands::F32 => v.name("MATH", "gemm_f32"),
            Operands::F16 => v.name("MATH", "gemm_f16").with(Extra::F16),
            Operands::Int8 => v.name("MATH", "gemm_int8").with(Extra::Int8),
        }
    }
}

/// One way to compute it. Who is without the GPU only lists the variants.
#[cfg_attr(not(feature = "gpu"), allow(dead_code))]
struct Rung {
    /// Most tokens for which it is the best.
    most: usize,
    shader: &'static str,
    entry: &'static str,
    /// Tokens, and pairs of rows, of a workgroup.
    tokens: usize,
    pairs: usize,
}

impl Rung {
    fn variant(&self, t: DType, operands: Operands) -> Variant {
        let shader = match (self.shader, operands) {
            ("gemm", Operands::Int8) => "gemm_int8",
            (shader, _) => shader,
        };
        let v = Variant::new(shader).entry(self.entry);
        let v = v.name("FORMAT", t.fragment());
        operands.ask(if shader == COLUMNS {
            v.int("TOKENS", dim(self.tokens))
        } else {
            v
        })
    }
}

const COLUMNS: &str = "gemm_columns";

#[rustfmt::skip] // tables
mod ladders {
    use super::{COLUMNS, Rung};

    /// On GPUs. Below a tile's worth of tokens a product waits for the weights, or for their decoding: tiles that are mostly
    /// empty would cost as much as full ones.
    pub const TILES: [Rung; 3] = [
        Rung { most: 4, shader: COLUMNS, entry: "four", tokens: 4, pairs: 8 },
        Rung { most: 32, shader: COLUMNS, entry: "eight", tokens: 8, pairs: 8 },
        Rung { most: usize::MAX, shader: "gemm", entry: "tiles", tokens: 64, pairs: 32 },
    ];

    /// On adapters of software. Measured on two of them: four rows and eight tokens are 2 to 3 times as fast as a row and four
    /// tokens, and faster than tiles at any number of tokens. (Eight rows are another 1.4 times as fast, and half of the tokens
    /// would be better for two to four; each compiles for a second.)
    pub const SERIAL: [Rung; 1] = [
        Rung { most: usize::MAX, shader: "gemm_serial", entry: "eight", tokens: 8, pairs: 32 },
    ];
}
use ladders::{SERIAL, TILES};

impl Kernel for Params {
    const NAME: &'static str = "gemm";

    fn variants() -> Vec<Variant> {
        let rungs = || TILES.iter().chain(&SERIAL);
        let mut all = Vec::new();
        for operands in Operands::ALL {
            for t in DType::ALL.into_iter().filter(|t| operands.fit(*t)) {
                all.extend(rungs().map(|rung| rung.variant(t, operands)));
            }
        }
        all
    }
}

/// Whether gates and ups of `w` lie in one piece, so that [`Finish::Silu`] can be had.
#[cfg(feature = "gpu")]
pub fn gated(w: &Weight) -> bool {
    w.pieces().len() == 1 && w.rows().is_multiple_of(2)
}

/// Records the product of `x [T, K]` with `w`: one dispatch per piece of the weight.
///
/// # Errors
/// [`Error::Internal`] when the shapes do not fit, and what [`Recorder::launch`] says.
#[cfg(feature = "gpu")]
pub fn gpu(
    rec: &mut Recorder,
    tuning: &Gemm,
    scratch: &mut quantize::Scratch,
    out: &mut Tensor,
    w: &Weight,
    x: &Tensor,
    finish: Finish,
) -> Result<()> {
    let (tokens, out_cols) = (x.rows(), out.cols());
    let fits = match finish {
        Finish::Silu => gated(w) && out_cols * 2 == w.rows(),
        Finish::Store | Finish::Add => out_cols == w.rows(),
    };
    if x.cols() != w.cols() || !fits || tokens > out.max_rows() {
        let (m, n, k) = (out.max_rows(), w.rows(), w.cols());
        let got = x.cols();
        return Err(Error::internal(format!(
            "gemm {finish:?}: x [{tokens}, {got}], w [{n}, {k}], out [{m}, {out_cols}]"
        )));
    }
    let ladder = match tuning.reduce {
        Reduce::Serial => &SERIAL[..],
        Reduce::Tree | Reduce::Subgroups => &TILES,
    };
    let rung = ladder.iter().find(|rung| tokens <= rung.most);
    let rung = rung.ok_or_else(|| Error::internal("the ladder has no end"))?;
    let wanted = match tuning.math {
        Math::F32 => Operands::F32,
        Math::F16 => Operands::F16,
        Math::Int8 => Operands::Int8,
    };
    let of = |t: DType| if wanted.fit(t) { wanted } else { Operands::F32 };
    let quantised = w.pieces().iter().any(|piece| of(piece.dtype) == Operands::Int8);
    let bytes = if quantised {
        Some(quantize::gpu(rec, scratch, x)?)
    } else {
        None
    };
    for piece in w.pieces() {
        let operands = of(piece.dtype);
        let p = Params::new(piece.dtype, piece.rows, w.cols(), out_cols, piece.first, finish);
        let grid = Grid::threads(piece.rows.div_ceil(2), rung.pairs, tokens.div_ceil(rung.tokens));
        let bindings = &[
            Binding::output(out),
            match bytes {
                Some(bytes) if operands == Operands::Int8 => Binding::read(bytes),
                _ => Binding::input(x),
            },
            Binding::read(&piece.wq),
            Binding::read(&piece.wd),
        ];
        rec.launch(&p, rung.variant(piece.dtype, operands), grid, tokens, bindings)?;
    }
    Ok(())
}
