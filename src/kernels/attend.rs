//! The GPU's kernels of attention: heads of a projection made ready, keys and values cached, attended over.
//!
//! - `attend`: one token in one dispatch, where threads work together; behind many positions each head's keys are split among workgroups, and `combine`
//!   brings together what these came to;
//! - `finish_qkv`: rows made ready and cached, then `attention` (tiles of queries and keys) over them, or `attention_row`
//!   for few rows and for threads that work alone (to compile all of it for one thread takes software adapters seconds).
//!
//! Keys and values lie as `[n_head_kv, n_ctx]` vectors in pieces of 16 bytes where the head's size allows it; the scales of
//! a q8_0 cache have a buffer of their own. The CPU's references are those of the single operations
//! ([`attention::cpu`](super::attention::cpu) and its kin): these kernels are what they say, taken together.

use bytemuck::{Pod, Zeroable};

use super::kv_write::GpuCache;
use super::tuning::{self, Reduce};
use super::wgsl::{Extra, Variant};
use super::{Kernel, dim};
use crate::error::Result;
use crate::gpu::{Binding, Buffer, Grid, Launch, Recorder, Tensor};
use crate::ops::{AttentionShape, CacheShape, CacheType, HeadLayout, RopeOrder, RopeShape};

/// Uniform of all of them, `struct Params` of lib/heads.wgsl.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    n_head: u32,
    n_head_kv: u32,
    n_ctx: u32,
    window: u32,
    scale: f32,
    eps: f32,
    rotated: u32,
    pair_step: u32,
    pair_gap: u32,
}

impl Params {
    /// Attention over a cache of `n_ctx` positions.
    pub fn new(s: &AttentionShape, n_ctx: usize) -> Self {
        Self {
            window: s.window.map_or(u32::MAX, dim),
            scale: s.scale,
            ..Self::heads(s.heads, n_ctx)
        }
    }

    /// Heads that are cached as they are.
    pub fn heads(heads: HeadLayout, n_ctx: usize) -> Self {
        Self {
            n_head: dim(heads.n_head),
            n_head_kv: dim(heads.n_head_kv),
            n_ctx: dim(n_ctx),
            window: u32::MAX,
            scale: 1.0,
            eps: 0.0,
            rotated: 0,
            pair_step: 0,
            pair_gap: 0,
        }
    }

    /// With norms of heads, where there are any, and rotation.
    pub fn turned(self, s: &RopeShape, eps: f32) -> Self {
        let (pair_step, pair_gap) = match s.order {
            RopeOrder::Interleaved => (2, 1),
            RopeOrder::HalfSplit => (1, dim(s.n_rot / 2)),
        };
        Self {
            eps,
            rotated: dim(s.n_rot / 2),
            pair_step,
            pair_gap,
            ..self
        }
    }

    /// Keys that the last of the rows that end before `end` sees.
    fn keys(&self, end: usize) -> usize {
        end.min(self.window as usize)
    }
}

impl Kernel for Params {
    const NAME: &'static str = "attend";

    fn variants() -> Vec<Variant> {
        let mut all = Vec::new();
        for dtype in CacheType::ALL {
            // 12 and 24: loads of eight, or sixteen, do not fit.
            for head_dim in [8, 12, 24, 64, 96, 128, 256] {
                let c = Cached { dtype, head_dim };
                all.extend([c.tiles(), c.row(Reduce::Serial), c.finish(Reduce::Serial, Extras::None)]);
                for reduce in [Reduce::Tree, Reduce::Subgroups] {
                    all.push(c.attend(reduce, Extras::None));
                }
            }
            let c = Cached { dtype, head_dim: 128 };
            for reduce in [Reduce::Tree, Reduce::Subgroups] {
                all.extend([c.row(reduce), c.finish(reduce, Extras::None)]);
            }
            for extras in [Extras::Bias, Extras::Gains] {
                all.extend([c.attend(Reduce::Tree, extras), c.finish(Reduce::Tree, extras)]);
                all.push(c.finish(Reduce::Serial, extras));
            }
        }
        all.extend([96, 128].map(combine));
        all
    }
}

/// What a projection goes through beside the rotation; models have one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extras {
    None,
    Bias,
    Gains,
}

/// A type of cache and a size of heads: what the text of a kernel depends on.
#[derive(Debug, Clone, Copy)]
struct Cached {
    dtype: CacheType,
    head_dim: usize,
}

impl Cached {
    fn of(shape: &CacheShape) -> Self {
        Self {
            dtype: shape.dtype,
            head_dim: shape.head_dim,
        }
    }

    /// Fours of a vector.
    fn quads(self) -> usize {
        self.head_dim.div_ceil(4)
    }

    /// The fragment that reads the cache, and the fours that it loads at once.
    fn fragment(self) -> (&'static str, usize) {
        match (self.dtype, self.quads() % 4) {
            (CacheType::F32, _) => ("cache_f32", 1),
            (CacheType::F16, 0 | 2) => ("cache_f16", 2),
            (CacheType::F16, _) => ("cache_f16_narrow", 1),
            (CacheType::Q8_0, 0) => ("cache_q8_0", 4),
            (CacheType::Q8_0, _) => ("cache_q8_0_narrow", 1),
        }
    }

    /// Loads that bring a vector.
    fn chunks(self) -> usize {
        self.quads() / self.fragment().1
    }

    fn scaled(self) -> bool {
        self.dtype == CacheType::Q8_0
    }

    /// Definitions of lib/heads.wgsl; scales, where there are any, are bound at `next`.
    fn base(self, kernel: &'static str, access: &'static str, next: u32) -> Variant {
        let scaled = if self.scaled() { "scaled" } else { "unscaled" };
        Variant::new(kernel)
            .name("CACHE", self.fragment().0)
            .name("SCALED", scaled)
            .name("ACCESS", access)
            .int("SCALES", next)
            .int("DIM", dim(self.head_dim))
    }

    /// Definitions of lib/turn.wgsl and lib/put_*.wgsl; the table is bound at `next`, then scales, then extras.
    fn turn(self, kernel: &'static str, next: u32, extras: Extras) -> Variant {
        let put = if self.scaled() { "put_scaled" } else { "put_unscaled" };
        let after = next + 1 + u32::from(self.scaled());
        let (bias, gains) = match extras {
            Extras::None => ("no_bias", "no_gains"),
            Extras::Bias => ("bias", "no_gains"),
            Extras::Gains => ("no_bias", "gains"),
        };
        self.base(kernel, "read_write", next + 1)
            .int("TABLE", next)
            .name("PUT", put)
            .name("BIAS", bias)
            .name("GAINS", gains)
            .int("A", after)
            .int("B", after + 1)
    }

    fn attend(self, reduce: Reduce, extras: Extras) -> Variant {
        self.online(together(self.turn("attend", 6, extras), reduce, self.wide()), reduce)
            .int("VECTORS", 3)
    }

    fn row(self, reduce: Reduce) -> Variant {
        self.online(
            together(self.base("attention_row", "read", 6), reduce, self.wide()),
            reduce,
        )
        .int("VECTORS", 1)
    }

    fn finish(self, reduce: Reduce, extras: Extras) -> Variant {
        together(self.turn("finish_qkv", 5, extras), reduce, 64).int("VECTORS", 1)
    }

    /// Threads of a workgroup that go over keys together: long heads leave 16 KB of workgroup memory for no more.
    fn wide(self) -> u32 {
        if self.quads() > 32 { WIDE / 2 } else { WIDE }
    }

    /// Definitions of lib/online.wgsl. At most four threads share a key: a subgroup may have no more.
    fn online(self, variant: Variant, reduce: Reduce) -> Variant {
        let sharers = match (reduce, self.chunks()) {
            (Reduce::Serial, _) => 1,
            (_, chunks) if chunks % 4 == 0 => 4,
            (_, chunks) if chunks % 2 == 0 => 2,
            _ => 1,
        };
        let tile = match reduce {
            Reduce::Serial => SERIAL_TILE,
            _ => 4 * self.wide() / sharers,
        };
        let scores = match reduce {
            Reduce::Subgroups => "scores_subgroups",
            _ => "scores_apart",
        };
        variant.name("SCORES", scores).int("SHARERS", sharers).int("TILE", tile)
    }

    /// Queries and keys of a tile, as many as 16 KB of workgroup memory allow.
    fn tile(self) -> (u32, u32) {
        match self.quads() {
            0..=24 => (16, 16),
            25..=32 => (16, 8),
            _ => (8, 4),
        }
    }

    fn tiles(self) -> Variant {
        let (queries, keys) = self.tile();
        self.base("attention", "read", 6)
            .int("QUERIES", queries)
            .int("KEYS", keys)
    }

    /// Keys that a single thread may go over where loops are cut short: a software adapter.
    fn serial_keys(self) -> usize {
        // Per key: its pieces by fours, twice, with the loops around them, and the weights.
        let per_key = self.chunks() * 5 / 8 + 6;
        (LOOP_BUDGET - 8 * self.head_dim) / per_key
    }
}

/// The same for heads of up to 128 elements.
const WIDE: u32 = 128;
/// Keys of a tile where one thread goes over them alone.
const SERIAL_TILE: u32 = 32;
/// Loop iterations after which Mesa's llvmpipe leaves every loop of a thread (LP_MAX_TGSI_LOOP_ITERATIONS): wrong results,
/// no error.
const LOOP_BUDGET: usize = 65_535;
/// Rows up to which each has workgroups of its own, which share out its keys; more are worth a tile.
const FEW: usize = 8;
/// Most splits of a row's keys, where a workgroup works together.
const MAX_SPLITS: usize = 64;

fn together(variant: Variant, reduce: Reduce, lanes: u32) -> Variant {
    let (name, space) = match reduce {
        Reduce::Serial => ("serial", "private"),
        Reduce::Tree => ("tree", "workgroup"),
        Reduce::Subgroups => ("subgroups", "workgroup"),
    };
    let variant = variant.name("TOGETHER", name).name("SPACE", space);
    match reduce {
        Reduce::Serial => variant,
        Reduce::Tree => variant.int("LANES", lanes),
        Reduce::Subgroups => variant.int("LANES", lanes).with(Extra::Subgroups),
    }
}

fn combine(head_dim: usize) -> Variant {
    Variant::new("combine").int("DIM", dim(head_dim))
}

/// What splits of a row's keys come to, until they are combined; made when it is first needed.
#[derive(Debug, Default)]
pub struct Scratch(Option<Buffer>);

impl Scratch {
    /// Room for a few rows over the whole context.
    fn room(&mut self, rec: &mut Recorder, way: &Way<'_>) -> Result<&Buffer> {
        let vectors = (way.most_splits() * FEW) as u64 * u64::from(way.p.n_head);
        let bytes = vectors * (way.cached.head_dim as u64 + 2) * 4;
        let kept = self.0.take().filter(|kept| kept.size() >= bytes);
        let buffer = match kept {
            Some(kept) => kept,
            None => rec.buffer("splits of attention", bytes)?,
        };
        Ok(self.0.insert(buffer))
    }
}

/// How a step goes over the keys of one layer.
pub struct Way<'a> {
    tuning: &'a tuning::Attention,
    p: &'a Params,
    cached: Cached,
    pos: usize,
}

impl<'a> Way<'a> {
    /// From position `pos` on.
    pub fn new(tuning: &'a tuning::Attention, p: &'a Params, cache: &GpuCache, pos: usize) -> Self {
        let cached = Cached::of(&cache.shape);
        Self { tuning, p, cached, pos }
    }

    /// Among how many the keys of a row are shared out.
    fn splits(&self, keys: usize) -> usize {
        let wanted = keys.div_ceil(self.tuning.split.max(1) as usize).clamp(1, MAX_SPLITS);
        match self.tuning.reduce {
            Reduce::Serial => wanted.max(keys.div_ceil(self.cached.serial_keys())),
            _ => wanted,
        }
    }

    /// Most splits that this context can come to.
    fn most_splits(&self) -> usize {
        self.splits(self.p.keys(self.p.n_ctx as usize))
    }

    fn grid(&self, rows: usize) -> Grid {
        heads_grid(self.tuning.reduce, self.p.n_head, rows)
    }

    /// Records a dispatch over `rows` rows, whose keys are split in so many, and what combines them.
    fn record(
        &self,
        rec: &mut Recorder,
        scratch: &mut Scratch,
        out: &mut Tensor,
        step: (Variant, Grid, usize, usize),
        inputs: &[Binding<'_>],
    ) -> Result<()> {
        let (variant, grid, rows, splits) = step;
        let params = bytemuck::bytes_of(self.p);
        let launch = |variant, bindings, grid| Launch {
            variant,
            params,
            bindings,
            rows,
            first: splits,
            more: [0; 8],
            grid,
        };
        if splits == 1 {
            let bindings = [&[Binding::output(out)], inputs].concat();
            return rec.record(&launch(variant, &bindings, grid));
        }
        let parts = scratch.room(rec, self)?;
        let bindings = [&[Binding::write(parts)], inputs].concat();
        rec.record(&launch(variant, &bindings, grid))?;
        let head_dim = self.cached.head_dim;
        let grid = Grid::threads(self.p.n_head as usize * head_dim, 64, rows);
        let bindings = [Binding::output(out), Binding::read(parts)];
        rec.record(&launch(combine(head_dim), &bindings, grid))
    }
}

fn heads_grid(reduce: Reduce, heads: u32, rows: usize) -> Grid {
    match reduce {
        Reduce::Serial => Grid::threads(heads as usize, 8, rows),
        _ => Grid::new(heads as usize, rows),
    }
}

/// A token's or a prompt's projection, and what it goes through.
pub struct Projection<'a> {
    /// `[T, (n_head + 2*n_head_kv) * head_dim]`; [`finish_qkv`] changes the queries in it.
    pub qkv: &'a Tensor,
    /// Cos and sin of each pair, `[n_ctx, n_rot]`; without one nothing may rotate.
    pub table: Option<&'a Tensor>,
    /// `[1, (n_head + 2*n_head_kv) * head_dim]`; not together with gains.
    pub bias: Option<&'a Tensor>,
    /// Gains of the norms of queries' and keys' heads, `[1, head_dim]`.
    pub gains: Option<(&'a Tensor, &'a Tensor)>,
}

impl<'a> Projection<'a> {
    /// It goes through nothing.
    pub fn plain(qkv: &'a Tensor) -> Self {
        Self {
            qkv,
            table: None,
            bias: None,
            gains: None,
        }
    }

    fn extras(&self) -> Extras {
        match (self.bias, self.gains) {
            (Some(_), _) => Extras::Bias,
            (None, Some(_)) => Extras::Gains,
            (None, None) => Extras::None,
        }
    }

    /// The buffers from the table on; `none` stands in for a table.
    fn bind(&self, cache: &'a GpuCache, none: &'a Buffer) -> Vec<Binding<'a>> {
        let mut bindings = vec![Binding::read(self.table.map_or(none, Tensor::buffer))];
        bindings.extend(cache.scales.as_ref().map(Binding::write));
        bindings.extend(self.bias.map(Binding::input));
        if let (None, Some((q, k))) = (self.bias, self.gains) {
            bindings.extend([Binding::input(q), Binding::input(k)]);
        }
        bindings
    }
}

/// Whether [`attend`] takes a step of so many rows; others are finished first, then attended to.
pub fn in_one(tuning: &tuning::Attention, rows: usize) -> bool {
    rows == 1 && tuning.reduce != Reduce::Serial
}

/// Records one token: `out [1, n_head * head_dim]` from its projection and the cache, which gets its key and value.
pub fn attend(
    rec: &mut Recorder,
    scratch: &mut Scratch,
    way: &Way<'_>,
    out: &mut Tensor,
    projection: &Projection<'_>,
    cache: &mut GpuCache,
) -> Result<()> {
    let splits = way.splits(way.p.keys(way.pos));
    let none = rec.tokens();
    let mut inputs = vec![Binding::write(&cache.keys), Binding::write(&cache.values)];
    inputs.push(Binding::input(projection.qkv));
    inputs.extend(projection.bind(cache, &none));
    let variant = way.cached.attend(way.tuning.reduce, projection.extras());
    way.record(rec, scratch, out, (variant, way.grid(splits), 1, splits), &inputs)
}

/// Records what makes the rows of a projection ready: bias, norms, rotation; keys and values go to `pos + t`.
pub fn finish_qkv(
    rec: &mut Recorder,
    reduce: Reduce,
    p: &Params,
    projection: &Projection<'_>,
    cache: &mut GpuCache,
) -> Result<()> {
    let (none, rows) = (rec.tokens(), projection.qkv.rows());
    let mut bindings = vec![Binding::write(projection.qkv.buffer())];
    bindings.extend([Binding::write(&cache.keys), Binding::write(&cache.values)]);
    bindings.extend(projection.bind(cache, &none));
    let variant = Cached::of(&cache.shape).finish(reduce, projection.extras());
    let grid = heads_grid(reduce, p.n_head + 2 * p.n_head_kv, rows);
    rec.launch(p, variant, grid, rows, &bindings)
}

/// Records `out [T, n_head * head_dim]` from `qkv`, made ready, and the cache, which has these positions.
pub fn attention(
    rec: &mut Recorder,
    scratch: &mut Scratch,
    way: &Way<'_>,
    out: &mut Tensor,
    qkv: &Tensor,
    cache: &GpuCache,
) -> Result<()> {
    let (p, cached, rows) = (way.p, way.cached, qkv.rows());
    let keys = p.keys(way.pos + rows);
    let alone = way.tuning.reduce == Reduce::Serial && keys <= cached.serial_keys();
    let splits = if rows <= FEW { way.splits(keys) } else { 1 };
    let (variant, grid) = match rows <= FEW || alone {
        true => (cached.row(way.tuning.reduce), way.grid(rows * splits)),
        false => {
            let tiles = rows.div_ceil(cached.tile().0 as usize);
            (cached.tiles(), Grid::new(p.n_head as usize, tiles))
        }
    };
    let mut inputs = vec![Binding::read(&cache.keys), Binding::read(&cache.values)];
    inputs.push(Binding::input(qkv));
    inputs.extend(cache.scales.as_ref().map(Binding::read));
    way.record(rec, scratch, out, (variant, grid, rows, splits), &inputs)
}
