//! Activations as bytes, for products of bytes: for each 32 of a row
//!
//! ```text
//! d = max |x| / 127    q = round(x / d)    x [T, K]
//! ```
//!
//! kept as 8 words of bytes and 4 words: d, d times the sum of the first 16 q, d times the sum of the others, 0.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
#[cfg(feature = "gpu")]
use super::dim;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Buffer, Grid, Recorder, Tensor};

/// Activations that share a scale.
pub const BLOCK: usize = 32;

/// Bytes of [`BLOCK`] of them.
#[cfg(feature = "gpu")]
const BLOCK_BYTES: usize = 48;

/// The kernel's parameters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Blocks of a row, the last one padded with zeros.
    pub blocks: u32,
}

impl Kernel for Params {
    const NAME: &'static str = "quantize";

    fn variants() -> Vec<Variant> {
        vec![Variant::new(Self::NAME)]
    }
}

/// Where quantised activations go: room that grows to the largest batch, and then stays.
#[cfg(feature = "gpu")]
#[derive(Debug, Default)]
pub struct Scratch(Option<Buffer>);

/// Records the rows in use of `x` as bytes; the result is for products that follow directly.
///
/// # Errors
/// What [`Recorder::launch`] and [`Recorder::buffer`] say.
#[cfg(feature = "gpu")]
pub fn gpu<'a>(rec: &mut Recorder, scratch: &'a mut Scratch, x: &Tensor) -> Result<&'a Buffer> {
    let blocks = x.stride() / BLOCK;
    let room = |rows: usize| (rows * blocks * BLOCK_BYTES) as u64;
    let found = scratch.0.take().filter(|buffer| buffer.size() >= room(x.rows()));
    let buffer = match found {
        Some(buffer) => buffer,
        None => rec.buffer("bytes of activations", room(x.max_rows()))?,
    };
    let grid = Grid::threads(blocks, 64, x.rows());
    let bindings = &[Binding::write(&buffer), Binding::input(x)];
    let p = Params { blocks: dim(blocks) };
    rec.launch(&p, Variant::new(Params::NAME), grid, x.rows(), bindings)?;
    Ok(scratch.0.insert(buffer))
}

/// Reference: what a product of bytes sees of `x`, whose rows have `cols` columns.
pub fn rounded(cols: usize, x: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(x.len());
    for block in x.chunks_exact(cols).flat_map(|row| row.chunks(BLOCK)) {
        let most = block.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let inverse = if most > 1e-30 { 127.0 / most } else { 0.0 };
        out.extend(block.iter().map(|v| (v * inverse).round_ties_even() * (most / 127.0)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_steps_of_the_largest() {
        let x = [127.0, -63.6, 0.4, 0.5, 1.5, -127.0, 0.0];
        assert_eq!(rounded(7, &x), [127.0, -64.0, 0.0, 0.0, 2.0, -127.0, 0.0]);
        // A block for each 32 of a row, and none across rows.
        let mut rows = vec![0.0; 66];
        (rows[0], rows[32], rows[33]) = (1.0, 254.0, 127.0);
        let out = rounded(33, &rows);
        assert_eq!((out[0], out[32], out[33]), (1.0, 254.0, 127.0));
        assert!(out.iter().filter(|v| **v != 0.0).count() == 3);
    }
}
