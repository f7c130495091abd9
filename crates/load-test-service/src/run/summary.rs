//! Sums a run up: from what was sent and counted to the report and the words beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::report::{AcknowledgementGap, ClientError, Disturbances, Failures, Latency};
use super::report::{LatencyMeasures, Outcome, RunReport, Warmup};
use super::report::{milliseconds, percentile_curve, throughput};
use super::timeline::TimelinePoint;
use super::troubles::Trouble;
use super::verification::Verification;
use super::{Clock, Tally};
use crate::generator::{End, Generated, LATE};
use crate::plan::Plan;

/// The last event of a paced run may be so late, or a fiftieth of the schedule: a fault of some
/// seconds that the run has caught up with is a result.
const LAST_LAG_MAX: Duration = Duration::from_secs(1);
/// A paced generator this late has waited for the cluster; less is the operating system's doing.
const LAG_WORTH_A_NOTE_NS: u64 = 50_000_000;

/// A run is tiny when it is at most this part of what may be in flight: no batch of it fills.
const TINY_SHARE: u64 = 4;

/// One phase of sending, with all its outcomes.
pub struct Sent {
    /// What was sent.
    pub generated: Generated,
    /// What became of it.
    pub tally: Tally,
}

impl Sent {
    /// A phase that was not even begun, for the reason that ended the one before.
    pub fn nothing(end: End, now_ns: u64) -> Self {
        Self {
            generated: Generated::nothing(now_ns, end),
            tally: Tally::empty(0),
        }
    }

    /// With what another producer sent in the same phase.
    pub fn merge(&mut self, other: Self) {
        self.generated.merge(&other.generated);
        self.tally.merge(other.tally);
    }

    /// From the first intended send to the last outcome, in nanoseconds.
    pub fn duration_ns(&self) -> u64 {
        self.tally
            .last_outcome_ns
            .saturating_sub(self.generated.started_ns)
    }
}

/// A run that is over.
pub struct Concluded<'a> {
    /// Its id as text.
    pub run_id: String,
    /// What it was to do.
    pub plan: &'a Plan,
    /// The clock of all its times.
    pub clock: Clock,
    /// The measured phase.
    pub sent: &'a Sent,
    /// The phase before it.
    pub warmup: Warmup,
    /// How it went over time.
    pub timeline: Vec<TimelinePoint>,
    /// The partition of each lane.
    pub partitions: Vec<i32>,
    /// What was read back, where that was asked for.
    pub verification: Option<Verification>,
    /// The producer's properties.
    pub producer_properties: BTreeMap<String, String>,
    /// Records that could be in flight at most.
    pub slots: u32,
    /// Whether every leader was connected when the clock started.
    pub all_connected: bool,
}

/// The report of a run, without what librdkafka counted.
pub fn summarise(run: Concluded<'_>) -> RunReport {
    let Sent { generated, tally } = run.sent;
    let duration_ns = run.sent.duration_ns();
    let ended_ns = generated.started_ns + duration_ns;
    let invalid_reasons = invalid_reasons(run.plan, generated);
    let outcome = outcome(generated, tally, &invalid_reasons);
    // What ends by time has no number but that which was sent.
    let event_count = match run.plan.duration_seconds {
        Some(_) => generated.sent,
        None => run.plan.event_count,
    };
    RunReport {
        outcome,
        invalid_reasons,
        plan: Some(run.plan.clone()),
        notes: notes(&run, outcome),
        label: run.plan.label.clone(),
        topic: run.plan.topic.clone(),
        temporary_topic: None,
        event_count,
        rate: run.plan.rate,
        started_at: run.clock.timestamp(generated.started_ns),
        ended_at: run.clock.timestamp(ended_ns),
        duration_ms: milliseconds(duration_ns),
        throughput: throughput(tally.acknowledged(), duration_ns),
        sent: generated.sent,
        acknowledged: tally.acknowledged(),
        failed: tally.failed(),
        failures: Failures {
            not_written: tally.not_written,
            possibly_written: tally.possibly_written,
            by_error: tally.errors.clone(),
        },
        latency_measures: match run.plan.rate {
            Some(_) => LatencyMeasures::ResponseAtGivenRate,
            None => LatencyMeasures::QueueingAtFullSpeed,
        },
        latency: Latency::of(&tally.latency_us),
        latency_curve: percentile_curve(&tally.latency_us),
        service_time: Latency::of(&tally.service_us),
        disturbances: disturbances(&run),
        timeline: run.timeline,
        verification: run.verification,
        back_pressure_ms: milliseconds(generated.back_pressure_ns),
        client_times: tally.times.told(),
        late_events: run.plan.rate.map(|_| generated.late),
        max_schedule_lag_ms: run.plan.rate.map(|_| milliseconds(generated.max_lag_ns)),
        payload_bytes: generated.payload_bytes,
        wire_bytes: None,
        produce_requests: None,
        polls_per_request: None,
        compression_saving_percent: None,
        warmup: run.warmup,
        run_id: run.run_id,
        producer_properties: run.producer_properties,
    }
}

/// Why the figures of a run are no result; empty where they are. Only a schedule can be missed.
fn invalid_reasons(plan: &Plan, generated: &Generated) -> Vec<String> {
    let mut reasons = Vec::new();
    let Some(rate) = plan.rate else {
        return reasons;
    };
    let late_percent = generated.late * 100;
    if late_percent > generated.sent {
        reasons.push(format!(
            "the generator fell behind its schedule by itself: {} of {} events were handed over more \
             than {} ms late although nothing held them back; this machine is too busy for {rate} \
             events a second",
            generated.late,
            generated.sent,
            LATE.as_millis(),
        ));
    }
    let last_lag = Duration::from_nanos(generated.last_lag_ns);
    if generated.end == End::Complete && last_lag > LAST_LAG_MAX.max(plan.schedule() / 50) {
        reasons.push(format!(
            "the rate of {rate} events a second was not reached: the last event was handed over {} ms \
             late",
            last_lag.as_millis()
        ));
    }
    reasons
}

fn outcome(generated: &Generated, tally: &Tally, invalid_reasons: &[String]) -> Outcome {
    match generated.end {
        // A stop while draining ends a run whose last answers did not come any more.
        End::Complete if tally.acknowledged() < generated.sent => Outcome::CompletedWithFailures,
        End::Complete if invalid_reasons.is_empty() => Outcome::Completed,
        End::Complete => Outcome::Invalid,
        End::Stopped => Outcome::Interrupted,
        End::DeadlineReached => Outcome::DeadlineReached,
        End::Stalled => Outcome::Stalled,
    }
}

fn disturbances(run: &Concluded<'_>) -> Disturbances {
    let Tally { gaps, troubles, .. } = &run.sent.tally;
    let at = |ns| run.clock.timestamp(ns);
    let said = |trouble: &Trouble| ClientError {
        first_at: at(trouble.first_ns),
        last_at: at(trouble.last_ns),
        count: trouble.count,
        error: trouble.name.clone(),
        message: trouble.text.clone(),
    };
    let gap = gaps.longest().and_then(|gap| {
        Some(AcknowledgementGap {
            partition: *run.partitions.get(gap.lane as usize)?,
            began_at: at(gap.began_ns),
            duration_ms: milliseconds(gap.duration_ns),
        })
    });
    Disturbances {
        longest_gap: gap,
        first_error_at: troubles.first_error_ns.map(at),
        first_acknowledgement_after_error_at: troubles.first_acknowledgement_after_ns.map(at),
        client_errors: troubles.said.iter().map(said).collect(),
    }
}

fn notes(run: &Concluded<'_>, outcome: Outcome) -> Vec<String> {
    let (plan, generated) = (run.plan, &run.sent.generated);
    let mut notes = Vec::new();
    if !run.all_connected {
        notes.push(
            "not every leader was connected when the clock started: the first events waited for that"
                .to_owned(),
        );
    }
    if plan.rate.is_none() {
        notes.push(
            "sent as fast as possible: the latencies are mostly time spent queueing; \
             give a rate to measure the response of the cluster"
                .to_owned(),
        );
        let all_slots = u64::from(run.slots) * u64::from(plan.tuning.producers);
        if generated.sent <= all_slots / TINY_SHARE {
            notes.push(format!(
                "all {} events were in flight at once and filled no batch: a run this small is bound \
                 by the latency of a few requests, and says little about throughput",
                generated.sent
            ));
        }
    } else if generated.max_lag_ns >= LAG_WORTH_A_NOTE_NS {
        notes.push(format!(
            "sending fell up to {} ms behind the schedule, waiting for the cluster; that wait is \
             in the latencies",
            generated.max_lag_ns / 1_000_000
        ));
    }
    if outcome == Outcome::Invalid {
        notes.push("no result: see invalidReasons".to_owned());
    }
    let unsent = match plan.duration_seconds {
        Some(seconds) => format!("it was to send for {seconds} s"),
        None => format!("{} events were not sent", plan.event_count - generated.sent),
    };
    match outcome {
        Outcome::Cancelled | Outcome::Interrupted => notes.push(format!("ended early: {unsent}")),
        Outcome::Stalled => notes.push(format!(
            "given up: Kafka acknowledged nothing for {} s, {unsent}",
            super::stall(plan).as_secs()
        )),
        Outcome::DeadlineReached => notes.push(format!(
            "given up at the run's deadline of {} s, {unsent}",
            plan.deadline().as_secs()
        )),
        Outcome::Completed | Outcome::CompletedWithFailures | Outcome::Invalid => {}
    }
    notes.extend(run.verification.as_ref().and_then(Verification::note));
    notes
}

/// A report for tests of what is done with reports.
#[cfg(test)]
pub fn sample_report(run_id: &str) -> RunReport {
    tests::report_of(
        run_id,
        &Plan::new(1_000, "log-events"),
        &tests::sent(End::Complete, 1_000, 0),
    )
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    pub fn sent(end: End, acknowledged: u64, not_written: u64) -> Sent {
        let mut latency_us = Histogram::new_with_max(600_000_000, 3).unwrap();
        latency_us.record_n(5_000, acknowledged).unwrap();
        Sent {
            generated: Generated {
                sent: acknowledged + not_written,
                payload_bytes: 400 * (acknowledged + not_written),
                ..Generated::nothing(1_000_000_000, end)
            },
            tally: Tally {
                service_us: latency_us.clone(),
                latency_us,
                not_written,
                errors: BTreeMap::from([("_MSG_TIMED_OUT".to_owned(), not_written)]),
                last_outcome_ns: 1_500_000_000,
                ..Tally::empty(1)
            },
        }
    }

    fn report(plan: &Plan, sent: &Sent) -> RunReport {
        report_of("0123456789abcdef", plan, sent)
    }

    pub fn report_of(run_id: &str, plan: &Plan, sent: &Sent) -> RunReport {
        summarise(Concluded {
            run_id: run_id.to_owned(),
            plan,
            clock: Clock::start(),
            sent,
            warmup: Warmup::default(),
            timeline: Vec::new(),
            partitions: vec![7],
            verification: None,
            producer_properties: BTreeMap::new(),
            slots: 12_000,
            all_connected: true,
        })
    }

    #[test]
    fn the_time_of_a_run_ends_with_its_last_outcome() {
        let plan = Plan::new(10_000, "log-events");
        let report = report(&plan, &sent(End::Complete, 10_000, 0));
        assert_eq!(report.outcome, Outcome::Completed);
        assert!((report.duration_ms - 500.0).abs() < 1e-9);
        assert!((report.throughput - 20_000.0).abs() < 1e-9);
        let span = report.ended_at.as_millisecond() - report.started_at.as_millisecond();
        assert_eq!(span, 500);
    }

    #[test]
    fn the_longest_gap_is_told_with_its_partition_and_time() {
        let plan = Plan::new(10, "log-events");
        let mut sent = sent(End::Complete, 10, 0);
        sent.tally
            .gaps
            .acknowledged(0, 1_100_000_000, 1_400_000_000);
        sent.tally
            .troubles
            .say(1_200_000_000, "_TRANSPORT", "a:1/1: lost");
        let report = report(&plan, &sent);
        let gap = report.disturbances.longest_gap.unwrap();
        assert_eq!((gap.partition, gap.duration_ms), (7, 300.0));
        let began = gap.began_at.as_millisecond() - report.started_at.as_millisecond();
        assert_eq!(began, 100);
        let said = &report.disturbances.client_errors[0];
        assert_eq!((said.error.as_str(), said.count), ("_TRANSPORT", 1));
        assert_eq!(report.disturbances.first_error_at, Some(said.first_at));
    }

    #[test]
    fn failures_are_told_by_what_is_known_of_them() {
        let plan = Plan::new(10_000, "log-events");
        let report = report(&plan, &sent(End::Complete, 9_990, 10));
        assert_eq!(report.outcome, Outcome::CompletedWithFailures);
        assert_eq!((report.failed, report.failures.not_written), (10, 10));
        assert_eq!(report.failures.by_error["_MSG_TIMED_OUT"], 10);
    }

    #[test]
    fn a_tiny_run_as_fast_as_possible_says_what_bounds_it() {
        let mut plan = Plan::new(1_000, "log-events");
        let tiny = report(&plan, &sent(End::Complete, 1_000, 0));
        assert!(
            tiny.notes
                .iter()
                .any(|note| note.contains("bound by the latency"))
        );
        plan.rate = Some(1_000);
        let paced = report(&plan, &sent(End::Complete, 1_000, 0));
        assert_eq!(paced.notes, Vec::<String>::new());
        assert_eq!(paced.latency_measures, LatencyMeasures::ResponseAtGivenRate);
    }

    fn paced(seconds: u64) -> Plan {
        let mut plan = Plan::new(1_000 * seconds, "log-events");
        plan.rate = Some(1_000);
        plan
    }

    #[test]
    fn a_generator_that_fell_behind_by_itself_has_no_result() {
        let mut sent = sent(End::Complete, 10_000, 0);
        sent.generated.late = 100;
        assert_eq!(report(&paced(10), &sent).outcome, Outcome::Completed);
        sent.generated.late = 101;
        let invalid = report(&paced(10), &sent);
        assert_eq!(invalid.outcome, Outcome::Invalid);
        assert!(
            invalid.invalid_reasons[0].contains("101 of 10000"),
            "{invalid:?}"
        );
        let full_speed = report(&Plan::new(10_000, "log-events"), &sent);
        assert_eq!(
            full_speed.outcome,
            Outcome::Completed,
            "there is no schedule"
        );
    }

    #[test]
    fn a_rate_that_was_not_reached_is_no_result_but_a_fault_caught_up_with_is() {
        let mut sent = sent(End::Complete, 9_999, 0);
        sent.generated.max_lag_ns = 9_000_000_000;
        assert_eq!(report(&paced(10), &sent).outcome, Outcome::Completed);
        sent.generated.last_lag_ns = 1_100_000_000;
        let invalid = report(&paced(10), &sent);
        assert_eq!(invalid.outcome, Outcome::Invalid);
        assert!(
            invalid.invalid_reasons[0].contains("1100 ms"),
            "{invalid:?}"
        );
        sent.tally.possibly_written = 1;
        sent.generated.sent += 1;
        let failed = report(&paced(10), &sent);
        assert_eq!(failed.outcome, Outcome::CompletedWithFailures);
        assert_eq!(failed.invalid_reasons.len(), 1);
    }

    #[test]
    fn a_run_by_time_counts_what_it_sent() {
        let mut plan = Plan::new(100_000_000, "log-events");
        plan.duration_seconds = Some(1);
        let report = report(&plan, &sent(End::Complete, 20_000, 0));
        assert_eq!(
            (report.event_count, report.outcome),
            (20_000, Outcome::Completed)
        );
    }

    #[test]
    fn an_interrupted_run_says_how_much_is_missing() {
        let plan = Plan::new(1_000, "log-events");
        let report = report(&plan, &sent(End::Stopped, 400, 0));
        assert_eq!(report.outcome, Outcome::Interrupted);
        assert!(
            report
                .notes
                .iter()
                .any(|note| note.contains("600 events were not sent"))
        );
    }

    #[test]
    fn a_report_is_read_back_as_it_was_stored() {
        let plan = Plan::new(1_000, "log-events");
        let mut written = report(&plan, &sent(End::Complete, 1_000, 0));
        written.set_wire_use(None);
        let json = serde_json::to_string(&written).unwrap();
        assert!(
            !json.contains("wireBytes"),
            "what is not known is left out: {json}"
        );
        assert!(
            json.contains("\"latencyMeasures\":\"queueingAtFullSpeed\""),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<RunReport>(&json).unwrap(), written);
    }
}
