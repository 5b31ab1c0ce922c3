//! A weight as the CPU multiplies it: the rows in groups of four, their bytes interleaved.
//!
//! Four rows are one *quad*. A block of a quad has the fields of the file's block, each four times as long: field by
//! field, the first four bytes of row 0, of row 1, 2, 3, then the next four of each (two bytes for a field of one
//! half-precision number). So one register holds the same weights of four rows, each row in its own 32-bit lane, and a
//! product needs no sum across lanes.
//!
//! It is a permutation: nothing is lost and not a byte is added, but for up to three rows of zeros at the end.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::quant::{DType, dequantize_row};

/// Rows of a quad.
pub const QUAD: usize = 4;

/// See the module's documentation.
#[derive(Debug, Clone)]
pub struct Packed {
    dtype: DType,
    rows: usize,
    cols: usize,
    row_bytes: usize,
    bytes: Vec<u8>,
}

/// A stretch of a block that is interleaved in units of `unit` bytes.
struct Field {
    at: usize,
    len: usize,
    unit: usize,
}

const fn halves(at: usize) -> Field {
    Field { at, len: 2, unit: 2 }
}

const fn words(at: usize, len: usize) -> Field {
    Field { at, len, unit: 4 }
}

/// The fields of a block; their order and meaning are drawn in `quant`.
fn fields(t: DType) -> &'static [Field] {
    match t {
        DType::F32 => &const { [words(0, 4)] },
        DType::F16 | DType::BF16 => &const { [halves(0)] },
        DType::Q4_0 => &const { [halves(0), words(2, 16)] },
        DType::Q4_1 => &const { [halves(0), halves(2), words(4, 16)] },
        DType::Q5_0 => &const { [halves(0), words(2, 4), words(6, 16)] },
        DType::Q5_1 => &const { [halves(0), halves(2), words(4, 4), words(8, 16)] },
        DType::Q8_0 => &const { [halves(0), words(2, 32)] },
        DType::Q2K => &const { [words(0, 16), words(16, 64), halves(80), halves(82)] },
        DType::Q3K => &const { [words(0, 32), words(32, 64), words(96, 12), halves(108)] },
        DType::Q4K => &const { [halves(0), halves(2), words(4, 12), words(16, 128)] },
        DType::Q5K => &const { [halves(0), halves(2), words(4, 12), words(16, 32), words(48, 128)] },
        DType::Q6K => &const { [words(0, 128), words(128, 64), words(192, 16), halves(208)] },
    }
}

/// Where the 32 fifth bits lie in a block of Q5_0 or Q5_1.
fn fifth_bits(t: DType) -> Option<Range<usize>> {
    match t {
        DType::Q5_0 => Some(2..6),
        DType::Q5_1 => Some(4..8),
        _ => None,
    }
}

/// Bit `4j + c` of the file becomes bit `8c + j`: byte c then holds the fifth bits of the weights `4j + c`, as the
/// other bytes of a group of four do.
fn spread_fifth(bits: u32) -> u32 {
    (0..32).fold(0, |out, i| out | (bits >> i & 1) << (8 * (i % 4) + i / 4))
}

/// The inverse of [`spread_fifth`].
fn gather_fifth(bits: u32) -> u32 {
    (0..32).fold(0, |out, i| out | (bits >> (8 * (i % 4) + i / 4) & 1) << i)
}

impl Packed {
    /// Room for a matrix `[rows, cols]`, all zeros.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory is short; [`Error::Internal`] when `cols` is not a whole number of blocks.
    pub fn new(dtype: DType, rows: usize, cols: usize) -> Result<Self> {
        let row_bytes = dtype
            .row_bytes(cols)
            .ok_or_else(|| Error::internal(format!("{cols} columns of {dtype}: not whole blocks")))?;
        let len = rows
            .div_ceil(QUAD)
            .checked_mul(QUAD * row_bytes)
            .ok_or_else(|| Error::internal(format!("[{rows}, {cols}] overflows")))?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| Error::TooLarge {
            what: format!("a matrix [{rows}, {cols}] of {dtype}"),
            needed: len as u64,
            available: 0,
            hint: "the allocator refused: choose a smaller model or context".into(),
        })?;
        bytes.resize(len, 0);
        Ok(Self {
            dtype,
            rows,
            cols,
            row_bytes,
            bytes,
        })
    }

    /// Storage format.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of rows (outputs).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns (inputs).
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes, in their order here.
    pub(super) fn raw(&self) -> &[u8] {
        &self.bytes
    }

    /// The quads, one after the other.
    pub(super) fn quads(&self) -> std::slice::ChunksExact<'_, u8> {
        self.bytes.chunks_exact((QUAD * self.row_bytes).max(1))
    }

    /// Stores whole rows as they lie in the file.
    ///
    /// # Errors
    /// [`Error::Internal`] when they are not whole rows of this matrix.
    pub fn fill(&mut self, first_row: usize, bytes: &[u8]) -> Result<()> {
        let row_bytes = self.row_bytes.max(1);
        let count = bytes.len() / row_bytes;
        if !bytes.len().is_multiple_of(row_bytes) || first_row.saturating_add(count) > self.rows {
            return Err(Error::internal(format!(
                "{} bytes at row {first_row} of {} rows of {row_bytes} bytes",
                bytes.len(),
                self.rows
            )));
        }
        let block_bytes = self.dtype.block_bytes();
        for (row, bytes) in (first_row..).zip(bytes.chunks_exact(row_bytes)) {
            let quad = &mut self.bytes[row / QUAD * QUAD * row_bytes..][..QUAD * row_bytes];
            let blocks = quad.chunks_exact_mut(QUAD * block_bytes);
            for (to, from) in blocks.zip(bytes.chunks_exact(block_bytes)) {
                interleave(self.dtype, row % QUAD, from, to);
            }
        }
        Ok(())
    }

    /// Decodes one row.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no such row or `out` is not [`Packed::cols`] long.
    pub fn decode_row(&self, row: usize, out: &mut [f32]) -> Result<()> {
        if row >= self.rows || out.len() != self.cols {
            return Err(Error::internal(format!("row {row} of {}", self.rows)));
        }
        let (block_bytes, block_len) = (self.dtype.block_bytes(), self.dtype.block_len());
        let quad = &self.bytes[row / QUAD * QUAD * self.row_bytes..][..QUAD * self.row_bytes];
        let mut block = [0u8; MAX_BLOCK];
        let block = &mut block[..block_bytes];
        for (from, out) in quad
            .chunks_exact(QUAD * block_bytes)
            .zip(out.chunks_exact_mut(block_len))
        {
            deinterleave(self.dtype, row % QUAD, from, block);
            dequantize_row(self.dtype, block, out)?;
        }
        Ok(())
    }
}

/// Bytes of the longest block (Q6_K).
const MAX_BLOCK: usize = 210;

/// Writes the block of row `lane` into its place in a quad's block.
fn interleave(t: DType, lane: usize, from: &[u8], to: &mut [u8]) {
    for &Field { at, len, unit } in fields(t) {
        let to = &mut to[QUAD * at..QUAD * (at + len)];
        let from = &from[at..at + len];
        match unit {
            2 => to[2 * lane..][..2].copy_from_slice(from),
            _ => {
                let (to, from) = (to.as_chunks_mut::<16>().0, from.as_chunks::<4>().0);
                for (to, from) in to.iter_mut().zip(from) {
                    to[4 * lane..][..4].copy_from_slice(from);
                }
            }
        }
    }
    if let Some(bits) = fifth_bits(t) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| from[bits.start + i]);
        let spread = spread_fifth(u32::from_le_bytes([a, b, c, d]));
        to[QUAD * bits.start + 4 * lane..][..4].copy_from_slice(&spread.to_le_bytes());
    }
}

/// The inverse of [`interleave`].
fn deinterleave(t: DType, lane: usize, from: &[u8], to: &mut [u8]) {
    for &Field { at, len, unit } in fields(t) {
        let from = from[QUAD * at..QUAD * (at + len)].chunks_exact(QUAD * unit);
        for (to, from) in to[at..at + len].chunks_exact_mut(unit).zip(from) {
            to.copy_from_slice(&from[unit * lane..][..unit]);
        }
    }
    if let Some(bits) = fifth_bits(t) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| to[bits.start + i]);
        let gathered = gather_fifth(u32::from_le_bytes([a, b, c, d]));
        to[bits].copy_from_slice(&gathered.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize, mut seed: u32) -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn the_fields_cover_every_block() {
        for t in DType::ALL {
            let end = fields(t).iter().fold(0, |end, f| {
                assert_eq!(f.at, end, "{t}");
                f.at + f.len
            });
            assert_eq!(end, t.block_bytes(), "{t}");
        }
    }

    #[test]
    fn rows_come_back_as_they_were() {
        for t in DType::ALL {
            let (rows, cols) = (7, 2 * t.block_len().max(8));
            let row_bytes = t.row_bytes(cols).unwrap();
            let file = noise(rows * row_bytes, 7);
            let mut packed = Packed::new(t, rows, cols).unwrap();
            packed.fill(0, &file[..3 * row_bytes]).unwrap();
            packed.fill(3, &file[3 * row_bytes..]).unwrap();
            for (row, bytes) in file.chunks_exact(row_bytes).enumerate() {
                let (mut want, mut got) = (vec![0f32; cols], vec![0f32; cols]);
                dequantize_row(t, bytes, &mut want).unwrap();
                packed.decode_row(row, &mut got).unwrap();
                let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&got), bits(&want), "{t} row {row}");
            }
            assert!(packed.fill(6, &file[..2 * row_bytes]).is_err());
            assert!(packed.fill(0, &file[1..row_bytes]).is_err());
            assert!(packed.decode_row(7, &mut vec![0.0; cols]).is_err());
            assert_eq!(packed.bytes(), 8 * row_bytes);
        }
    }
}
