//! How weights lie on a GPU: two planes of 32-bit words per matrix, made for aligned 128-bit loads.
//!
//! File blocks of 18, 110 or 210 bytes straddle words; a shader that reads them spends its time on shifts. So the bytes
//! of a row are dealt into `wq`, which is read as `vec4<u32>`, and `wd`, which is read as `u32`. Nothing is lost and
//! (but for rounding at the end of a row) nothing grows. The shader's side of each layout is `shaders/lib/<format>.wgsl`.
//!
//! A *sub-block* is 32 weights. `bits(b)` stands for b words that hold b bits of each of its quants, so that one mask
//! and one shift bring back four neighbours as the bytes of a word:
//!
//! ```text
//! bits(b), word k, byte c, bits b*m .. b*m + b:  the quant of weight 4j + c, j = k + b*m
//!
//!          byte 3    byte 2    byte 1    byte 0
//! bits(4)  19 | 3    18 | 2    17 | 1    16 | 0      word 0; weight numbers, high nibble | low nibble
//!
//! format  wq per sub-block       wd
//! Q4_0    bits(4)                per 2 blocks: [d0 | d1]
//! Q4_1    bits(4)                per block:    [d | m]
//! Q5_0    bits(4)                per 2 blocks: [bits(1) of block 0][bits(1) of block 1][d0 | d1]
//! Q5_1    bits(4)                per block:    [d | m][bits(1)]
//! Q8_0    bits(8)                per 2 blocks: [d0 | d1]
//! Q2_K    bits(2)                per block:    [scales, 4 words][d | dmin]
//! Q3_K    bits(2)                per 2 blocks: twice ([bits(1) of 8 sub-blocks][scales, 3 words]), [d0 | d1]
//! Q4_K    bits(4)                per block:    [d | dmin][scales, 3 words]
//! Q5_K    bits(4)                per block:    [d | dmin][scales, 3 words][bits(1) of 8 sub-blocks]
//! Q6_K    bits(4)                per 2 blocks: twice ([bits(2) of 8 sub-blocks][scales, 4 words]), [d0 | d1]
//! F16     16 words as in the file             (also BF16)
//! F32     32 words as in the file
//! ```
//!
//! `[a | b]` is one word with half-precision bits `a` in its lower half; scales keep the file's bytes. Floats are padded
//! with zeros to whole sub-blocks.

use super::sub_block::{self, Quants, SUB};
use super::{DType, put_u32, u32_at};
use crate::error::{Error, Result};

/// Plane sizes of one row of `cols` weights: (`vec4<u32>`s of `wq`, words of `wd`).
///
/// ```
/// use kinglet::quant::{DType, planes::plane_words};
/// assert_eq!(plane_words(DType::Q4_0, 3072), (96, 48));
/// assert_eq!(plane_words(DType::F16, 33), (8, 0));
/// ```
pub fn plane_words(t: DType, cols: usize) -> (usize, usize) {
    let l = Layout::of(t);
    let blocks = cols.div_ceil(l.block_len);
    (blocks * l.wq / 4, blocks.div_ceil(l.group) * l.wd)
}

/// Appends whole rows of `cols` weights, as in the file, to the planes.
///
/// # Errors
/// [`Error::Internal`] when `bytes` is not a whole number of rows.
pub fn repack_rows(t: DType, cols: usize, bytes: &[u8], wq: &mut Vec<u32>, wd: &mut Vec<u32>) -> Result<()> {
    let row_bytes = row_bytes(t, cols)?;
    if !bytes.len().is_multiple_of(row_bytes) {
        let got = bytes.len();
        return Err(Error::internal(format!(
            "{got} bytes are not whole rows of {cols} {t} weights"
        )));
    }
    let l = Layout::of(t);
    let (row_wq, row_wd) = plane_words(t, cols);
    for row in bytes.chunks_exact(row_bytes) {
        let (q_start, d_start) = (wq.len(), wd.len());
        wq.resize(q_start + 4 * row_wq, 0);
        wd.resize(d_start + row_wd, 0);
        let (q, d) = (&mut wq[q_start..], &mut wd[d_start..]);
        for (i, block) in row.chunks(l.block_bytes).enumerate() {
            let d = &mut d[i / l.group * l.wd..][..l.wd];
            l.pack(t, block, &mut q[i * l.wq..][..l.wq], d, i % l.group);
        }
    }
    Ok(())
}

/// The inverse of [`repack_rows`]: the bytes of all rows in the planes.
///
/// # Errors
/// [`Error::Internal`] when the planes are not a whole number of rows.
pub fn unpack_rows(t: DType, cols: usize, wq: &[u32], wd: &[u32]) -> Result<Vec<u8>> {
    let row_bytes = row_bytes(t, cols)?;
    let l = Layout::of(t);
    let (row_wq, row_wd) = plane_words(t, cols);
    let rows = wq.len() / (4 * row_wq);
    if wq.len() != rows * 4 * row_wq || wd.len() != rows * row_wd {
        return Err(Error::internal(format!(
            "the planes are not whole rows of {cols} {t} weights"
        )));
    }
    let mut bytes = vec![0; rows * row_bytes];
    for (r, row) in bytes.chunks_exact_mut(row_bytes).enumerate() {
        let (q, d) = (&wq[r * 4 * row_wq..], &wd[r * row_wd..]);
        for (i, block) in row.chunks_mut(l.block_bytes).enumerate() {
            let d = &d[i / l.group * l.wd..][..l.wd];
            l.unpack(t, block, &q[i * l.wq..][..l.wq], d, i % l.group);
        }
    }
    Ok(bytes)
}

/// The layout's numbers by their names in `shaders/repack.wgsl`, which deals blocks as [`repack_rows`] does; `None` for
/// floats, which lie in the planes as in the file.
pub(crate) fn numbers(t: DType) -> Option<[(&'static str, u32); 16]> {
    let l = Layout::of(t);
    let [low_from, high_from] = sub_block::places(t);
    let numbers = [
        ("BYTES", l.block_bytes),
        ("SUBS", l.block_len / SUB),
        ("LOW", l.low),
        ("LOW_FROM", low_from),
        ("HIGH", l.high),
        ("HIGH_FROM", high_from),
        ("HIGH_TO", l.high_at),
        ("GROUP", l.group),
        ("WD", l.wd),
        ("STRIDE", l.stride),
        ("SCALES", l.scales.2),
        ("SCALES_FROM", l.scales.0),
        ("SCALES_TO", l.scales.1),
        ("HALVES", l.halves.2),
        ("HALVES_FROM", l.halves.0),
        ("HALVES_TO", l.halves.1),
    ];
    (l.low > 0).then(|| numbers.map(|(name, n)| (name, n as u32)))
}

fn row_bytes(t: DType, cols: usize) -> Result<usize> {
    let bytes = t.row_bytes(cols).filter(|&b| b > 0);
    bytes.ok_or_else(|| Error::internal(format!("there are no rows of {cols} {t} weights")))
}

/// The layout drawn above, in numbers.
struct Layout {
    /// Weights and bytes of a block; 32 floats count as one.
    block_len: usize,
    block_bytes: usize,
    /// Words of `wq` per block.
    wq: usize,
    /// Blocks that share a stretch of `wd`, and the words of the stretch.
    group: usize,
    wd: usize,
    /// Bits of a quant in `wq` (0: floats, copied as they are) and in `wd`.
    low: usize,
    high: usize,
    /// First word of the high bits, and words from one block of the group to the next (also for the scales).
    high_at: usize,
    stride: usize,
    /// Packed sub-block scales: offset in the file's block, first word, number of words.
    scales: (usize, usize, usize),
    /// Half-precision numbers of a block: offset in the file's block, word, how many.
    halves: (usize, usize, usize),
}

impl Layout {
    #[rustfmt::skip] // a table
    fn of(t: DType) -> Layout {
        //                                 wq group wd low high high_at stride   scales       halves
        let (wq, group, wd, low, high, high_at, stride, scales, halves) = match t {
            DType::F32 =>                 (32, 1,  0, 0, 0,  0,  0, (0, 0, 0),    (0, 0, 0)),
            DType::F16 | DType::BF16 =>   (16, 1,  0, 0, 0,  0,  0, (0, 0, 0),    (0, 0, 0)),
            DType::Q4_0 =>                ( 4, 2,  1, 4, 0,  0,  0, (0, 0, 0),    (0, 0, 1)),
            DType::Q4_1 =>                ( 4, 1,  1, 4, 0,  0,  0, (0, 0, 0),    (0, 0, 2)),
            DType::Q5_0 =>                ( 4, 2,  3, 4, 1,  0,  1, (0, 0, 0),    (0, 2, 1)),
            DType::Q5_1 =>                ( 4, 1,  2, 4, 1,  1,  0, (0, 0, 0),    (0, 0, 2)),
            DType::Q8_0 =>                ( 8, 2,  1, 8, 0,  0,  0, (0, 0, 0),    (0, 0, 1)),
            DType::Q2K =>                 (16, 1,  5, 2, 0,  0,  0, (0, 0, 4),    (80, 4, 2)),
            DType::Q3K =>                 (16, 2, 23, 2, 1,  0, 11, (96, 8, 3),   (108, 22, 1)),
            DType::Q4K =>                 (32, 1,  4, 4, 0,  0,  0, (4, 1, 3),    (0, 0, 2)),
            DType::Q5K =>                 (32, 1, 12, 4, 1,  4,  0, (4, 1, 3),    (0, 0, 2)),
            DType::Q6K =>                 (32, 2, 41, 4, 2,  0, 20, (192, 16, 4), (208, 40, 1)),
        };
        let floats = if t.block_len() == 1 { SUB } else { 1 };
        let (block_len, block_bytes) = (t.block_len() * floats, t.block_bytes() * floats);
        Layout { block_len, block_bytes, wq, group, wd, low, high, high_at, stride, scales, halves }
    }

    /// Deals one block; `odd` is its number in the group.
    fn pack(&self, t: DType, block: &[u8], wq: &mut [u32], wd: &mut [u32], odd: usize) {
        if self.low == 0 {
            return pack_floats(block, wq);
        }
        for s in 0..self.block_len / SUB {
            let q = sub_block::read(t, block, s);
            sub_block::cut(&q, 0, self.low, &mut wq[s * self.low..]);
            if self.high > 0 {
                let at = self.high_at + odd * self.stride + s * self.high;
                sub_block::cut(&q, self.low, self.high, &mut wd[at..]);
            }
        }
        let (from, to, words) = self.scales;
        for i in 0..words {
            wd[to + odd * self.stride + i] = u32_at(block, from + 4 * i);
        }
        let (from, to, count) = self.halves;
        for i in 0..count {
            let half = u16::from_le_bytes([block[from + 2 * i], block[from + 2 * i + 1]]);
            wd[to] |= u32::from(half) << (16 * (odd + i));
        }
    }

    /// The inverse of [`Layout::pack`]; `block` is zero.
    fn unpack(&self, t: DType, block: &mut [u8], wq: &[u32], wd: &[u32], odd: usize) {
        if self.low == 0 {
            return unpack_floats(block, wq);
        }
        for s in 0..self.block_len / SUB {
            let mut q = Quants::default();
            sub_block::paste(&mut q, 0, self.low, &wq[s * self.low..]);
            if self.high > 0 {
                let at = self.high_at + odd * self.stride + s * self.high;
                sub_block::paste(&mut q, self.low, self.high, &wd[at..]);
            }
            sub_block::write(t, block, s, &q);
        }
        let (to, from, words) = self.scales;
        for i in 0..words {
            put_u32(block, to + 4 * i, wd[from + odd * self.stride + i]);
        }
        let (to, from, count) = self.halves;
        for i in 0..count {
            let half = (wd[from] >> (16 * (odd + i))) as u16;
            block[to + 2 * i..][..2].copy_from_slice(&half.to_le_bytes());
        }
    }
}

/// Bytes to words, little-endian; an odd half-precision number at the end fills half a word.
fn pack_floats(bytes: &[u8], words: &mut [u32]) {
    for (b, word) in bytes.chunks(4).zip(words) {
        *word = b.iter().rev().fold(0, |w, &byte| w << 8 | u32::from(byte));
    }
}

fn unpack_floats(bytes: &mut [u8], words: &[u32]) {
    for (b, word) in bytes.chunks_mut(4).zip(words) {
        let len = b.len();
        b.copy_from_slice(&word.to_le_bytes()[..len]);
    }
}
