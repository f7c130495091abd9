//! Plain metadata: brokers and topics as one broker sees them. The only blocking call.

use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::borrow::{c_text, text};
use super::client::{Client, REPORT_MARGIN};
use super::codes;
use super::handles::TopicHandle;
use super::nudges::nudge;
use super::operation::millis;
use crate::{
    BrokerAddress, ClusterMetadata, ErrorKind, KafkaError, PartitionMetadata, TopicMetadata,
    is_internal_topic,
};

const OPERATION: &str = "Metadata";
/// After each of these pauses without an answer another broker is asked as well: a paused broker keeps
/// its connection. Of brokers that were all asked within the same second librdkafka picks any (see
/// [`nudge`]); by the end of the last pause the one that hangs has been idle for over a second, and
/// is not picked again.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_millis(500),
    Duration::from_millis(1200),
];
/// After an answer that came at once and failed: no busy loop.
const AGAIN: Duration = Duration::from_millis(100);

/// What is asked for beside the brokers.
#[derive(Clone)]
pub(crate) enum Topics {
    /// Every topic.
    All,
    /// One topic; it is missing from the answer when there is none.
    One(String),
    /// None: a small answer however large the cluster.
    None,
}

/// Asks any broker, and another as well when the first one takes long.
pub(crate) async fn metadata(
    client: &Arc<Client>,
    topics: Topics,
    deadline: Duration,
) -> Result<ClusterMetadata, KafkaError> {
    match hedged(client, topics, deadline).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(client.refusals.explain(error).await),
    }
}

async fn hedged(
    client: &Arc<Client>,
    topics: Topics,
    deadline: Duration,
) -> Result<ClusterMetadata, KafkaError> {
    let end = Instant::now() + deadline;
    let mut pauses = PAUSES.into_iter();
    let mut due = Some(Instant::now());
    let mut again = false;
    let mut attempts = JoinSet::new();
    let mut last_error = None;
    loop {
        let now = Instant::now();
        if now < end && (again || due.is_some_and(|due| due <= now)) {
            if !attempts.is_empty() {
                nudge(client).await;
            }
            attempts.spawn(attempt(client.clone(), topics.clone(), end - now));
            if !std::mem::take(&mut again) {
                due = pauses.next().map(|pause| now + pause);
            }
        }
        // At the end those under way may still tell why nobody answered.
        let until = if now < end {
            due.map_or(end, |due| due.min(end))
        } else {
            end + REPORT_MARGIN
        };
        match tokio::time::timeout_at(until, attempts.join_next()).await {
            Ok(Some(Ok(Ok(metadata)))) => {
                client.nudges.learn(&metadata.brokers);
                return Ok(metadata);
            }
            Ok(Some(Ok(Err(error)))) if !error.retriable() => return Err(error),
            Ok(Some(Ok(Err(error)))) => {
                last_error = Some(error);
                tokio::time::sleep_until(end.min(Instant::now() + AGAIN)).await;
                again = true;
            }
            Ok(Some(Err(_))) => again = true,
            Ok(None) | Err(_) => {}
        }
        let told = last_error.is_some() || attempts.is_empty() || now >= end;
        if Instant::now() >= end && told {
            return Err(last_error.unwrap_or_else(|| {
                KafkaError::of_read(
                    OPERATION,
                    crate::codes::LOCAL_TIMED_OUT,
                    format!("no broker answered within {} ms", deadline.as_millis()),
                )
            }));
        }
    }
}

async fn attempt(
    client: Arc<Client>,
    topics: Topics,
    deadline: Duration,
) -> Result<ClusterMetadata, KafkaError> {
    let permit = client.blocking.clone().acquire_owned().await;
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let answer = blocking_metadata(client.raw(), &topics, deadline);
        client
            .note_reachable(!matches!(&answer, Err(error) if error.kind == ErrorKind::Unreachable));
        answer
    });
    work.await.unwrap_or_else(|error| {
        Err(KafkaError::of_read(
            OPERATION,
            crate::codes::LOCAL_DESTROY,
            error.to_string(),
        ))
    })
}

/// Asks and waits on this thread, up to `deadline`. `client` must be alive, which every caller
/// guarantees by holding its owner.
pub(crate) fn blocking_metadata(
    client: *mut sys::rd_kafka_t,
    topics: &Topics,
    deadline: Duration,
) -> Result<ClusterMetadata, KafkaError> {
    let only = match topics {
        Topics::One(name) => Some(local_topic(client, name)?),
        Topics::All | Topics::None => None,
    };
    let only_raw = only
        .as_ref()
        .map_or(std::ptr::null_mut(), TopicHandle::as_ptr);
    let mut raw = std::ptr::null();
    // SAFETY: client and topic are alive; `raw` is written on success only.
    let code = unsafe {
        codes::rd_kafka_metadata(
            client,
            i32::from(matches!(topics, Topics::All)),
            only_raw,
            &raw mut raw,
            millis(deadline),
        )
    };
    if code != crate::codes::NONE {
        return Err(KafkaError::of_read(OPERATION, code, ""));
    }
    // SAFETY: success means a valid structure, which is ours to destroy.
    let metadata = unsafe {
        let metadata = copy(&*raw, topics);
        sys::rd_kafka_metadata_destroy(raw);
        metadata
    }?;
    if metadata.brokers.is_empty() {
        let said = "a broker that is starting named no brokers yet";
        return Err(KafkaError::of_read(
            OPERATION,
            crate::codes::LOCAL_TRANSPORT,
            said,
        ));
    }
    Ok(metadata)
}

fn local_topic(client: *mut sys::rd_kafka_t, name: &str) -> Result<TopicHandle, KafkaError> {
    let c_name = c_text(OPERATION, name)?;
    // SAFETY: the client is alive; the name is copied; null settings mean the defaults.
    let raw = unsafe { sys::rd_kafka_topic_new(client, c_name.as_ptr(), std::ptr::null_mut()) };
    TopicHandle::own(raw).ok_or_else(|| {
        KafkaError::of_read(
            OPERATION,
            crate::codes::LOCAL_INVALID_ARG,
            format!("topic name {name:?} is not valid"),
        )
    })
}

/// # Safety
/// `raw` and everything it points to is alive.
unsafe fn copy(
    raw: &sys::rd_kafka_metadata,
    asked: &Topics,
) -> Result<ClusterMetadata, KafkaError> {
    // SAFETY: the caller's promise; counts belong to their arrays.
    unsafe {
        let mut brokers: Vec<_> = array(raw.brokers, raw.broker_cnt)
            .iter()
            .map(|broker| BrokerAddress {
                id: broker.id,
                host: text(broker.host),
                port: u16::try_from(broker.port).unwrap_or(0),
            })
            .collect();
        brokers.sort_by_key(|broker| broker.id);
        let mut topics = Vec::new();
        let asked_for_topics = !matches!(asked, Topics::None);
        let topic_count = usize::try_from(raw.topic_cnt).unwrap_or(0);
        for index in (0..topic_count).filter(|_| asked_for_topics) {
            let topic = raw.topics.add(index);
            let code = (&raw const (*topic).err).cast::<i32>().read();
            match code {
                crate::codes::UNKNOWN_TOPIC_OR_PARTITION => continue,
                // A topic refused by name (a single question) is the whole answer.
                _ if code != crate::codes::NONE
                    && (*topic).partition_cnt == 0
                    && raw.topic_cnt == 1 =>
                {
                    return Err(KafkaError::of_read(OPERATION, code, ""));
                }
                _ => topics.push(copy_topic(topic)),
            }
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(ClusterMetadata {
            answered_by: raw.orig_broker_id,
            brokers,
            topics,
        })
    }
}

/// # Safety
/// `topic` and everything it points to is alive.
unsafe fn copy_topic(topic: *const sys::rd_kafka_metadata_topic) -> TopicMetadata {
    // SAFETY: the caller's promise. No reference is made to a structure that holds an error code,
    // since the bindings type it as an enum with gaps.
    unsafe {
        let name = CStr::from_ptr((*topic).topic)
            .to_string_lossy()
            .into_owned();
        let count = usize::try_from((*topic).partition_cnt).unwrap_or(0);
        let mut partitions: Vec<_> = (0..count)
            .map(|index| {
                let partition = (*topic).partitions.add(index);
                PartitionMetadata {
                    id: (*partition).id,
                    leader: ((*partition).leader >= 0).then_some((*partition).leader),
                    replicas: array((*partition).replicas, (*partition).replica_cnt).to_vec(),
                    in_sync_replicas: array((*partition).isrs, (*partition).isr_cnt).to_vec(),
                }
            })
            .collect();
        partitions.sort_by_key(|partition| partition.id);
        TopicMetadata {
            internal: is_internal_topic(&name),
            name,
            partitions,
        }
    }
}

/// # Safety
/// `start` is null or holds `count` elements for the time of the borrow.
unsafe fn array<'a, T>(start: *const T, count: i32) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the caller's promise.
        Ok(count) if count > 0 && !start.is_null() => unsafe {
            std::slice::from_raw_parts(start, count)
        },
        _ => &[],
    }
}
