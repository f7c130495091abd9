//! Reads writes back from the audit topic, the newest first, within bounds.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use kafka_cluster::{
    KafkaCluster, KafkaError, PartitionRange, ReadEnd, ReadLimits, TopicMetadata, codes,
    read_ranges,
};

use super::backwards::Backwards;
use super::joined::Joined;
use super::{AuditPage, Entry};
use crate::any_broker;
use crate::records::{self, BUFFER_KIB, LONGEST_READ, MOST_BYTES, Start, Wanted};

/// Which writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// About this topic.
    pub topic: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Since this time.
    pub since: Timestamp,
    /// Before this place.
    pub before: Option<Cursor>,
    /// Most of them.
    pub limit: usize,
}

/// A place in the audit: the id of a write, or the beginning of one. Ids sort by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(super) String);

/// Records are stamped by this service, and it may have moved to another machine.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);
/// An outcome is written this long after its intent at the latest: a document may take five minutes.
const LATEST_OUTCOME: SignedDuration = SignedDuration::from_mins(6);
/// Records that one look reads at most; a write has two.
const MOST_RECORDS: i64 = 20_000;

/// Reads the writes that match, newest first: from the end of the topic back, or from a cursor, until there
/// are enough.
///
/// # Errors
/// As Kafka answers; `NotFound` where there is no audit topic.
pub async fn read(
    cluster: &KafkaCluster,
    topic: &str,
    filter: &Filter,
) -> Result<AuditPage, KafkaError> {
    let end = Instant::now() + LONGEST_READ;
    let topic = any_broker::topic(cluster, topic).await?;
    let (ranges, whole) = ranges(cluster, &topic, filter).await?;
    let mut reading = Backwards::new(ranges);
    let mut joined = Joined::default();
    // What is read after the cursor, for late outcomes, is not part of the page.
    let mut records_left = MOST_RECORDS * if filter.before.is_some() { 2 } else { 1 };
    let mut bytes_left = MOST_BYTES;
    let stopped = loop {
        let edge = reading.edge_ms().saturating_add(margin_ms(&reading));
        if joined.matching(filter, edge).nth(filter.limit).is_some() {
            return Ok(page(&joined, filter, edge, "limited"));
        }
        let step = reading.next_step(records_left);
        if step.is_empty() {
            break if reading.is_done() {
                "complete"
            } else {
                "limited"
            };
        }
        let limits = ReadLimits {
            max_bytes: bytes_left,
            buffer_kib: BUFFER_KIB,
            ..ReadLimits::within(end.saturating_duration_since(Instant::now()))
        };
        let read = read_step(cluster, &topic.name, &step, limits).await?;
        read.values.iter().for_each(|value| joined.take(value));
        match read.end {
            ReadEnd::Complete => reading.took(&step, &read.oldest_ms),
            // Of such a step nobody knows which records are missing.
            ReadEnd::Stopped | ReadEnd::Limited => break "limited",
            ReadEnd::DeadlineReached { .. } => break "deadline",
        }
        records_left -= step.iter().map(|range| range.to - range.from).sum::<i64>();
        bytes_left = bytes_left.saturating_sub(read.bytes);
    };
    let mut page = page(&joined, filter, reading.edge_ms(), stopped);
    if page.end == "complete" && !whole {
        page.end = "partial";
    }
    Ok(page)
}

/// The one write of this id; `None` where there is none.
///
/// # Errors
/// As Kafka answers, or `TimedOut` where the log could not be read to its end and did not show it.
pub async fn read_one(
    cluster: &KafkaCluster,
    topic: &str,
    audit_id: &str,
) -> Result<Option<Entry>, KafkaError> {
    let Ok(Some(begun)) = audit_id.parse::<Cursor>().map(|id| id.time()) else {
        return Ok(None);
    };
    // Brokers' clocks may be behind by some.
    let since = begun.checked_sub(CLOCKS_APART).unwrap_or(Timestamp::MIN);
    let topic = any_broker::topic(cluster, topic).await?;
    let wanted = Wanted {
        partition: None,
        start: Start::Time(since),
        contains: Some(format!("\"auditId\":\"{audit_id}\"")),
        limit: 2,
    };
    let read = records::read(cluster, &topic, wanted).await?;
    let mut joined = Joined::default();
    let values = read
        .records
        .iter()
        .filter_map(|record| record.value.as_deref());
    values.for_each(|value| joined.take(value));
    let any = Filter {
        topic: None,
        actor: None,
        since,
        before: None,
        limit: 1,
    };
    let found = joined.matching(&any, i64::MIN).next();
    // Without its outcome it may only be that this was not reached.
    let whole = found.as_ref().is_some_and(|entry| entry.outcome.is_some());
    if !whole && read.end != "complete" {
        let detail = "the audit topic could not be read to its end";
        return Err(KafkaError::of_read("Fetch", codes::LOCAL_TIMED_OUT, detail));
    }
    Ok(found)
}

/// What there is to read, and whether it is of all partitions.
async fn ranges(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    filter: &Filter,
) -> Result<(Vec<PartitionRange>, bool), KafkaError> {
    let start = Start::Time(filter.since);
    let (mut ranges, whole) = records::ranges(cluster, topic, None, start).await?;
    let until = filter.before.as_ref().and_then(Cursor::time);
    if let Some(until) = until {
        let latest = until.checked_add(LATEST_OUTCOME).unwrap_or(Timestamp::MAX);
        let start = Start::Time(latest);
        let (later, _) = records::ranges(cluster, topic, None, start).await?;
        for range in &mut ranges {
            let later = later
                .iter()
                .find(|later| later.partition == range.partition);
            let to = later.map_or(range.to, |later| later.from);
            range.to = to.clamp(range.from, range.to);
        }
    }
    Ok((ranges, whole))
}

/// One step that was read.
struct Step {
    values: Vec<String>,
    /// By partition, the time of its oldest record.
    oldest_ms: BTreeMap<i32, i64>,
    bytes: u64,
    end: ReadEnd,
}

async fn read_step(
    cluster: &KafkaCluster,
    topic: &str,
    step: &[PartitionRange],
    limits: ReadLimits,
) -> Result<Step, KafkaError> {
    let connection = cluster.connection().clone();
    let (topic, step) = (topic.to_owned(), step.to_vec());
    let blocking = tokio::task::spawn_blocking(move || {
        let (mut values, mut oldest_ms, mut bytes) = (Vec::new(), BTreeMap::new(), 0);
        let end = read_ranges(&connection, &topic, &step, limits, |record| {
            let value = record.payload.unwrap_or_default();
            bytes += (record.key.unwrap_or_default().len() + value.len()) as u64;
            if let Some(time) = record.timestamp_ms {
                oldest_ms.entry(record.partition).or_insert(time);
            }
            if let Ok(text) = std::str::from_utf8(value) {
                values.push(text.to_owned());
            }
            ControlFlow::Continue(())
        })?;
        Ok(Step {
            values,
            oldest_ms,
            bytes,
            end,
        })
    });
    match blocking.await {
        Ok(read) => read,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Records may be out of order by as much, so that a younger one may stand before the oldest that was read.
fn margin_ms(reading: &Backwards) -> i64 {
    if reading.is_done() {
        return 0;
    }
    i64::try_from(CLOCKS_APART.as_millis()).unwrap_or(i64::MAX)
}

/// The writes from `edge_ms` on, and where the next page begins.
fn page(joined: &Joined, filter: &Filter, edge_ms: i64, end: &'static str) -> AuditPage {
    let mut matching = joined.matching(filter, edge_ms);
    let entries: Vec<Entry> = matching.by_ref().take(filter.limit).collect();
    let more = matching.next().is_some();
    let last = entries.last().map(|entry| entry.intent.audit_id.clone());
    let next_cursor = if more {
        last
    } else if end == "complete" {
        None
    } else {
        Cursor::at(edge_ms)
            .filter(|next| filter.before.as_ref().is_none_or(|given| next.0 < given.0))
            .map(|next| next.0)
    };
    AuditPage {
        entries,
        next_cursor,
        end: if more { "limited" } else { end },
    }
}

impl Cursor {
    /// Before all writes from this time on; `None` where it is no time.
    fn at(edge_ms: i64) -> Option<Self> {
        let time = Timestamp::from_millisecond(edge_ms).ok()?;
        Some(Self(format!("{:013}", time.as_millisecond())))
    }

    fn time(&self) -> Option<Timestamp> {
        let millis = self.0.split('-').next()?.parse().ok()?;
        Timestamp::from_millisecond(millis).ok()
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let cursor = Self(text.to_owned());
        match cursor.time() {
            Some(_) => Ok(cursor),
            None => Err("must be nextCursor of the page before".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Writes at these seconds, each with an id of its own.
    fn joined(seconds: &[i64]) -> Joined {
        let mut joined = Joined::default();
        for second in seconds {
            let at = Timestamp::from_second(*second).unwrap();
            let record = json!({
                "kind": "intent", "auditId": format!("{:013}-a-1", second * 1_000), "actor": "x",
                "at": at.to_string(), "from": null, "requestId": null, "call": "", "query": null,
                "topic": null, "reason": null, "request": null,
            });
            joined.take(&record.to_string());
        }
        joined
    }

    fn filter(limit: usize, before: Option<&str>) -> Filter {
        Filter {
            topic: None,
            actor: None,
            since: Timestamp::UNIX_EPOCH,
            before: before.map(|text| text.parse().unwrap()),
            limit,
        }
    }

    fn told(page: &AuditPage) -> (Vec<i64>, Option<&str>, &str) {
        let entries = page.entries.iter();
        let seconds = entries.map(|entry| entry.intent.at.as_second()).collect();
        (seconds, page.next_cursor.as_deref(), page.end)
    }

    #[test]
    fn pages_follow_each_other_from_the_newest_on() {
        let joined = joined(&[1, 2, 3]);
        let first = page(&joined, &filter(2, None), i64::MIN, "complete");
        let cursor = "0000000002000-a-1";
        assert_eq!(told(&first), (vec![3, 2], Some(cursor), "limited"));
        let second = page(&joined, &filter(2, Some(cursor)), i64::MIN, "complete");
        assert_eq!(told(&second), (vec![1], None, "complete"));
    }

    #[test]
    fn a_page_that_met_a_bound_goes_on_from_what_was_wholly_read() {
        let joined = joined(&[1, 2, 3]);
        let first = page(&joined, &filter(2, None), 3_000, "deadline");
        let cursor = "0000000003000";
        assert_eq!(told(&first), (vec![3], Some(cursor), "deadline"));
        let second = page(&joined, &filter(2, Some(cursor)), i64::MIN, "complete");
        assert_eq!(told(&second), (vec![2, 1], None, "complete"));
        // Where not even the first step was read there is no place to go on from.
        let none = page(&joined, &filter(2, None), i64::MAX, "limited");
        assert_eq!(told(&none), (vec![], None, "limited"));
        let again = page(&joined, &filter(2, Some(cursor)), 5_000, "limited");
        assert_eq!(told(&again), (vec![], None, "limited"));
    }

    #[test]
    fn a_cursor_begins_with_a_time() {
        for wrong in ["", "a", "-1", "a-1"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
        assert!("1764062400123-5f2c9a10-000003".parse::<Cursor>().is_ok());
    }
}
