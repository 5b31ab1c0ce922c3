//! A seeded generator, for resampling and splitting in halves. Nothing that decides uses it.

use crate::hash::{GAMMA, mixed};

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). Draw `i` depends on
/// seed and `i` alone, so that another language draws the same numbers in one vector operation.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// From a seed; all seeds are good ones.
    pub fn new(seed: u64) -> Self {
        SplitMix64(seed)
    }

    /// The generator behind the first `draws` numbers of `seed`.
    pub fn skipping(seed: u64, draws: u64) -> Self {
        SplitMix64(seed.wrapping_add(draws.wrapping_mul(GAMMA)))
    }

    /// Next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mixed(self.0)
    }

    /// In `0 .. n`, for `n` up to 2^32: the upper half of (upper 32 bits times `n`). No value is likelier than another by
    /// more than `n / 2^32`.
    pub fn below(&mut self, n: u32) -> u32 {
        (((self.next_u64() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of seed 1234567, as the authors' program prints them.
    #[test]
    fn splitmix_of_its_authors() {
        let mut random = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
        assert_eq!(SplitMix64::skipping(1_234_567, 2).next_u64(), first[2]);
    }

    #[test]
    fn draws_stay_below_and_reach_all() {
        let mut random = SplitMix64::new(1);
        let mut seen = [0u32; 7];
        for _ in 0..7000 {
            seen[random.below(7) as usize] += 1;
        }
        // 1000 each; five standard deviations are 146.
        assert!(seen.iter().all(|&n| (854..=1146).contains(&n)), "{seen:?}");
        assert!((0..1000).map(|_| random.unit()).all(|u| (0.0..1.0).contains(&u)));
    }
}
