//! Bounded reading of ranges of offsets.

use std::ops::ControlFlow;
use std::time::Duration;

use cluster_tests::records::{new_topic, produce};
use cluster_tests::{PATIENCE, shared};
use kafka_cluster::{PartitionRange, ReadEnd, ReadLimits, read_ranges};

/// Reads, and returns the end with (partition, offset, payload) of each record.
async fn read(
    topic: &str,
    ranges: Vec<PartitionRange>,
    limits: ReadLimits,
    stop_after: usize,
) -> (ReadEnd, Vec<(i32, i64, String)>) {
    let (cluster, _) = shared().await;
    let (connection, topic) = (cluster.connection().clone(), topic.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let mut records = Vec::new();
        let end = read_ranges(&connection, &topic, &ranges, limits, |record| {
            let payload = String::from_utf8_lossy(record.payload.unwrap()).into_owned();
            records.push((record.partition, record.offset, payload));
            if records.len() == stop_after {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        (end.unwrap(), records)
    });
    work.await.unwrap()
}

#[tokio::test]
async fn exactly_the_ranges_are_read_in_order() {
    let (cluster, _) = shared().await;
    let topic = new_topic(&cluster, 2).await;
    produce(&cluster, &topic, 0, 20).await;
    produce(&cluster, &topic, 1, 3).await;
    let ranges = vec![
        PartitionRange {
            partition: 0,
            from: 5,
            to: 9,
        },
        PartitionRange {
            partition: 1,
            from: 0,
            to: 3,
        },
    ];
    let (end, mut records) = read(&topic, ranges, ReadLimits::within(PATIENCE), usize::MAX).await;
    assert_eq!(end, ReadEnd::Complete);
    records.sort();
    let expected: Vec<_> = [(0, 5), (0, 6), (0, 7), (0, 8), (1, 0), (1, 1), (1, 2)]
        .map(|(partition, offset)| (partition, offset, offset.to_string()))
        .into();
    assert_eq!(records, expected);
}

#[tokio::test]
async fn a_range_beyond_the_end_of_the_log_ends_there() {
    let (cluster, _) = shared().await;
    let topic = new_topic(&cluster, 1).await;
    produce(&cluster, &topic, 0, 5).await;
    let ranges = vec![PartitionRange {
        partition: 0,
        from: 0,
        to: 1_000,
    }];
    let (end, records) = read(&topic, ranges, ReadLimits::within(PATIENCE), usize::MAX).await;
    assert_eq!((end, records.len()), (ReadEnd::Complete, 5));
}

#[tokio::test]
async fn reading_ends_at_a_limit_and_when_the_caller_breaks_off() {
    let (cluster, _) = shared().await;
    let topic = new_topic(&cluster, 1).await;
    produce(&cluster, &topic, 0, 50).await;
    let ranges = vec![PartitionRange {
        partition: 0,
        from: 0,
        to: 50,
    }];
    let limits = ReadLimits {
        max_records: 7,
        ..ReadLimits::within(PATIENCE)
    };
    let (end, records) = read(&topic, ranges.clone(), limits, usize::MAX).await;
    assert_eq!((end, records.len()), (ReadEnd::Limited, 7));
    let (end, records) = read(&topic, ranges, ReadLimits::within(PATIENCE), 4).await;
    assert_eq!((end, records.len()), (ReadEnd::Stopped, 4));
}

#[tokio::test]
async fn an_unreachable_cluster_ends_reading_at_the_deadline() {
    let nowhere = kafka_cluster::Connection::new("127.0.0.1:1");
    let work = tokio::task::spawn_blocking(move || {
        let ranges = [PartitionRange {
            partition: 3,
            from: 0,
            to: 1,
        }];
        let limits = ReadLimits::within(Duration::from_secs(2));
        read_ranges(&nowhere, "any", &ranges, limits, |_| {
            ControlFlow::Continue(())
        })
    });
    let end = work.await.unwrap();
    let told = match &end {
        Ok(ReadEnd::DeadlineReached { unfinished }) => unfinished == &[3],
        Ok(_) => false,
        Err(error) => error.kind == kafka_cluster::ErrorKind::Unreachable,
    };
    assert!(told, "{end:?}");
}
