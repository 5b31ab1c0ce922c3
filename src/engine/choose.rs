//! Which of several given answers a model finds likeliest, and how likely it finds each.
//!
//! The score of an answer is the sum of the log-probabilities of its tokens, the last of which ends it: the model's own
//! probabilities, over the whole vocabulary. The answers, sorted, are a tree of common beginnings. It is searched best
//! first: no answer is likelier than its beginning, so what lies behind an unlikely beginning need not be computed, and
//! what was left out is bounded. The prompt stays in the cache; going from one branch to another only rewinds.

use std::rc::Rc;
use std::slice::ChunksExact;

use kinglet_route::gauge::Measured;

use super::score::Row;
use super::{Engine, Timings, Token};
use crate::error::{Error, Result};
use crate::model::decoder::Rows;
use crate::ops::Ops;
use crate::sampler::{Sampler, SamplerConfig};

/// How far to search.
#[derive(Debug, Clone, PartialEq)]
pub struct ChooseOptions {
    /// Answers that were not computed to their end have together at most this share of the probability of those that
    /// were. 0: every answer is computed (unless its probability is exactly 0).
    pub epsilon: f64,
    /// Answers (their indices) that are always computed to their end.
    pub always: Vec<usize>,
    /// The answer that means none of the others; it is always computed to its end, too.
    pub none: Option<usize>,
    /// For each token of the chosen answer: how many of the best tokens at its place are reported.
    pub top_logprobs: usize,
}

impl Default for ChooseOptions {
    fn default() -> Self {
        Self {
            epsilon: 1e-3,
            always: Vec::new(),
            none: None,
            top_logprobs: 0,
        }
    }
}

impl ChooseOptions {
    /// Answers that are computed whatever they are worth.
    fn wanted(&self) -> impl Iterator<Item = usize> {
        self.always.iter().copied().chain(self.none)
    }
}

/// How likely one answer is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct AnswerScore {
    /// Natural logarithm of the answer's probability, or an upper bound of it.
    pub logprob: f64,
    /// The answer was not computed to its end: `logprob` is that of its beginning.
    pub bound: bool,
}

/// What [`Engine::choose`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Index of the likeliest answer; of equals, the first.
    pub best: usize,
    /// One for each answer, in the order given.
    pub scores: Vec<AnswerScore>,
    /// Natural logarithm of a bound of the probability of all answers that were not computed to their end, together.
    pub rest: f64,
    /// The tokens of the best answer, with the one that ends it.
    pub tokens: Vec<Token>,
    /// `prefill_ms`: until the first token's probabilities were known; `decode_ms`: the search behind them;
    /// `generated_tokens`: tokens behind the prompt that the search computed.
    pub timings: Timings,
}

/// Answers with a common beginning: `sorted[from..to]`, which share their first `depth` tokens.
struct Node {
    from: usize,
    to: usize,
    depth: usize,
    /// Of the common beginning.
    logprob: f64,
    trail: Trail,
}

/// The log-probability of each token on the way, the doubt at its place, and the best tokens there.
type Trail = Vec<(f32, Measured, Rc<[(u32, f32)]>)>;

/// The state of a search.
struct Search<'a> {
    prompt: &'a [u32],
    answers: &'a [Vec<u32>],
    /// Indices of `answers` in lexicographic order of tokens.
    sorted: Vec<usize>,
    frontier: Vec<Node>,
    /// For each answer that was computed to its end.
    done: Vec<Option<(f64, Trail)>>,
    top: Sampler,
}

impl<O: Ops> Engine<O> {
    /// Scores `answers` as continuations of `prompt`. An answer's last token is the one that ends it, so that no answer
    /// is the beginning of another. At least the two best answers are computed to their end.
    ///
    /// Ends a running request; what the cache holds of the prompt is reused, as by [`Engine::start`].
    ///
    /// Fails with [`Error::InvalidRequest`] for an empty prompt, no or empty answers, answers that are not told apart,
    /// unknown tokens or answers; with [`Error::ContextOverflow`] when prompt and longest answer do not fit; with
    /// [`Error::NotFinite`] when logits are no numbers.
    pub async fn choose(&mut self, prompt: &[u32], answers: &[Vec<u32>], options: &ChooseOptions) -> Result<Chosen> {
        self.end();
        self.check_ids("prompt", prompt)?;
        answers.iter().try_for_each(|ids| self.check_ids("answers", ids))?;
        let longest = answers.iter().map(Vec::len).max().unwrap_or(0);
        // The last token is only predicted, never computed.
        if prompt.len() + longest.saturating_sub(1) > self.n_ctx() {
            return Err(Error::ContextOverflow {
                prompt: prompt.len(),
                max_tokens: longest,
                n_ctx: self.n_ctx(),
            });
        }
        let search = Search::new(prompt, answers, options)?;
        let chosen = self.search(search, options).await;
        self.checked(chosen)
    }

    /// Reads one chunk of what the cache lacks of `prompt`, while that is more than one: a moment to stop before
    /// [`Engine::choose`], which computes the same steps. False: there is no more to read ahead.
    ///
    /// Ends a running request. Fails with [`Error::InvalidRequest`] for unknown tokens; the caller has seen that it fits.
    pub async fn read_ahead(&mut self, prompt: &[u32]) -> Result<bool> {
        self.end();
        self.check_ids("prompt", prompt)?;
        let (n_batch, last) = (self.decoder.plan().n_batch, prompt.len().saturating_sub(1));
        self.cached.truncate(self.common(prompt).min(last));
        let pos = self.cached.len();
        if prompt.len() - pos <= n_batch {
            return Ok(false);
        }
        let read = self.read_chunk(&prompt[pos..(pos + n_batch).min(last)], pos).await;
        self.checked(read)
    }

    async fn read_chunk(&mut self, chunk: &[u32], pos: usize) -> Result<bool> {
        self.decoder.step(chunk, pos, Rows::None)?;
        self.decoder.settle().await?;
        self.cached.extend_from_slice(chunk);
        Ok(true)
    }

    async fn search(&mut self, mut search: Search<'_>, options: &ChooseOptions) -> Result<Chosen> {
        let begun = (self.clock)();
        let mut timings = Timings {
            prompt_tokens: search.prompt.len(),
            reused_tokens: self.common(search.prompt).min(search.prompt.len() - 1),
            ..Timings::default()
        };
        let mut prefilled = begun;
        while let Some(node) = search.next(options) {
            let root = node.depth == 0;
            timings.generated_tokens += self.expand(&mut search, node).await?;
            if root {
                prefilled = (self.clock)();
            }
        }
        timings.prefill_ms = prefilled - begun;
        timings.decode_ms = (self.clock)() - prefilled;
        search.chosen(timings)
    }

    /// Computes a node's children. Where all its answers go on alike, it computes that far in the same step.
    async fn expand(&mut self, search: &mut Search<'_>, node: Node) -> Result<usize> {
        let (first, last) = (search.tokens(node.from), search.tokens(node.to - 1));
        let alike = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let reach = alike.min(first.len() - 1);
        let path = [search.prompt, &first[..reach]].concat();
        let computed = path.len() - self.common(&path).min(search.prompt.len() + node.depth - 1);
        let logits = self.logits_behind(&path, search.prompt.len() + node.depth - 1).await?;
        let n_vocab = self.decoder.plan().config.n_vocab;
        search.grow(node, reach, logits.chunks_exact(n_vocab))?;
        Ok(computed.min(reach))
    }

    /// How much of `tokens` the cache holds.
    fn common(&self, tokens: &[u32]) -> usize {
        self.cached.iter().zip(tokens).take_while(|(a, b)| a == b).count()
    }

    /// The logits behind each of `tokens[first ..]`, `[tokens.len() - first, n_vocab]`; computes what the cache lacks.
    async fn logits_behind(&mut self, tokens: &[u32], first: usize) -> Result<Vec<f32>> {
        self.cached.truncate(self.common(tokens).min(first));
        let mut logits = Vec::new();
        while self.cached.len() < tokens.len() {
            let pos = self.cached.len();
            let left = tokens.len() - pos;
            let n_batch = self.decoder.plan().n_batch;
            let (count, rows) = if first + 1 == tokens.len() && left <= n_batch {
                (left, Rows::Last)
            } else if pos < first {
                (n_batch.min(first - pos), Rows::None)
            } else {
                (left.min(self.decoder.max_scored()), Rows::All)
            };
            let step = &tokens[pos..pos + count];
            self.decoder.step(step, pos, rows)?;
            match rows {
                Rows::None | Rows::Hidden => self.decoder.settle().await?,
                Rows::Last | Rows::All => logits.extend(self.decoder.logits().await?),
            }
            self.cached.extend_from_slice(step);
        }
        Ok(logits)
    }
}

/// Once, not inlined into the search of each backend: a page downloads it.
impl<'a> Search<'a> {
    #[inline(never)]
    fn new(prompt: &'a [u32], answers: &'a [Vec<u32>], options: &ChooseOptions) -> Result<Self> {
        if prompt.is_empty() {
            return Err(Error::invalid("prompt", "at least one token", "none"));
        }
        if answers.is_empty() || answers.iter().any(Vec::is_empty) {
            let expected = "at least one answer, each of at least one token";
            return Err(Error::invalid("answers", expected, "none"));
        }
        if let Some(index) = options.wanted().find(|&index| index >= answers.len()) {
            let expected = format!("indices below {}", answers.len());
            return Err(Error::invalid("always", expected, index));
        }
        let mut sorted: Vec<usize> = (0..answers.len()).collect();
        sorted.sort_by(|&a, &b| answers[a].cmp(&answers[b]));
        if let Some(pair) = sorted.windows(2).find(|w| answers[w[1]].starts_with(&answers[w[0]])) {
            let expected = "answers none of which begins with, or equals, another";
            let got = format!("answer {} beginning with answer {}", pair[1], pair[0]);
            return Err(Error::invalid("answers", expected, got));
        }
        Ok(Search {
            prompt,
            answers,
            frontier: vec![Node {
                from: 0,
                to: sorted.len(),
                depth: 0,
                logprob: 0.0,
                trail: Vec::new(),
            }],
            sorted,
            done: vec![None; answers.len()],
            top: Sampler::new(SamplerConfig {
                top_logprobs: options.top_logprobs,
                ..SamplerConfig::default()
            })?,
        })
    }

    /// Tokens of an answer by its place in the order.
    fn tokens(&self, place: usize) -> &'a [u32] {
        &self.answers[self.sorted[place]]
    }

    /// Log-probabilities of what was computed to its end, best first.
    fn finished(&self) -> Vec<f64> {
        let mut finished: Vec<f64> = self.done.iter().flatten().map(|d| d.0).collect();
        finished.sort_by(|a, b| b.total_cmp(a));
        finished
    }

    /// The node to compute next: the likeliest one, until enough is known; then those of the answers always wanted.
    #[inline(never)]
    fn next(&mut self, options: &ChooseOptions) -> Option<Node> {
        // The first of equals, so that the search is the same everywhere.
        let best = (0..self.frontier.len()).reduce(|a, b| {
            if self.frontier[b].logprob > self.frontier[a].logprob {
                b
            } else {
                a
            }
        })?;
        let likeliest = self.frontier[best].logprob;
        let finished = self.finished();
        let two = finished.get(1).is_some_and(|&second| second >= likeliest);
        let impossible = likeliest == f64::NEG_INFINITY && !finished.is_empty();
        let covered = self.rest() <= log_sum(&finished) + options.epsilon.ln();
        if !(two && covered || impossible) {
            return Some(self.frontier.swap_remove(best));
        }
        let wanted = |n: &Node| options.wanted().any(|i| self.sorted[n.from..n.to].contains(&i));
        let at = self.frontier.iter().position(wanted)?;
        Some(self.frontier.swap_remove(at))
    }

    /// Bound of the probability of everything not computed to its end.
    fn rest(&self) -> f64 {
        log_sum(&self.frontier.iter().map(|n| n.logprob).collect::<Vec<_>>())
    }

    /// Takes a node's rows: one for each token from `depth` to `reach`, at which its answers part (or one ends).
    #[inline(never)]
    fn grow(&mut self, mut node: Node, reach: usize, mut rows: ChunksExact<'_, f32>) -> Result<()> {
        let short = || Error::internal("fewer rows of logits than tokens to score");
        for &token in &self.tokens(node.from)[node.depth..reach] {
            let logits = rows.next().ok_or_else(short)?;
            self.follow(&mut node, &Row::new(logits), &self.best_tokens(logits)?, token)?;
        }
        let logits = rows.next().ok_or_else(short)?;
        let (row, best) = (Row::new(logits), self.best_tokens(logits)?);
        let mut from = node.from;
        while from < node.to {
            let token = self.tokens(from)[reach];
            let to = (from..node.to)
                .find(|&i| self.tokens(i)[reach] != token)
                .unwrap_or(node.to);
            let mut child = Node {
                from,
                to,
                depth: reach,
                logprob: node.logprob,
                trail: node.trail.clone(),
            };
            self.follow(&mut child, &row, &best, token)?;
            if self.tokens(from).len() == child.depth {
                self.done[self.sorted[from]] = Some((child.logprob, child.trail));
            } else {
                self.frontier.push(child);
            }
            from = to;
        }
        Ok(())
    }

    fn follow(&self, node: &mut Node, row: &Row<'_>, best: &Rc<[(u32, f32)]>, token: u32) -> Result<()> {
        let logprob = -row.nll(token)?;
        node.logprob += f64::from(logprob);
        node.trail.push((logprob, row.measured(token, logprob), best.clone()));
        node.depth += 1;
        Ok(())
    }

    fn best_tokens(&self, logits: &[f32]) -> Result<Rc<[(u32, f32)]>> {
        Ok(match self.top.config().top_logprobs {
            0 => Rc::new([]),
            _ => self.top.clone().sample_row(logits)?.top.into(),
        })
    }

    #[inline(never)]
    fn chosen(self, timings: Timings) -> Result<Chosen> {
        let rest = self.rest();
        let mut scores: Vec<AnswerScore> = vec![
            AnswerScore {
                logprob: f64::NEG_INFINITY,
                bound: true
            };
            self.answers.len()
        ];
        for node in &self.frontier {
            for &answer in &self.sorted[node.from..node.to] {
                scores[answer].logprob = node.logprob;
            }
        }
        for (score, done) in scores.iter_mut().zip(&self.done) {
            if let Some((logprob, _)) = done {
                *score = AnswerScore {
                    logprob: *logprob,
                    bound: false,
                };
            }
        }
        let finished = (0..scores.len()).filter(|&i| !scores[i].bound);
        let best = finished
            .reduce(|a, b| if scores[b].logprob > scores[a].logprob { b } else { a })
            .ok_or_else(|| Error::internal("a search that ended without an answer"))?;
        let trail = self.done[best].as_ref().map_or(&[][..], |d| &d.1);
        let tokens = self.answers[best].iter().zip(trail);
        Ok(Chosen {
            best,
            rest,
            tokens: tokens
                .map(|(&id, (logprob, measured, top))| Token {
                    id,
                    logprob: *logprob,
                    top: top.to_vec(),
                    measured: Some(*measured),
                })
                .collect(),
            scores,
            timings,
        })
    }
}

/// `ln(sum(exp(x)))`; of nothing: minus infinity.
fn log_sum(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + x.iter().map(|x| (x - max).exp()).sum::<f64>().ln()
}
