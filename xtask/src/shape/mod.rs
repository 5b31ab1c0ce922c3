//! Files of exact Phi-3 shape with seeded weights, in four sizes and three mixes of formats.
//!
//! They say nothing sensible, but every tensor has the real name, shape and format, activations stay of the size that
//! real ones have (each projection keeps the variance), block scales of Q5_K and Q6_K are subnormal as in real files,
//! and the same seed gives the same bytes everywhere: what loads, runs and agrees on them, does so on the real thing.

mod format;
mod gguf;
mod tensors;
mod vocabulary;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sh;
use format::{Rng, fill};
use gguf::{ALIGN, header};
pub use tensors::Mix;
use tensors::Tensor;

const N_VOCAB: u64 = 32064;
const HEAD_DIM: u32 = 96;

/// A size: as many key/value heads as heads, of 96 numbers each, as Phi-3-mini has.
#[derive(Debug, PartialEq)]
pub struct Shape {
    /// Billions of parameters, as `--params` names them.
    pub params: &'static str,
    name: &'static str,
    n_layer: usize,
    n_embd: u64,
    n_ff: u64,
}

/// The sizes; the last is Phi-3-mini-4k's.
pub const SHAPES: [Shape; 4] = [
    Shape {
        params: "0.13",
        name: "phi3 of 0.13 billion parameters, seeded weights",
        n_layer: 12,
        n_embd: 768,
        n_ff: 2048,
    },
    Shape {
        params: "0.5",
        name: "phi3 of 0.5 billion parameters, seeded weights",
        n_layer: 14,
        n_embd: 1536,
        n_ff: 4096,
    },
    // Every matrix has the size that it has in the whole model.
    Shape {
        params: "0.65",
        name: "Phi-3-mini shape, four of its blocks, seeded weights",
        n_layer: 4,
        n_embd: 3072,
        n_ff: 8192,
    },
    Shape {
        params: "3.8",
        name: "Phi-3-mini shape, seeded weights",
        n_layer: 32,
        n_embd: 3072,
        n_ff: 8192,
    },
];

/// The size of that many billion parameters.
pub fn named(params: &str) -> Result<&'static Shape> {
    let found = SHAPES.iter().find(|shape| shape.params == params);
    found.with_context(|| format!("no size {params}: 0.13, 0.5, 0.65 or 3.8"))
}

impl Shape {
    fn n_head(&self) -> u32 {
        self.n_embd as u32 / HEAD_DIM
    }

    /// Bytes of weights that one decoded token reads: all but the embedding, of which it reads a row.
    pub fn bytes_per_token(&self, mix: Mix) -> u64 {
        let all = self.tensors(mix);
        let read = |t: &Tensor| {
            let embedding = t.name.starts_with("token_embd");
            if embedding { t.bytes() / t.shape[1] } else { t.bytes() }
        };
        all.iter().map(read).sum()
    }

    /// The path of the file, which is written first unless it is there.
    pub fn ensure(&self, mix: Mix) -> Result<PathBuf> {
        let name = format!("phi3-{}b-{}.gguf", self.params, mix.name().to_lowercase());
        let path = sh::root().join("target/full-size").join(name);
        let tensors = self.tensors(mix);
        let header = header(&vocabulary::metadata(self, mix.file_type()), &tensors);
        let size = header.len() as u64 + tensors.iter().map(|t| t.bytes().next_multiple_of(ALIGN)).sum::<u64>();
        if fs::metadata(&path).is_ok_and(|m| m.len() == size) {
            return Ok(path);
        }
        eprintln!("writing {} ({:.2} GB)", path.display(), size as f64 / 1e9);
        // A run that dies in between leaves no half file behind under the final name.
        let unfinished = path.with_extension("part");
        write(&unfinished, &header, &tensors).with_context(|| unfinished.display().to_string())?;
        fs::rename(&unfinished, &path)?;
        Ok(path)
    }
}

fn write(path: &Path, header: &[u8], tensors: &[Tensor]) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(header)?;
    for (i, t) in tensors.iter().enumerate() {
        let mut rng = Rng(i as u64);
        let scale = t.block_scale();
        let mut block = vec![0; t.format.block().1];
        let row = t.shape[0] / t.format.block().0;
        for j in 0..t.blocks() {
            let scale = if t.is_silent(j / row) { 0 } else { scale };
            fill(t.format, scale, &mut rng, &mut block);
            out.write_all(&block)?;
        }
        let padding = t.bytes().next_multiple_of(ALIGN) - t.bytes();
        out.write_all(&vec![0; padding as usize])?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::format::Format;
    use super::*;

    fn bytes(shape: &Shape, mix: Mix) -> u64 {
        shape.tensors(mix).iter().map(Tensor::bytes).sum()
    }

    #[test]
    fn size_is_that_of_the_real_file() {
        // Phi-3-mini-4k-instruct-q4.gguf has 2,393,231,072 bytes, metadata included.
        let phi = &SHAPES[3];
        assert!((2_390_000_000..2_394_000_000).contains(&bytes(phi, Mix::Q4KM)));
        let formats = |f| phi.tensors(Mix::Q4KM).iter().filter(|t| t.format == f).count();
        assert_eq!(
            [Format::F32, Format::Q4K, Format::Q5K, Format::Q6K].map(formats),
            [65, 81, 32, 17]
        );
    }

    #[test]
    fn sizes_are_as_named() {
        for shape in &SHAPES {
            let count = |t: &Tensor| t.shape[0] * t.shape[1].max(1);
            let params: u64 = shape.tensors(Mix::Q4_0).iter().map(count).sum();
            let named: f64 = shape.params.parse().unwrap();
            assert!((params as f64 / 1e9 / named - 1.0).abs() < 0.04, "{params}");
            assert!(shape.bytes_per_token(Mix::Q4_0) < bytes(shape, Mix::Q4_0));
            assert!(bytes(shape, Mix::Q4_0) < bytes(shape, Mix::Q4KM));
            assert!(bytes(shape, Mix::Q4KM) < bytes(shape, Mix::Q8_0));
        }
    }
}
