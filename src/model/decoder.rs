//! The forward pass of a decoder-only transformer, written once against the vocabulary of operations.
//!
//! ```text
//! x  = embedding[tokens]                                              [T, n_embd]
//! for each block:
//!     q, k, v = rope(W_qkv · norm(x));  cache <- k, v
//!     x += W_o · attention(q, cache)
//!     x += W_down · (silu(W_gate · norm(x)) * (W_up · norm(x)))
//! logits = W_out · norm(x[the rows that are asked for])               [rows, n_vocab]
//! ```
//!
//! All memory is allocated at load; a step allocates nothing.

mod profile;

pub use profile::{Profile, ProfileRow};

use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::config::DecoderConfig;
use crate::model::identity::Identity;
use crate::model::loader::{OnProgress, Phase, Weights, report};
use crate::model::plan::{DecoderOptions, Plan};
use crate::ops::{
    AttendStage, AttentionShape, Draw, Find, Found, GateUpStage, HeadStage, Ops, QkvStage, RopeShape, TOP_K_MAX, Ticket,
};

/// Which rows of a step go through the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// None: a chunk of a prompt that is not its last.
    None,
    /// The last one: the next token is wanted.
    Last,
    /// None, but every one goes through the output norm, to be read by [`Decoder::hidden`].
    Hidden,
    /// Every one: a text is scored. At most [`Decoder::max_scored`] tokens.
    All,
}

/// What a step computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// These.
    Tokens(&'a [u32]),
    /// The one that the search of the step before guesses: see [`Ops::begin_chained`].
    Chained,
}

impl Input<'_> {
    fn len(self) -> usize {
        match self {
            Input::Tokens(tokens) => tokens.len(),
            Input::Chained => 1,
        }
    }
}

/// Activations, `[n_batch, ..]` (the head's: `[n_head_rows, ..]`), reused by every block and step.
struct State<O: Ops> {
    x: O::Tensor,
    xb: O::Tensor,
    /// Result of a residual projection before it is added, where a backend does not fuse the two.
    tmp: O::Tensor,
    qkv: O::Tensor,
    att: O::Tensor,
    gate_up: O::Tensor,
    act: O::Tensor,
    head_x: O::Tensor,
    head_xb: O::Tensor,
    logits: O::Tensor,
}

impl<O: Ops> State<O> {
    fn new(ops: &mut O, plan: &Plan) -> Result<Self> {
        let c = &plan.config;
        let (batch, head) = (plan.n_batch, plan.n_head_rows);
        Ok(State {
            x: ops.tensor(batch, c.n_embd)?,
            xb: ops.tensor(batch, c.n_embd)?,
            tmp: ops.tensor(batch, c.n_embd)?,
            qkv: ops.tensor(batch, plan.heads().cols())?,
            att: ops.tensor(batch, c.n_head * c.head_dim)?,
            gate_up: ops.tensor(batch, 2 * c.n_ff)?,
            act: ops.tensor(batch, c.n_ff)?,
            head_x: ops.tensor(head, c.n_embd)?,
            head_xb: ops.tensor(head, c.n_embd)?,
            logits: ops.tensor(head, c.n_vocab)?,
        })
    }

    fn set_rows(&mut self, ops: &mut O, rows: usize) {
        let blocks = [&mut self.x, &mut self.xb, &mut self.tmp, &mut self.qkv, &mut self.att];
        for t in blocks.into_iter().chain([&mut self.gate_up, &mut self.act]) {
            ops.set_rows(t, rows);
        }
    }

    fn set_head_rows(&mut self, ops: &mut O, rows: usize) {
        for t in [&mut self.head_x, &mut self.head_xb, &mut self.logits] {
            ops.set_rows(t, rows);
        }
    }
}

/// A loaded model on a backend. Knows positions, not texts: what the cache holds is the caller's business.
pub struct Decoder<O: Ops> {
    ops: O,
    plan: Plan,
    weights: Weights<O>,
    state: State<O>,
    identity: Identity,
}

impl<O: Ops> Decoder<O> {
    /// Plans, checks memory ([`Error::TooLarge`]) before anything is allocated, allocates everything before anything is read, and streams the weights. A backend that compiles does it meanwhile.
    pub async fn load(
        mut ops: O,
        gguf: &GgufFile,
        config: DecoderConfig,
        options: &DecoderOptions,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self> {
        let plan = Plan::new(gguf, config, options)?;
        plan.check(ops.limits())?;
        let state = State::new(&mut ops, &plan)?;
        let weights = Weights::allocate(&mut ops, &plan)?;
        let mut decoder = Self {
            ops,
            plan,
            weights,
            state,
            identity: Identity::default(),
        };
        if O::COMPILES {
            decoder.ops.settle().await?; // refused memory is known only now
            report(on_progress, Phase::Compile, 0, 0)?;
            decoder.rehearse()?;
        }
        let Self { ops, plan, weights, .. } = &mut decoder;
        decoder.identity = weights.fill(ops, gguf, plan, on_progress).await?;
        Ok(decoder)
    }

    /// Records steps of every kind without running them: every operation is compiled and bound before a request needs it, and
    /// in a browser while the file still downloads.
    fn rehearse(&mut self) -> Result<()> {
        let batch = vec![0; self.plan.n_batch];
        let find = Find {
            k: TOP_K_MAX,
            draw: Draw::GREEDY,
        };
        for rows in O::RUNGS.iter().copied().chain([batch.len(), 1]) {
            self.ops.hold();
            self.search(Input::Tokens(&batch[..rows.min(batch.len())]), 0, &find)?;
            self.ops.discard()?;
        }
        // A token behind a long context takes another way than one behind none.
        self.search(Input::Tokens(&batch[..1]), self.plan.n_ctx - 1, &find)?;
        self.ops.discard()
    }

    /// Sizes and memory.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Which model it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The backend.
    pub fn ops(&self) -> &O {
        &self.ops
    }

    /// Most tokens of a step with [`Rows::All`].
    pub fn max_scored(&self) -> usize {
        self.plan.n_head_rows
    }

    /// Runs `tokens` at positions `pos ..`: writes their keys and values, and leaves the logits of `rows` to be read.
    ///
    /// Positions before `pos` must have been written. Fails with [`Error::Internal`] beyond the context or batch.
    pub fn step(&mut self, tokens: &[u32], pos: usize, rows: Rows) -> Result<()> {
        self.record(Input::Tokens(tokens), pos, rows)?;
        self.ops.submit()
    }

    /// Records a step of which the next token is wanted, with the search for its best logits; [`Decoder::submit`] hands it
    /// over.
    pub fn search(&mut self, input: Input<'_>, pos: usize, find: &Find) -> Result<Ticket> {
        self.record(input, pos, Rows::Last)?;
        self.ops.search(&self.state.logits, find)
    }

    /// What a submitted search has found.
    pub async fn found(&mut self, ticket: Ticket) -> Result<Found> {
        self.ops.found(&self.state.logits, ticket).await
    }

    /// Hands over a step of which the next token is wanted, and asks for all its logits.
    pub fn step_asking(&mut self, tokens: &[u32], pos: usize) -> Result<Ticket> {
        self.record(Input::Tokens(tokens), pos, Rows::Last)?;
        let ticket = self.ops.ask(&self.state.logits)?;
        self.ops.submit()?;
        Ok(ticket)
    }

    /// The logits of a [`Decoder::step_asking`].
    pub async fn asked(&mut self, ticket: Ticket) -> Result<Vec<f32>> {
        self.ops.asked(&self.state.logits, ticket).await
    }

    /// Hands over what was recorded.
    pub fn submit(&mut self) -> Result<()> {
        self.ops.submit()
    }

    fn record(&mut self, input: Input<'_>, pos: usize, rows: Rows) -> Result<()> {
        self.check(input, pos, rows)?;
        let Self {
            ops,
            plan,
            weights,
            state,
            ..
        } = self;
        let c = &plan.config;
        let heads = plan.heads();
        let rope = RopeShape {
            heads,
            n_rot: c.rope.n_rot,
            order: c.rope.order,
        };
        let attention = AttentionShape {
            heads,
            scale: 1.0 / (c.head_dim as f32).sqrt(),
            window: plan.window,
        };

        match input {
            Input::Tokens(tokens) => ops.begin(pos, tokens)?,
            Input::Chained => ops.begin_chained(pos)?,
        }
        state.set_rows(ops, input.len());
        ops.stage("embed");
        ops.embed(&mut state.x, &weights.token_embd)?;
        for layer in &mut weights.layers {
            ops.attend(AttendStage {
                out: &mut state.att,
                qkv: QkvStage {
                    qkv: &mut state.qkv,
                    xb: &mut state.xb,
                    cache: &mut layer.cache,
                    x: &state.x,
                    norm: &layer.attn_norm,
                    eps: c.norm_eps,
                    w: &layer.qkv,
                    bias: layer.qkv_bias.as_ref(),
                    head_norms: layer.head_norms.as_ref().map(|(q, k)| (q, k)),
                    table: &weights.rope_table,
                    rope,
                },
                attention,
            })?;
            ops.stage("attn_output");
            ops.matmul_add(&mut state.x, &mut state.tmp, &layer.attn_output, &state.att)?;
            ops.stage("gate_up");
            ops.gate_up(GateUpStage {
                act: &mut state.act,
                gate_up: &mut state.gate_up,
                xb: &mut state.xb,
                x: &state.x,
                norm: &layer.ffn_norm,
                eps: c.norm_eps,
                w: &layer.gate_up,
            })?;
            ops.stage("ffn_down");
            ops.matmul_add(&mut state.x, &mut state.tmp, &layer.ffn_down, &state.act)?;
        }
        ops.stage("head");
        let (first, count) = match rows {
            Rows::None => return Ok(()),
            Rows::Hidden => {
                return ops.rms_norm(&mut state.xb, &state.x, &weights.output_norm, c.norm_eps);
            }
            Rows::Last => (input.len() - 1, 1),
            Rows::All => (0, input.len()),
        };
        state.set_head_rows(ops, count);
        // Where all rows are wanted they need not be picked.
        let x = if count == input.len() {
            &state.x
        } else {
            ops.copy_rows(&mut state.head_x, &state.x, first)?;
            &state.head_x
        };
        ops.head(HeadStage {
            logits: &mut state.logits,
            xb: &mut state.head_xb,
            x,
            norm: &weights.output_norm,
            eps: c.norm_eps,
            w: weights.output.as_ref().unwrap_or(&weights.token_embd),
        })
    }

    /// The logits that the last step left, `[rows, n_vocab]`.
    pub async fn logits(&mut self) -> Result<Vec<f32>> {
        self.ops.download(&self.state.logits).await
    }

    /// The hidden states that the last step left with [`Rows::Hidden`], `[T, n_embd]`.
    pub async fn hidden(&mut self) -> Result<Vec<f32>> {
        self.ops.download(&self.state.xb).await
    }

    /// See [`Ops::kick`].
    pub fn kick(&mut self, every_ms: Option<u32>) {
        self.ops.kick(every_ms);
    }

    /// Waits for the work so far, so that steps without a readback do not pile up.
    pub async fn settle(&mut self) -> Result<()> {
        self.ops.settle().await
    }

    fn check(&self, input: Input<'_>, pos: usize, rows: Rows) -> Result<()> {
        let most = if rows == Rows::All {
            self.plan.n_head_rows
        } else {
            self.plan.n_batch
        };
        let n_vocab = self.plan.config.n_vocab;
        let count = input.len();
        if count == 0 || count > most {
            return Err(Error::internal(format!(
                "a step of {count} tokens, 1 to {most} expected"
            )));
        }
        if pos.saturating_add(count) > self.plan.n_ctx {
            return Err(Error::internal(format!("position {pos} + {count} beyond the context")));
        }
        let Input::Tokens(tokens) = input else {
            return Ok(());
        };
        match tokens.iter().find(|&&id| id as usize >= n_vocab) {
            Some(id) => Err(Error::internal(format!(
                "token {id} beyond the vocabulary of {n_vocab}"
            ))),
            None => Ok(()),
        }
    }
}
