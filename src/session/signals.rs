//! What an answer's probabilities say of its doubt: a few numbers for each answer, the raw material of calibration.

use serde::Serialize;

use super::TokenLogprob;

/// Statistics of the log-probabilities of an answer's tokens. An answer without tokens has none: all are null.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Signals {
    /// Log-probability of each token.
    pub token_logprobs: Vec<f32>,
    /// Their mean.
    pub mean_logprob: Option<f64>,
    /// The smallest.
    pub min_logprob: Option<f64>,
    /// That of the first token.
    pub first_logprob: Option<f64>,
    /// Mean over tokens of p1 - p2, the probabilities of the two best tokens at its place. Needs two top log-probabilities.
    pub mean_margin: Option<f64>,
    /// Mean over tokens of the entropy at its place, in nats: of the top log-probabilities that were asked for, all other
    /// tokens counted as one more (so it is a lower bound of the entropy of the whole vocabulary).
    pub mean_entropy: Option<f64>,
}

impl Signals {
    /// Statistics of the tokens of one answer.
    pub fn of(tokens: &[TokenLogprob]) -> Self {
        let logprobs: Vec<f32> = tokens.iter().map(|t| t.logprob).collect();
        let tops: Option<Vec<Vec<f64>>> = tokens.iter().map(top).collect();
        let tops = tops.unwrap_or_default();
        Signals {
            mean_logprob: mean(logprobs.iter().map(|&l| f64::from(l))),
            min_logprob: logprobs.iter().map(|&l| f64::from(l)).reduce(f64::min),
            first_logprob: logprobs.first().map(|&l| f64::from(l)),
            mean_margin: mean(tops.iter().map(|top| top[0] - top[1])),
            mean_entropy: mean(tops.iter().map(|top| entropy(top))),
            token_logprobs: logprobs,
        }
    }
}

/// Probabilities of the best tokens at a token's place; none where fewer than two were asked for.
fn top(token: &TokenLogprob) -> Option<Vec<f64>> {
    let top = token.top_logprobs.as_ref().filter(|top| top.len() >= 2)?;
    Some(top.iter().map(|t| f64::from(t.logprob).exp()).collect())
}

fn entropy(top: &[f64]) -> f64 {
    let others = (1.0 - top.iter().sum::<f64>()).max(0.0);
    let terms = top.iter().chain([&others]).filter(|&&p| p > 0.0);
    terms.map(|p| -p * p.ln()).sum()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| values.sum::<f64>() / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(p: f32, top: &[f32]) -> TokenLogprob {
        let entry = |p: f32| TokenLogprob {
            token: String::new(),
            logprob: p.ln(),
            bytes: vec![],
            top_logprobs: None,
        };
        TokenLogprob {
            top_logprobs: Some(top.iter().map(|&p| entry(p)).collect()),
            ..entry(p)
        }
    }

    #[test]
    fn of_two_tokens() {
        let s = Signals::of(&[token(0.5, &[0.5, 0.25]), token(0.25, &[0.75, 0.25])]);
        let near =
            |got: Option<f64>, want: f64| assert!((got.expect("a number") - want).abs() < 1e-6, "{got:?} {want}");
        near(s.mean_logprob, (0.5f64.ln() + 0.25f64.ln()) / 2.0);
        near(s.min_logprob, 0.25f64.ln());
        near(s.first_logprob, 0.5f64.ln());
        near(s.mean_margin, (0.25 + 0.5) / 2.0);
        // 1/2, 1/4 and the remaining 1/4; 3/4 and 1/4
        let first = 1.5 * 2f64.ln();
        let second = -0.75 * 0.75f64.ln() - 0.25 * 0.25f64.ln();
        near(s.mean_entropy, (first + second) / 2.0);
    }

    #[test]
    fn nothing_said_and_nothing_asked_for() {
        assert_eq!(Signals::of(&[]), Signals::default());
        let s = Signals::of(&[token(0.5, &[])]);
        assert_eq!((s.token_logprobs.len(), s.mean_margin, s.mean_entropy), (1, None, None));
    }
}
