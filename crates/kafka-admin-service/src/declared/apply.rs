//! Applying the document at start, with retries until Kafka and enough brokers are there, and
//! comparing it with the cluster from then on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kafka_cluster::{ClusterMetadata, ConfigEntry, KafkaCluster, KafkaError, TopicMetadata};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::report::{DeclaredReport, DeclaredState, DeclaredTopicReport, Finding};
use super::{Declared, Document};
use crate::any_broker;
use crate::broker_roster::BrokerRoster;
use crate::state::AppState;
use crate::time_limits;
use crate::topic::{TopicName, TopicSpec, TopicWriter};

/// Pause between attempts while the cluster is expected to be starting: topics are there within a
/// second of the brokers.
const EAGER_PAUSE: Duration = Duration::from_millis(250);
/// How long a start may take before attempts become rare.
const EAGER_TIME: Duration = Duration::from_secs(120);
/// Pause between attempts after that, and between looks while a topic is missing or not known.
const PATIENT_PAUSE: Duration = Duration::from_secs(2);

/// How long brokers that have just started may list no topics; seen for 1 to 3 s on a busy machine.
const STARTING_TIME: Duration = Duration::from_secs(15);

/// Applies a document to a cluster and keeps comparing the two.
pub struct Applier {
    document: Document,
    cluster: KafkaCluster,
    writer: TopicWriter,
    roster: Arc<BrokerRoster>,
    /// Pause between two comparisons, once applied.
    check_interval: Duration,
    published: Arc<Declared>,
    /// When this process made a topic.
    created: BTreeMap<TopicName, Timestamp>,
    /// What Kafka said about topics that it refused: they are not tried again.
    refused: BTreeMap<TopicName, String>,
    applied: bool,
    /// No broker answered the last time.
    unreachable: bool,
    /// When a broker answered again after none had, once applied.
    back_since: Option<Instant>,
}

/// Why topics could not be made.
type Reasons = BTreeMap<TopicName, String>;

/// A topic's settings, or why they are not known.
type Configs = Result<Vec<ConfigEntry>, String>;

impl Applier {
    /// Nothing is asked or done before [`Applier::run`].
    #[must_use]
    pub fn new(document: Document, state: &AppState, check_interval: Duration) -> Self {
        Self {
            document,
            cluster: state.cluster.clone(),
            writer: state.writer.clone(),
            roster: state.roster.clone(),
            check_interval,
            published: state.declared.clone(),
            created: BTreeMap::new(),
            refused: BTreeMap::new(),
            applied: false,
            unreachable: false,
            back_since: None,
        }
    }

    /// Works until `stop`, publishing a report after each round.
    pub async fn run(mut self, stop: CancellationToken) {
        let started = Instant::now();
        while let Some(findings) = stop.run_until_cancelled(self.round()).await {
            self.publish(findings);
            let pause = self.pause(started.elapsed());
            let woken = async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.published.changed() => {}
                }
            };
            if stop.run_until_cancelled(woken).await.is_none() {
                return;
            }
        }
    }

    /// Long once all is well, or only Kafka's refusals are left: nothing is retried then. Short while
    /// the cluster may be starting, and in between while something is not known to be there: brokers
    /// that have just started list no topics for a moment.
    fn pause(&self, running_for: Duration) -> Duration {
        let report = self.published.report();
        let settled = |topic: &DeclaredTopicReport| {
            topic.state.is_there() || topic.state == DeclaredState::Refused
        };
        if report.topics.iter().all(settled) {
            self.check_interval
        } else if !self.applied && running_for < EAGER_TIME {
            EAGER_PAUSE
        } else {
            PATIENT_PAUSE.min(self.check_interval)
        }
    }

    /// Looks once, and makes what is missing as long as the document was not yet applied.
    async fn round(&mut self) -> Vec<Finding> {
        match self.look_and_make().await {
            Ok(findings) => {
                if std::mem::take(&mut self.unreachable) && self.applied {
                    self.back_since = Some(Instant::now());
                }
                let just_back = self
                    .back_since
                    .is_some_and(|since| since.elapsed() < STARTING_TIME);
                if just_back {
                    return findings.into_iter().map(Finding::not_missing_yet).collect();
                }
                findings
            }
            Err(error) => {
                self.unreachable = true;
                let unknown = Finding::Unknown(error.to_string());
                vec![unknown; self.document.topics.len()]
            }
        }
    }

    async fn look_and_make(&mut self) -> Result<Vec<Finding>, KafkaError> {
        let mut metadata = any_broker::metadata(&self.cluster).await?;
        let mut reasons = BTreeMap::new();
        if !self.applied {
            reasons = self.make_missing(&metadata).await;
            metadata = any_broker::metadata(&self.cluster).await?;
        }
        let mut configs = self.configs_of_present(&metadata).await;
        let findings = self.document.topics.iter().map(|topic| {
            if let Some(there) = find(&metadata, topic) {
                let unanswered = || Err("no answer".to_owned());
                let configs = configs.remove(&topic.name).unwrap_or_else(unanswered);
                Finding::There(there.clone(), configs)
            } else if let Some(words) = self.refused.get(&topic.name) {
                Finding::Refused(words.clone())
            } else {
                let nothing_known = || "the cluster has no such topic".to_owned();
                Finding::Missing(reasons.remove(&topic.name).unwrap_or_else(nothing_known))
            }
        });
        Ok(findings.collect())
    }

    /// Makes what is missing and can be made. Returns why others could not be.
    async fn make_missing(&mut self, metadata: &ClusterMetadata) -> Reasons {
        let live = self.roster.observe(metadata).len();
        let mut reasons = Reasons::new();
        let mut attempts = JoinSet::new();
        for topic in &self.document.topics {
            if find(metadata, topic).is_some() || self.refused.contains_key(&topic.name) {
                continue;
            }
            if let Some(reason) = wait_reason(topic, live) {
                reasons.insert(topic.name.clone(), reason);
                continue;
            }
            let (writer, topic) = (self.writer.clone(), topic.clone());
            attempts.spawn(async move { (writer.create(&topic).await, topic.name) });
        }
        for (result, name) in attempts.join_all().await {
            match result {
                Ok(_) => drop(self.created.insert(name, service_kit::time::now())),
                Err(error) if error.is_refusal() => {
                    self.refused.insert(name, error.to_string());
                }
                Err(error) => drop(reasons.insert(name, error.to_string())),
            }
        }
        reasons
    }

    async fn configs_of_present(&self, metadata: &ClusterMetadata) -> BTreeMap<TopicName, Configs> {
        let declared = self.document.topics.iter();
        let present = declared.filter(|topic| find(metadata, topic).is_some());
        let present: Vec<&TopicName> = present.map(|topic| &topic.name).collect();
        let names: Vec<&str> = present.iter().map(|name| name.as_str()).collect();
        let answer = self
            .cluster
            .topic_configs(&names, time_limits::DETAIL)
            .await;
        let answers = answer.unwrap_or_else(|error| vec![Err(error); names.len()]);
        let texts = answers
            .into_iter()
            .map(|answer| answer.map_err(|error| error.to_string()));
        present.into_iter().cloned().zip(texts).collect()
    }

    fn publish(&mut self, findings: Vec<Finding>) {
        self.applied |= findings
            .iter()
            .all(|finding| matches!(finding, Finding::There(..)));
        let topics = self.document.topics.iter().zip(findings);
        let topics = topics
            .map(|(topic, finding)| finding.report(topic, self.created.get(&topic.name).copied()));
        self.published.publish(DeclaredReport {
            document: self.published.report().document.clone(),
            applied: self.applied,
            check_time: Some(service_kit::time::now()),
            topics: topics.collect(),
        });
    }
}

fn find<'a>(metadata: &'a ClusterMetadata, topic: &TopicSpec) -> Option<&'a TopicMetadata> {
    metadata
        .topics
        .iter()
        .find(|there| there.name == topic.name.as_str())
}

/// Why a topic cannot be made yet with `live` brokers, if so: Kafka would refuse it.
fn wait_reason(topic: &TopicSpec, live: usize) -> Option<String> {
    let needed = usize::try_from(topic.replication_factor.get()).unwrap_or(usize::MAX);
    (live < needed).then(|| {
        format!("waiting for brokers: replication factor {needed} needs as many, {live} are live")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_waits_for_as_many_brokers_as_it_has_replicas() {
        let text = "topics:\n  - {name: a, partitions: 1, replicationFactor: 3}\n";
        let topic = Document::parse(text).unwrap().topics.remove(0);
        assert_eq!(
            wait_reason(&topic, 2).unwrap(),
            "waiting for brokers: replication factor 3 needs as many, 2 are live"
        );
        assert_eq!(wait_reason(&topic, 3), None);
    }
}
