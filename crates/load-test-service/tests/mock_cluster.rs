//! Whole runs against the mock cluster inside librdkafka: everything but real brokers.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_cluster::{Connection, PartitionMetadata, RunId};
use load_test_service::metrics::Metrics;
use load_test_service::plan::{Compression, Keys, Plan, Profile, Tuning};
use load_test_service::run::{Job, LatencyMeasures, Outcome, Phase, RunReport, execute};
use load_test_service::target::Target;
use tokio_util::sync::CancellationToken;

/// A run on three mock brokers; librdkafka makes the topic with four partitions.
fn job(plan: Plan) -> Job {
    let connection = Connection::new("unused:1")
        .with_property_lines("test.mock.num.brokers=3\nallow.auto.create.topics=true")
        .unwrap();
    let partitions = (0..4)
        .map(|id| PartitionMetadata {
            id,
            leader: Some(id % 3 + 1),
            replicas: vec![1, 2, 3],
            in_sync_replicas: vec![1, 2, 3],
        })
        .collect();
    Job {
        id: RunId(7),
        plan,
        connection,
        target: Target::of(partitions),
        metrics: Metrics::register(&prometheus::Registry::new(), &[]).unwrap(),
        progress: Arc::default(),
        stop: CancellationToken::new(),
    }
}

fn run(job: &Job) -> RunReport {
    execute(job).unwrap()
}

#[test]
fn every_event_is_acknowledged_and_counted_once() {
    let job = job(Plan::new(20_000, "log-events"));
    let report = run(&job);
    assert_eq!(report.outcome, Outcome::Completed, "{report:?}");
    assert_eq!(
        (report.sent, report.acknowledged, report.failed),
        (20_000, 20_000, 0)
    );
    assert!(report.throughput > 0.0 && report.duration_ms > 0.0);
    assert_eq!(job.metrics.acknowledged.get(), 20_000);
    assert_eq!(job.metrics.send_time.get_sample_count(), 20_000);
    assert_eq!(job.progress.measured.see().acknowledged, 20_000);
    assert_eq!(job.progress.phase(), Phase::Draining);
}

#[test]
fn the_report_says_what_went_over_the_wire_and_by_which_properties() {
    let report = run(&job(Plan::new(20_000, "log-events")));
    let (payload, wire) = (report.payload_bytes, report.wire_bytes.unwrap());
    assert!(wire < payload, "{wire} of {payload} bytes");
    let saving = report.compression_saving_percent.unwrap();
    let by_payload = 100.0 * (1.0 - wire as f64 / payload as f64);
    assert!(
        (saving - by_payload).abs() < 1.0,
        "{saving} against {by_payload}"
    );
    assert!(
        (55.0..68.0).contains(&saving),
        "users are told some 60 %: {saving}"
    );
    assert_eq!(report.producer_properties["compression.type"], "snappy");
    assert_eq!(report.producer_properties["enable.idempotence"], "true");
}

#[test]
fn the_timeline_the_curve_and_the_service_time_are_of_the_same_events() {
    let report = run(&job(Plan::new(20_000, "log-events")));
    let acknowledged: u64 = report.timeline.iter().map(|p| p.acknowledged).sum();
    assert_eq!(acknowledged, 20_000, "{:?}", report.timeline);
    let (latency, service) = (report.latency.unwrap(), report.service_time.unwrap());
    assert!(service.max_ms <= latency.max_ms, "{service:?} {latency:?}");
    let curve_max = report.latency_curve.last().unwrap().ms;
    assert!((curve_max - latency.max_ms).abs() < 1e-9);
    let gap = report.disturbances.longest_gap.unwrap();
    assert!(gap.duration_ms <= report.duration_ms, "{gap:?}");
    assert!((0..4).contains(&gap.partition), "{gap:?}");
    assert_eq!(report.disturbances.first_error_at, None);
    assert_eq!(report.verification, None);
}

#[test]
fn several_producers_share_a_run() {
    let mut plan = Plan::new(20_001, "log-events");
    plan.tuning.producers = 3;
    plan.rate = Some(40_000);
    plan.warmup_events = 100;
    let job = job(plan);
    let report = run(&job);
    assert_eq!((report.sent, report.acknowledged), (20_001, 20_001));
    assert_eq!(report.warmup.acknowledged, 100);
    assert_eq!(job.progress.measured.see().sent, 20_001);
    assert!(report.duration_ms >= 499.0, "{}", report.duration_ms);
    assert!(report.produce_requests.unwrap() > 0, "{report:?}");
    let times = report.client_times.unwrap();
    assert!(times.queue.unwrap().samples > 0, "{times:?}");
    assert!(times.round_trip.unwrap().max_ms > 0.0, "{times:?}");
}

#[test]
fn keys_decide_on_the_partition() {
    for keys in [Keys::Service, Keys::Unique] {
        let mut plan = Plan::new(5_000, "log-events");
        plan.keys = keys;
        let report = run(&job(plan));
        assert_eq!(report.acknowledged, 5_000, "{report:?}");
    }
}

#[test]
fn a_run_by_time_ends_with_it() {
    let mut plan = Plan::new(100_000_000, "log-events");
    plan.duration_seconds = Some(1);
    let report = run(&job(plan));
    assert_eq!(report.outcome, Outcome::Completed, "{report:?}");
    assert!(
        (1_000.0..30_000.0).contains(&report.duration_ms),
        "{}",
        report.duration_ms
    );
    assert_eq!(report.event_count, report.acknowledged);
}

#[test]
fn every_profile_runs_and_the_report_states_all_of_the_plan() {
    for profile in Profile::ALL {
        let mut plan = Plan::new(2_000, "log-events");
        plan.profile = Some(profile);
        plan.tuning = Tuning::of(plan.profile);
        plan.event_size_bytes = Some(400);
        plan.seed = 7;
        let report = run(&job(plan.clone()));
        assert_eq!(report.acknowledged, 2_000, "{profile:?}: {report:?}");
        assert_eq!(report.payload_bytes, 800_000);
        assert_eq!(report.plan, Some(plan));
        let idempotence = Tuning::of(Some(profile)).idempotence.to_string();
        assert_eq!(
            report.producer_properties["enable.idempotence"],
            idempotence
        );
    }
}

#[test]
fn every_codec_saves_at_least_what_the_disk_space_is_reckoned_with() {
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for compression in codecs {
        let mut plan = Plan::new(20_000, "log-events");
        plan.tuning.compression = compression;
        let measured = run(&job(plan)).compression_saving_percent.unwrap();
        let reckoned = 100.0 * load_test_service::disk_space::saving(compression);
        println!("{compression:?}: {measured} %");
        // Without compression only the framing is left, which costs.
        assert!(measured > reckoned - 10.0, "{compression:?}: {measured}");
        if compression != Compression::None {
            assert!(measured >= reckoned, "{compression:?}: {measured}");
        }
    }
}

#[test]
fn the_warm_up_stands_apart_in_the_report_and_counts_in_the_metrics() {
    let mut plan = Plan::new(1_000, "log-events");
    plan.warmup_events = 500;
    let job = job(plan);
    let report = run(&job);
    assert_eq!((report.warmup.sent, report.warmup.acknowledged), (500, 500));
    assert_eq!(report.acknowledged, 1_000);
    assert_eq!(job.metrics.acknowledged.get(), 1_500);
    assert_eq!(job.progress.warmup.see().sent, 500);
}

#[test]
fn a_paced_run_takes_as_long_as_its_schedule() {
    let mut plan = Plan::new(1_000, "log-events");
    plan.rate = Some(2_000);
    let report = run(&job(plan));
    assert_eq!(
        report.latency_measures,
        LatencyMeasures::ResponseAtGivenRate
    );
    // The last event is intended for 499.5 ms.
    assert!(report.duration_ms >= 499.0, "{}", report.duration_ms);
    assert!(report.throughput <= 2_010.0, "{}", report.throughput);
}

#[test]
fn a_stop_ends_a_run_early_with_a_report_that_says_so() {
    let mut plan = Plan::new(600_000, "log-events");
    plan.rate = Some(1_000);
    let job = job(plan);
    let stop = job.stop.clone();
    let progress = Arc::clone(&job.progress);
    let stopper = std::thread::spawn(move || {
        while progress.measured.see().acknowledged < 100 && progress.phase() != Phase::Draining {
            std::thread::yield_now();
        }
        stop.cancel();
        Instant::now()
    });
    let report = run(&job);
    let after_stop = stopper.join().unwrap().elapsed();
    assert_eq!(report.outcome, Outcome::Interrupted);
    assert!((100..600_000).contains(&report.sent), "{}", report.sent);
    assert_eq!(report.acknowledged + report.failed, report.sent);
    assert!(after_stop < Duration::from_secs(7), "{after_stop:?}");
}

#[test]
fn brokers_that_do_not_answer_fail_a_run_before_its_first_event() {
    let mut job = job(Plan::new(100, "log-events"));
    // Every answer takes a minute.
    job.connection
        .properties
        .insert("test.mock.broker.rtt".to_owned(), "60000".to_owned());
    let begun = Instant::now();
    let error = execute(&job).unwrap_err();
    assert!(error.retriable(), "{error}");
    assert_eq!(job.progress.measured.see().sent, 0);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}
