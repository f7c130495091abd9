//! `/api/cluster` and `/api/brokers`: the cluster as a whole, and what deserves attention.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use kafka_cluster::{
    ClusterDescription, ClusterMetadata, GroupListings, KafkaCluster, KafkaError, TopicMetadata,
};
use service_kit::problem::{InputProblems, KafkaReadProblems};
use service_kit::{Answer, Fields, FromFields, Input, NoInput};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::any_broker;
use crate::groups::read_groups;
use crate::groups::view::GroupSummary;
use crate::overview::attention::{Attention, Seen};
use crate::overview::view::{BrokerList, ClusterView};
use crate::state::AppState;
use crate::time_limits;

/// What a broker runs by.
const VERSION: &str = "inter.broker.protocol.version";
/// Days without a record after which a topic is idle, unless told, and at most.
const IDLE_DAYS: (i64, i64) = (7, 3_650);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(cluster))
        .routes(routes!(attention))
        .routes(routes!(brokers))
}

/// The cluster in numbers: its id and controller, brokers, topics and partitions.
#[utoipa::path(
    get,
    path = "/api/cluster",
    tag = "cluster",
    responses((status = 200, description = "the cluster", body = ClusterView), InputProblems, KafkaReadProblems)
)]
async fn cluster(State(state): State<AppState>, _: NoInput) -> Answer<Json<ClusterView>> {
    let (metadata, description) = look(&state.cluster).await?;
    let live = state.roster.observe(&metadata);
    let missing = state.roster.missing(&live);
    Ok(Json(ClusterView::new(
        &metadata,
        description.as_ref(),
        missing,
    )))
}

/// Every broker: rack, version, whether it is the controller, and how many partitions it leads and holds.
/// One that ought to be there and is not is listed too.
#[utoipa::path(
    get,
    path = "/api/brokers",
    tag = "cluster",
    responses((status = 200, description = "all brokers, by id", body = BrokerList), InputProblems, KafkaReadProblems)
)]
async fn brokers(State(state): State<AppState>, _: NoInput) -> Answer<Json<BrokerList>> {
    let (metadata, description) = look(&state.cluster).await?;
    let live = state.roster.observe(&metadata);
    let missing = state.roster.missing(&live);
    let versions = versions(&state.cluster, &live).await;
    let description = description.as_ref();
    Ok(Json(BrokerList::new(
        &metadata,
        description,
        &missing,
        &versions,
    )))
}

/// From when on a topic is idle.
struct AttentionInput {
    idle_days: i64,
}

impl FromFields for AttentionInput {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let idle_days = fields.with_default_in("idleDays", 0..=IDLE_DAYS.1, IDLE_DAYS.0);
        Some(Self {
            idle_days: idle_days?,
        })
    }
}

/// How [`AttentionInput`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct AttentionQuery {
    /// Days without a record after which a topic is idle; 7 unless given.
    #[param(example = 7, minimum = 0, maximum = 3650)]
    idle_days: Option<i64>,
}

/// What deserves attention, each with the call that mends it: partitions without leader or replicas, topics
/// with fewer copies than new ones get, leaders off their preferred broker or spread unevenly, groups without
/// members that left records, idle topics. What could not be looked at is named.
#[utoipa::path(
    get,
    path = "/api/cluster/attention",
    tag = "cluster",
    params(AttentionQuery),
    responses(
        (status = 200, description = "the worst first; empty when there is nothing", body = Attention),
        InputProblems,
        KafkaReadProblems
    )
)]
async fn attention(
    State(state): State<AppState>,
    Input(input): Input<AttentionInput>,
) -> Answer<Json<Attention>> {
    let metadata = any_broker::metadata(&state.cluster).await?;
    state.roster.observe(&metadata);
    let own = metadata.topics.iter().filter(|topic| !topic.internal);
    let led: Vec<_> = own.flat_map(TopicMetadata::led_partitions).collect();
    let (groups, last_writes) = tokio::join!(
        groups(&state.cluster),
        state.cluster.last_record_times(&led, time_limits::DETAIL),
    );
    let (groups, mut not_looked_at) = groups;
    let last_writes = last_writes
        .map_err(|error| not_looked_at.push(format!("when topics were last written to: {error}")))
        .ok();
    let copies = state.defaults.replication_factor.get();
    let seen = Seen {
        metadata: &metadata,
        groups: &groups,
        last_writes: last_writes.as_ref(),
        replication_factor: usize::try_from(copies).unwrap_or(1),
        idle_after: SignedDuration::from_hours(24 * input.idle_days),
        now: Timestamp::now(),
    };
    Ok(Json(Attention {
        items: seen.items(),
        not_looked_at,
    }))
}

/// Metadata from any broker, and what the controller says, if it says anything.
async fn look(cluster: &KafkaCluster) -> Answer<(ClusterMetadata, Option<ClusterDescription>)> {
    let (metadata, description) = tokio::join!(
        any_broker::metadata(cluster),
        cluster.describe(time_limits::DETAIL),
    );
    Ok((metadata?, description.ok()))
}

/// What each broker runs by; those that do not tell are left out.
async fn versions(cluster: &KafkaCluster, live: &[i32]) -> BTreeMap<i32, String> {
    let of_broker = |id: i32| async move {
        let configs = cluster.broker_configs(id, time_limits::DETAIL).await.ok()?;
        let version = configs.into_iter().find(|config| config.name == VERSION)?;
        Some((id, version.value?))
    };
    let told = join_all(live.iter().copied().map(of_broker)).await;
    told.into_iter().flatten().collect()
}

/// All groups that could be looked at, and which could not, and why.
async fn groups(cluster: &KafkaCluster) -> (Vec<GroupSummary>, Vec<String>) {
    let failed = |error: KafkaError| format!("consumer groups: {error}");
    let listings = match cluster.groups(time_limits::METADATA).await {
        Ok(listings) => listings,
        Err(error) => return (Vec::new(), vec![failed(error)]),
    };
    let mut not_looked_at = silent(&listings);
    let listed = listings.groups;
    match read_groups(cluster, &listed, time_limits::DETAIL).await {
        Ok(reading) => {
            let summaries = listed
                .iter()
                .map(|group| GroupSummary::new(group, &reading));
            (summaries.collect(), not_looked_at)
        }
        Err(error) => {
            not_looked_at.push(failed(error));
            (Vec::new(), not_looked_at)
        }
    }
}

fn silent(listings: &GroupListings) -> Vec<String> {
    let errors = listings.errors.iter();
    errors
        .map(|(id, error)| format!("consumer groups that broker {id} coordinates: {error}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;

    #[test]
    fn a_broker_that_did_not_list_its_groups_is_named() {
        let error = KafkaError::of_read("ListConsumerGroups", codes::LOCAL_TIMED_OUT, "");
        let listings = GroupListings {
            errors: BTreeMap::from([(2, error)]),
            ..GroupListings::default()
        };
        let told = silent(&listings);
        assert!(told[0].contains("broker 2"), "{told:?}");
        assert_eq!(silent(&GroupListings::default()), [""; 0]);
    }
}
