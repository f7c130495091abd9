//! Deleting the records of a topic before an offset or a time: everything before it goes, whoever wrote
//! it. What each partition begins with is read back before it is told done.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kafka_cluster::{ErrorKind, KafkaError, OffsetSpec, TopicMetadata, TopicPartition};
use tracing::info;

use super::{TopicName, TopicWriter, WriteError};
use crate::time_limits::{self, Deadline};

/// Pause between two looks at where partitions begin.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Before what records are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// This offset of each partition that is meant.
    Offset(i64),
    /// The first record at or after this time; all records when none is that young.
    Time(Timestamp),
}

/// What happens, or happened, to one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncation {
    /// The first record that is there.
    pub first: i64,
    /// The first record that is to be left, or why that is not known.
    pub wanted: Result<i64, String>,
    /// What became of it; `None` before.
    pub became: Option<Truncated>,
}

/// What became of the records of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truncated {
    /// This is the first record, as it was read back.
    Left(i64),
    /// The leader refused, in these words.
    Failed(String),
    /// They may be gone by now or not, and why that is not known.
    Unknown(String),
}

/// By partition.
pub type Truncations = BTreeMap<i32, Truncation>;

/// What leaders say of their partitions.
type Offsets = BTreeMap<TopicPartition, Result<i64, KafkaError>>;

impl TopicWriter {
    /// Deletes the records of `topic` before a point, in one partition or all; only plans it unless
    /// `execute`. Partitions without a leader are told as such. Ends within
    /// [`WHOLE_WRITE`](time_limits::WHOLE_WRITE).
    ///
    /// # Errors
    /// `Busy`, or what Kafka said before anything was sent; what became of one partition is that
    /// partition's.
    pub async fn truncate(
        &self,
        name: &TopicName,
        topic: &TopicMetadata,
        partition: Option<i32>,
        before: Before,
        execute: bool,
    ) -> Result<Truncations, WriteError> {
        let deadline = Deadline::within(time_limits::WHOLE_WRITE);
        let (_lock, state) = self.begin(name).await?;
        let planned = self.planned(topic, partition, before).await;
        let mut planned = planned.map_err(|error| state.failed(error))?;
        if !execute {
            return Ok(planned);
        }
        let key = |id: i32| TopicPartition::new(&topic.name, id);
        let wanted = |(id, plan): (&i32, &Truncation)| match plan.wanted {
            Ok(offset) if offset > plan.first => Some((key(*id), offset)),
            _ => None,
        };
        let sent: BTreeMap<TopicPartition, i64> = planned.iter().filter_map(wanted).collect();
        let limit = deadline
            .earlier_by(time_limits::LOOK)
            .at_most(time_limits::WRITE);
        let answers = match self.cluster.delete_records(&sent, limit).await {
            Ok(answers) => answers,
            // Each leader is asked where its partitions begin now.
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => BTreeMap::new(),
            Err(error) => return Err(state.failed(error)),
        };
        let begins = self.read_back(&sent, &answers, deadline).await;
        for (id, plan) in &mut planned {
            let key = key(*id);
            plan.became = match (&plan.wanted, sent.get(&key)) {
                (Ok(_), Some(wanted)) => {
                    Some(settled(*wanted, answers.get(&key), begins.get(&key)))
                }
                (Ok(_), None) => Some(Truncated::Left(plan.first)),
                (Err(_), _) => None,
            };
        }
        let left = |plan: &&Truncation| matches!(plan.became, Some(Truncated::Left(_)));
        let done = planned.values().filter(left).count();
        info!(topic = %name, partitions = sent.len(), done, "records deleted");
        Ok(planned)
    }

    /// Where the partitions that were `sent` begin. Looks until all begin where they should, but for
    /// those whose leader refused, or until the time is over.
    async fn read_back(
        &self,
        sent: &BTreeMap<TopicPartition, i64>,
        answers: &Offsets,
        deadline: Deadline,
    ) -> Offsets {
        let end = tokio::time::Instant::now() + deadline.at_most(time_limits::SETTLE);
        let partitions: Vec<TopicPartition> = sent.keys().cloned().collect();
        let mut begins = BTreeMap::new();
        loop {
            let limit = deadline.at_most(time_limits::DETAIL);
            let seen = self
                .cluster
                .offsets(&partitions, OffsetSpec::Earliest, limit);
            begins.extend(seen.await.unwrap_or_default());
            let open = sent.iter().any(|(key, wanted)| {
                let became = settled(*wanted, answers.get(key), begins.get(key));
                matches!(became, Truncated::Unknown(_))
            });
            if !open || tokio::time::Instant::now() + LOOK_PAUSE >= end {
                return begins;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    async fn planned(
        &self,
        topic: &TopicMetadata,
        partition: Option<i32>,
        before: Before,
    ) -> Result<Truncations, KafkaError> {
        let meant = topic.partitions.iter();
        let meant: Vec<_> = meant
            .filter(|there| partition.is_none_or(|id| id == there.id))
            .collect();
        let led: Vec<TopicPartition> = meant
            .iter()
            .filter(|partition| partition.leader.is_some())
            .map(|partition| TopicPartition::new(&topic.name, partition.id))
            .collect();
        let limit = time_limits::DETAIL;
        let by_time = async {
            match before {
                Before::Time(time) => {
                    let spec = OffsetSpec::AtTimestampMs(time.as_millisecond());
                    self.cluster.offsets(&led, spec, limit).await
                }
                Before::Offset(_) => Ok(BTreeMap::new()),
            }
        };
        let (earliest, latest, by_time) = tokio::join!(
            self.cluster.offsets(&led, OffsetSpec::Earliest, limit),
            self.cluster.offsets(&led, OffsetSpec::Latest, limit),
            by_time,
        );
        let (earliest, latest, by_time) = (earliest?, latest?, by_time?);
        let told = |offset: Option<&Result<i64, KafkaError>>, led: bool| match offset {
            Some(Ok(offset)) => Ok(*offset),
            Some(Err(error)) => Err(error.to_string()),
            None if led => Err("its leader did not answer in time".to_owned()),
            None => Err("the partition has no leader".to_owned()),
        };
        let plans = meant.into_iter().map(|partition| {
            let key = TopicPartition::new(&topic.name, partition.id);
            let has_leader = partition.leader.is_some();
            let ends = told(earliest.get(&key), has_leader)
                .and_then(|first| Ok((first, told(latest.get(&key), has_leader)?)));
            let first = ends.as_ref().map_or(0, |(first, _)| *first);
            let wanted = ends.and_then(|(first, end)| {
                let wanted = match (before, by_time.get(&key)) {
                    (Before::Offset(offset), _) => offset,
                    (Before::Time(_), Some(Ok(offset))) => *offset,
                    (Before::Time(_), Some(Err(error))) => return Err(error.to_string()),
                    (Before::Time(_), None) => end,
                };
                Ok(wanted.clamp(first, end.max(first)))
            });
            let plan = Truncation {
                first,
                wanted,
                became: None,
            };
            (partition.id, plan)
        });
        Ok(plans.collect())
    }
}

/// What became of a partition that was to begin with `wanted`, by its leader's `answer` and by where it
/// `begins` now. Who refused did nothing; without an answer it may still happen.
fn settled(
    wanted: i64,
    answer: Option<&Result<i64, KafkaError>>,
    begins: Option<&Result<i64, KafkaError>>,
) -> Truncated {
    let lost = |error: &KafkaError| error.kind == ErrorKind::OutcomeUnknown;
    match (begins, answer) {
        (Some(Ok(first)), _) if *first >= wanted => Truncated::Left(*first),
        (_, Some(Err(error))) if !lost(error) => Truncated::Failed(error.to_string()),
        (Some(Ok(first)), Some(Ok(_))) => Truncated::Unknown(format!(
            "its leader took it on, and {first} is still its first offset"
        )),
        (Some(Ok(first)), _) => Truncated::Unknown(format!(
            "its leader did not answer, and {first} is still its first offset: it may still happen"
        )),
        (Some(Err(error)), _) => Truncated::Unknown(format!("it could not be read back: {error}")),
        (None, _) => Truncated::Unknown(
            "it could not be read back: its leader did not answer in time".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;

    fn failed(code: i32) -> Result<i64, KafkaError> {
        Err(KafkaError::of_write("DeleteRecords", code, ""))
    }

    #[test]
    fn what_is_read_back_is_done_whatever_was_answered() {
        let lost = failed(codes::LOCAL_TIMED_OUT);
        for answer in [Some(&Ok(50)), Some(&lost), None] {
            assert_eq!(settled(50, answer, Some(&Ok(50))), Truncated::Left(50));
        }
    }

    #[test]
    fn what_is_not_read_back_is_unknown_unless_the_leader_refused() {
        let unknown = |became| matches!(became, Truncated::Unknown(_));
        let lost = failed(codes::REQUEST_TIMED_OUT);
        assert!(unknown(settled(50, Some(&Ok(50)), None)));
        assert!(unknown(settled(50, Some(&Ok(50)), Some(&Ok(10)))));
        assert!(unknown(settled(50, Some(&lost), Some(&Ok(10)))));
        assert!(unknown(settled(50, None, Some(&Ok(10)))));
        let refused = failed(codes::TOPIC_AUTHORIZATION_FAILED);
        for begins in [None, Some(&Ok(10))] {
            let became = settled(50, Some(&refused), begins);
            assert!(matches!(became, Truncated::Failed(_)), "{became:?}");
        }
    }
}
