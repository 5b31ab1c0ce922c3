//! Activations for a product: 8 bits with a scale, made once for all the rows of a weight.
//!
//! A stretch of 32 (formats of 32 weights) or 256 activations (K-quants) has the scale `d = max|x| / 127` and the quants
//! `q = round(x / d)`, halves to even, in -127 ..= 127. Unlike llama.cpp's, `d` keeps single precision. A stretch with an
//! infinity or NaN has `d = NaN`, so that the result says so; one with `max|x| <= 1e-36` is zero.
//!
//! Quants lie in stretches of 32: those of all tokens for the first 32 columns, then for the next 32, in the form that
//! the byte dot wants (see [`Form`]).

use super::simd::{Level, Simd, kernel};

/// Columns of a stretch of quants.
pub(super) const STRETCH: usize = 32;
/// Columns of a super-block.
pub(super) const SUPER: usize = 256;
/// Bytes of a stretch's head, see [`Quants::heads`].
pub(super) const HEAD: usize = 8;
/// Bytes of a super-block's head.
pub(super) const SUPER_HEAD: usize = 52;

/// How the four quants `x0 x1 x2 x3` of a group are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Four signed bytes: for weights of at most seven bits, which are the second operand of the dot.
    Bytes,
    /// Four bytes `max(x, 0)`, four bytes `max(-x, 0)`, both in seven bits: for weights that need a sign.
    Split,
    /// Four `i16` in the order `x0 x2 x1 x3`: for machines without a byte dot, which take even and odd bytes apart.
    Words,
}

/// Quantized activations `[rows, cols]`.
#[derive(Debug, Default)]
pub(super) struct Quants {
    /// `[cols / 32, rows, 32]`, one byte ([`Form::Bytes`]) or two per quant.
    pub q: Vec<u8>,
    /// What a block has besides: the scale, then sums of quants, little-endian. `[cols / 32, rows, 8]`: `f32`, and the
    /// sum as `i32`. For super-blocks `[cols / 256, rows, 52]`: `f32`, the sums of 16 quants, 16 times, then of 32, 8 times,
    /// as `i16` in [`Form::Words`]'s order within four.
    pub heads: Vec<u8>,
    ready: bool,
}

/// The input of one product, `[rows, cols]`, and what was derived from it so far.
#[derive(Debug, Default)]
pub struct Input {
    rows: usize,
    cols: usize,
    x: Vec<f32>,
    small: [Quants; 2],
    large: Quants,
    /// Accumulators of a product, four per row; lives here to be allocated once.
    pub(super) acc: Vec<f32>,
    /// The same in integers.
    pub(super) iacc: Vec<f32>,
}

impl Input {
    /// Takes new activations, row after row.
    pub fn set(&mut self, x: &[f32], rows: usize, cols: usize) {
        debug_assert_eq!(x.len(), rows * cols);
        (self.rows, self.cols) = (rows, cols);
        self.x.clear();
        self.x.extend_from_slice(x);
        for quants in self.small.iter_mut().chain([&mut self.large]) {
            quants.ready = false;
        }
        self.acc.resize(4 * rows, 0.0);
        self.iacc.resize(4 * rows, 0.0);
    }

    /// Number of tokens.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The activations themselves, accumulators.
    pub(super) fn exact(&mut self) -> (&[f32], &mut [f32]) {
        (&self.x, &mut self.acc)
    }

    /// Scales for every 32 columns; `signed` says that the weights have a sign.
    pub(super) fn small(&mut self, level: Level, signed: bool) -> (&Quants, &mut [f32]) {
        let form = match (level.byte_dot(), signed) {
            (false, _) => Form::Words,
            (true, false) => Form::Bytes,
            (true, true) => Form::Split,
        };
        let quants = &mut self.small[usize::from(form == Form::Split)];
        quantize(level, form, STRETCH, self.rows, self.cols, &self.x, quants);
        (quants, &mut self.acc)
    }

    /// Scales for every 256 columns.
    pub(super) fn large(&mut self, level: Level) -> (&Quants, &mut [f32], &mut [f32]) {
        let form = if level.byte_dot() { Form::Bytes } else { Form::Words };
        quantize(level, form, SUPER, self.rows, self.cols, &self.x, &mut self.large);
        (&self.large, &mut self.acc, &mut self.iacc)
    }
}

fn quantize(level: Level, form: Form, block: usize, rows: usize, cols: usize, x: &[f32], to: &mut Quants) {
    if std::mem::replace(&mut to.ready, true) {
        return;
    }
    let width = if form == Form::Bytes { 1 } else { 2 };
    to.q.resize(rows * cols * width, 0);
    let head = if block == SUPER { SUPER_HEAD } else { HEAD };
    to.heads.resize(rows * cols / block * head, 0);
    run(level, form, block, rows, cols, x, to);
}

kernel! {
    fn run<'a, S>(form: Form, block: usize, rows: usize, cols: usize, x: &'a [f32], to: &'a mut Quants) {
        let stretches = block / STRETCH;
        let mut q = [0i8; SUPER];
        for (t, row) in x.chunks_exact(cols.max(1)).enumerate() {
            for (b, x) in row.chunks_exact(block).enumerate() {
                let q = &mut q[..block];
                let d = scale_and_round::<S>(x, q);
                for (s, q) in q.chunks_exact(STRETCH).enumerate() {
                    let at = (b * stretches + s) * rows + t;
                    store::<S>(form, q, &mut to.q, at);
                }
                store_head::<S>(d, q, &mut to.heads, b * rows + t);
            }
        }
    }
}

/// Quantizes one stretch and returns its scale.
#[inline(always)]
fn scale_and_round<S: Simd>(x: &[f32], q: &mut [i8]) -> f32 {
    // As integers, the bits of magnitudes are ordered, with infinity and NaN above all numbers.
    let mut top = S::splat_i32(0);
    for x in x.as_chunks::<4>().0 {
        let bits = S::abs(S::load_f32(x, 0));
        top = S::select(S::gt_i32(bits, top), bits, top);
    }
    let top = S::to_i32(top).into_iter().fold(0, i32::max);
    let max = f32::from_bits(top as u32);
    if !max.is_finite() {
        q.fill(0);
        return f32::NAN;
    }
    if max <= 1e-36 {
        q.fill(0);
        return 0.0;
    }
    let inverse = S::splat_f32(127.0 / max);
    let most = S::splat_f32(127.0);
    let least = S::splat_f32(-127.0);
    let whole = |x: &[f32], at: usize| {
        let scaled = S::round(S::mul(S::load_f32(x, at), inverse));
        S::to_int(S::max(least, S::min(most, scaled)))
    };
    let quants: &mut [u8] = bytemuck::cast_slice_mut(q);
    for (x, q) in x.as_chunks::<16>().0.iter().zip(quants.as_chunks_mut::<16>().0) {
        let low = S::narrow_i32(whole(x, 0), whole(x, 4));
        let high = S::narrow_i32(whole(x, 8), whole(x, 12));
        S::store(q, 0, S::narrow_i16(low, high));
    }
    max / 127.0
}

/// Even and odd bytes of `v`, as signed 16 bits.
#[inline(always)]
fn halves<S: Simd>(v: S::V) -> (S::V, S::V) {
    (S::shr_i16::<8>(S::shl_i16::<8>(v)), S::shr_i16::<8>(v))
}

/// Stores 32 quants as stretch number `at`.
#[inline(always)]
fn store<S: Simd>(form: Form, q: &[i8], to: &mut [u8], at: usize) {
    let q: &[u8] = bytemuck::cast_slice(q);
    if form == Form::Bytes {
        to[at * STRETCH..][..STRETCH].copy_from_slice(q);
        return;
    }
    let to = &mut to[2 * at * STRETCH..][..2 * STRETCH];
    for (to, q) in to.as_chunks_mut::<32>().0.iter_mut().zip(q.as_chunks::<16>().0) {
        let q = S::load(q, 0);
        let (first, second) = match form {
            Form::Split => split::<S>(q),
            _ => halves::<S>(q),
        };
        let (first, second) = (S::to_i32(first), S::to_i32(second));
        for (g, to) in to.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            to[..4].copy_from_slice(&first[g].to_le_bytes());
            to[4..].copy_from_slice(&second[g].to_le_bytes());
        }
    }
}

/// `max(q, 0)` and `max(-q, 0)` of 16 quants.
#[inline(always)]
fn split<S: Simd>(q: S::V) -> (S::V, S::V) {
    let (even, odd) = halves::<S>(q);
    let (even, odd) = (S::shr_i16::<15>(even), S::shr_i16::<15>(odd));
    let (low, high) = (S::splat_i32(0x00ff_00ff), S::splat_i32(0xff00_ff00_u32 as i32));
    let negative = S::or(S::and(even, low), S::and(odd, high));
    // Of a negative byte the complement, at most 126, plus one: nothing is carried into the next.
    let magnitude = S::add_i32(S::xor(q, negative), S::and(negative, S::splat_i32(0x0101_0101)));
    (S::xor(q, S::and(q, negative)), S::and(magnitude, negative))
}

/// The sum of 16 quants.
#[inline(always)]
fn sum_16<S: Simd>(q: &[i8]) -> i32 {
    let ones = S::splat_i32(0x0001_0001);
    let (even, odd) = halves::<S>(S::load(bytemuck::cast_slice(q), 0));
    let sums = S::dot_i16(S::dot_i16(S::splat_i32(0), even, ones), odd, ones);
    S::to_i32(sums).into_iter().sum()
}

/// Stores the head of stretch or super-block number `at`, see [`Quants::heads`].
#[inline(always)]
fn store_head<S: Simd>(d: f32, q: &[i8], to: &mut [u8], at: usize) {
    if q.len() == STRETCH {
        let to = &mut to[HEAD * at..][..HEAD];
        to[..4].copy_from_slice(&d.to_le_bytes());
        to[4..].copy_from_slice(&(sum_16::<S>(&q[..16]) + sum_16::<S>(&q[16..])).to_le_bytes());
        return;
    }
    let mut sums = [0i16; 24];
    for (sum, q) in sums.iter_mut().zip(q.chunks_exact(16)) {
        *sum = sum_16::<S>(q) as i16;
    }
    for i in 0..8 {
        sums[16 + i] = sums[2 * i] + sums[2 * i + 1];
    }
    let to = &mut to[SUPER_HEAD * at..][..SUPER_HEAD];
    to[..4].copy_from_slice(&d.to_le_bytes());
    for (to, four) in to[4..].chunks_exact_mut(8).zip(sums.chunks_exact(4)) {
        for (to, sum) in to.chunks_exact_mut(2).zip([four[0], four[2], four[1], four[3]]) {
            to.copy_from_slice(&sum.to_le_bytes());
        }
    }
}
