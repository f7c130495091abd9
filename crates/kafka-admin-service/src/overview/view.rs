//! The JSON of the cluster and its brokers: pure functions over Kafka's answers.

use std::collections::BTreeMap;

use kafka_cluster::{ClusterDescription, ClusterMetadata, PartitionMetadata};
use serde::Serialize;
use utoipa::ToSchema;

/// The cluster in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// The id that all brokers share; null when the controller did not tell.
    #[schema(required = true, example = "Qm9vd2VyaWVzIGFyZQ")]
    pub cluster_id: Option<String>,
    /// The broker that is the controller; null when that is not known.
    #[schema(required = true, example = 1)]
    pub controller_id: Option<i32>,
    /// Brokers that are registered.
    #[schema(example = 3)]
    pub live_brokers: usize,
    /// Brokers that ought to be there and are not.
    #[schema(example = json!([]))]
    pub missing_brokers: Vec<i32>,
    /// Topics, Kafka's own included.
    #[schema(example = 5)]
    pub topics: usize,
    /// Partitions of all of them.
    #[schema(example = 72)]
    pub partitions: usize,
    /// Copies of all of them.
    #[schema(example = 216)]
    pub replicas: usize,
    /// Partitions with fewer replicas in sync than assigned.
    #[schema(example = 0)]
    pub under_replicated_partitions: usize,
    /// Partitions without a leader.
    #[schema(example = 0)]
    pub offline_partitions: usize,
    /// Partitions that their preferred leader does not lead; `POST /api/elections` gives them back.
    #[schema(example = 0)]
    pub not_preferred_leader_partitions: usize,
}

/// All brokers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerList {
    /// By id; those that ought to be there and are not, too.
    pub brokers: Vec<BrokerView>,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerView {
    /// `broker.id` / `node.id`.
    #[schema(example = 1)]
    pub broker_id: i32,
    /// It is registered in the cluster.
    #[schema(example = true)]
    pub live: bool,
    /// Advertised host; null when it is not live.
    #[schema(required = true, example = "localhost")]
    pub host: Option<String>,
    /// Advertised port; null when it is not live.
    #[schema(required = true, example = 19092)]
    pub port: Option<u16>,
    /// `broker.rack`; null when it has none, or that is not known.
    #[schema(required = true, example = "rack-1")]
    pub rack: Option<String>,
    /// It is the controller; null when that is not known.
    #[schema(required = true, example = false)]
    pub controller: Option<bool>,
    /// What it runs by (`inter.broker.protocol.version`); null when it did not tell.
    #[schema(required = true, example = "3.9-IV0")]
    pub protocol_version: Option<String>,
    /// Partitions that it leads.
    #[schema(example = 24)]
    pub partitions_led: usize,
    /// Partitions that it would lead if every preferred leader led.
    #[schema(example = 24)]
    pub partitions_preferred: usize,
    /// Partitions of which it is assigned a copy.
    #[schema(example = 72)]
    pub partitions_held: usize,
    /// Of these, how many are not in sync.
    #[schema(example = 0)]
    pub partitions_out_of_sync: usize,
}

/// What a broker has to do with partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Holding {
    led: usize,
    preferred: usize,
    held: usize,
    out_of_sync: usize,
}

impl ClusterView {
    /// Counts what `metadata` shows; `description` is the controller's word, where it gave one.
    #[must_use]
    pub fn new(
        metadata: &ClusterMetadata,
        description: Option<&ClusterDescription>,
        missing_brokers: Vec<i32>,
    ) -> Self {
        let count = |wanted: &dyn Fn(&PartitionMetadata) -> bool| {
            metadata.partitions().filter(|p| wanted(p)).count()
        };
        Self {
            cluster_id: description.and_then(|cluster| cluster.cluster_id.clone()),
            controller_id: description.and_then(|cluster| cluster.controller),
            live_brokers: metadata.brokers.len(),
            missing_brokers,
            topics: metadata.topics.len(),
            partitions: count(&|_| true),
            replicas: metadata.partitions().map(|p| p.replicas.len()).sum(),
            under_replicated_partitions: count(&PartitionMetadata::under_replicated),
            offline_partitions: count(&|p| p.leader.is_none()),
            not_preferred_leader_partitions: count(&PartitionMetadata::led_by_another),
        }
    }
}

impl BrokerList {
    /// All live brokers and those of `missing`. `versions` has what each broker runs by, where it told.
    #[must_use]
    pub fn new(
        metadata: &ClusterMetadata,
        description: Option<&ClusterDescription>,
        missing: &[i32],
        versions: &BTreeMap<i32, String>,
    ) -> Self {
        let holdings = holdings(metadata);
        let controller = description.and_then(|cluster| cluster.controller);
        let described = |id: i32| {
            let brokers = description.map(|cluster| &cluster.brokers);
            brokers.into_iter().flatten().find(move |one| one.id == id)
        };
        let view = |id: i32| {
            let address = metadata.brokers.iter().find(|broker| broker.id == id);
            let holding = holdings.get(&id).copied().unwrap_or_default();
            BrokerView {
                broker_id: id,
                live: address.is_some(),
                host: address.map(|broker| broker.host.clone()),
                port: address.map(|broker| broker.port),
                rack: described(id).and_then(|broker| broker.rack.clone()),
                controller: controller.map(|controller| controller == id),
                protocol_version: versions.get(&id).cloned(),
                partitions_led: holding.led,
                partitions_preferred: holding.preferred,
                partitions_held: holding.held,
                partitions_out_of_sync: holding.out_of_sync,
            }
        };
        let live = metadata.brokers.iter().map(|broker| broker.id);
        let mut ids: Vec<i32> = live.chain(missing.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        Self {
            brokers: ids.into_iter().map(view).collect(),
        }
    }
}

fn holdings(metadata: &ClusterMetadata) -> BTreeMap<i32, Holding> {
    let mut holdings: BTreeMap<i32, Holding> = BTreeMap::new();
    for partition in metadata.partitions() {
        if let Some(leader) = partition.leader {
            holdings.entry(leader).or_default().led += 1;
        }
        if let Some(preferred) = partition.replicas.first() {
            holdings.entry(*preferred).or_default().preferred += 1;
        }
        for replica in &partition.replicas {
            let holding = holdings.entry(*replica).or_default();
            holding.held += 1;
            if !partition.in_sync_replicas.contains(replica) {
                holding.out_of_sync += 1;
            }
        }
    }
    holdings
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{BrokerAddress, BrokerDescription, TopicMetadata};

    use super::*;

    fn metadata() -> ClusterMetadata {
        let partition = |id, leader, in_sync: &[i32]| PartitionMetadata {
            id,
            leader,
            replicas: vec![1, 2, 3],
            in_sync_replicas: in_sync.to_vec(),
        };
        ClusterMetadata {
            answered_by: 2,
            brokers: [2, 3]
                .map(|id| BrokerAddress {
                    id,
                    host: "localhost".to_owned(),
                    port: 19092,
                })
                .to_vec(),
            topics: vec![TopicMetadata {
                name: "orders".to_owned(),
                internal: false,
                partitions: vec![partition(0, Some(2), &[2, 3]), partition(1, None, &[])],
            }],
        }
    }

    fn description() -> ClusterDescription {
        ClusterDescription {
            cluster_id: Some("id".to_owned()),
            controller: Some(2),
            brokers: vec![BrokerDescription {
                id: 2,
                host: "localhost".to_owned(),
                port: 19092,
                rack: Some("rack-2".to_owned()),
            }],
        }
    }

    #[test]
    fn the_cluster_is_counted() {
        let view = ClusterView::new(&metadata(), Some(&description()), vec![1]);
        assert_eq!(view.controller_id, Some(2));
        assert_eq!((view.partitions, view.replicas), (2, 6));
        assert_eq!(view.under_replicated_partitions, 2);
        assert_eq!(view.offline_partitions, 1);
        assert_eq!(view.not_preferred_leader_partitions, 1);
        let unknown = ClusterView::new(&metadata(), None, Vec::new());
        assert_eq!((unknown.cluster_id, unknown.controller_id), (None, None));
    }

    #[test]
    fn a_broker_that_is_missing_is_listed_with_what_it_holds() {
        let versions = BTreeMap::from([(2, "3.9-IV0".to_owned())]);
        let list = BrokerList::new(&metadata(), Some(&description()), &[1], &versions);
        let ids: Vec<_> = list.brokers.iter().map(|broker| broker.broker_id).collect();
        assert_eq!(ids, [1, 2, 3]);
        let [missing, leader, follower] = &list.brokers[..] else {
            panic!("{list:?}");
        };
        assert!(!missing.live && missing.host.is_none());
        assert_eq!(
            (missing.partitions_held, missing.partitions_out_of_sync),
            (2, 2)
        );
        assert_eq!(missing.partitions_preferred, 2);
        assert_eq!((leader.partitions_led, leader.controller), (1, Some(true)));
        assert_eq!(leader.rack.as_deref(), Some("rack-2"));
        assert_eq!(leader.protocol_version.as_deref(), Some("3.9-IV0"));
        assert_eq!(follower.controller, Some(false));
    }
}
