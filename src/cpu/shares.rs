//! Who owns which columns of an activation, and how the shares lie in memory.
//!
//! While an activation is *shared*, the part of shard r is dense, `[rows, width(r)]` (its columns of every segment beside
//! each other), at `rows * bounds[r]` of the buffer: parts are contiguous, so that they can be gathered as they are.

use std::ops::Range;

use crate::ops::Split;

/// A [`Split`] over a number of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    split: Split,
    /// Of each shard, in the order of the segments.
    ranges: Vec<Vec<Range<usize>>>,
    /// Columns owned by the shards before each one; one more than there are shards.
    bounds: Vec<usize>,
}

impl Shares {
    /// Shares it out.
    pub fn new(split: &Split, ranks: usize) -> Self {
        let ranges: Vec<Vec<Range<usize>>> = (0..ranks).map(|rank| split.ranges(rank, ranks).collect()).collect();
        let mut bounds = vec![0];
        let mut end = 0;
        for rank in 0..ranks {
            end += split.owned(0..split.len(), rank, ranks);
            bounds.push(end);
        }
        Self {
            split: split.clone(),
            ranges,
            bounds,
        }
    }

    /// What is shared out.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Columns of the whole activation.
    pub fn cols(&self) -> usize {
        self.split.len()
    }

    /// Columns that `rank` owns.
    pub fn width(&self, rank: usize) -> usize {
        self.bounds[rank + 1] - self.bounds[rank]
    }

    /// The columns that `rank` owns, as they follow each other in its part.
    pub fn ranges(&self, rank: usize) -> &[Range<usize>] {
        &self.ranges[rank]
    }

    /// Who owns a column.
    pub fn owner(&self, column: usize) -> Option<usize> {
        self.ranges
            .iter()
            .position(|ranges| ranges.iter().any(|r| r.contains(&column)))
    }

    /// Where the parts of `rows` rows begin, and where the last one ends.
    pub fn bounds(&self, rows: usize) -> Vec<usize> {
        self.bounds.iter().map(|b| b * rows).collect()
    }

    /// Where the part of `rank` lies.
    pub fn part(&self, rank: usize, rows: usize) -> Range<usize> {
        self.bounds[rank] * rows..self.bounds[rank + 1] * rows
    }

    /// The parts one after the other already are the activation `[rows, cols]`.
    pub fn is_dense(&self, rows: usize) -> bool {
        self.ranges.len() == 1 || (rows == 1 && self.split.segments.len() == 1)
    }

    /// Copies the parts of `rows` rows to where they belong in `[rows, cols]`.
    pub fn join(&self, parts: &[f32], rows: usize, whole: &mut [f32]) {
        let mut at = 0;
        for ranges in &self.ranges {
            for row in whole.chunks_exact_mut(self.cols()).take(rows) {
                for range in ranges {
                    row[range.clone()].copy_from_slice(&parts[at..at + range.len()]);
                    at += range.len();
                }
            }
        }
    }

    /// Copies what `rank` owns of `[rows, cols]` to its part `[rows, width]`.
    pub fn cut(&self, rank: usize, whole: &[f32], part: &mut [f32]) {
        let mut at = 0;
        for row in whole.chunks_exact(self.cols()) {
            for range in &self.ranges[rank] {
                part[at..at + range.len()].copy_from_slice(&row[range.clone()]);
                at += range.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_to_what_was_cut() {
        let split = Split::stacked(3, 20);
        let (rows, cols) = (4, 60);
        let whole: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
        for ranks in 1..6 {
            let shares = Shares::new(&split, ranks);
            let mut parts = vec![0.0; whole.len()];
            for rank in 0..ranks {
                shares.cut(rank, &whole, &mut parts[shares.part(rank, rows)]);
                assert!(
                    shares
                        .ranges(rank)
                        .iter()
                        .flat_map(|r| r.clone())
                        .all(|c| shares.owner(c) == Some(rank))
                );
            }
            assert_eq!(parts == whole, shares.is_dense(rows), "{ranks}");
            let mut joined = vec![0.0; whole.len()];
            shares.join(&parts, rows, &mut joined);
            assert_eq!(joined, whole);
        }
        assert_eq!(Shares::new(&split, 2).owner(60), None);
    }
}
