//! Deleting a topic with evidence: not while somebody reads it, not where it is protected, and not before
//! its shape is recorded.

use kafka_cluster::{ErrorKind, TopicMetadata};
use service_kit::{Answer, Problem};

use crate::any_broker;
use crate::problems;
use crate::state::AppState;
use crate::time_limits::{self, Deadline};
use crate::topic::{Deleted, Shape, TopicName, TopicSpec, TopicUse};

/// What a caller says about deleting a topic that is in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// Delete it although members read it.
    pub force: bool,
    /// Why; always there with `force`.
    pub reason: Option<String>,
}

/// A topic that was deleted, or is being deleted.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// How far it came.
    pub deleted: Deleted,
    /// What the topic was; none where it was marked for deletion before.
    pub shape: Option<Shape>,
    /// Who used it, as far as that is known.
    pub topic_use: Option<TopicUse>,
}

/// Deletes the topic `name` when nobody reads it, or `consent` says to do it all the same.
///
/// # Errors
/// 403 for internal and protected topics, 404, 409 `topic_in_use` with the evidence, 503 when it cannot
/// be known who reads it, and what Kafka says.
pub async fn delete(state: &AppState, name: &TopicName, consent: &Consent) -> Answer<Deletion> {
    check_name(state, name)?;
    let deadline = Deadline::within(time_limits::WHOLE_WRITE);
    let (mut shape, mut topic_use) = (None, None);
    match any_broker::topic(&state.cluster, name.as_str()).await {
        Ok(topic) => {
            let found = TopicUse::of(&state.cluster, &topic).await;
            topic_use = match found {
                Ok(found) if consent.force => Some(found),
                Ok(found) => Some(unless_in_use(name, found)?),
                // It is evidence only; what matters is said by force.
                Err(_) if consent.force => None,
                Err(error) => return Err(error.into()),
            };
            shape = record_shape(state, &topic, consent.reason.clone()).await?;
        }
        // It may be marked for deletion already: the writer tells.
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let deleted = state.writer.delete(name, deadline).await;
    state.declared.look_again();
    let deleted = deleted.map_err(|error| problems::of_delete(error, name))?;
    Ok(Deletion {
        deleted,
        shape,
        topic_use,
    })
}

/// Refuses names that are never deleted here.
///
/// # Errors
/// 403.
pub fn check_name(state: &AppState, name: &TopicName) -> Answer<()> {
    if name.is_reserved() {
        return Err(problems::internal_topic(name));
    }
    match state.guard.protection(name.as_str()) {
        Some(pattern) => Err(problems::protected_topic(name, pattern)),
        None => Ok(()),
    }
}

fn unless_in_use(name: &TopicName, topic_use: TopicUse) -> Answer<TopicUse> {
    if topic_use.has_live_members() {
        return Err(problems::topic_in_use(name, &topic_use));
    }
    if topic_use.is_unknown() {
        return Err(problems::topic_use_unknown(name, &topic_use));
    }
    Ok(topic_use)
}

async fn record_shape(
    state: &AppState,
    topic: &TopicMetadata,
    reason: Option<String>,
) -> Answer<Option<Shape>> {
    let names = [topic.name.as_str()];
    let configs = state.cluster.topic_configs(&names, time_limits::DETAIL);
    let configs = configs.await?.pop().transpose()?.unwrap_or_default();
    let Some(spec) = TopicSpec::of(topic, &configs) else {
        // A topic that is just being made has no shape yet.
        return Ok(None);
    };
    let shapes = state.shapes.clone();
    let recorded = tokio::task::spawn_blocking(move || shapes.record(&spec, reason)).await;
    match recorded {
        Ok(Ok(shape)) => Ok(Some(shape)),
        Ok(Err(error)) => Err(Problem::internal(format!("recording a shape: {error}"))),
        Err(error) => Err(Problem::internal(error)),
    }
}
