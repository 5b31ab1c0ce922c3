//! How likely a model finds a given text, token by token.

use kinglet_route::gauge::Measured;

use super::Engine;
use crate::error::{Error, Result};
use crate::model::decoder::Rows;
use crate::ops::Ops;

/// One token of a scored text, given all before it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Scored {
    /// `-ln p(token)`.
    pub nll: f32,
    /// The token that the model finds likeliest at this place (ties: lowest id).
    pub argmax: u32,
}

impl<O: Ops> Engine<O> {
    /// Scores `ids[1 ..]`, each given all before it: `ids.len() - 1` results (none for fewer than two ids).
    ///
    /// Ends a running request. Fails with [`Error::ContextOverflow`] when the text is longer than the context,
    /// with [`Error::NotFinite`] when logits are no numbers.
    pub async fn score(&mut self, ids: &[u32]) -> Result<Vec<Scored>> {
        self.check_ids("ids", ids)?;
        let n_ctx = self.n_ctx();
        // The last token is only predicted, never computed.
        let inputs = ids.len().saturating_sub(1);
        if inputs > n_ctx {
            return Err(Error::ContextOverflow {
                prompt: ids.len(),
                max_tokens: 0,
                n_ctx,
            });
        }
        self.reset();
        let result = self
            .score_chunks(&ids[..inputs], ids.get(1..).unwrap_or_default())
            .await;
        self.checked(result)
    }

    async fn score_chunks(&mut self, inputs: &[u32], targets: &[u32]) -> Result<Vec<Scored>> {
        let n_vocab = self.decoder.plan().config.n_vocab;
        let mut scored = Vec::with_capacity(targets.len());
        let chunk = self.decoder.max_scored();
        for (inputs, targets) in inputs.chunks(chunk).zip(targets.chunks(chunk)) {
            self.decoder.step(inputs, self.cached.len(), Rows::All)?;
            let logits = self.decoder.logits().await?;
            self.cached.extend_from_slice(inputs);
            for (row, &target) in logits.chunks_exact(n_vocab).zip(targets) {
                scored.push(score_row(row, target)?);
            }
        }
        Ok(scored)
    }
}

/// A row of logits with what makes probabilities of them.
pub(super) struct Row<'a> {
    logits: &'a [f32],
    argmax: u32,
    /// `ln(sum(exp(logit)))`
    log_sum_exp: f64,
    /// ln p1 - ln p2 of the two best; none where there is one only.
    margin: Option<f64>,
    /// In nats.
    entropy: f64,
}

impl<'a> Row<'a> {
    pub(super) fn new(logits: &'a [f32]) -> Self {
        let (mut best, mut second) = ((0u32, f32::NEG_INFINITY), f32::NEG_INFINITY);
        for (id, &logit) in (0u32..).zip(logits) {
            second = second.max(logit.min(best.1));
            if logit > best.1 {
                best = (id, logit);
            }
        }
        let max = f64::from(best.1);
        let (mut sum, mut weighted) = (0.0, 0.0);
        for &logit in logits {
            let behind = f64::from(logit) - max;
            let e = behind.exp();
            sum += e;
            weighted -= behind.max(-1e3) * e; // so far behind e is 0, and minus infinity times that no number
        }
        Row {
            logits,
            argmax: best.0,
            log_sum_exp: max + sum.ln(),
            margin: (logits.len() > 1).then(|| max - f64::from(second)),
            entropy: (sum.ln() + weighted / sum).max(0.0),
        }
    }

    /// The doubt at this place, if `token`, with this log-probability, is what follows.
    pub(super) fn measured(&self, token: u32, logprob: f32) -> Measured {
        Measured {
            token,
            logprob: f64::from(logprob),
            margin: self.margin,
            entropy: Some(self.entropy),
            ..Measured::default()
        }
    }

    /// `-ln p(target)`. Fails with [`Error::NotFinite`] where the logits are no distribution; an impossible target is
    /// infinitely unlikely.
    pub(super) fn nll(&self, target: u32) -> Result<f32> {
        // Ids are checked by the caller.
        let target = self.logits.get(target as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let nll = (self.log_sum_exp - f64::from(target)) as f32;
        if nll.is_nan() {
            let what = "logits that are no numbers".into();
            return Err(Error::NotFinite { what });
        }
        Ok(nll)
    }
}

fn score_row(logits: &[f32], target: u32) -> Result<Scored> {
    let row = Row::new(logits);
    Ok(Scored {
        nll: row.nll(target)?,
        argmax: row.argmax,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_log_likelihood() {
        let row = [0.0, 2f32.ln(), 2f32.ln(), -1e30];
        let scored = score_row(&row, 0).unwrap();
        assert_eq!(scored.argmax, 1);
        assert!((scored.nll - 5f32.ln()).abs() < 1e-6);
        assert!(score_row(&row, 3).unwrap().nll > 1e29);
        let banned = [0.0, f32::NEG_INFINITY];
        assert_eq!(score_row(&banned, 1).unwrap().nll, f32::INFINITY);
    }

    #[test]
    fn no_distribution_no_score() {
        for bad in [f32::NAN, f32::INFINITY] {
            for at in 0..3 {
                let mut row = [0.5, 1.0, -1.0];
                row[at] = bad;
                assert_eq!(score_row(&row, 2).unwrap_err().code(), "not_finite", "{bad} at {at}");
            }
        }
        assert_eq!(score_row(&[f32::NEG_INFINITY; 2], 0).unwrap_err().code(), "not_finite");
    }
}
