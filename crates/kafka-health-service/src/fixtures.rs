//! Small observations for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{
    BrokerAddress, ClusterMetadata, GroupState, Lag, PartitionMetadata, TopicMetadata,
    TopicPartition,
};

use crate::moment::Moment;
use crate::snapshot::{
    Answer, Broker, Connect, Group, Groups, NoAnswer, PartitionLag, Probe, Rights, Snapshot,
    TopicSetting, TopicSettings,
};

/// What topics keep.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Leader, replicas, in-sync replicas.
pub type Place<'a> = (Option<i32>, &'a [i32], &'a [i32]);

/// Metadata with brokers at 127.0.0.1:19091 + id.
pub fn metadata(brokers: &[i32], topics: &[TopicMetadata]) -> ClusterMetadata {
    let address = |id: &i32| BrokerAddress {
        id: *id,
        host: "127.0.0.1".to_owned(),
        port: u16::try_from(19_091 + id).unwrap(),
    };
    ClusterMetadata {
        answered_by: brokers.first().copied().unwrap_or(-1),
        brokers: brokers.iter().map(address).collect(),
        topics: topics.to_vec(),
    }
}

/// A topic with partitions 0, 1, ...
pub fn topic(name: &str, partitions: &[Place<'_>]) -> TopicMetadata {
    let partitions = (0..)
        .zip(partitions)
        .map(|(id, (leader, replicas, in_sync))| PartitionMetadata {
            id,
            leader: *leader,
            replicas: replicas.to_vec(),
            in_sync_replicas: in_sync.to_vec(),
        });
    TopicMetadata {
        name: name.to_owned(),
        internal: kafka_cluster::is_internal_topic(name),
        partitions: partitions.collect(),
    }
}

/// A probe that was answered after 3 ms.
pub fn answered(began: Moment) -> Probe {
    let took = Duration::from_millis(3);
    Probe {
        began,
        ended: began.plus(took),
        connect: Some(Connect::Accepted),
        answer: Ok(Answer { took, denied: None }),
    }
}

/// A probe that the broker answered, but only to say that this service may not ask that.
pub fn denied(began: Moment) -> Probe {
    let mut probe = answered(began);
    if let Ok(answer) = &mut probe.answer {
        answer.denied = Some("Cluster authorization failed".to_owned());
    }
    probe
}

/// A probe that was refused at once.
pub fn refused(began: Moment) -> Probe {
    Probe {
        began,
        ended: began.plus(Duration::from_millis(1)),
        connect: Some(Connect::Refused),
        answer: Err(NoAnswer::TimedOut),
    }
}

/// A probe of a broker that does not let this service in, or is not trusted.
pub fn distrusted(began: Moment, why: &str) -> Probe {
    Probe {
        answer: Err(NoAnswer::Unauthenticated(why.to_owned())),
        ..silent(began, Duration::from_secs(3))
    }
}

/// A probe whose connection was accepted and whose request was not answered in `waited`.
pub fn silent(began: Moment, waited: Duration) -> Probe {
    Probe {
        began,
        ended: began.plus(waited),
        connect: Some(Connect::Accepted),
        answer: Err(NoAnswer::TimedOut),
    }
}

/// A snapshot of three brokers in order, and the time at which it was taken.
pub struct Cluster {
    /// What is known.
    pub snapshot: Snapshot,
    /// The time of the judgement.
    pub now: Moment,
}

impl Cluster {
    /// Brokers 1-3 answer, topic `log-events` is in order, group `log-processor` is at its end, and no
    /// right is missing.
    pub fn healthy() -> Self {
        let now = Moment::now();
        let mut cluster = Self {
            snapshot: Snapshot::default(),
            now,
        };
        cluster.show(&[topic("log-events", &[(Some(1), &[1, 2, 3], &[1, 2, 3])])]);
        for id in [1, 2, 3] {
            cluster.broker(id).probes.record(answered(now));
        }
        let lag = PartitionLag::Measured(Lag::Known(0));
        let group = Group {
            partitions: BTreeMap::from([(TopicPartition::new("log-events", 0), lag)]),
            measured_at: Some(now),
            ..Group::in_state(GroupState::Stable)
        };
        let groups = Groups {
            by_id: BTreeMap::from([("log-processor".to_owned(), group)]),
            complete_at: Some(now),
        };
        cluster.snapshot.groups.publish(groups, now);
        let rights = Rights {
            topics: 1,
            groups: 1,
            ..Rights::default()
        };
        cluster.snapshot.rights.publish(rights, now);
        cluster
    }

    /// One broker.
    pub fn broker(&mut self, id: i32) -> &mut Broker {
        self.snapshot.brokers.get_mut(&id).unwrap()
    }

    /// Reads these topics, each with `min.insync.replicas=2`, from brokers 1-3.
    pub fn show(&mut self, topics: &[TopicMetadata]) {
        self.snapshot
            .take_in(&metadata(&[1, 2, 3], topics), self.now);
        let setting = TopicSetting {
            min_in_sync: 2,
            retention: Some(RETENTION),
        };
        let by_topic = topics.iter().map(|topic| (topic.name.clone(), setting));
        let by_topic = by_topic.collect();
        self.snapshot
            .topic_settings
            .publish(TopicSettings { by_topic }, self.now);
    }
}
