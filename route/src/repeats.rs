//! Whether an answer runs in circles: how many of its 4-grams were there before.

/// Tokens of a gram.
const GRAM: usize = 4;
/// Grams that are remembered at most (16 KB); an answer with more different ones forgets some, and then counts too few.
const SLOTS: usize = 4096;
/// Slots that are looked at for one gram.
const PROBES: usize = 8;

/// Counts the 4-grams of a sequence of tokens, and those that came before. A gram is remembered by 32 bits of its hash:
/// in an answer of 1,000 tokens one that is new is taken for an old one with a probability below 2e-6.
#[derive(Debug, Clone, Default)]
pub struct Repeats {
    last: [u32; GRAM],
    tokens: u32,
    repeated: u32,
    /// Fingerprints; 0: free. Empty until there is a gram.
    seen: Vec<u32>,
}

impl Repeats {
    /// The next token.
    pub fn push(&mut self, token: u32) {
        self.last.rotate_left(1);
        self.last[GRAM - 1] = token;
        self.tokens += 1;
        if self.tokens as usize >= GRAM {
            self.seen.resize(SLOTS, 0);
            self.gram();
        }
    }

    fn gram(&mut self) {
        // Each step of SplitMix64's finaliser mixes one token in.
        let hash = self.last.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |hash, &token| {
            let z = (hash ^ u64::from(token)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        let (home, print) = (hash as usize % SLOTS, (hash >> 32) as u32 | 1);
        for slot in (home..home + PROBES).map(|at| at % SLOTS) {
            match self.seen[slot] {
                0 => {
                    self.seen[slot] = print;
                    return;
                }
                old if old == print => {
                    self.repeated += 1;
                    return;
                }
                _ => {}
            }
        }
        self.seen[home] = print;
    }

    /// Repeated grams over all; none without a gram.
    pub fn share(&self) -> Option<f64> {
        let grams = (self.tokens as usize + 1).saturating_sub(GRAM);
        (grams > 0).then(|| f64::from(self.repeated) / grams as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn share(tokens: impl Iterator<Item = u32>) -> Option<f64> {
        let mut repeats = Repeats::default();
        tokens.for_each(|t| repeats.push(t));
        repeats.share()
    }

    fn naive(tokens: &[u32]) -> f64 {
        let mut seen = HashSet::new();
        let grams = tokens.windows(GRAM);
        let n = grams.len();
        grams.filter(|gram| !seen.insert(gram.to_vec())).count() as f64 / n as f64
    }

    #[test]
    fn short_answers_have_none() {
        assert_eq!(share([1, 1, 1].into_iter()), None);
        assert_eq!(share([1, 1, 1, 1].into_iter()), Some(0.0));
        assert_eq!(share([1, 1, 1, 1, 1].into_iter()), Some(0.5));
    }

    #[test]
    fn is_what_a_set_counts() {
        let mut state = 7u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((state >> 33) % n) as u32
        };
        for kinds in [2, 3, 5, 50, 32_000] {
            let tokens: Vec<u32> = (0..1000).map(|_| below(kinds)).collect();
            assert_eq!(share(tokens.iter().copied()), Some(naive(&tokens)), "{kinds}");
        }
    }

    #[test]
    fn a_circle_of_any_length_is_seen_and_a_long_answer_stays_bounded() {
        for length in [1, 7, 500, 2000] {
            let circle = (0..10_000).map(|i| i % length);
            let seen = share(circle).unwrap();
            assert!(seen > 0.75, "{length}: {seen}");
        }
        // 10^5 different grams in 4096 slots: none is taken for another.
        assert_eq!(share(0..100_000), Some(0.0));
    }
}
