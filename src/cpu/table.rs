//! What a shard's numbers stand for: activations and its share of the matrices.

use std::ops::Range;
use std::sync::Arc;

use super::packed::Packed;
use super::shares::Shares;
use crate::error::{Error, Result};
use crate::ops::PartShape;

/// An activation: dense `[rows, cols]`, or shared out.
#[derive(Debug, Default)]
pub struct Tensor {
    /// Rows in use.
    pub rows: usize,
    /// Columns of the whole.
    pub cols: usize,
    /// Room for the most rows.
    pub data: Vec<f32>,
    /// `None`: the whole is here.
    pub shared: Option<Shared>,
}

/// How a shared activation lies in memory.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Whose is what.
    pub shares: Arc<Shares>,
    /// Rows that it was written with.
    pub rows: usize,
}

impl Tensor {
    /// Zeros.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory is short.
    pub fn new(rows: usize, cols: usize) -> Result<Self> {
        let len = rows.checked_mul(cols);
        let len = len.ok_or_else(|| Error::internal(format!("[{rows}, {cols}] overflows")))?;
        Ok(Self {
            rows,
            cols,
            data: zeros("an activation", len)?,
            shared: None,
        })
    }

    /// The rows in use of a whole activation.
    pub fn used(&self) -> &[f32] {
        &self.data[..self.rows * self.cols]
    }

    /// The rows in use, about to be written as a whole.
    pub fn whole_mut(&mut self) -> &mut [f32] {
        self.shared = None;
        &mut self.data[..self.rows * self.cols]
    }

    /// The part of `rank` `[rows, width]`, about to be written as shared.
    pub fn part_mut(&mut self, shares: &Arc<Shares>, rank: usize) -> Result<&mut [f32]> {
        if shares.cols() != self.cols {
            let (got, cols) = (shares.cols(), self.cols);
            return Err(Error::internal(format!("{got} columns for an activation of {cols}")));
        }
        let rows = self.rows;
        self.shared = Some(Shared {
            shares: shares.clone(),
            rows,
        });
        Ok(&mut self.data[shares.part(rank, rows)])
    }

    /// The part of `rank` of an activation that is shared.
    pub fn part(&self, shares: &Shares, rank: usize) -> &[f32] {
        &self.data[shares.part(rank, self.rows)]
    }

    /// It is shared like this, all rows of it.
    pub fn is_shared(&self, shares: &Shares) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|s| s.rows == self.rows && *s.shares == *shares)
    }
}

/// Exactly `len` zeros in their own memory.
pub fn zeros<T: Clone + Default>(what: &str, len: usize) -> Result<Vec<T>> {
    let mut data = Vec::new();
    data.try_reserve_exact(len).map_err(|_| Error::TooLarge {
        what: what.into(),
        needed: len as u64 * size_of::<T>() as u64,
        available: 0,
        hint: "the allocator refused: choose a smaller model or context".into(),
    })?;
    data.resize(len, T::default());
    Ok(data)
}

/// Rows of one part of a matrix that one shard owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which part.
    pub part: usize,
    /// Rows of the part.
    pub rows: Range<usize>,
    /// Where they begin among the rows of the shard.
    pub first: usize,
}

/// What `rank` owns of the rows of `parts`, in order; neighbours in one part are one piece.
pub fn pieces(parts: &[PartShape], shares: &Shares, rank: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut first = 0;
    for range in shares.ranges(rank) {
        let mut begin = 0;
        for (part, shape) in parts.iter().enumerate() {
            let rows = range.start.max(begin) - begin..range.end.min(begin + shape.rows).max(begin) - begin;
            begin += shape.rows;
            if rows.is_empty() {
                continue;
            }
            let len = rows.len();
            match pieces.last_mut() {
                Some(last) if last.part == part && last.rows.end == rows.start => last.rows.end = rows.end,
                _ => pieces.push(Piece { part, rows, first }),
            }
            first += len;
        }
    }
    pieces
}

/// A shard's share of a matrix.
#[derive(Debug)]
pub struct Weight {
    /// Whose are which rows.
    pub shares: Arc<Shares>,
    /// What is here.
    pub pieces: Vec<(Piece, Packed)>,
    /// Columns.
    pub cols: usize,
}

impl Weight {
    /// Room for what `rank` owns.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory is short.
    pub fn new(parts: &[PartShape], shares: Arc<Shares>, rank: usize) -> Result<Self> {
        let pack = |piece: Piece| {
            let shape = &parts[piece.part];
            let packed = Packed::new(shape.dtype, piece.rows.len(), shape.cols).map_err(|e| named(e, &shape.name))?;
            Ok((piece, packed))
        };
        Ok(Self {
            pieces: pieces(parts, &shares, rank)
                .into_iter()
                .map(pack)
                .collect::<Result<_>>()?,
            shares,
            cols: parts.first().map_or(0, |p| p.cols),
        })
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(|(_, packed)| packed.bytes()).sum()
    }

    /// Stores whole rows of one part, all of which are here.
    pub fn fill(&mut self, part: usize, first_row: usize, bytes: &[u8]) -> Result<()> {
        let here = |(p, _): &&mut (Piece, Packed)| p.part == part && p.rows.contains(&first_row);
        let piece = self.pieces.iter_mut().find(here);
        let (piece, packed) =
            piece.ok_or_else(|| Error::internal(format!("row {first_row} of part {part} belongs elsewhere")))?;
        packed.fill(first_row - piece.rows.start, bytes)
    }

    /// Decodes a row of the whole matrix that is here.
    pub fn decode(&self, row: usize, rank: usize, out: &mut [f32]) -> Result<()> {
        let missing = || Error::internal(format!("row {row} belongs elsewhere"));
        let mut at = 0;
        let ranges = self.shares.ranges(rank).iter();
        let local = ranges.into_iter().find_map(|range| {
            let local = range.contains(&row).then(|| at + row - range.start);
            at += range.len();
            local
        });
        let local = local.ok_or_else(missing)?;
        let piece = self.pieces.iter().rev().find(|(p, _)| p.first <= local);
        let (piece, packed) = piece.ok_or_else(missing)?;
        packed.decode_row(local - piece.first, out)
    }
}

/// Says which tensor did not fit.
fn named(error: Error, name: &str) -> Error {
    match error {
        Error::TooLarge {
            needed,
            available,
            hint,
            ..
        } => Error::TooLarge {
            what: name.into(),
            needed,
            available,
            hint,
        },
        other => other,
    }
}
