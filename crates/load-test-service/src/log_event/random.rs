//! Random numbers that stay the same for the same seed, whatever the versions of our dependencies.
//!
//! `rand` reserves the right to change what its standard generator gives for a seed; a corpus that
//! must be byte-identical needs one that is written down. Not for secrets.

/// `SplitMix64`.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

/// The increment of `SplitMix64`: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Starts the sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        scramble(self.state)
    }

    /// A number from 0 to below `end`; `end` is at least 1. The bias is below 2^-32 for the small
    /// ends used here.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number from 0.0 to below 1.0.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True this often.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// One of `items`, which is not empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// One of `items` by weight; the first where all weights are zero.
    pub fn pick_weighted<'a, T>(&mut self, items: &'a [(T, u32)]) -> &'a T {
        let total: u64 = items.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total.max(1));
        for (item, weight) in items {
            if left < u64::from(*weight) {
                return item;
            }
            left -= u64::from(*weight);
        }
        &items[0].0
    }

    /// An index from 0 to below `end`, the low ones far more often: the square of a fraction.
    pub fn skewed(&mut self, end: usize) -> usize {
        let fraction = self.fraction();
        ((fraction * fraction * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// A log-normal number around `median`; two thirds lie within a factor of e^`sigma`.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        // Box-Muller; the first fraction is kept above zero for the logarithm.
        let (a, b) = (1.0 - self.fraction(), self.fraction());
        let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        median * (sigma * normal).exp()
    }
}

/// A well-mixed number for each (seed, number), without a sequence to step through.
pub fn mix(seed: u64, number: u64) -> u64 {
    scramble(
        scramble(seed.wrapping_add(GOLDEN))
            .wrapping_add(number)
            .wrapping_mul(GOLDEN),
    )
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_published_reference_code() {
        // First outputs of splitmix64.c (Vigna) for the seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn weights_are_kept_to() {
        let mut random = Random::new(1);
        let items = [("rare", 10), ("never", 0), ("often", 90)];
        let often = (0..10_000)
            .filter(|_| *random.pick_weighted(&items) == "often")
            .count();
        assert!((8_800..9_200).contains(&often), "{often}");
    }

    #[test]
    fn a_log_normal_number_has_the_median_it_was_given() {
        let mut random = Random::new(1);
        let below = (0..10_000)
            .filter(|_| random.log_normal(100.0, 0.7) < 100.0)
            .count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }

    #[test]
    fn a_skewed_index_stays_inside_and_prefers_the_low_ones() {
        let mut random = Random::new(1);
        let low = (0..10_000).filter(|_| random.skewed(10) < 5).count();
        assert!((6_800..7_400).contains(&low), "{low}");
        assert_eq!(random.skewed(1), 0);
    }
}
