//! The two matrix products of a fit, `X W` and `X' P`, in tiles that stay in registers. Every sum has an order of its own that
//! no processor changes: the same bits natively and in Wasm.
//!
//! Labels go in strips of [`WIDE`], examples in blocks of [`BLOCK`]: a strip of weights and a block of examples are read many
//! times, and fit the first two caches.

/// Labels of a strip, and rows of a tile: four by four numbers of 64 bits are eight registers of SIMD128, which has sixteen.
pub const WIDE: usize = 4;
/// Examples of a block. A multiple of [`WIDE`].
pub const BLOCK: usize = 32;

/// One number for each label of a strip.
pub type Strip = [f64; WIDE];
/// One number for each example of a block.
pub type Column = [f64; BLOCK];

/// Numbers for each label, by strips: those of strip `s` for row `i` are `[s * rows + i]`. Behind the last label are zeros.
#[derive(Debug, Clone)]
pub struct Strips {
    rows: usize,
    values: Vec<Strip>,
}

impl Strips {
    /// Zeros for so many rows and labels.
    pub fn zeros(rows: usize, labels: usize) -> Strips {
        Strips {
            rows,
            values: vec![[0.0; WIDE]; rows * labels.div_ceil(WIDE)],
        }
    }

    /// From `[rows, labels]`.
    pub fn from_rows(values: &[f64], labels: usize) -> Strips {
        let mut strips = Strips::zeros(values.len() / labels, labels);
        for (i, row) in values.chunks_exact(labels).enumerate() {
            for (s, part) in row.chunks(WIDE).enumerate() {
                strips.values[s * strips.rows + i][..part.len()].copy_from_slice(part);
            }
        }
        strips
    }

    /// As `[rows, labels]`.
    pub fn into_rows(self, labels: usize) -> Vec<f64> {
        let mut values = vec![0.0; self.rows * labels];
        for (i, row) in values.chunks_exact_mut(labels).enumerate() {
            for (s, part) in row.chunks_mut(WIDE).enumerate() {
                part.copy_from_slice(&self.values[s * self.rows + i][..part.len()]);
            }
        }
        values
    }

    /// One row, `labels` numbers.
    pub fn read(&self, row: usize, into: &mut [f64]) {
        for (part, strip) in into.chunks_mut(WIDE).zip(self.values.chunks_exact(self.rows)) {
            part.copy_from_slice(&strip[row][..part.len()]);
        }
    }

    /// Puts one row, `labels` numbers.
    pub fn write(&mut self, row: usize, from: &[f64]) {
        for (part, strip) in from.chunks(WIDE).zip(self.values.chunks_exact_mut(self.rows)) {
            strip[row][..part.len()].copy_from_slice(part);
        }
    }
}

/// A block of examples, one column for each value; `columns` has as many as a state has values, rounded up to [`WIDE`]. What
/// is behind the last example or the last value is zero.
pub fn block(examples: &[f64], d: usize, columns: &mut [Column]) {
    columns.fill([0.0; BLOCK]);
    for (i, example) in examples.chunks_exact(d).enumerate() {
        for (column, x) in columns.iter_mut().zip(example) {
            column[i] = *x;
        }
    }
}

/// `out = X W`, for the examples of a block.
pub fn forward(columns: &[Column], weights: &Strips, out: &mut Strips) {
    let strips = weights.values.chunks_exact(weights.rows);
    for (weights, out) in strips.zip(out.values.chunks_exact_mut(BLOCK)) {
        for (tile, out) in out.as_chunks_mut::<WIDE>().0.iter_mut().enumerate() {
            let mut sums = Tile::ZERO;
            for (column, weights) in columns.iter().zip(weights) {
                sums = sums.plus(&column.as_chunks::<WIDE>().0[tile], weights);
            }
            *out = sums.rows();
        }
    }
}

/// `gradient += X' P`, for the examples of a block; `shares` has zeros behind the last of them.
pub fn backward(columns: &[Column], shares: &Strips, gradient: &mut Strips) {
    let rows = gradient.rows;
    let strips = shares.values.chunks_exact(BLOCK);
    for (shares, gradient) in strips.zip(gradient.values.chunks_exact_mut(rows)) {
        for (columns, gradient) in columns.as_chunks::<WIDE>().0.iter().zip(gradient.chunks_mut(WIDE)) {
            let mut sums = Tile::ZERO;
            for (i, shares) in shares.iter().enumerate().take(BLOCK) {
                sums = sums.plus(&[columns[0][i], columns[1][i], columns[2][i], columns[3][i]], shares);
            }
            for (gradient, sums) in gradient.iter_mut().zip(sums.rows()) {
                gradient.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
            }
        }
    }
}

/// Four rows of a strip. What is shipped is compiled for size, with which no loop becomes vectors: so this is written out.
#[derive(Clone, Copy)]
struct Tile([[Pair; 2]; WIDE]);

impl Tile {
    const ZERO: Tile = Tile([[Pair::ZERO; 2]; WIDE]);

    /// `self + left right'`.
    #[inline(always)]
    fn plus(self, left: &[f64; WIDE], right: &Strip) -> Tile {
        let [a, b] = [Pair::of(right[0], right[1]), Pair::of(right[2], right[3])];
        let row = |[p, q]: [Pair; 2], x: f64| [p.plus(x, a), q.plus(x, b)];
        let [first, second, third, fourth] = self.0;
        Tile([
            row(first, left[0]),
            row(second, left[1]),
            row(third, left[2]),
            row(fourth, left[3]),
        ])
    }

    fn rows(self) -> [Strip; WIDE] {
        self.0.map(|[p, q]| {
            let ([a, b], [c, d]) = (p.parts(), q.parts());
            [a, b, c, d]
        })
    }
}

/// Two numbers, each with sums of its own: one register of SIMD128.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy)]
struct Pair(std::arch::wasm32::v128);

#[cfg(target_arch = "wasm32")]
impl Pair {
    const ZERO: Pair = Pair(std::arch::wasm32::f64x2(0.0, 0.0));

    #[inline(always)]
    fn of(a: f64, b: f64) -> Pair {
        Pair(std::arch::wasm32::f64x2(a, b))
    }

    /// `self + x other`.
    #[inline(always)]
    fn plus(self, x: f64, other: Pair) -> Pair {
        use std::arch::wasm32::{f64x2_add, f64x2_mul, f64x2_splat};
        Pair(f64x2_add(self.0, f64x2_mul(f64x2_splat(x), other.0)))
    }

    #[inline(always)]
    fn parts(self) -> [f64; 2] {
        use std::arch::wasm32::f64x2_extract_lane;
        [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
    }
}

/// The same without such registers, or where the compiler finds them by itself.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy)]
struct Pair([f64; 2]);

#[cfg(not(target_arch = "wasm32"))]
impl Pair {
    const ZERO: Pair = Pair([0.0; 2]);

    #[inline(always)]
    fn of(a: f64, b: f64) -> Pair {
        Pair([a, b])
    }

    /// `self + x other`.
    #[inline(always)]
    fn plus(self, x: f64, other: Pair) -> Pair {
        Pair([self.0[0] + x * other.0[0], self.0[1] + x * other.0[1]])
    }

    #[inline(always)]
    fn parts(self) -> [f64; 2] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers whose products and sums are rounded.
    fn numbers(count: usize, seed: u64) -> Vec<f64> {
        let mix = |i: usize| (i as u64 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
        (0..count).map(|i| mix(i) as f64 / (1u64 << 53) as f64 - 0.5).collect()
    }

    #[test]
    fn products_are_those_of_plain_loops_to_the_last_bit() {
        for (n, d, k) in [(1, 1, 2), (BLOCK, WIDE, WIDE), (BLOCK - 1, 7, 5), (13, 30, 9)] {
            let (x, w, p) = (numbers(n * d, 1), numbers(d * k, 2), numbers(n * k, 3));
            let mut columns = vec![[1.0; BLOCK]; d.next_multiple_of(WIDE)];
            block(&x, d, &mut columns);
            let mut out = Strips::zeros(BLOCK, k);
            forward(&columns, &Strips::from_rows(&w, k), &mut out);
            let mut row = vec![0.0; k];
            for i in 0..n {
                out.read(i, &mut row);
                for l in 0..k {
                    assert_eq!(row[l], (0..d).fold(0.0, |sum, j| sum + x[i * d + j] * w[j * k + l]));
                }
            }
            let mut shares = Strips::zeros(BLOCK, k);
            p.chunks_exact(k).enumerate().for_each(|(i, row)| shares.write(i, row));
            let mut slopes = Strips::zeros(d, k);
            backward(&columns, &shares, &mut slopes);
            let slopes = slopes.into_rows(k);
            for (at, slope) in slopes.iter().enumerate() {
                let (j, l) = (at / k, at % k);
                assert_eq!(*slope, (0..n).fold(0.0, |sum, i| sum + x[i * d + j] * p[i * k + l]));
            }
        }
    }
}
