//! Each broker.

use std::collections::BTreeSet;

use prometheus::proto::MetricType;

use super::{Family, Sample, count, count_u64, seconds};
use crate::rules::{StopVerdict, stop_impact};
use crate::snapshot::Broker;
use crate::state::View;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "kafka_broker_up",
        help: "1 if the broker answers and the cluster counts it in, 0 if not.",
        kind: MetricType::GAUGE,
        labels: &["broker_id"],
        samples: up,
    },
    Family {
        name: "kafka_broker_probe_round_trip_seconds",
        help: "How long the broker took to answer its newest probe.",
        kind: MetricType::GAUGE,
        labels: &["broker_id"],
        samples: |view| each(view, round_trip),
    },
    Family {
        name: "kafka_broker_last_answer_timestamp_seconds",
        help: "When the broker last answered a probe.",
        kind: MetricType::GAUGE,
        labels: &["broker_id"],
        samples: |view| each(view, |broker| broker.probes.last_answer.map(seconds)),
    },
    Family {
        name: "kafka_broker_probe_failures_total",
        help: "Probes that the broker did not answer in time.",
        kind: MetricType::COUNTER,
        labels: &["broker_id"],
        samples: |view| each(view, failures),
    },
    Family {
        name: "kafka_broker_jmx_up",
        help: "1 if the broker's JMX agent answered when it was last asked, 0 if not.",
        kind: MetricType::GAUGE,
        labels: &["broker_id"],
        samples: |view| {
            let agents = view.snapshot.jmx.iter();
            let checked = agents.filter_map(|(id, agent)| Some((id, agent.latest.as_ref()?)));
            checked
                .map(|(id, check)| Sample::of(id, count(usize::from(check.outcome.is_ok()))))
                .collect()
        },
    },
    Family {
        name: "kafka_broker_safe_to_stop",
        help: "1 if no partition would go offline or refuse writes without the broker, 0 if some would.",
        kind: MetricType::GAUGE,
        labels: &["broker_id"],
        samples: safe_to_stop,
    },
];

fn up(view: &View) -> Vec<Sample> {
    let known = view.judgement.brokers.iter().filter_map(|(id, verdict)| {
        let up = usize::from(verdict.liveness.is_up());
        (!verdict.liveness.is_unknown()).then(|| Sample::of(id, count(up)))
    });
    known.collect()
}

/// Left out while it is not known.
fn safe_to_stop(view: &View) -> Vec<Sample> {
    let each = view.judgement.brokers.keys().filter_map(|id| {
        let impact = stop_impact(&view.snapshot, &view.judgement, &BTreeSet::from([*id]));
        match impact.verdict {
            StopVerdict::Safe => Some(Sample::of(id, 1.0)),
            StopVerdict::Unsafe => Some(Sample::of(id, 0.0)),
            StopVerdict::Unknown => None,
        }
    });
    each.collect()
}

fn each(view: &View, value: fn(&Broker) -> Option<f64>) -> Vec<Sample> {
    let brokers = view.snapshot.brokers.values();
    brokers
        .filter_map(|broker| Some(Sample::of(&broker.id, value(broker)?)))
        .collect()
}

fn round_trip(broker: &Broker) -> Option<f64> {
    let answer = broker.probes.latest.as_ref()?.answer.as_ref();
    answer.ok().map(|answer| answer.took.as_secs_f64())
}

fn failures(broker: &Broker) -> Option<f64> {
    broker.probes.latest.as_ref()?;
    Some(count_u64(broker.probes.failures))
}
