//! Product of one token's activation with a weight, with what comes before and behind it in a block:
//!
//! ```text
//! y[n] = sum_k w[n, k] * i[k]         i = x, or norm(x) = x / sqrt(mean(x^2) + eps) * gain
//! out[n] = y[n]   or   out[n] += y[n]   or   out[n] = silu(y[n]) * y[half + n],  n < half
//! ```
//!
//! Its twin is the sequence of single operations that `ops` names: `rms_norm`, `matmul`, `add`, `silu_mul`.

use bytemuck::{Pod, Zeroable};

use super::tuning::{Gemv, Math, Reduce};
use super::weight::{Piece, Weight};
use super::wgsl::{Extra, Variant};
use super::{Kernel, dim};
use crate::error::{Error, Result};
use crate::gpu::{Abilities, Binding, Grid, Recorder, Tensor};
use crate::quant::DType;
use crate::quant::planes::plane_words;

/// Shape of one dispatch, that is of one piece of a weight; the uniform of `gemv.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Params {
    /// N: rows of this piece.
    pub rows: u32,
    /// K.
    pub cols: u32,
    /// Element of out that row 0 writes.
    pub out_first: u32,
    /// Rows of gate, of a gated product.
    pub half: u32,
    /// vec4s of plane `wq` per weight row.
    pub wq_stride: u32,
    /// Words of plane `wd` per weight row.
    pub wd_stride: u32,
    /// Of the norm.
    pub eps: f32,
}

/// A norm that x goes through: gain `[1, K]`, and what is added to the mean square.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    /// `[1, K]`
    pub gain: &'a Tensor,
    /// Added to the mean square.
    pub eps: f32,
}

/// What becomes of the products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// `out = y`
    Store,
    /// `out += y`
    Add,
    /// `out = silu(first half of y) * second half of y`
    Gate,
}

impl Kernel for Params {
    const NAME: &'static str = "gemv";

    fn variants() -> Vec<Variant> {
        // Every fragment meets every format, and every input every output.
        let mut all = Vec::new();
        for t in DType::ALL {
            let mut add = |reduce, lanes, math, uses: &[(bool, Output)]| {
                let how = Gemv { reduce, lanes, math };
                all.extend(uses.iter().map(|&(norm, output)| variant(t, how, 32, norm, output)));
            };
            add(Reduce::Tree, 32, Math::F32, &USES);
            for (reduce, lanes) in [(Reduce::Serial, 1), (Reduce::Subgroups, 32), (Reduce::Subgroups, 64)] {
                add(reduce, lanes, Math::F32, &USES[3..]);
            }
            for math in [Math::F16, Math::Int8].into_iter().filter(|_| t.block_len() > 1) {
                add(Reduce::Tree, 32, math, &USES[3..]);
            }
        }
        all
    }
}

/// What a decoder asks for: with a norm or without, and what becomes of it.
const USES: [(bool, Output); 4] = [
    (false, Output::Store),
    (true, Output::Store),
    (false, Output::Add),
    (true, Output::Gate),
];

/// Threads of a workgroup: enough that a processor's places for workgroups are not what limits it.
const THREADS: u32 = 64;

fn variant(t: DType, how: Gemv, subgroup: u32, norm: bool, output: Output) -> Variant {
    let lanes = match how.reduce {
        Reduce::Serial => 1,
        _ => how.lanes,
    };
    let reduce = match how.reduce {
        Reduce::Serial => "reduce_none",
        Reduce::Tree => "reduce_tree",
        Reduce::Subgroups if lanes <= subgroup => "reduce_shuffle",
        Reduce::Subgroups => "reduce_subgroups",
    };
    // Floats have no integers to multiply.
    let math = if t.block_len() == 1 { None } else { Some(how.math) };
    let (math, extra) = match math {
        None => ("math_float", None),
        Some(Math::F32) => ("math_f32", None),
        Some(Math::F16) => ("math_f16", Some(Extra::F16)),
        Some(Math::Int8) => ("math_int8", Some(Extra::Int8)),
    };
    let mut v = Variant::new(Params::NAME)
        .entry("team")
        .name("INPUT", if norm { "input_norm" } else { "input_plain" })
        .name("MATH", math)
        .name("FORMAT", t.fragment())
        .name(
            "ROWS",
            if how.reduce == Reduce::Serial {
                "rows_in_turn"
            } else {
                "rows_at_once"
            },
        )
        .name("REDUCE", reduce)
        .name(
            "OUTPUT",
            if output == Output::Gate {
                "output_gate"
            } else {
                "output_rows"
            },
        )
        .name("ASSIGN", if output == Output::Add { "+=" } else { "=" })
        .int("LANES", lanes)
        .int("THREADS", THREADS.max(lanes));
    v.extras.extend(extra);
    if how.reduce == Reduce::Subgroups {
        v.extras.push(Extra::Subgroups);
    }
    v
}

/// The choice as far as a device can follow it: without subgroups sums go through workgroup memory, and without a lossy
/// way to multiply the exact one is taken.
fn possible(how: Gemv, has: Abilities) -> Gemv {
    let reduce = match how.reduce {
        Reduce::Subgroups if has.subgroups.is_none() => Reduce::Tree,
        reduce => reduce,
    };
    let math = match how.math {
        Math::F16 if !has.f16 => Math::F32,
        Math::Int8 if !has.int8 => Math::F32,
        math => math,
    };
    Gemv { reduce, math, ..how }
}

/// A gated product in one dispatch is possible: gate and up lie in one piece.
pub fn gates(w: &Weight) -> bool {
    w.pieces().len() == 1 && w.rows().is_multiple_of(2)
}

/// Records the product of row 0 of `x [1, K]`: one dispatch per piece of the weight. `out` is `[1, N]`, or `[1, N / 2]` where
/// it is gated (only where [`gates`]).
///
/// # Errors
/// [`Error::Internal`] when the shapes do not fit, and what [`Recorder::launch`] says.
pub fn gpu(
    rec: &mut Recorder,
    how: Gemv,
    out: &mut Tensor,
    w: &Weight,
    x: &Tensor,
    norm: Option<Norm<'_>>,
    output: Output,
) -> Result<()> {
    let half = if output == Output::Gate { w.rows() / 2 } else { 0 };
    let fits = x.rows() == 1 && x.cols() == w.cols() && out.cols() == w.rows() - half;
    if !fits || (half > 0 && !gates(w)) || norm.is_some_and(|norm| norm.gain.cols() != w.cols()) {
        let (t, k, n, m) = (x.rows(), x.cols(), w.rows(), out.cols());
        let message = format!("gemv {output:?}: x [{t}, {k}], w [{n}, {}], out [{m}]", w.cols());
        return Err(Error::internal(message));
    }
    let has = rec.device().abilities();
    let how = possible(how, has);
    let subgroup = has.subgroups.map_or(0, |(least, _)| least);
    for piece in w.pieces() {
        let p = params(piece, w.cols(), dim(half), norm.map_or(0.0, |norm| norm.eps));
        let variant = variant(piece.dtype, how, subgroup, norm.is_some(), output);
        let lanes = if how.reduce == Reduce::Serial { 1 } else { how.lanes };
        let teams = (THREADS.max(lanes) / lanes) as usize;
        let quads = if half > 0 {
            half.div_ceil(2)
        } else {
            piece.rows.div_ceil(4)
        };
        let mut bindings = vec![
            Binding::output(out),
            Binding::input(x),
            Binding::read(&piece.wq),
            Binding::read(&piece.wd),
        ];
        bindings.extend(norm.map(|norm| Binding::input(norm.gain)));
        rec.launch(&p, variant, Grid::new(quads.div_ceil(teams), 1), 1, &bindings)?;
    }
    Ok(())
}

fn params(piece: &Piece, cols: usize, half: u32, eps: f32) -> Params {
    let (wq, wd) = plane_words(piece.dtype, cols);
    let [rows, cols, out_first, wq_stride, wd_stride] = [piece.rows, cols, piece.first, wq, wd].map(dim);
    Params {
        rows,
        cols,
        out_first,
        half,
        wq_stride,
        wd_stride,
        eps,
    }
}
