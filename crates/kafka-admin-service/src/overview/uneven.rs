//! Whether brokers would lead unevenly although each partition is led by its preferred leader: no election
//! changes that, only another order of replicas.

use std::collections::BTreeMap;

use kafka_cluster::ClusterMetadata;

use super::attention::Item;

/// Fewer partitions than this off an even share are chance: new topics begin at any broker.
const LEAST_DIFFERENCE: usize = 5;

/// Told where a broker is the preferred leader of more than one and a half even shares, or of less than half
/// of one. Brokers count that are live or hold copies.
#[must_use]
pub fn leaders_uneven(metadata: &ClusterMetadata) -> Option<Item> {
    let mut preferred: BTreeMap<i32, usize> = BTreeMap::new();
    for broker in &metadata.brokers {
        preferred.entry(broker.id).or_default();
    }
    for partition in metadata.partitions() {
        for replica in &partition.replicas {
            preferred.entry(*replica).or_default();
        }
        if let Some(first) = partition.replicas.first() {
            *preferred.entry(*first).or_default() += 1;
        }
    }
    let share = preferred
        .values()
        .sum::<usize>()
        .checked_div(preferred.len())?;
    let off = |led: usize| {
        led.abs_diff(share) >= LEAST_DIFFERENCE && (2 * led > 3 * share || 2 * led < share)
    };
    if !preferred.values().any(|led| off(*led)) {
        return None;
    }
    let each = preferred
        .iter()
        .map(|(id, led)| format!("broker {id} {led}"));
    let each: Vec<_> = each.collect();
    Some(Item {
        kind: "leaders_uneven",
        subject: None,
        text: format!(
            "partitions by their preferred leader: {}; an even share is {share}",
            each.join(", ")
        ),
        call: "kafka-reassign-partitions, with another order of replicas in its plan: no call of this \
               API moves replicas"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{BrokerAddress, PartitionMetadata, TopicMetadata};

    use super::*;

    /// A cluster of brokers 1 to 3 that are each the preferred leader of so many partitions.
    fn told(preferred: [usize; 3]) -> Option<Item> {
        let orders: [&[i32]; 3] = [&[1, 2], &[2, 1], &[3, 1]];
        let replicas = orders.into_iter().zip(preferred);
        let replicas = replicas.flat_map(|(order, count)| std::iter::repeat_n(order, count));
        let partition = |(replicas, id): (&[i32], i32)| PartitionMetadata {
            id,
            leader: replicas.first().copied(),
            replicas: replicas.to_vec(),
            in_sync_replicas: replicas.to_vec(),
        };
        leaders_uneven(&ClusterMetadata {
            answered_by: 1,
            brokers: [1, 2, 3]
                .map(|id| BrokerAddress {
                    id,
                    host: "localhost".to_owned(),
                    port: 19092,
                })
                .to_vec(),
            topics: vec![TopicMetadata {
                name: "orders".to_owned(),
                internal: false,
                partitions: replicas.zip(0..).map(partition).collect(),
            }],
        })
    }

    #[test]
    fn chance_and_small_clusters_are_not_uneven() {
        for even in [[0, 0, 0], [4, 4, 4], [17, 17, 16], [12, 8, 10], [4, 0, 0]] {
            assert_eq!(told(even), None, "{even:?}");
        }
    }

    #[test]
    fn a_broker_with_far_more_or_less_than_its_share_is_named_with_its_number() {
        for uneven in [[20, 5, 5], [15, 15, 0]] {
            let item = told(uneven).unwrap();
            assert_eq!(item.kind, "leaders_uneven");
            let [one, two, three] = uneven;
            let each = format!("broker 1 {one}, broker 2 {two}, broker 3 {three}; ");
            assert!(item.text.contains(&each), "{}", item.text);
        }
    }
}
