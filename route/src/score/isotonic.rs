//! Isotonic regression: pool adjacent violators (Ayer et al. 1955), and the curve through the blocks.

use serde::{Deserialize, Serialize};

use super::MAX_KNOTS;

/// A point of the curve: (raw score, value).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knot(pub f64, pub f64);

struct Block {
    n: f64,
    x: f64,
    y: f64,
}

impl Block {
    fn take(&mut self, other: Block) {
        let n = self.n + other.n;
        self.x += (other.x - self.x) * other.n / n;
        self.y += (other.y - self.y) * other.n / n;
        self.n = n;
    }
}

/// The rising curve nearest to the points (x, y) in squares: a knot at the mean of each block of equal values.
///
/// All points must be finite. Points of equal `x` are one. More than [`MAX_KNOTS`] blocks are thinned out evenly, the first
/// and the last kept.
pub fn isotonic(points: &[(f64, f64)]) -> Vec<Knot> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut singles: Vec<Block> = Vec::new();
    for (x, y) in sorted {
        match singles.last_mut() {
            Some(last) if last.x == x => last.take(Block { n: 1.0, x, y }),
            _ => singles.push(Block { n: 1.0, x, y }),
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for block in singles {
        blocks.push(block);
        while let [.., a, b] = blocks.as_slice() {
            if a.y < b.y {
                break;
            }
            if let (Some(b), Some(a)) = (blocks.pop(), blocks.last_mut()) {
                a.take(b);
            }
        }
    }
    let last = blocks.len().saturating_sub(1);
    let kept = blocks.len().min(MAX_KNOTS);
    let step = |i: usize| if kept > 1 { i * last / (kept - 1) } else { 0 };
    (0..kept).map(|i| Knot(blocks[step(i)].x, blocks[step(i)].y)).collect()
}

/// The curve at `x`: linear between the knots, level outside.
pub(super) fn at(knots: &[Knot], x: f64) -> Option<f64> {
    let (first, last) = (knots.first()?, knots.last()?);
    if x <= first.0 {
        return Some(first.1);
    }
    if x >= last.0 {
        return Some(last.1);
    }
    let i = knots.partition_point(|k| k.0 <= x);
    let (a, b) = (knots[i - 1], knots[i]);
    Some(a.1 + (b.1 - a.1) * ((x - a.0) / (b.0 - a.0)))
}
