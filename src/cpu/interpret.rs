//! What each command does on one shard.

use super::attention::attention;
use super::cache::kv_write;
use super::command::{CacheId, Command, TensorId, WeightId};
use super::machine::Shard;
use super::matmul::matmul;
use super::team::{Exchange, Readers};
use super::vector;
use crate::error::{Error, Result};
use crate::ops::{AttentionShape, HeadLayout, Split};

impl Shard {
    /// Carries out one command.
    pub(super) async fn execute(&mut self, command: Command, exchange: &mut dyn Exchange) -> Result<()> {
        let level = self.level;
        match command {
            Command::SetRows { t, rows } => {
                let tensor = self.tensor_mut(t)?;
                if rows.saturating_mul(tensor.cols) > tensor.data.len() {
                    return Err(Error::internal(format!("{rows} rows of an activation with less")));
                }
                tensor.rows = rows;
                Ok(())
            }
            Command::Embed { out, w } => self.embed(out, w, exchange).await,
            Command::RmsNorm { out, x, gain, eps } => {
                self.whole(x, exchange).await?;
                self.write(out, |shard, out| {
                    let (x, gain) = (shard.tensor(x)?, shard.tensor(gain)?);
                    same(out.rows * out.cols, x.used().len())?;
                    vector::rms_norm(level, out.whole_mut(), x.used(), gain.used(), eps);
                    Ok(())
                })
            }
            Command::Matmul { out, w, x } => self.matmul(out, w, x, exchange).await,
            Command::Add { out, x } => self.add(out, x, exchange).await,
            Command::AddBias { out, bias } => self.add_bias(out, bias),
            Command::HeadNorm {
                qkv,
                heads,
                q_gain,
                k_gain,
                eps,
            } => {
                self.on_heads(qkv, heads, exchange, |shard, local, part| {
                    let (q_gain, k_gain) = (shard.tensor(q_gain)?.used(), shard.tensor(k_gain)?.used());
                    vector::head_norm(level, part, local, q_gain, k_gain, eps);
                    Ok(())
                })
                .await
            }
            Command::Rope { qkv, table, mut shape } => {
                self.on_heads(qkv, shape.heads, exchange, |shard, local, part| {
                    shape.heads = local;
                    let table = shard.tensor(table)?;
                    let end = shard.pos + part.len() / local.cols();
                    if end > table.rows || table.cols != shape.n_rot {
                        return Err(Error::internal(format!("position {end} beyond the table of angles")));
                    }
                    vector::rope(level, part, table.used(), shard.pos, shape);
                    Ok(())
                })
                .await
            }
            Command::KvWrite { cache, qkv, heads } => {
                self.on_heads(qkv, heads, exchange, |shard, local, part| {
                    match shard.caches.get_mut(cache as usize).ok_or_else(no_cache)? {
                        Some(cache) => kv_write(level, cache, part, shard.pos, local),
                        None => Ok(()),
                    }
                })
                .await
            }
            Command::Attention { out, qkv, cache, shape } => self.attention(out, qkv, cache, shape, exchange).await,
            Command::SiluMul { out, gate_up } => self.silu_mul(out, gate_up, exchange).await,
            Command::CopyRows { out, x, first } => {
                self.whole(x, exchange).await?;
                self.write(out, |shard, out| {
                    let x = shard.tensor(x)?;
                    let rows = x
                        .used()
                        .get(first * x.cols..)
                        .and_then(|x| x.get(..out.rows * out.cols));
                    let rows = rows.ok_or_else(|| Error::internal("rows beyond an activation"))?;
                    out.whole_mut().copy_from_slice(rows);
                    Ok(())
                })
            }
        }
    }

    /// Every row comes from the shard that owns it.
    async fn embed(&mut self, out: TensorId, w: WeightId, exchange: &mut dyn Exchange) -> Result<()> {
        let missing = || Error::internal("an embedding that is not there");
        let weight = self.weights.get(w as usize).ok_or_else(missing)?;
        let owner = |&token: &u32| weight.shares.owner(token as usize).ok_or_else(missing);
        let owners: Vec<usize> = self.tokens.iter().map(owner).collect::<Result<_>>()?;
        let cols = weight.cols;
        same(self.tensor(out)?.rows * self.tensor(out)?.cols, owners.len() * cols)?;

        // As parts: the rows of each owner together, in their order.
        let before = |rank: usize| owners.iter().filter(|&&o| o < rank).count() * cols;
        let bounds: Vec<usize> = (0..=self.ranks).map(before).collect();
        let rank = self.rank;
        self.write(out, |shard, out| {
            let weight = &shard.weights[w as usize];
            let mine = shard.tokens.iter().zip(&owners).filter(|(_, owner)| **owner == rank);
            let rows = out.whole_mut()[bounds[rank]..bounds[rank + 1]].chunks_exact_mut(cols.max(1));
            let mut rows = rows.zip(mine);
            rows.try_for_each(|(row, (token, _))| weight.decode(*token as usize, rank, row))
        })?;
        if self.ranks == 1 {
            return Ok(());
        }
        let mut parts = std::mem::take(&mut self.tensor_mut(out)?.data);
        let len = owners.len() * cols;
        exchange.gather(&mut parts[..len], &bounds, Readers::All).await?;
        self.scratch.clear();
        self.scratch.extend_from_slice(&parts[..len]);
        let mut next = bounds;
        for (row, owner) in parts.chunks_exact_mut(cols.max(1)).zip(&owners) {
            row.copy_from_slice(&self.scratch[next[*owner]..][..cols]);
            next[*owner] += cols;
        }
        self.tensor_mut(out)?.data = parts;
        Ok(())
    }

    async fn matmul(&mut self, out: TensorId, w: WeightId, x: TensorId, exchange: &mut dyn Exchange) -> Result<()> {
        self.whole(x, exchange).await?;
        self.write(out, |shard, out| {
            let x = shard.tensors.get(x as usize);
            let x = x.ok_or_else(|| Error::internal("a product of nothing"))?;
            let weight = shard.weights.get(w as usize);
            let weight = weight.ok_or_else(|| Error::internal("a matrix that is not there"))?;
            same(out.rows, x.rows)?;
            // Quantized once for all formats among the pieces.
            shard.input.set(x.used(), x.rows, x.cols);
            let width = weight.shares.width(shard.rank);
            let part = out.part_mut(&weight.shares, shard.rank)?;
            for (piece, packed) in &weight.pieces {
                matmul(shard.level, packed, &mut shard.input, part, width, piece.first)?;
            }
            Ok(())
        })
    }

    async fn add(&mut self, out: TensorId, x: TensorId, exchange: &mut dyn Exchange) -> Result<()> {
        self.whole(x, exchange).await?;
        self.whole(out, exchange).await?;
        self.write(out, |shard, out| {
            let x = shard.tensor(x)?;
            same(out.rows * out.cols, x.used().len())?;
            vector::add(shard.level, out.whole_mut(), x.used());
            Ok(())
        })
    }

    fn add_bias(&mut self, out: TensorId, bias: TensorId) -> Result<()> {
        self.write(out, |shard, out| {
            let bias = shard.tensor(bias)?.used();
            same(out.cols, bias.len())?;
            match out.shared.as_ref().map(|shared| shared.shares.clone()) {
                None => vector::add_bias(shard.level, out.whole_mut(), bias),
                Some(shares) if shares.width(shard.rank) > 0 => {
                    let mut mine = vec![0.0; shares.width(shard.rank)];
                    shares.cut(shard.rank, bias, &mut mine);
                    vector::add_bias(shard.level, out.part_mut(&shares, shard.rank)?, &mine);
                }
                Some(_) => {}
            }
            Ok(())
        })
    }

    /// Works in place on the heads that are here; there may be none.
    async fn on_heads(
        &mut self,
        qkv: TensorId,
        heads: HeadLayout,
        exchange: &mut dyn Exchange,
        work: impl FnOnce(&mut Self, HeadLayout, &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let shares = self.shares(&Split::heads(heads));
        self.share(qkv, &shares, exchange).await?;
        let local = self.local(heads);
        self.write(qkv, |shard, qkv| match qkv.part_mut(&shares, shard.rank)? {
            [] => Ok(()),
            part => work(shard, local, part),
        })
    }

    async fn attention(
        &mut self,
        out: TensorId,
        qkv: TensorId,
        cache: CacheId,
        mut shape: AttentionShape,
        exchange: &mut dyn Exchange,
    ) -> Result<()> {
        let mut split = Split::heads(shape.heads);
        let shares = self.shares(&split);
        self.share(qkv, &shares, exchange).await?;
        split.segments.truncate(1);
        let queries = self.shares(&split);
        shape.heads = self.local(shape.heads);
        self.write(out, |shard, out| {
            let qkv = shard.tensor(qkv)?;
            same(out.rows, qkv.rows)?;
            let part = out.part_mut(&queries, shard.rank)?;
            let cache = shard.caches.get(cache as usize).ok_or_else(no_cache)?;
            match cache {
                Some(cache) => {
                    let qkv = qkv.part(&shares, shard.rank);
                    attention(shard.level, part, qkv, cache, shard.pos, &shape)
                }
                None => Ok(()),
            }
        })
    }

    async fn silu_mul(&mut self, out: TensorId, gate_up: TensorId, exchange: &mut dyn Exchange) -> Result<()> {
        let n_ff = self.tensor(out)?.cols;
        let both = self.shares(&Split::stacked(2, n_ff));
        self.share(gate_up, &both, exchange).await?;
        let act = self.shares(&Split::rows(n_ff));
        self.write(out, |shard, out| {
            let gate_up = shard.tensor(gate_up)?;
            same(out.rows, gate_up.rows)?;
            let part = out.part_mut(&act, shard.rank)?;
            let width = act.width(shard.rank);
            if width > 0 {
                let rows = gate_up.part(&both, shard.rank).chunks_exact(2 * width);
                for (out, row) in part.chunks_exact_mut(width).zip(rows) {
                    let (gate, up) = row.split_at(width);
                    vector::silu_mul(shard.level, out, gate, up);
                }
            }
            Ok(())
        })
    }

    /// The heads of this shard.
    fn local(&self, heads: HeadLayout) -> HeadLayout {
        let n_head_kv = Split::heads(heads).units(self.rank, self.ranks).len();
        HeadLayout {
            n_head: heads.n_head / heads.n_head_kv.max(1) * n_head_kv,
            n_head_kv,
            head_dim: heads.head_dim,
        }
    }
}

fn no_cache() -> Error {
    Error::internal("a cache that is not there")
}

/// Sizes that a wrong program would confuse.
fn same(expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(Error::internal(format!("{got} elements where {expected} belong")))
}
