//! The quants of 32 weights as eight words: byte c of word j is the unsigned quant of weight `4j + c`.
//!
//! Everything here moves four quants at a time, by masks and shifts, and has an exact inverse.

use super::{DType, put_u32, u32_at};

/// Weights of a sub-block.
pub(super) const SUB: usize = 32;

/// See the module.
pub(super) type Quants = [u32; SUB / 4];

/// The lowest `bits` bits of each byte.
fn mask(bits: usize) -> u32 {
    0x0101_0101 * ((1 << bits) - 1)
}

/// Cuts `bits` bits (1, 2, 4 or 8) out of every quant, from bit `to` on, into `bits` words:
/// those of weights `4j + c` become bits `bits * (j / bits) ..` of byte c of word `j % bits`.
pub(super) fn cut(q: &Quants, to: usize, bits: usize, words: &mut [u32]) {
    for (j, word) in q.iter().enumerate() {
        words[j % bits] |= (word >> to & mask(bits)) << (bits * (j / bits));
    }
}

/// The inverse of [`cut`].
pub(super) fn paste(q: &mut Quants, to: usize, bits: usize, words: &[u32]) {
    for (j, word) in q.iter_mut().enumerate() {
        *word |= (words[j % bits] >> (bits * (j / bits)) & mask(bits)) << to;
    }
}

/// Some bits of every quant, as the file keeps them: those of weight i are bits `shift ..` of byte `at + i`.
struct Field {
    at: usize,
    shift: usize,
    bits: usize,
    /// Their place in the quant.
    to: usize,
}

/// Where the file keeps the quants of sub-block `s`: low bits, then high bits. Drawn in each format's own file.
fn fields(t: DType, s: usize) -> [Option<Field>; 2] {
    let (half, plane) = (s / 4, s % 4);
    let field = |at, shift, bits, to| Some(Field { at, shift, bits, to });
    match t {
        DType::Q8_0 => [field(2, 0, 8, 0), None],
        DType::Q2K => [field(16 + 32 * half, 2 * plane, 2, 0), None],
        DType::Q3K => [field(32 + 32 * half, 2 * plane, 2, 0), field(0, s, 1, 2)],
        DType::Q4K => [field(16 + s / 2 * 32, s % 2 * 4, 4, 0), None],
        DType::Q5K => [field(48 + s / 2 * 32, s % 2 * 4, 4, 0), field(16, s, 1, 4)],
        DType::Q6K => [
            field(64 * half + 32 * (plane % 2), plane / 2 * 4, 4, 0),
            field(128 + 32 * half, 2 * plane, 2, 4),
        ],
        _ => [None, None],
    }
}

/// Byte offsets of the nibbles and, for five bits, of the high bits in a block of Q4_0 … Q5_1.
fn nibbles(t: DType) -> Option<(usize, Option<usize>)> {
    match t {
        DType::Q4_0 => Some((2, None)),
        DType::Q4_1 => Some((4, None)),
        DType::Q5_0 => Some((6, Some(2))),
        DType::Q5_1 => Some((8, Some(4))),
        _ => None,
    }
}

/// Where the low and the high bits of a block's first sub-block begin, in bytes; 0 where there are none.
pub(super) fn places(t: DType) -> [usize; 2] {
    match nibbles(t) {
        Some((low, high)) => [low, high.unwrap_or(0)],
        None => fields(t, 0).map(|field| field.map_or(0, |f| f.at)),
    }
}

/// Reads the quants of sub-block `s` of a file block.
pub(super) fn read(t: DType, block: &[u8], s: usize) -> Quants {
    let mut q = Quants::default();
    if let Some((low, high)) = nibbles(t) {
        let words: [u32; 4] = std::array::from_fn(|j| u32_at(block, low + 4 * j));
        paste(&mut q, 0, 4, &words);
        if let Some(high) = high {
            let bits = u32_at(block, high);
            for (j, word) in q.iter_mut().enumerate() {
                *word |= spread(bits >> (4 * j) & 15) << 4;
            }
        }
    }
    for f in fields(t, s).into_iter().flatten() {
        for (j, word) in q.iter_mut().enumerate() {
            *word |= (u32_at(block, f.at + 4 * j) >> f.shift & mask(f.bits)) << f.to;
        }
    }
    q
}

/// The inverse of [`read`]; `block` is zero where the quants go.
pub(super) fn write(t: DType, block: &mut [u8], s: usize, q: &Quants) {
    if let Some((low, high)) = nibbles(t) {
        let mut words = [0; 4];
        cut(q, 0, 4, &mut words);
        for (j, word) in words.into_iter().enumerate() {
            put_u32(block, low + 4 * j, word);
        }
        if let Some(high) = high {
            let bits = q.iter().enumerate().map(|(j, word)| collect(word >> 4) << (4 * j));
            put_u32(block, high, bits.fold(0, |a, b| a | b));
        }
    }
    for f in fields(t, s).into_iter().flatten() {
        for (j, word) in q.iter().enumerate() {
            let at = f.at + 4 * j;
            let bits = (word >> f.to & mask(f.bits)) << f.shift;
            put_u32(block, at, u32_at(block, at) | bits);
        }
    }
}

/// Bit c of a nibble becomes bit 0 of byte c: the four shifted copies do not overlap.
fn spread(nibble: u32) -> u32 {
    nibble.wrapping_mul(1 | 1 << 7 | 1 << 14 | 1 << 21) & mask(1)
}

/// Bit 0 of byte c becomes bit c.
fn collect(word: u32) -> u32 {
    (word & mask(1)).wrapping_mul(1 << 24 | 1 << 17 | 1 << 10 | 1 << 3) >> 24 & 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_and_collect_are_inverse() {
        for nibble in 0..16 {
            let bytes = spread(nibble).to_le_bytes();
            let bits = (0..4).map(|c| u32::from(bytes[c]) << c).sum::<u32>();
            assert_eq!((bits, collect(spread(nibble))), (nibble, nibble));
        }
    }

    #[test]
    fn cut_and_paste_are_inverse() {
        let q: Quants = std::array::from_fn(|j| 0x9e37_79b9u32.wrapping_mul(j as u32 + 1));
        for (to, bits) in [(0, 8), (0, 4), (4, 4), (0, 2), (4, 2), (0, 1), (7, 1)] {
            let mut words = vec![0; bits];
            cut(&q, to, bits, &mut words);
            let mut back = Quants::default();
            paste(&mut back, to, bits, &words);
            assert_eq!(back, q.map(|w| (w >> to & mask(bits)) << to), "{bits} bits at {to}");
        }
    }
}
