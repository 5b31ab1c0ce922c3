//! A shard: tables of activations, matrices and caches, and what happens when an order arrives.
//!
//! Knows no transformer. A matrix leaves its result *shared*: each shard has the columns that its rows gave. What acts on
//! single columns or heads works on the shared parts; a command that needs the whole gathers it first. All shards run
//! the same commands, hence know at every moment alike what is shared how, and meet in the same gathers.
//!
//! The result does not depend on the number of shards: every number is computed by one of them, always in the same way.

use std::sync::Arc;

use super::cache::Cache;
use super::command::{Command, Order, PROGRAMS, TensorId};
use super::input::Input;
use super::shares::Shares;
use super::simd::Level;
use super::table::{Shared, Tensor, Weight};
use super::team::{Exchange, Readers};
use crate::error::{Error, Result};
use crate::ops::{CacheShape, HeadLayout, PartShape, Split};

/// One shard of a model: the leader's own, or a follower.
pub struct Shard {
    pub(super) rank: usize,
    pub(super) ranks: usize,
    pub(super) level: Level,
    pub(super) tensors: Vec<Tensor>,
    pub(super) weights: Vec<Weight>,
    /// `None` where the shard has no head.
    pub(super) caches: Vec<Option<Cache>>,
    splits: Vec<Arc<Shares>>,
    programs: [Vec<Command>; PROGRAMS],
    /// The activations being multiplied.
    pub(super) input: Input,
    pub(super) scratch: Vec<f32>,
    pub(super) pos: usize,
    pub(super) tokens: Vec<u32>,
    /// Where somebody measures: a clock, and what it said before the first command of the last run and after each.
    clock: Option<fn() -> f64>,
    times: Vec<f64>,
}

impl Shard {
    /// Shard `rank` of `ranks`, with nothing in it.
    pub fn new(rank: usize, ranks: usize) -> Self {
        Self {
            rank,
            ranks,
            level: Level::best(),
            tensors: Vec::new(),
            weights: Vec::new(),
            caches: Vec::new(),
            splits: Vec::new(),
            programs: Default::default(),
            input: Input::default(),
            scratch: Vec::new(),
            pos: 0,
            tokens: Vec::new(),
            clock: None,
            times: Vec::new(),
        }
    }

    /// Takes the time of every command from now on, or of none.
    pub fn time(&mut self, clock: Option<fn() -> f64>) {
        self.clock = clock;
    }

    /// Milliseconds that each command of the last run took.
    pub fn times(&self) -> impl Iterator<Item = f64> {
        self.times.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// The instructions in use.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Bytes of matrices held here.
    pub fn weight_bytes(&self) -> usize {
        self.weights.iter().map(Weight::bytes).sum()
    }

    /// Carries out an order; `payload` is what goes beside it. Calls must not overlap, and an error is final.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory is short, what `exchange` says, [`Error::Internal`] for an order that makes no sense.
    pub async fn handle(&mut self, order: &Order, payload: &[u8], exchange: &mut dyn Exchange) -> Result<()> {
        match order {
            Order::Run { slot, pos, tokens } => {
                self.pos = *pos;
                self.tokens.clone_from(tokens);
                let program = self.programs.get_mut(*slot).ok_or_else(|| unknown("program"))?;
                let commands = std::mem::take(program);
                let mut result = Ok(());
                self.times.clear();
                self.times.extend(self.clock.map(|now| now()));
                for command in &commands {
                    result = self.execute(*command, exchange).await;
                    self.times.extend(self.clock.map(|now| now()));
                    if result.is_err() {
                        break;
                    }
                }
                self.programs[*slot] = commands;
                result
            }
            Order::Read { t } => self.read(*t, exchange).await.map(|_| ()),
            order => self.store(order, payload),
        }
    }

    /// Carries out an order that needs no other shard: all but [`Order::Run`] and [`Order::Read`].
    ///
    /// # Errors
    /// As [`Shard::handle`].
    pub fn store(&mut self, order: &Order, payload: &[u8]) -> Result<()> {
        match order {
            Order::Tensor { rows, cols } => self.tensors.push(Tensor::new(*rows, *cols)?),
            Order::Upload { t, first_row } => {
                let (values, rest) = payload.as_chunks::<4>();
                let tensor = self.tensor_mut(*t)?;
                let at = first_row.saturating_mul(tensor.cols);
                let target = tensor.data.get_mut(at..at.saturating_add(values.len()));
                let target = target.filter(|_| rest.is_empty());
                let target = target.ok_or_else(|| Error::internal("an upload beyond the rows of an activation"))?;
                target
                    .iter_mut()
                    .zip(values)
                    .for_each(|(v, bytes)| *v = f32::from_le_bytes(*bytes));
                tensor.shared = None;
            }
            Order::Weight { parts, split } => {
                let weight = self.weight(parts, split)?;
                self.weights.push(weight);
            }
            Order::Fill { w, part, first_row } => {
                let weight = self.weights.get_mut(*w as usize).ok_or_else(|| unknown("weight"))?;
                weight.fill(*part, *first_row, payload)?;
            }
            Order::Cache { shape } => {
                let cache = self.cache(*shape)?;
                self.caches.push(cache);
            }
            Order::Program { slot, commands } => {
                let program = self.programs.get_mut(*slot).ok_or_else(|| unknown("program"))?;
                program.clone_from(commands);
            }
            Order::Run { .. } | Order::Read { .. } => return Err(Error::internal("a step where there is none")),
        }
        Ok(())
    }

    /// The rows in use of an activation; of use to the leader only.
    ///
    /// # Errors
    /// As [`Shard::handle`].
    pub async fn read(&mut self, t: TensorId, exchange: &mut dyn Exchange) -> Result<&[f32]> {
        let tensor = self.tensors.get_mut(t as usize).ok_or_else(|| unknown("activation"))?;
        let used = tensor.rows * tensor.cols;
        // It stays shared, for all shards alike: the others do not get the whole.
        let Some(Shared { shares, rows }) = &tensor.shared else {
            return Ok(&tensor.data[..used]);
        };
        let len = rows * tensor.cols;
        let parts = tensor.data.get_mut(..len).ok_or_else(|| unknown("row"))?;
        if self.ranks > 1 {
            exchange.gather(parts, &shares.bounds(*rows), Readers::Leader).await?;
        }
        if shares.is_dense(*rows) {
            return Ok(&tensor.data[..used.min(len)]);
        }
        self.scratch.resize(len.max(self.scratch.len()), 0.0);
        shares.join(parts, *rows, &mut self.scratch[..len]);
        Ok(&self.scratch[..used.min(len)])
    }

    fn weight(&mut self, parts: &[PartShape], split: &Split) -> Result<Weight> {
        let rows: usize = parts.iter().map(|p| p.rows).sum();
        if rows != split.len() {
            return Err(Error::internal(format!("{rows} rows, shared out as {}", split.len())));
        }
        Weight::new(parts, self.shares(split), self.rank)
    }

    fn cache(&mut self, shape: CacheShape) -> Result<Option<Cache>> {
        let n_head_kv = Split::heads(HeadLayout {
            n_head: shape.n_head_kv,
            n_head_kv: shape.n_head_kv,
            head_dim: shape.head_dim,
        })
        .units(self.rank, self.ranks)
        .len();
        match n_head_kv {
            0 => Ok(None),
            _ => Cache::new(CacheShape { n_head_kv, ..shape }).map(Some),
        }
    }

    /// How `split` is shared out here; computed once.
    pub(super) fn shares(&mut self, split: &Split) -> Arc<Shares> {
        if let Some(known) = self.splits.iter().find(|known| known.split() == split) {
            return known.clone();
        }
        let shares = Arc::new(Shares::new(split, self.ranks));
        self.splits.push(shares.clone());
        shares
    }

    pub(super) fn tensor(&self, t: TensorId) -> Result<&Tensor> {
        self.tensors.get(t as usize).ok_or_else(|| unknown("activation"))
    }

    pub(super) fn tensor_mut(&mut self, t: TensorId) -> Result<&mut Tensor> {
        self.tensors.get_mut(t as usize).ok_or_else(|| unknown("activation"))
    }

    /// Writes one activation while others are read.
    pub(super) fn write(
        &mut self,
        out: TensorId,
        work: impl FnOnce(&mut Self, &mut Tensor) -> Result<()>,
    ) -> Result<()> {
        let mut tensor = std::mem::take(self.tensor_mut(out)?);
        let result = work(self, &mut tensor);
        *self.tensor_mut(out)? = tensor;
        result
    }

    /// Makes an activation whole on every shard.
    pub(super) async fn whole(&mut self, t: TensorId, exchange: &mut dyn Exchange) -> Result<()> {
        let ranks = self.ranks;
        let tensor = self.tensors.get_mut(t as usize).ok_or_else(|| unknown("activation"))?;
        let Some(Shared { shares, rows }) = tensor.shared.take() else {
            return Ok(());
        };
        let len = rows * tensor.cols;
        let parts = tensor.data.get_mut(..len).ok_or_else(|| unknown("row"))?;
        if ranks > 1 {
            exchange.gather(parts, &shares.bounds(rows), Readers::All).await?;
        }
        if !shares.is_dense(rows) {
            self.scratch.clear();
            self.scratch.extend_from_slice(parts);
            shares.join(&self.scratch, rows, parts);
        }
        Ok(())
    }

    /// Sees to it that an activation is shared like this.
    pub(super) async fn share(&mut self, t: TensorId, shares: &Arc<Shares>, exchange: &mut dyn Exchange) -> Result<()> {
        if self.tensor(t)?.is_shared(shares) {
            return Ok(());
        }
        self.whole(t, exchange).await?;
        let (rank, mut scratch) = (self.rank, std::mem::take(&mut self.scratch));
        let tensor = self.tensor_mut(t)?;
        scratch.clear();
        scratch.extend_from_slice(tensor.used());
        shares.cut(rank, &scratch, tensor.part_mut(shares, rank)?);
        self.scratch = scratch;
        Ok(())
    }
}

fn unknown(what: &str) -> Error {
    Error::internal(format!("an order names no {what}"))
}
