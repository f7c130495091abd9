//! A bounded read of a topic: by assignment, without a group, and never more than the limits.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use kafka_cluster::{
    KafkaCluster, KafkaError, OffsetSpec, PartitionMetadata, PartitionRange, ReadEnd, ReadLimits,
    TopicMetadata, TopicPartition, read_ranges,
};

use super::{BUFFER_KIB, LONGEST_READ, MOST_BYTES, RecordView};
use crate::time_limits;

/// Where a read starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At this offset of each partition, or the first that is there.
    Offset(i64),
    /// At the first record at or after this time.
    Time(Timestamp),
    /// So many records before the end, over all partitions.
    Last(usize),
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// One partition; all when `None`.
    pub partition: Option<i32>,
    /// Where to start.
    pub start: Start,
    /// Only records whose value contains this.
    pub contains: Option<String>,
    /// Most records in the answer.
    pub limit: usize,
}

impl Wanted {
    /// Whether the record has the text that is looked for.
    pub(super) fn matches(&self, record: &RecordView) -> bool {
        self.contains.as_ref().is_none_or(|part| {
            let value = record.value.as_ref();
            value.is_some_and(|text| text.contains(part))
        })
    }
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By time, then partition and offset.
    pub records: Vec<RecordView>,
    /// `complete`: up to the end as it was; `limited`: there is more than the limits allow; `deadline`:
    /// there is more than the time allows; `partial`: some partitions could not be asked.
    pub end: &'static str,
}

/// Reads from `topic`.
///
/// # Errors
/// As Kafka answers.
pub async fn read(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    wanted: Wanted,
) -> Result<Page, KafkaError> {
    let (ranges, all_known) = ranges(cluster, topic, wanted.partition, wanted.start).await?;
    let (mut page, _) = page(cluster, topic, wanted, ranges).await?;
    if page.end == "complete" && !all_known {
        page.end = "partial";
    }
    Ok(page)
}

/// Reads these ranges, and tells as well how far each was read: its next offset.
pub(super) async fn page(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    wanted: Wanted,
    ranges: Vec<PartitionRange>,
) -> Result<(Page, BTreeMap<i32, i64>), KafkaError> {
    let (connection, name) = (cluster.connection().clone(), topic.name.clone());
    let blocking = tokio::task::spawn_blocking(move || {
        let limits = ReadLimits {
            max_bytes: MOST_BYTES,
            buffer_kib: BUFFER_KIB,
            ..ReadLimits::within(LONGEST_READ)
        };
        let firsts = ranges.iter().map(|range| (range.partition, range.from));
        let mut next: BTreeMap<i32, i64> = firsts.collect();
        let mut found = Found::new(wanted);
        let end = read_ranges(&connection, &name, &ranges, limits, |record| {
            next.insert(record.partition, record.offset + 1);
            found.take(RecordView::of(&record))
        })?;
        Ok((found.into_page(&end), next))
    });
    match blocking.await {
        Ok(read) => read,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// One partition of `topic`, or all.
pub(super) fn meant(
    topic: &TopicMetadata,
    partition: Option<i32>,
) -> impl Iterator<Item = &PartitionMetadata> {
    let there = topic.partitions.iter();
    there.filter(move |there| partition.is_none_or(|id| id == there.id))
}

/// The offsets to read of one partition or all, and whether those are all that are meant: a partition without
/// a leader cannot be asked.
///
/// # Errors
/// As Kafka answers.
pub async fn ranges(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    partition: Option<i32>,
    start: Start,
) -> Result<(Vec<PartitionRange>, bool), KafkaError> {
    let meant: Vec<_> = meant(topic, partition).collect();
    let led: Vec<TopicPartition> = meant
        .iter()
        .filter(|partition| partition.leader.is_some())
        .map(|partition| TopicPartition::new(&topic.name, partition.id))
        .collect();
    let led = led.as_slice();
    let limit = time_limits::DETAIL;
    let by_time = async {
        match start {
            Start::Time(time) => {
                let spec = OffsetSpec::AtTimestampMs(time.as_millisecond());
                cluster.offsets(led, spec, limit).await
            }
            Start::Offset(_) | Start::Last(_) => Ok(BTreeMap::new()),
        }
    };
    let (earliest, latest, by_time) = tokio::join!(
        cluster.offsets(led, OffsetSpec::Earliest, limit),
        cluster.offsets(led, OffsetSpec::Latest, limit),
        by_time,
    );
    let (earliest, latest, by_time) = (earliest?, latest?, by_time?);
    let ranges = led.iter().filter_map(|key| {
        let known = |offsets: &BTreeMap<TopicPartition, Result<i64, KafkaError>>| {
            offsets.get(key)?.as_ref().ok().copied()
        };
        let (first, end) = (known(&earliest)?, known(&latest)?);
        let from = match start {
            Start::Offset(offset) => offset,
            Start::Last(count) => end.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX)),
            // None is that young.
            Start::Time(_) if !by_time.contains_key(key) => end,
            Start::Time(_) => known(&by_time)?,
        };
        Some(PartitionRange {
            partition: key.partition,
            from: from.clamp(first, end.max(first)),
            to: end,
        })
    });
    let ranges: Vec<_> = ranges.collect();
    let all_known = ranges.len() == meant.len();
    Ok((ranges, all_known))
}

/// The records that are kept while reading.
struct Found {
    wanted: Wanted,
    records: Vec<RecordView>,
}

impl Found {
    fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            records: Vec::new(),
        }
    }

    fn take(&mut self, record: RecordView) -> ControlFlow<()> {
        if !self.wanted.matches(&record) {
            return ControlFlow::Continue(());
        }
        self.records.push(record);
        // The last ones are known only at the end of all partitions.
        let full = self.records.len() >= self.wanted.limit;
        if full && !matches!(self.wanted.start, Start::Last(_)) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn into_page(mut self, end: &ReadEnd) -> Page {
        self.records
            .sort_by_key(|record| (record.timestamp, record.partition, record.offset));
        if matches!(self.wanted.start, Start::Last(_)) {
            let surplus = self.records.len().saturating_sub(self.wanted.limit);
            self.records.drain(..surplus);
        }
        Page {
            records: self.records,
            end: match end {
                ReadEnd::Complete => "complete",
                ReadEnd::Stopped | ReadEnd::Limited => "limited",
                ReadEnd::DeadlineReached { .. } => "deadline",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64, second: i64, value: &str) -> RecordView {
        RecordView {
            partition: 0,
            offset,
            timestamp: Timestamp::from_second(second).ok(),
            key: None,
            value: Some(value.to_owned()),
            key_hex: None,
            value_hex: None,
        }
    }

    fn found(start: Start, limit: usize, contains: Option<&str>) -> Found {
        Found::new(Wanted {
            partition: None,
            start,
            contains: contains.map(str::to_owned),
            limit,
        })
    }

    fn offsets(page: &Page) -> Vec<i64> {
        page.records.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn the_last_records_are_the_youngest_of_all_partitions() {
        let mut found = found(Start::Last(2), 2, None);
        for (offset, second) in [(5, 30), (6, 40), (1, 35)] {
            assert!(found.take(record(offset, second, "")).is_continue());
        }
        let page = found.into_page(&ReadEnd::Complete);
        assert_eq!((offsets(&page), page.end), (vec![1, 6], "complete"));
    }

    #[test]
    fn a_read_from_an_offset_stops_at_its_limit_of_matches() {
        let mut found = found(Start::Offset(0), 1, Some("b"));
        assert!(found.take(record(0, 0, "a")).is_continue());
        assert!(found.take(record(1, 0, "abc")).is_break());
        let page = found.into_page(&ReadEnd::Stopped);
        assert_eq!((offsets(&page), page.end), (vec![1], "limited"));
    }
}
