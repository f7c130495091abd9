//! Two plans side by side: what their interleaved runs say about the ratio of one to the other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::signed_rank::{interval, median};

/// How sure an interval should be.
const CONFIDENCE: f64 = 0.95;
/// The words for what is inside the noise.
const NO_DIFFERENCE: &str = "no difference";
/// The words for what so few pairs cannot tell from noise.
const TOO_FEW: &str = "too few pairs to tell";

/// What a run has of one measure.
type Measure = fn(&Sample) -> Option<f64>;

/// What one run measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Run id of its records.
    pub run_id: String,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events not acknowledged.
    pub failed: u64,
    /// Acknowledged events per second.
    pub throughput: f64,
    /// Half of the events were faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 99 % were faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// Bytes sent to brokers, requests and retries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_bytes: Option<u64>,
}

/// One run of each, one right after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The run of plan a.
    pub a: Sample,
    /// The run of plan b, right after it.
    pub b: Sample,
}

/// What a measure says about the two plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Field of a run: `throughput`, `p50Ms`, `p99Ms`, `wireBytes`.
    pub measure: String,
    /// Median of the runs of plan a.
    pub median_a: f64,
    /// Median of the runs of plan b.
    pub median_b: f64,
    /// b divided by a, pair by pair: the Hodges-Lehmann estimate of their ratios.
    pub ratio: f64,
    /// The true ratio is not below this...
    pub ratio_low: f64,
    /// ...nor above this...
    pub ratio_high: f64,
    /// ...with this confidence (Wilcoxon's signed ranks). Fewer than six pairs cannot give 95 %.
    pub confidence_percent: f64,
    /// `no difference` when the interval has 1 in it, `too few pairs to tell` when it has not but is
    /// no 95 %, else how much higher or lower b is.
    pub verdict: String,
}

/// The differences of all measures that every run has.
#[must_use]
pub fn differences(pairs: &[Pair]) -> Vec<Difference> {
    let measures: [(&str, Measure); 4] = [
        ("throughput", |sample| Some(sample.throughput)),
        ("p50Ms", |sample| sample.p50_ms),
        ("p99Ms", |sample| sample.p99_ms),
        ("wireBytes", |sample| {
            sample.wire_bytes.map(|bytes| bytes as f64)
        }),
    ];
    measures
        .into_iter()
        .filter_map(|(name, of)| difference(name, pairs, of))
        .collect()
}

fn difference(
    measure: &str,
    pairs: &[Pair],
    of: impl Fn(&Sample) -> Option<f64>,
) -> Option<Difference> {
    let usable = |value: &f64| *value > 0.0;
    let values = |sample: fn(&Pair) -> &Sample| -> Option<Vec<f64>> {
        pairs
            .iter()
            .map(|pair| of(sample(pair)).filter(usable))
            .collect()
    };
    let (a, b) = (values(|pair| &pair.a)?, values(|pair| &pair.b)?);
    // A ratio is a difference of logarithms: twice as much and half as much are equally far off.
    let logs: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (b / a).ln()).collect();
    let interval = interval(&logs, CONFIDENCE)?;
    let (low, high) = (interval.low.exp(), interval.high.exp());
    let ratio = interval.estimate.exp();
    Some(Difference {
        measure: measure.to_owned(),
        median_a: rounded(median(&a)?),
        median_b: rounded(median(&b)?),
        ratio: rounded(ratio),
        ratio_low: rounded(low),
        ratio_high: rounded(high),
        confidence_percent: (interval.confidence * 1_000.0).round() / 10.0,
        verdict: verdict(ratio, low, high, interval.confidence),
    })
}

fn verdict(ratio: f64, low: f64, high: f64, confidence: f64) -> String {
    let percent = |ratio: f64| format!("{:.0} %", (ratio - 1.0).abs() * 100.0);
    if low <= 1.0 && high >= 1.0 {
        NO_DIFFERENCE.to_owned()
    } else if confidence < CONFIDENCE {
        TOO_FEW.to_owned()
    } else if ratio > 1.0 {
        format!("b is {} higher", percent(ratio))
    } else {
        format!("b is {} lower", percent(ratio))
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(throughput: f64, p99_ms: Option<f64>) -> Sample {
        Sample {
            run_id: String::new(),
            acknowledged: 1,
            failed: 0,
            throughput,
            p50_ms: None,
            p99_ms,
            wire_bytes: None,
        }
    }

    /// Pairs under a machine that gets slower all the time.
    fn pairs(ratio: f64, noise: &[f64]) -> Vec<Pair> {
        let pair = |(index, noise): (usize, &f64)| {
            let a = 50_000.0 / (1.0 + index as f64 / 3.0);
            Pair {
                a: sample(a, Some(10.0)),
                b: sample(a * ratio * (1.0 + noise), Some(10.0 / ratio)),
            }
        };
        noise.iter().enumerate().map(pair).collect()
    }

    const NOISE: [f64; 7] = [0.03, -0.02, 0.01, -0.04, 0.02, -0.01, 0.0];

    #[test]
    fn a_difference_is_found_under_a_drift_that_is_larger() {
        let found = differences(&pairs(1.2, &NOISE));
        let throughput = &found[0];
        assert_eq!(throughput.measure, "throughput");
        assert!((throughput.ratio - 1.2).abs() < 0.02, "{throughput:?}");
        assert!(
            throughput.ratio_low > 1.1 && throughput.ratio_high < 1.3,
            "{throughput:?}"
        );
        assert_eq!(throughput.verdict, "b is 20 % higher");
        assert_eq!(found[1].measure, "p99Ms");
        assert_eq!(found[1].verdict, "b is 17 % lower");
        assert!(throughput.confidence_percent >= 95.0);
    }

    #[test]
    fn inside_the_noise_there_is_no_difference() {
        let throughput = &differences(&pairs(1.0, &NOISE))[0];
        assert_eq!(throughput.verdict, "no difference");
        assert!(
            throughput.ratio_low < 1.0 && throughput.ratio_high > 1.0,
            "{throughput:?}"
        );
    }

    #[test]
    fn a_few_pairs_are_no_proof() {
        let throughput = &differences(&pairs(1.2, &NOISE[..5]))[0];
        assert!(throughput.ratio_low > 1.0, "{throughput:?}");
        assert_eq!(throughput.verdict, "too few pairs to tell");
    }

    #[test]
    fn a_measure_that_one_run_lacks_is_left_out() {
        let mut pairs = pairs(1.0, &NOISE);
        pairs[3].b.p99_ms = None;
        let measures: Vec<_> = differences(&pairs).into_iter().map(|d| d.measure).collect();
        assert_eq!(measures, ["throughput"]);
        assert_eq!(differences(&[]), []);
    }
}
