//! Products of packed weights with activations, one file per family of formats.
//!
//! The same loop serves one token and many: a block of four rows is unpacked once into registers and multiplied with
//! that block of every token. The sums of a token are four `f32` (one per row), block after block in order, so a token's
//! result does not depend on how many others are computed with it, nor on the level.

/// `[$value for $g in 0..8]`, with a constant `$g`. A closure would sometimes be left as a call, and a loop as a loop where the
/// compiler optimises for size: either costs the registers.
macro_rules! eight {
    (|$g:ident| $value:expr) => {
        [
            {
                const $g: usize = 0;
                $value
            },
            {
                const $g: usize = 1;
                $value
            },
            {
                const $g: usize = 2;
                $value
            },
            {
                const $g: usize = 3;
                $value
            },
            {
                const $g: usize = 4;
                $value
            },
            {
                const $g: usize = 5;
                $value
            },
            {
                const $g: usize = 6;
                $value
            },
            {
                const $g: usize = 7;
                $value
            },
        ]
    };
}

pub(super) mod float;
pub(super) mod kquant;
pub(super) mod legacy;

use super::simd::Simd;

/// One quad's rows of the result: `out[t * cols + first + lane]` for the first `rows` lanes.
pub(super) struct Target<'a> {
    pub out: &'a mut [f32],
    pub cols: usize,
    pub first: usize,
    pub rows: usize,
}

impl Target<'_> {
    /// Stores the sums `[tokens, 4]`.
    #[inline(always)]
    pub fn store(&mut self, acc: &[f32]) {
        for (row, acc) in self.out.chunks_exact_mut(self.cols).zip(acc.as_chunks::<4>().0) {
            row[self.first..][..self.rows].copy_from_slice(&acc[..self.rows]);
        }
        self.first += self.rows;
    }
}

/// Running sums of one group after another: 16 bytes of weights (four of each row) times four activations.
///
/// Without a byte dot, and for signed weights, there are two sums; see [`super::input::Form`] for the layouts.
#[derive(Clone, Copy)]
pub(super) struct Sums<S: Simd>(S::V, S::V);

impl<S: Simd> Sums<S> {
    /// Zero.
    #[inline(always)]
    pub fn new() -> Self {
        Self(S::splat_i32(0), S::splat_i32(0))
    }

    /// Adds the products of unsigned weights of at most seven bits with group `g` of `x`.
    #[inline(always)]
    pub fn unsigned(self, w: S::V, x: &[u8], g: usize) -> Self {
        if S::BYTE_DOT {
            let x = S::splat_4(x, 4 * g);
            // Two chains: a dot waits for the one before.
            match g % 2 {
                0 => Self(S::dot_i8(self.0, x, w), self.1),
                _ => Self(self.0, S::dot_i8(self.1, x, w)),
            }
        } else {
            self.words(S::and(w, S::splat_i32(0x00ff_00ff)), S::shr_u16::<8>(w), x, g)
        }
    }

    /// Adds the products of signed weights with group `g` of `x`.
    #[inline(always)]
    pub fn signed(self, w: S::V, x: &[u8], g: usize) -> Self {
        if S::BYTE_DOT {
            let (plus, minus) = (S::splat_4(x, 8 * g), S::splat_4(x, 8 * g + 4));
            Self(S::dot_i8(self.0, w, plus), S::dot_i8(self.1, w, minus))
        } else {
            self.signed_words(w, x, g)
        }
    }

    /// [`Sums::signed`] for words on every level: weights with the sums of activations.
    #[inline(always)]
    pub fn signed_words(self, w: S::V, x: &[u8], g: usize) -> Self {
        self.words(S::shr_i16::<8>(S::shl_i16::<8>(w)), S::shr_i16::<8>(w), x, g)
    }

    #[inline(always)]
    fn words(self, even: S::V, odd: S::V, x: &[u8], g: usize) -> Self {
        let sum = S::dot_i16(self.0, even, S::splat_4(x, 8 * g));
        Self(S::dot_i16(sum, odd, S::splat_4(x, 8 * g + 4)), self.1)
    }

    /// The sum of [`Sums::unsigned`] or [`Sums::signed_words`].
    #[inline(always)]
    pub fn total(self) -> S::V {
        S::add_i32(self.0, self.1)
    }

    /// The sum of [`Sums::signed`].
    #[inline(always)]
    pub fn difference(self) -> S::V {
        if S::BYTE_DOT {
            S::sub_i32(self.0, self.1)
        } else {
            self.0
        }
    }
}
