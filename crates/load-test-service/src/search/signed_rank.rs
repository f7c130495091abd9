//! How much one of two things differs from the other, from pairs of measurements: the Hodges-Lehmann
//! estimate and the confidence interval that belongs to it (Wilcoxon's signed ranks).
//!
//! It assumes no distribution, only that the differences of pairs are as likely to the one side of
//! the true value as to the other; one wild pair moves it little. Source: Hollander, Wolfe, Chicken,
//! "Nonparametric Statistical Methods", 3.1 to 3.3.

/// The estimate, and the interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The median of all means of two differences.
    pub estimate: f64,
    /// The true value is not below this...
    pub low: f64,
    /// ...nor above this...
    pub high: f64,
    /// ...with this probability: at least what was asked for, or all that so few pairs can give.
    pub confidence: f64,
}

/// The interval of `differences`; `None` without any.
#[must_use]
pub fn interval(differences: &[f64], confidence: f64) -> Option<Interval> {
    let mut means = walsh_means(differences);
    means.sort_unstable_by(f64::total_cmp);
    let count = means.len();
    if count == 0 {
        return None;
    }
    let (cut, confidence) = cut(differences.len(), confidence);
    Some(Interval {
        estimate: median_of_sorted(&means),
        low: means[cut],
        high: means[count - 1 - cut],
        confidence,
    })
}

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| median_of_sorted(&sorted))
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// The means of all pairs of differences, each with itself included.
fn walsh_means(differences: &[f64]) -> Vec<f64> {
    let mut means = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
    for (index, one) in differences.iter().enumerate() {
        means.extend(
            differences[index..]
                .iter()
                .map(|other| f64::midpoint(*one, *other)),
        );
    }
    means
}

/// How many means may be left out at each end, and the confidence that is left.
fn cut(pairs: usize, confidence: f64) -> (usize, f64) {
    let ways = ways(pairs);
    let all = 2_f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX));
    let mut cut = 0;
    let mut tail = ways[0];
    // The most that may be left out; at no cost below that of leaving out none.
    while cut + 1 < ways.len() / 2 && 2.0 * (tail + ways[cut + 1]) / all <= 1.0 - confidence {
        cut += 1;
        tail += ways[cut];
    }
    (cut, 1.0 - 2.0 * tail / all)
}

/// In how many of all ways to give signs to the ranks 1 to `pairs` the positive ones sum up to 0, 1,
/// 2, ...
fn ways(pairs: usize) -> Vec<f64> {
    let mut ways = vec![0.0; pairs * (pairs + 1) / 2 + 1];
    ways[0] = 1.0;
    for rank in 1..=pairs {
        for sum in (rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_book_are_met() {
        // Two-sided 95 %: W = 0 is the critical value for 6 pairs, 2 for 7, 3 for 8, 8 for 10.
        for (pairs, critical) in [(6, 0), (7, 2), (8, 3), (10, 8)] {
            assert_eq!(cut(pairs, 0.95).0, critical, "{pairs}");
            assert!(cut(pairs, 0.95).1 >= 0.95);
        }
    }

    #[test]
    fn few_pairs_say_how_little_they_can_give() {
        let (cut, confidence) = cut(5, 0.95);
        assert_eq!(cut, 0);
        assert!((confidence - 0.9375).abs() < 1e-12);
    }

    #[test]
    fn one_wild_pair_moves_the_estimate_little() {
        let calm = interval(&[0.10, 0.11, 0.09, 0.10, 0.12, 0.08, 0.10], 0.95).unwrap();
        let wild = interval(&[0.10, 0.11, 0.09, 0.10, 0.12, 0.08, 9.0], 0.95).unwrap();
        assert!((calm.estimate - 0.1).abs() < 0.005, "{calm:?}");
        assert!((wild.estimate - calm.estimate).abs() < 0.02, "{wild:?}");
        assert!(calm.low <= calm.estimate && calm.estimate <= calm.high);
    }

    #[test]
    fn the_interval_holds_the_true_value_as_often_as_it_says() {
        let mut random = Random(1);
        let (mut held, trials) = (0, 2_000);
        for _ in 0..trials {
            let differences: Vec<f64> = (0..7).map(|_| 0.3 + random.noise()).collect();
            let interval = interval(&differences, 0.95).unwrap();
            held += u32::from(interval.low <= 0.3 && 0.3 <= interval.high);
        }
        let share = f64::from(held) / f64::from(trials);
        // 95.3 % by the tables, give or take three standard deviations.
        assert!((share - 0.953).abs() < 0.015, "{share}");
    }

    #[test]
    fn nothing_has_no_interval() {
        assert_eq!(interval(&[], 0.95), None);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    }

    /// The same numbers each time: splitmix64.
    struct Random(u64);

    impl Random {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// About normal, around zero.
        fn noise(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }
}
