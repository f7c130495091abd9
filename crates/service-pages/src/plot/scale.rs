//! How values lie on an axis, and which of them are written beside it.

use crate::number;

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from zero or less.
    Linear,
    /// By their magnitude; values above zero only.
    Log,
    /// Percentiles by how rare what is beyond them is: 90, 99, 99.9 are equally far apart.
    Tail,
}

/// Percentiles that are beyond this all lie at the end of the axis.
const TAIL_END: f64 = 99.999;

impl Scale {
    /// The ends of an axis that has all of `values` on it; `None` without any. With `room` the axis
    /// goes on to the tick above, so that nothing touches the frame.
    pub(super) fn range(self, values: impl Iterator<Item = f64>, room: bool) -> Option<(f64, f64)> {
        let values = values.filter(|value| self != Self::Log || *value > 0.0);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return None;
        }
        Some(match self {
            Self::Linear => {
                let low = low.min(0.0);
                let high = if high > low { high } else { low + 1.0 };
                let step = step(high - low, 5);
                let tick_above = (high / step).ceil() * step;
                (low, if room { tick_above } else { high })
            }
            Self::Log if high > low => (low * 0.9, high * 1.1),
            Self::Log => (low / 2.0, high * 2.0),
            Self::Tail => (0.0, high.clamp(90.0, TAIL_END)),
        })
    }

    /// Where a value lies between the ends, from 0 to 1.
    pub(super) fn share(self, value: f64, (low, high): (f64, f64)) -> f64 {
        let place = |value: f64| match self {
            Self::Linear => value,
            Self::Log => value.max(f64::MIN_POSITIVE).log10(),
            Self::Tail => -(1.0 - value.clamp(0.0, TAIL_END) / 100.0).log10(),
        };
        let (low, high) = (place(low), place(high));
        ((place(value) - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Values worth writing beside the axis, about `count` of them.
    pub(super) fn ticks(self, (low, high): (f64, f64), count: usize) -> Vec<f64> {
        match self {
            Self::Linear => {
                let step = step(high - low, count);
                let first = (low / step).ceil();
                let last = (high / step + 1e-9).floor();
                (0..=(last - first) as usize)
                    .map(|n| (first + n as f64) * step)
                    .collect()
            }
            Self::Log => log_ticks(low, high, count),
            Self::Tail => {
                // Where there is little room, those that stand close to another are left out.
                let ticks: &[f64] = if count < 7 {
                    &[0.0, 90.0, 99.0, 99.9, 99.99]
                } else {
                    &[0.0, 50.0, 90.0, 99.0, 99.9, 99.99, TAIL_END]
                };
                let within = ticks.iter().copied().filter(|tick| *tick <= high);
                within.collect()
            }
        }
    }

    /// A value as it is written beside the axis.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            // Rounding 99.999 would make it 100.
            Self::Tail => format!("{value}"),
            Self::Linear | Self::Log => number::short(value),
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that `span` has about `count` of them.
fn step(span: f64, count: usize) -> f64 {
    let rough = span / count.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let fitting = steps.into_iter().find(|step| step * power >= rough * 0.999);
    fitting.unwrap_or(10.0) * power
}

fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let all = |digits: &[f64]| -> Vec<f64> {
        powers
            .clone()
            .flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)))
            .filter(|tick| (low..=high).contains(tick))
            .collect()
    };
    let fine = all(&[1.0, 2.0, 5.0]);
    if fine.len() <= count * 3 / 2 {
        fine
    } else {
        all(&[1.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let range = Scale::Linear
            .range([0.0, 47_321.0].into_iter(), true)
            .unwrap();
        assert_eq!(range, (0.0, 50_000.0));
        let tight = Scale::Linear.range([0.0, 47_321.0].into_iter(), false);
        assert_eq!(tight, Some((0.0, 47_321.0)));
        let ticks = Scale::Linear.ticks(range, 5);
        assert_eq!(
            ticks,
            [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0]
        );
    }

    #[test]
    fn a_single_value_has_an_axis_too() {
        for scale in [Scale::Linear, Scale::Log, Scale::Tail] {
            for value in [5.0, 100.0] {
                let range = scale.range([value].into_iter(), true).unwrap();
                let share = scale.share(value, range);
                assert!((0.0..=1.0).contains(&share), "{scale:?} {share}");
                assert!(!scale.ticks(range, 5).is_empty(), "{scale:?}");
            }
        }
        assert!(Scale::Linear.range([0.0].into_iter(), true).is_some());
        assert_eq!(Scale::Log.range([0.0].into_iter(), true), None);
    }

    #[test]
    fn rarer_percentiles_lie_equally_far_apart() {
        let range = Scale::Tail.range([0.0, 100.0].into_iter(), false).unwrap();
        let at = |percentile| Scale::Tail.share(percentile, range);
        assert!((at(90.0) - 0.2).abs() < 1e-9);
        assert!((at(99.0) - 0.4).abs() < 1e-9);
        assert!((at(100.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn magnitudes_have_few_ticks() {
        assert_eq!(
            Scale::Log.ticks((0.9, 110.0), 5),
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
        );
        assert_eq!(Scale::Log.ticks((0.9, 1.1e6), 5).len(), 7);
    }
}
