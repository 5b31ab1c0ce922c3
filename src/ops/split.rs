//! Which rows of a matrix belong together when several processors share it.

use std::ops::Range;

use super::HeadLayout;

/// Rows that a processor's share begins and ends with a multiple of, where nothing else binds rows together.
const ROW_UNIT: usize = 8;

/// A run of consecutive rows of a matrix, cut into units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Segment {
    /// Rows of the segment.
    pub rows: usize,
    /// Rows of one unit; the last unit may be shorter.
    pub unit: usize,
}

/// How the rows of a matrix may be shared out: shard `s` of `S` owns units `units*s/S .. units*(s+1)/S` of *each*
/// segment. So a key/value head keeps its query heads, and a gate row its up row. A backend with one device ignores it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Split {
    /// The matrix from its first row to its last.
    pub segments: Vec<Segment>,
    /// Units of every segment.
    pub units: usize,
}

impl Split {
    /// Any row may be anywhere: units of 8 rows.
    pub fn rows(rows: usize) -> Self {
        Self::stacked(1, rows)
    }

    /// `count` segments of `rows` rows each; row i of every segment stays with row i of the others.
    pub fn stacked(count: usize, rows: usize) -> Self {
        Self {
            segments: vec![Segment { rows, unit: ROW_UNIT }; count],
            units: rows.div_ceil(ROW_UNIT),
        }
    }

    /// The rows of a fused qkv projection: a key/value head stays with its query heads.
    pub fn heads(heads: HeadLayout) -> Self {
        let segment = |n_head: usize| Segment {
            rows: n_head * heads.head_dim,
            unit: n_head / heads.n_head_kv.max(1) * heads.head_dim,
        };
        Self {
            segments: vec![
                segment(heads.n_head),
                segment(heads.n_head_kv),
                segment(heads.n_head_kv),
            ],
            units: heads.n_head_kv,
        }
    }

    /// Rows in all.
    pub fn len(&self) -> usize {
        self.segments.iter().map(|s| s.rows).sum()
    }

    /// There is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Units that `shard` of `shards` owns.
    pub fn units(&self, shard: usize, shards: usize) -> Range<usize> {
        let bound = |s: usize| self.units * s / shards.max(1);
        bound(shard)..bound(shard + 1)
    }

    /// Rows of the whole matrix that `shard` of `shards` owns: one range for each segment, possibly empty.
    pub fn ranges(&self, shard: usize, shards: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let units = self.units(shard, shards);
        let mut first = 0;
        self.segments.iter().map(move |segment| {
            let bound = |unit: usize| first + unit.saturating_mul(segment.unit).min(segment.rows);
            let range = bound(units.start)..bound(units.end);
            first += segment.rows;
            range
        })
    }

    /// How many of `rows` (of the whole matrix) `shard` of `shards` owns.
    pub fn owned(&self, rows: Range<usize>, shard: usize, shards: usize) -> usize {
        let overlap = |r: Range<usize>| r.end.min(rows.end).saturating_sub(r.start.max(rows.start));
        self.ranges(shard, shards).map(overlap).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row has exactly one owner, however many shards there are.
    #[test]
    fn shares_cover_every_row_once() {
        let heads = HeadLayout {
            n_head: 6,
            n_head_kv: 3,
            head_dim: 10,
        };
        for split in [
            Split::rows(1),
            Split::rows(77),
            Split::stacked(2, 20),
            Split::heads(heads),
        ] {
            for shards in 1..9 {
                let mut owners = vec![0; split.len()];
                for shard in 0..shards {
                    split.ranges(shard, shards).flatten().for_each(|row| owners[row] += 1);
                }
                assert!(owners.iter().all(|&n| n == 1), "{split:?} over {shards}: {owners:?}");
                let some = |shard| split.owned(split.len() / 3..split.len(), shard, shards);
                assert_eq!((0..shards).map(some).sum::<usize>(), split.len() - split.len() / 3);
            }
        }
        assert!(Split::rows(0).is_empty());
    }

    #[test]
    fn what_belongs_together_stays_together() {
        let heads = HeadLayout {
            n_head: 6,
            n_head_kv: 3,
            head_dim: 10,
        };
        let ranges = |split: Split, shard| split.ranges(shard, 2).collect::<Vec<_>>();
        assert_eq!(ranges(Split::heads(heads), 0), [0..20, 60..70, 90..100]);
        assert_eq!(ranges(Split::heads(heads), 1), [20..60, 70..90, 100..120]);
        assert_eq!(ranges(Split::stacked(2, 20), 0), [0..8, 20..28]);
        assert_eq!(ranges(Split::stacked(2, 20), 1), [8..20, 28..40]);
    }
}
