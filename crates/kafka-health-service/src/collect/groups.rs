//! Measures the lag of every consumer group with few requests: list the groups, read their commits
//! (some groups at a time), then the ends of all partitions in one call. Commits come first, or
//! the lag of a busy group would be negative.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use kafka_cluster::{
    ErrorKind, GroupListing, GroupListings, GroupState, KafkaError, OffsetSpec, codes,
};

use tokio::sync::Mutex;

use super::Context;
use super::pace::{Outcome, Pace};
use super::residue::Residues;
use crate::moment::Moment;
use crate::snapshot::{Ladders, PartitionOffsets, Readings, Right, Topics};

/// A broker that is down but still registered makes the list take this long.
const LIST_DEADLINE: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(5);
/// One request each; more at a time did not get faster, measured.
const GROUPS_AT_A_TIME: usize = 16;
const MOST_OFTEN: Duration = Duration::from_secs(5);
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// What is kept from round to round.
#[derive(Default)]
struct Memory {
    ladders: Ladders,
    residues: Residues,
}

pub(super) async fn run(context: Context) {
    let longest = context.settings.check_interval;
    let pace = Pace {
        shortest: MOST_OFTEN.min(longest),
        longest,
        ..Pace::every(longest, AFTER_FAILURE)
    };
    let memory = Mutex::default();
    pace.repeat(&context.stop, || collect(&context, &memory))
        .await;
}

async fn collect(context: &Context, memory: &Mutex<Memory>) -> Outcome {
    if context.store.read().topics.seen.is_none() {
        // No broker was reached yet: nothing to ask.
        return Outcome::Failure;
    }
    let began = Moment::now();
    let readings = read(context, memory).await;
    let ended = Moment::now();
    let mut memory = memory.lock().await;
    let mut outcome = Outcome::Failure;
    context.store.update(|snapshot| {
        if let Ok(readings) = &readings {
            let needed = [Right::DescribeGroups, Right::DescribeTopics];
            snapshot.note_denials(&needed, denials(readings), ended);
        }
        let part = &mut snapshot.groups;
        let noted = readings
            .map_err(|error| error.to_string())
            .and_then(|mut readings| {
                let previous = part.seen.as_ref().map(|seen| &*seen.value);
                let groups = readings.assemble(previous, began);
                part.publish(groups, began);
                memory.ladders = std::mem::take(&mut readings.ladders);
                readings.failure().map_or(Ok(()), Err)
            });
        if noted.is_ok() {
            outcome = Outcome::Success;
        }
        part.attempts.note(began, ended, noted);
    });
    outcome
}

/// Rights that were missing on the way.
fn denials(readings: &Readings) -> BTreeMap<Right, String> {
    let descriptions = readings.descriptions.values();
    let descriptions = descriptions.filter_map(|answer| answer.as_ref().err());
    let committed = readings.committed.values();
    let committed = committed.filter_map(|answer| answer.as_ref().err());
    let offsets = readings.earliest.values().chain(readings.latest.values());
    let offsets = offsets.filter_map(|answer| answer.as_ref().err());
    let errors = descriptions.chain(committed).chain(offsets);
    let denied = errors.filter(|error| error.kind == ErrorKind::Denied);
    let right = |error: &KafkaError| match error.code {
        codes::GROUP_AUTHORIZATION_FAILED => Right::DescribeGroups,
        _ => Right::DescribeTopics,
    };
    denied
        .map(|error| (right(error), error.message.clone()))
        .collect()
}

async fn read(context: &Context, memory: &Mutex<Memory>) -> Result<Readings, KafkaError> {
    let cluster = &context.cluster;
    let listings = cluster.groups(LIST_DEADLINE).await?;
    let with_members = with_members(&listings);
    let (descriptions, committed) = tokio::join!(
        cluster.describe_groups(&with_members, DEADLINE),
        committed(context, &listings),
    );
    let metadata = cluster.metadata(DEADLINE).await?;
    let snapshot = context.store.read();
    let failing = snapshot
        .brokers
        .values()
        .filter(|broker| broker.probes.failing.is_some());
    let mut readings = Readings {
        // Without a description the listed state has to do, and partitions without a commit are
        // not known of.
        descriptions,
        committed,
        topics: Topics::from_metadata(&metadata, None, Moment::now()),
        silent: failing.map(|broker| broker.id).collect(),
        listings,
        ..Readings::default()
    };
    drop(snapshot);
    let partitions = readings.partitions_to_ask();
    let asked_at = service_kit::time::now();
    let (earliest, latest) = tokio::join!(
        cluster.offsets(&partitions, OffsetSpec::Earliest, DEADLINE),
        cluster.offsets(&partitions, OffsetSpec::Latest, DEADLINE),
    );
    readings.earliest = earliest?;
    readings.latest = latest?;
    let mut memory = memory.lock().await;
    readings.ladders = std::mem::take(&mut memory.ladders);
    readings.climb(asked_at, &partitions);
    index(context, &mut readings, asked_at).await;
    let snapshot = context.store.read();
    let previous = snapshot.groups.seen.as_ref().map(|seen| &*seen.value);
    let connection = context.cluster.connection();
    readings.residue = memory
        .residues
        .look(connection, &readings, previous, Moment::now())
        .await;
    Ok(readings)
}

/// Asks the time index of partitions that somebody is behind on: once for each. What is not answered is
/// asked for again in the next round; until then ages are known from the readings alone.
async fn index(context: &Context, readings: &mut Readings, now: Timestamp) {
    let due = readings.partitions_to_index();
    let due: Vec<_> = due.into_iter().cloned().collect();
    if due.is_empty() {
        return;
    }
    let ask = |age: Duration| {
        let at = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        let spec = OffsetSpec::AtTimestampMs(at.as_millisecond());
        let offsets = context.cluster.offsets(&due, spec, DEADLINE);
        async move { offsets.await.map(|offsets| (at, offsets)) }
    };
    let asked = join_all(Ladders::INDEX_AGES.map(ask)).await;
    let Ok(answers) = asked.into_iter().collect::<Result<Vec<_>, _>>() else {
        return;
    };
    for partition in &due {
        let end = readings.latest.get(partition);
        let end = end.and_then(|end| end.as_ref().ok().copied());
        let rungs = answers.iter().filter_map(|(at, offsets)| {
            // A time after the last record has no offset: the next one will be the end.
            let offset = match offsets.get(partition) {
                Some(Ok(offset)) => Some(*offset),
                Some(Err(_)) => None,
                None => end,
            };
            Some((*at, offset?))
        });
        let rungs: Vec<_> = rungs.collect();
        if let Some(ladder) = readings.ladders.get_mut(partition) {
            ladder.index(rungs);
        }
    }
}

async fn committed(
    context: &Context,
    listings: &GroupListings,
) -> BTreeMap<String, Result<PartitionOffsets, KafkaError>> {
    let of_group = |group: GroupListing| async {
        let committed = context.cluster.committed_offsets(&group, DEADLINE).await;
        (group.id, committed)
    };
    // Collected first: a lazy iterator of futures that borrow cannot be sent between threads.
    let requests: Vec<_> = listings.groups.iter().cloned().map(of_group).collect();
    stream::iter(requests)
        .buffer_unordered(GROUPS_AT_A_TIME)
        .collect()
        .await
}

/// Only groups with members are assigned partitions.
fn with_members(listings: &GroupListings) -> Vec<GroupListing> {
    listings
        .groups
        .iter()
        .filter(|group| !matches!(group.state, GroupState::Empty | GroupState::Dead))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use kafka_cluster::TopicPartition;

    use super::*;

    #[test]
    fn what_kafka_refuses_on_the_way_is_told_as_the_right_that_is_missing() {
        let error = |code| KafkaError::of_read("OffsetFetch", code, "no");
        let mut readings = Readings::default();
        let group = error(codes::GROUP_AUTHORIZATION_FAILED);
        readings.committed.insert("a".to_owned(), Err(group));
        let moved = error(codes::NOT_COORDINATOR);
        readings.committed.insert("b".to_owned(), Err(moved));
        let denied = denials(&readings);
        assert_eq!(
            denied,
            BTreeMap::from([(Right::DescribeGroups, "no".to_owned())])
        );
        let partition = TopicPartition::new("orders", 0);
        let topic = error(codes::TOPIC_AUTHORIZATION_FAILED);
        readings.latest.insert(partition, Err(topic));
        assert!(denials(&readings).contains_key(&Right::DescribeTopics));
    }
}
