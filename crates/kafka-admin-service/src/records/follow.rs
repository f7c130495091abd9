//! A read that goes on: what is there first, then each record as it comes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use kafka_cluster::{Followed, KafkaCluster, KafkaError, TopicMetadata};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::read::{Start, Wanted, meant, page, ranges};
use super::{BUFFER_KIB, RecordView};

/// How many callers may follow at once: each is a client of its own to every broker.
const FOLLOWERS: usize = 16;
/// Records between the reader and a caller who is slower; then reading waits.
const ON_THE_WAY: usize = 64;

/// The places for callers that follow.
#[derive(Debug, Clone)]
pub struct Followers {
    places: Arc<Semaphore>,
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(FOLLOWERS)),
        }
    }
}

impl Followers {
    /// A place, which is free again once it is dropped; `None`: all are taken.
    #[must_use]
    pub fn place(&self) -> Option<FollowerPlace> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        Some(FollowerPlace { _place: place })
    }
}

/// One place.
#[derive(Debug)]
pub struct FollowerPlace {
    _place: OwnedSemaphorePermit,
}

/// Records without an end, or up to `wanted.limit`; ends with an error when the topic is gone.
///
/// # Errors
/// As Kafka answers to the first questions.
pub async fn follow(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    wanted: Wanted,
    place: FollowerPlace,
) -> Result<impl Stream<Item = Result<RecordView, KafkaError>> + use<>, KafkaError> {
    let (ranges, _) = ranges(cluster, topic, wanted.partition, wanted.start).await?;
    // Where nothing is known it begins with what comes.
    let mut from: BTreeMap<i32, Option<i64>> = meant(topic, wanted.partition)
        .map(|partition| (partition.id, None))
        .collect();
    from.extend(
        ranges
            .iter()
            .map(|range| (range.partition, Some(range.from))),
    );
    let mut first = Vec::new();
    if let Start::Last(count) = wanted.start {
        // The last of all partitions are known only when those have been read.
        let last = Wanted {
            limit: count.min(wanted.limit),
            ..wanted.clone()
        };
        let (page, next) = page(cluster, topic, last, ranges).await?;
        first = page.records;
        from.extend(next.into_iter().map(|(id, offset)| (id, Some(offset))));
    }
    let left = wanted.limit - first.len();
    let what = Followed {
        from,
        added_partitions: wanted.partition.is_none(),
        buffer_kib: BUFFER_KIB,
    };
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    if left > 0 {
        let (connection, name) = (cluster.connection().clone(), topic.name.clone());
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut sent = 0;
            let ended = kafka_cluster::follow(&connection, &name, &what, |record| {
                let record = record.as_ref().map(RecordView::of);
                let Some(record) = record.filter(|record| wanted.matches(record)) else {
                    return break_if(sender.is_closed());
                };
                sent += 1;
                break_if(sender.blocking_send(Ok(record)).is_err() || sent == left)
            });
            if let Err(error) = ended {
                tracing::info!(topic = name, %error, "a caller cannot follow it any longer");
                let _ = sender.blocking_send(Err(error));
            }
        });
    }
    let rest = stream::unfold(receiver, async |mut receiver| {
        Some((receiver.recv().await?, receiver))
    });
    Ok(stream::iter(first.into_iter().map(Ok)).chain(rest))
}

fn break_if(over: bool) -> ControlFlow<()> {
    if over {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}
