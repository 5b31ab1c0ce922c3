//! `wq, wd = planes(raw)`: whole rows of a weight, as they lie in the file, are dealt into the planes that the products
//! read ([`crate::quant::planes`]). Nothing is computed: every bit of the file is one bit of a plane.

use bytemuck::{Pod, Zeroable};

use super::wgsl::Variant;
use super::{Kernel, dim};
#[cfg(feature = "gpu")]
use crate::error::Error;
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Buffer, Grid, Launch, Recorder};
#[cfg(feature = "gpu")]
use crate::kernels::weight::Piece;
use crate::quant::DType;
use crate::quant::planes::{numbers, plane_words, repack_rows};

/// Shape of a row; the uniform of `repack.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// File blocks of a row.
    pub blocks: u32,
    /// Words of plane `wq` per row.
    pub wq_stride: u32,
    /// Words of plane `wd` per row.
    pub wd_stride: u32,
}

impl Params {
    /// For rows of `cols` weights of a format that has blocks.
    pub fn new(t: DType, cols: usize) -> Self {
        let (wq, wd) = plane_words(t, cols);
        let [blocks, wq_stride, wd_stride] = [cols / t.block_len(), 4 * wq, wd].map(dim);
        Self {
            blocks,
            wq_stride,
            wd_stride,
        }
    }
}

impl Kernel for Params {
    const NAME: &'static str = "repack";

    fn variants() -> Vec<Variant> {
        DType::ALL.into_iter().filter_map(variant).collect()
    }
}

/// What deals blocks of `t`; `None` for floats, of which a plane has a copy.
fn variant(t: DType) -> Option<Variant> {
    let kind = match t {
        DType::Q4_0 | DType::Q4_1 | DType::Q5_0 | DType::Q5_1 => "nibbles",
        DType::Q6K => "crossed",
        _ => "stretches",
    };
    let v = Variant::new(Params::NAME)
        .name("FORMAT", t.fragment())
        .name("KIND", kind);
    Some(v.implied(&numbers(t)?))
}

/// Threads of a workgroup, and weights that each of them deals.
#[cfg(feature = "gpu")]
const THREADS: usize = 64;
#[cfg(feature = "gpu")]
const WEIGHTS: usize = 32;

/// Records the dealing of `rows` rows of `cols` weights, which lie in `raw`, into the piece's rows from `first` on.
///
/// # Errors
/// [`Error::Internal`] for floats, and what [`Recorder::record`] says.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, piece: &Piece, cols: usize, raw: &Buffer, first: usize, rows: usize) -> Result<()> {
    let t = piece.dtype;
    let variant = variant(t).ok_or_else(|| Error::internal(format!("{t} has no blocks")))?;
    rec.record(&Launch {
        variant,
        params: bytemuck::bytes_of(&Params::new(t, cols)),
        bindings: &[Binding::write(&piece.wq), Binding::write(&piece.wd), Binding::read(raw)],
        rows,
        first,
        more: [0; 8],
        grid: Grid::threads(rows * cols / WEIGHTS, THREADS, 1),
    })
}

/// Reference: the planes of whole rows of `cols` weights.
///
/// # Errors
/// Those of [`repack_rows`].
pub fn cpu(t: DType, cols: usize, raw: &[u8]) -> Result<(Vec<u32>, Vec<u32>)> {
    let (mut wq, mut wd) = (Vec::new(), Vec::new());
    repack_rows(t, cols, raw, &mut wq, &mut wd)?;
    Ok((wq, wd))
}
