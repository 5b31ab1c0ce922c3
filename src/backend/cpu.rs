//! The fast CPU backend: it records like a GPU, and a team of shards carries out what was recorded.
//!
//! A step's operations become commands; submitting them tells the followers, and the leader's own part runs where the
//! caller waits: when it reads back or settles. A program that was seen before is sent as its number.

use std::collections::VecDeque;

use crate::cpu::command::{Command, Order, PROGRAMS, TensorId, WeightId};
use crate::cpu::machine::Shard;
use crate::cpu::shares::Shares;
use crate::cpu::table::{Piece, pieces};
use crate::cpu::team::{Alone, Team};
use crate::cpu::vector;
use crate::error::{Error, Result};
use crate::ops::{
    AttentionShape, BackendInfo, CacheShape, HeadLayout, Measured, MemoryLimits, Method, Ops, PartShape, RopeShape,
    Spans, Split, TopK,
};

/// An activation: the number by which the shards know it, and its shape.
#[derive(Debug)]
pub struct Tensor {
    id: TensorId,
    rows: usize,
    cols: usize,
    capacity: usize,
}

/// A matrix: its number, and who owns which rows.
#[derive(Debug)]
pub struct Weight {
    id: WeightId,
    row_bytes: Vec<usize>,
    /// Of each shard.
    pieces: Vec<Vec<Piece>>,
}

/// The keys and values of one layer: their number.
#[derive(Debug)]
pub struct Cache {
    id: u32,
}

/// See the module's documentation. What it allocates lives as long as the backend.
pub struct Cpu {
    team: Box<dyn Team>,
    shard: Shard,
    /// Tensors, weights and caches made so far.
    made: [u32; 3],
    pos: usize,
    tokens: Vec<u32>,
    recording: Vec<Command>,
    /// What the shards remember, and the slot that is overwritten next.
    programs: [Vec<Command>; PROGRAMS],
    next_program: usize,
    /// Sent to the followers, not yet carried out by the leader.
    waiting: VecDeque<(Order, Vec<u8>)>,
    /// Where somebody measures: from which command on a stage goes.
    stages: Option<Vec<(usize, &'static str)>>,
    /// Why nothing works any more.
    broken: Option<Error>,
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new(Box::new(Alone))
    }
}

/// A 32-bit address space (Wasm) minus what the program itself, its stack and one load's pieces take.
const ADDRESSABLE_32: u64 = (4 << 30) - (128 << 20);

impl Cpu {
    /// A backend without work, whose shards are `team`.
    pub fn new(team: Box<dyn Team>) -> Self {
        Self {
            shard: Shard::new(0, team.ranks()),
            team,
            made: [0; 3],
            pos: 0,
            tokens: Vec::new(),
            recording: Vec::new(),
            programs: Default::default(),
            next_program: 0,
            waiting: VecDeque::new(),
            stages: None,
            broken: None,
        }
    }

    /// Counts one more thing of a kind; its number.
    fn number(&mut self, kind: usize) -> u32 {
        let id = self.made[kind];
        self.made[kind] += 1;
        id
    }

    /// For every shard: followers are told, and the leader does it as soon as what came before it is done.
    fn order(&mut self, order: Order, payload: &[u8]) -> Result<()> {
        self.check()?;
        for rank in 1..self.team.ranks() {
            let sent = self.team.send(rank, &order, payload);
            self.keep(sent)?;
        }
        self.own(order, payload)
    }

    /// For the leader.
    fn own(&mut self, order: Order, payload: &[u8]) -> Result<()> {
        let now = self.waiting.is_empty() && !matches!(order, Order::Run { .. });
        if now {
            let done = self.shard.store(&order, payload);
            return self.keep(done);
        }
        self.waiting.push_back((order, payload.to_vec()));
        Ok(())
    }

    /// Carries out the leader's part of everything submitted so far.
    async fn catch_up(&mut self) -> Result<()> {
        self.submit()?;
        self.check()?;
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.broken = interrupted();
        let mut done = Ok(());
        while let Some((order, payload)) = self.waiting.pop_front() {
            done = self.shard.handle(&order, &payload, self.team.exchange()).await;
            if done.is_err() {
                break;
            }
        }
        self.broken = None;
        self.keep(done)
    }

    fn check(&self) -> Result<()> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// An error is final: the shards may be at different places. The followers end.
    fn keep<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && self.team.ranks() > 1
        {
            self.broken = Some(error.clone());
            self.team = Box::new(Alone);
        }
        if result.is_err() {
            self.recording.clear();
            self.waiting.clear();
        }
        result
    }

    fn record(&mut self, command: Command) -> Result<()> {
        self.recording.push(command);
        Ok(())
    }

    /// The rows in use of `t`, when all before it is done.
    async fn read(&mut self, t: &Tensor) -> Result<&[f32]> {
        self.catch_up().await?;
        let order = Order::Read { t: t.id };
        for rank in 1..self.team.ranks() {
            let sent = self.team.send(rank, &order, &[]);
            self.keep(sent)?;
        }
        self.broken = interrupted();
        let read = self.shard.read(t.id, self.team.exchange()).await;
        self.broken = read.as_ref().err().cloned();
        read
    }
}

/// What it is until a wait has ended: where the caller drops the future half-way, the shards have lost each other.
fn interrupted() -> Option<Error> {
    Some(Error::WorkerFailed {
        message: "a step was dropped half-way".into(),
    })
}

impl Ops for Cpu {
    type Tensor = Tensor;
    type Weight = Weight;
    type Cache = Cache;

    fn info(&self) -> BackendInfo {
        let (level, threads) = (self.shard.level().name(), self.team.ranks());
        let plural = if threads == 1 { "" } else { "s" };
        BackendInfo {
            backend: "cpu",
            adapter: format!("{level}, {threads} thread{plural}"),
            software: false,
        }
    }

    fn limits(&self) -> MemoryLimits {
        MemoryLimits {
            max_buffer: isize::MAX as u64,
            total: (usize::BITS == 32).then_some(ADDRESSABLE_32),
            shards: self.team.ranks(),
        }
    }

    fn tensor(&mut self, rows: usize, cols: usize) -> Result<Tensor> {
        self.order(Order::Tensor { rows, cols }, &[])?;
        Ok(Tensor {
            id: self.number(0),
            rows,
            cols,
            capacity: rows,
        })
    }

    fn upload(&mut self, t: &mut Tensor, first_row: usize, data: &[f32]) -> Result<()> {
        self.submit()?;
        let bytes: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.order(Order::Upload { t: t.id, first_row }, &bytes)
    }

    fn weight(&mut self, parts: &[PartShape], split: &Split) -> Result<Weight> {
        let ranks = self.team.ranks();
        let order = Order::Weight {
            parts: parts.to_vec(),
            split: split.clone(),
        };
        self.order(order, &[])?;
        let shares = Shares::new(split, ranks);
        let row_bytes = |p: &PartShape| p.dtype.row_bytes(p.cols).unwrap_or(0); // the shard has checked it
        Ok(Weight {
            id: self.number(1),
            row_bytes: parts.iter().map(row_bytes).collect(),
            pieces: (0..ranks).map(|rank| pieces(parts, &shares, rank)).collect(),
        })
    }

    fn fill(&mut self, w: &mut Weight, part: usize, first_row: usize, bytes: &[u8]) -> Result<()> {
        self.submit()?;
        self.check()?;
        let row_bytes = w
            .row_bytes
            .get(part)
            .copied()
            .filter(|&n| n > 0 && bytes.len().is_multiple_of(n));
        let row_bytes = row_bytes.ok_or_else(|| Error::internal(format!("{} bytes for part {part}", bytes.len())))?;
        let end = first_row.saturating_add(bytes.len() / row_bytes);
        let mut filled = 0;
        for (rank, pieces) in w.pieces.iter().enumerate() {
            for piece in pieces.iter().filter(|p| p.part == part) {
                let (from, to) = (piece.rows.start.max(first_row), piece.rows.end.min(end));
                if from >= to {
                    continue;
                }
                filled += to - from;
                let rows = &bytes[(from - first_row) * row_bytes..(to - first_row) * row_bytes];
                let order = Order::Fill {
                    w: w.id,
                    part,
                    first_row: from,
                };
                if rank == 0 {
                    self.own(order, rows)?;
                } else {
                    let sent = self.team.send(rank, &order, rows);
                    self.keep(sent)?;
                }
            }
        }
        match first_row + filled == end {
            true => Ok(()),
            false => Err(Error::internal(format!("rows {first_row}..{end} of part {part}"))),
        }
    }

    fn cache(&mut self, shape: CacheShape) -> Result<Cache> {
        self.order(Order::Cache { shape }, &[])?;
        Ok(Cache { id: self.number(2) })
    }

    async fn settle(&mut self) -> Result<()> {
        self.catch_up().await?;
        let settled = self.team.settle().await;
        self.keep(settled)
    }

    fn begin(&mut self, pos: usize, tokens: &[u32]) -> Result<()> {
        self.submit()?;
        self.pos = pos;
        self.tokens.clear();
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }

    fn submit(&mut self) -> Result<()> {
        if self.recording.is_empty() {
            return Ok(());
        }
        let known = self.programs.iter().position(|p| *p == self.recording);
        let slot = match known {
            Some(slot) => slot,
            None => {
                let slot = self.next_program;
                self.next_program = (slot + 1) % PROGRAMS;
                self.programs[slot].clone_from(&self.recording);
                let commands = self.recording.clone();
                self.order(Order::Program { slot, commands }, &[])?;
                slot
            }
        };
        self.recording.clear();
        let (pos, tokens) = (self.pos, self.tokens.clone());
        self.order(Order::Run { slot, pos, tokens }, &[])
    }

    fn rows(&self, t: &Tensor) -> usize {
        t.rows
    }

    fn set_rows(&mut self, t: &mut Tensor, rows: usize) {
        debug_assert!(rows <= t.capacity);
        t.rows = rows;
        self.recording.push(Command::SetRows { t: t.id, rows });
    }

    fn embed(&mut self, out: &mut Tensor, w: &Weight) -> Result<()> {
        self.record(Command::Embed { out: out.id, w: w.id })
    }

    fn rms_norm(&mut self, out: &mut Tensor, x: &Tensor, gain: &Tensor, eps: f32) -> Result<()> {
        self.record(Command::RmsNorm {
            out: out.id,
            x: x.id,
            gain: gain.id,
            eps,
        })
    }

    fn matmul(&mut self, out: &mut Tensor, w: &Weight, x: &Tensor) -> Result<()> {
        self.record(Command::Matmul {
            out: out.id,
            w: w.id,
            x: x.id,
        })
    }

    fn add(&mut self, out: &mut Tensor, x: &Tensor) -> Result<()> {
        self.record(Command::Add { out: out.id, x: x.id })
    }

    fn add_bias(&mut self, out: &mut Tensor, bias: &Tensor) -> Result<()> {
        self.record(Command::AddBias {
            out: out.id,
            bias: bias.id,
        })
    }

    fn head_norm(
        &mut self,
        qkv: &mut Tensor,
        heads: HeadLayout,
        q_gain: &Tensor,
        k_gain: &Tensor,
        eps: f32,
    ) -> Result<()> {
        self.record(Command::HeadNorm {
            qkv: qkv.id,
            heads,
            q_gain: q_gain.id,
            k_gain: k_gain.id,
            eps,
        })
    }

    fn rope(&mut self, qkv: &mut Tensor, table: &Tensor, shape: RopeShape) -> Result<()> {
        self.record(Command::Rope {
            qkv: qkv.id,
            table: table.id,
            shape,
        })
    }

    fn kv_write(&mut self, cache: &mut Cache, qkv: &Tensor, heads: HeadLayout) -> Result<()> {
        self.record(Command::KvWrite {
            cache: cache.id,
            qkv: qkv.id,
            heads,
        })
    }

    fn attention(&mut self, out: &mut Tensor, qkv: &Tensor, cache: &Cache, shape: AttentionShape) -> Result<()> {
        self.record(Command::Attention {
            out: out.id,
            qkv: qkv.id,
            cache: cache.id,
            shape,
        })
    }

    fn silu_mul(&mut self, out: &mut Tensor, gate_up: &Tensor) -> Result<()> {
        self.record(Command::SiluMul {
            out: out.id,
            gate_up: gate_up.id,
        })
    }

    fn copy_rows(&mut self, out: &mut Tensor, x: &Tensor, first: usize) -> Result<()> {
        self.record(Command::CopyRows {
            out: out.id,
            x: x.id,
            first,
        })
    }

    fn measure(&mut self) -> Result<()> {
        self.submit()?;
        self.stages = Some(Vec::new());
        Ok(())
    }

    fn stage(&mut self, name: &'static str) {
        if let Some(stages) = &mut self.stages {
            stages.push((self.recording.len(), name));
        }
    }

    async fn measured(&mut self, now_ms: fn() -> f64) -> Result<Measured> {
        let stages = self.stages.take().unwrap_or_default();
        let commands = self.recording.clone();
        self.shard.time(Some(now_ms));
        let done = self.settle().await;
        self.shard.time(None);
        done?;
        let (kernel, mut spans) = (self.shard.level().name(), Spans::default());
        for (at, (command, ms)) in commands.iter().zip(self.shard.times()).enumerate() {
            let stage = stages
                .iter()
                .rfind(|(first, _)| *first <= at)
                .map_or("", |(_, name)| name);
            if let Some(op) = command.op() {
                spans.add(stage, op, kernel, 1, ms);
            }
        }
        Ok(Measured {
            method: Method::Clock,
            spans: spans.all(),
        })
    }

    async fn download(&mut self, t: &Tensor) -> Result<Vec<f32>> {
        let read = self.read(t).await.map(<[f32]>::to_vec);
        self.keep(read)
    }

    async fn top_k(&mut self, logits: &Tensor, k: usize) -> Result<TopK> {
        let (cols, level) = (logits.cols, self.shard.level());
        let read = self.read(logits).await;
        let found = read.map(|rows| vector::top_k(level, &rows[..cols.min(rows.len())], k));
        self.keep(found)
    }
}
