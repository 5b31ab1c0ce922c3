//! Prompt lookup: where the last tokens stood before, what followed them then may follow again.
//!
//! Saxena, "Prompt Lookup Decoding" (2023); here the longest match wins, the latest of several, and a match that reaches
//! the end goes on into what it proposes, so that a repetition is followed for as long as is asked.

use super::pace::Trust;

/// Fewer tokens than this say nothing of what follows.
const SHORTEST: usize = 2;
/// Matches are not told apart beyond it.
const LONGEST: usize = 16;

/// Where the text is to be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Index of the token that followed.
    next: usize,
    /// Tokens that agree.
    length: usize,
}

impl Found {
    /// How likely it is to go on as it did.
    pub fn trust(self) -> Trust {
        match self.length {
            ..=2 => Trust::Low,
            3..=5 => Trust::Fair,
            _ => Trust::High,
        }
    }

    /// The `n` tokens that followed.
    pub fn proposals(self, tokens: &[u32], n: usize) -> Vec<u32> {
        let mut proposals = Vec::with_capacity(n);
        for at in self.next..self.next + n {
            let beyond = at.checked_sub(tokens.len()).and_then(|i| proposals.get(i));
            proposals.extend(tokens.get(at).or(beyond).copied());
        }
        proposals
    }
}

/// The longest end of `tokens` that stands in them before, of at least two.
pub fn find(tokens: &[u32]) -> Option<Found> {
    let mut best: Option<Found> = None;
    for next in (SHORTEST..tokens.len()).rev() {
        let pairs = tokens[..next].iter().rev().zip(tokens.iter().rev()).take(LONGEST);
        let length = pairs.take_while(|(a, b)| a == b).count();
        if length >= SHORTEST && best.is_none_or(|best| best.length < length) {
            best = Some(Found { next, length });
            if length == LONGEST {
                break;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposals(tokens: &[u32], n: usize) -> Option<Vec<u32>> {
        find(tokens).map(|found| found.proposals(tokens, n))
    }

    #[test]
    fn what_followed_before_is_proposed() {
        assert_eq!(proposals(&[1, 2, 3, 4, 5, 9, 1, 2], 3), Some(vec![3, 4, 5]));
        assert_eq!(proposals(&[1, 2, 3, 4, 5, 9, 1, 2], 0), Some(vec![]));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        for tokens in [&[][..], &[7], &[7, 7], &[1, 2, 3, 4], &[1, 9, 2, 9]] {
            assert_eq!(find(tokens), None, "{tokens:?}");
        }
    }

    #[test]
    fn the_longest_match_wins_and_the_latest_of_several() {
        // "2 3" stands twice with another successor; only the first is preceded by 1.
        assert_eq!(proposals(&[1, 2, 3, 40, 2, 3, 50, 1, 2, 3], 1), Some(vec![40]));
        assert_eq!(proposals(&[2, 3, 40, 2, 3, 50, 2, 3], 1), Some(vec![50]));
    }

    #[test]
    fn a_repetition_goes_on() {
        assert_eq!(proposals(&[5, 6, 7, 5, 6, 7, 5], 7), Some(vec![6, 7, 5, 6, 7, 5, 6]));
        assert_eq!(proposals(&[8, 8, 8], 4), Some(vec![8; 4]));
    }

    #[test]
    fn a_longer_match_is_trusted_more() {
        let repeated = |n: u32| [(0..n).collect::<Vec<_>>(), vec![99], (0..n).collect()].concat();
        let trust = |n| find(&repeated(n)).map(Found::trust);
        assert_eq!(trust(1), None);
        assert_eq!(trust(2), Some(Trust::Low));
        assert_eq!(trust(3), Some(Trust::Fair));
        assert_eq!(trust(6), Some(Trust::High));
        assert_eq!(trust(400), Some(Trust::High));
    }
}
