//! Deleting the records of a topic before an offset or a time: everything before it goes, whoever wrote
//! it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kafka_cluster::{KafkaError, OffsetSpec, TopicMetadata, TopicPartition};
use tracing::info;

use super::{TopicName, TopicWriter, WriteError};
use crate::time_limits::{self, Deadline};

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
    /// Whether it was done: `None` before, else the first record that is left or why it was not done.
    pub done: Option<Result<i64, String>>,
}

/// By partition.
pub type Truncations = BTreeMap<i32, Truncation>;

impl TopicWriter {
    /// Deletes the records of `topic` before a point, in one partition or all; only plans it unless
    /// `execute`. Partitions without a leader are told as such.
    ///
    /// # Errors
    /// `Busy`, or what Kafka said; what one partition's leader said is that partition's.
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
        let limit = deadline.at_most(time_limits::WRITE);
        let answers = self.cluster.delete_records(&sent, limit).await;
        let answers = answers.map_err(|error| state.failed(error))?;
        for (id, plan) in &mut planned {
            plan.done = match (&plan.wanted, answers.get(&key(*id))) {
                (Ok(_), Some(Ok(first))) => Some(Ok(*first)),
                (Ok(_), Some(Err(error))) => Some(Err(error.to_string())),
                (Ok(_), None) if sent.contains_key(&key(*id)) => Some(Err(
                    "its leader did not answer; look before repeating".to_owned(),
                )),
                (Ok(_), None) => Some(Ok(plan.first)),
                (Err(_), _) => None,
            };
        }
        info!(topic = %name, partitions = sent.len(), "records deleted");
        Ok(planned)
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
                done: None,
            };
            (partition.id, plan)
        });
        Ok(plans.collect())
    }
}
