//! Reads metadata: topics, partitions, and where the brokers are.

use std::sync::Arc;
use std::time::Duration;

use kafka_cluster::{ClusterMetadata, ErrorKind, PartitionMetadata};

use super::Context;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{Failure, Snapshot};

/// Metadata is small and comes from memory; a broker that hangs is passed over within it.
const DEADLINE: Duration = Duration::from_secs(3);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// A partition without leader is confirmed or disproved soon.
const WHILE_LEADERLESS: Duration = Duration::from_millis(300);
/// While replicas or brokers are missing, their return is what everybody waits for.
const WHILE_MISSING: Duration = Duration::from_millis(500);
const SETTLING: Duration = Duration::from_secs(5);

pub(super) async fn run(context: Context) {
    let pace = Pace::every(context.settings.metadata_interval, AFTER_FAILURE);
    pace.repeat(&context.stop, || collect(&context)).await;
}

async fn collect(context: &Context) -> Outcome {
    let began = Moment::now();
    let metadata = context.cluster.metadata(DEADLINE).await;
    let ended = Moment::now();
    let refused = metadata.as_ref().err();
    let refused = refused.filter(|error| error.kind == ErrorKind::Unauthenticated);
    let refusal = refused.map(|error| Failure {
        at: ended,
        message: error.message.clone(),
    });
    let result = metadata
        .map_err(|error| error.to_string())
        .and_then(plausible);
    let mut outcome = Outcome::Failure;
    let requests = context.cluster.requests();
    context.store.update(|snapshot| {
        snapshot.requests = Arc::new(requests);
        snapshot.refusal = refusal;
        let noted = match result {
            Ok(metadata) => {
                snapshot.take_in(&metadata, began);
                outcome = next_look(&metadata, any_unsettled(snapshot, ended));
                Ok(())
            }
            Err(message) => Err(message),
        };
        snapshot.topics.attempts.note(began, ended, noted);
    });
    outcome
}

/// A broker that has just started may answer before the controller told it of the cluster: it then
/// shows no brokers, or not itself, and no topics.
fn plausible(metadata: ClusterMetadata) -> Result<ClusterMetadata, String> {
    let author = metadata.answered_by;
    if metadata.brokers.is_empty() {
        return Err(format!("broker {author} does not know of any broker yet"));
    }
    if author >= 0 && !metadata.brokers.iter().any(|broker| broker.id == author) {
        return Err(format!(
            "broker {author} does not count itself as part of the cluster"
        ));
    }
    Ok(metadata)
}

/// A broker does not answer, or began to a short time ago.
fn any_unsettled(snapshot: &Snapshot, now: Moment) -> bool {
    snapshot.brokers.values().any(|broker| {
        let since = broker.probes.answering_since;
        broker.probes.failing.is_some() || since.is_none_or(|since| since.age(now) < SETTLING)
    })
}

fn next_look(metadata: &ClusterMetadata, brokers_unsettled: bool) -> Outcome {
    if metadata
        .partitions()
        .any(|partition| partition.leader.is_none())
    {
        Outcome::LookAgain(WHILE_LEADERLESS)
    } else if brokers_unsettled
        || metadata
            .partitions()
            .any(PartitionMetadata::under_replicated)
    {
        Outcome::LookAgain(WHILE_MISSING)
    } else {
        Outcome::Success
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, answered, metadata, refused, topic};

    #[test]
    fn a_view_without_brokers_is_refused() {
        assert!(plausible(metadata(&[], &[])).is_err());
    }

    #[test]
    fn the_view_of_a_broker_that_does_not_list_itself_is_refused() {
        let mut view = metadata(&[2, 3], &[]);
        assert!(plausible(view.clone()).is_ok());
        view.answered_by = 1;
        assert!(
            plausible(view.clone())
                .unwrap_err()
                .starts_with("broker 1 ")
        );
        // librdkafka does not always know who answered.
        view.answered_by = -1;
        assert!(plausible(view).is_ok());
    }

    #[test]
    fn a_broker_is_unsettled_while_it_fails_and_for_a_while_after() {
        let mut cluster = Cluster::healthy();
        let later = cluster.now.plus(2 * SETTLING);
        assert!(any_unsettled(&cluster.snapshot, cluster.now));
        assert!(!any_unsettled(&cluster.snapshot, later));
        cluster.broker(1).probes.record(refused(later));
        assert!(any_unsettled(&cluster.snapshot, later));
        cluster.broker(1).probes.record(answered(later));
        assert!(any_unsettled(&cluster.snapshot, later));
        assert!(!any_unsettled(&cluster.snapshot, later.plus(2 * SETTLING)));
    }

    #[test]
    fn what_is_missing_is_looked_for_more_often() {
        let full = topic("orders", &[(Some(1), &[1, 2], &[1, 2])]);
        let under_replicated = topic("payments", &[(Some(1), &[1, 2], &[1])]);
        let leaderless = topic("refunds", &[(None, &[1], &[1])]);
        let look = |topics: &[_]| next_look(&metadata(&[1, 2], topics), false);
        assert_eq!(look(std::slice::from_ref(&full)), Outcome::Success);
        assert_eq!(
            look(&[full.clone(), under_replicated.clone()]),
            Outcome::LookAgain(WHILE_MISSING)
        );
        assert_eq!(
            look(&[full, under_replicated, leaderless]),
            Outcome::LookAgain(WHILE_LEADERLESS)
        );
        assert_eq!(
            next_look(&metadata(&[1, 2], &[]), true),
            Outcome::LookAgain(WHILE_MISSING)
        );
    }
}
