//! A matrix in GPU memory: the planes of each row part, split by rows where a plane exceeds the binding limit.

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Recorder, Style};
use crate::kernels::repack;
use crate::ops::PartShape;
use crate::quant::DType;
use crate::quant::planes::plane_words;

/// A matrix `[N, K]`: parts stacked by rows.
#[derive(Debug)]
pub struct Weight {
    parts: Vec<Part>,
    /// In the order of rows.
    pieces: Vec<Piece>,
    rows: usize,
    cols: usize,
}

/// One tensor of the file.
#[derive(Debug)]
struct Part {
    dtype: DType,
    /// Row of the whole matrix that is its row 0.
    first: usize,
    rows: usize,
}

/// Consecutive rows of one format that fit one binding: one dispatch of a matrix product. Neighbouring parts of one format
/// share it.
#[derive(Debug)]
pub struct Piece {
    /// Format.
    pub dtype: DType,
    /// Row of the whole matrix that is row 0 of this piece: the output column.
    pub first: usize,
    /// Rows.
    pub rows: usize,
    /// Quants: `array<vec4<u32>>`, `plane_words().0` per row.
    pub wq: Buffer,
    /// Scales and the rest: `array<u32>`, `plane_words().1` per row.
    pub wd: Buffer,
}

impl Weight {
    /// Zeroed storage for `parts` (all with the same `cols`).
    pub fn new(rec: &mut Recorder, parts: &[PartShape]) -> Result<Self> {
        let cols = parts.first().map_or(0, |p| p.cols);
        let (mut all, mut pieces, mut rows) = (Vec::new(), Vec::new(), 0);
        for part in parts {
            if part.cols != cols {
                let message = format!("{}: {} columns beside {cols}", part.name, part.cols);
                return Err(Error::internal(message));
            }
            let bytes = part.dtype.row_bytes(cols).map(|b| b.saturating_mul(part.rows));
            rec.make_way(bytes.unwrap_or(0))?; // before anything is read, as all memory is had
            all.push(Part {
                dtype: part.dtype,
                first: rows,
                rows: part.rows,
            });
            rows += part.rows;
        }
        let mut first = 0;
        for run in parts.chunk_by(|a, b| a.dtype == b.dtype) {
            let rows = run.iter().map(|part| part.rows).sum();
            allocate(rec, &mut pieces, &run[0], first, rows)?;
            first += rows;
        }
        Ok(Self {
            parts: all,
            pieces,
            rows,
            cols,
        })
    }

    /// Outputs (N).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs (K).
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// What a kernel is dispatched on, in the order of rows.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Stores whole rows of one part, as they lie in the file, beginning at `first_row`.
    pub fn fill(&mut self, rec: &mut Recorder, part: usize, first_row: usize, bytes: &[u8]) -> Result<()> {
        let cols = self.cols;
        let part = self
            .parts
            .get(part)
            .ok_or_else(|| Error::internal("no such weight part"))?;
        let row_bytes = part.dtype.row_bytes(cols).filter(|b| *b > 0);
        let row_bytes = row_bytes.ok_or_else(|| Error::internal(format!("{cols} columns of {}", part.dtype)))?;
        let rows = bytes.len() / row_bytes;
        if rows * row_bytes != bytes.len() || first_row.saturating_add(rows) > part.rows {
            let message = format!("{} bytes at row {first_row} of {}", bytes.len(), part.rows);
            return Err(Error::internal(message));
        }
        let (mut row, mut rest) = (part.first + first_row, bytes);
        for piece in &self.pieces {
            let end = piece.first + piece.rows;
            if row >= end || rest.is_empty() {
                continue;
            }
            let count = (end - row).min(rest.len() / row_bytes);
            let (now, later) = rest.split_at(count * row_bytes);
            piece.store(rec, cols, row - piece.first, now, row_bytes)?;
            (row, rest) = (row + count, later);
        }
        Ok(())
    }
}

/// Appends the pieces of `rows` rows from row `first` of the matrix on, which all have the format of `shape`.
fn allocate(rec: &mut Recorder, pieces: &mut Vec<Piece>, shape: &PartShape, first: usize, rows: usize) -> Result<()> {
    let (wq_vec4s, wd_words) = plane_words(shape.dtype, shape.cols);
    let (wq_bytes, wd_bytes) = (wq_vec4s * 16, wd_words * 4);
    let limit = usize::try_from(rec.device().max_binding()).unwrap_or(usize::MAX);
    let most_rows = limit / wq_bytes.max(wd_bytes).max(1);
    if most_rows == 0 {
        return Err(Error::TooLarge {
            what: format!("a row of {}", shape.name),
            needed: wq_bytes as u64,
            available: limit as u64,
            hint: "this GPU binds no larger buffer".into(),
        });
    }
    for at in (0..rows).step_by(most_rows) {
        let rows = most_rows.min(rows - at);
        pieces.push(Piece {
            dtype: shape.dtype,
            first: first + at,
            rows,
            wq: rec.plane(&shape.name, (rows * wq_bytes) as u64)?,
            wd: rec.plane(&shape.name, (rows * wd_bytes) as u64)?,
        });
    }
    Ok(())
}

impl Piece {
    /// Whole rows from `row` on. The device deals them into the planes, where it is one: an adapter of software is slower at it
    /// than the processor that it runs on. Floats lie there as in the file.
    fn store(&self, rec: &mut Recorder, cols: usize, row: usize, bytes: &[u8], row_bytes: usize) -> Result<()> {
        let (wq_vec4s, wd_words) = plane_words(self.dtype, cols);
        let (wq_at, wd_at) = ((row * wq_vec4s * 16) as u64, (row * wd_words * 4) as u64);
        let floats = self.dtype.block_len() == 1;
        if floats && row_bytes == wq_vec4s * 16 {
            return rec.write(&self.wq, wq_at, bytes);
        }
        let at_once = rec.way_bytes()? / row_bytes;
        if floats || at_once == 0 || rec.device().style() == Style::Serial {
            let (wq, wd) = repack::cpu(self.dtype, cols, bytes)?;
            rec.write(&self.wq, wq_at, bytemuck::cast_slice(&wq))?;
            return rec.write(&self.wd, wd_at, bytemuck::cast_slice(&wd));
        }
        let mut row = row;
        for some in bytes.chunks(at_once * row_bytes) {
            let rows = some.len() / row_bytes;
            let raw = rec.on_the_way(some)?;
            repack::gpu(rec, self, cols, &raw, row, rows)?;
            row += rows;
        }
        Ok(())
    }
}
