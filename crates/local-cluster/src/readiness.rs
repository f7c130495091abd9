//! When a cluster is ready, and how long to ask. A node that dies while it is waited for ends the
//! waiting at once, with the reason from its log.

use std::net::SocketAddr;
use std::time::Duration;

use crate::ensemble::Cluster;
use crate::error::{Error, Result};
use crate::kafka_wire::{Metadata, metadata};
use crate::launch::died;
use crate::node::NodeId;
use crate::process::Life;
use crate::wait::wait_for_condition;
use crate::zookeeper_wire;

/// For one answer; a busy machine's broker may take a second for its first.
const ONE_ANSWER: Duration = Duration::from_secs(2);

impl Cluster {
    /// Waits until every ZooKeeper serves and every broker answers and knows all brokers and a
    /// controller.
    ///
    /// # Errors
    /// [`Error::Died`] naming the node; [`Error::TimedOut`] naming what is missing.
    pub async fn wait_ready(&self, limit: Duration) -> Result<()> {
        self.wait_zookeepers(limit).await?;
        let brokers = self.spec().broker_nodes();
        let what = "every broker to answer and know the others";
        self.wait_for_nodes(what, limit, &brokers, || self.ask_all_brokers(knows_all))
            .await
    }

    /// Waits until every partition has a leader and all its replicas in sync, as each broker sees
    /// it.
    ///
    /// # Errors
    /// [`Error::TimedOut`] naming a partition that is not whole.
    pub async fn wait_in_sync(&self, limit: Duration) -> Result<()> {
        let brokers = self.spec().broker_nodes();
        let what = "every replica to be in sync";
        self.wait_for_nodes(what, limit, &brokers, || self.ask_all_brokers(all_whole))
            .await
    }

    /// Waits until every ZooKeeper serves as leader, follower or alone.
    pub(crate) async fn wait_zookeepers(&self, limit: Duration) -> Result<()> {
        let nodes = self.spec().zookeeper_nodes();
        let what = "every ZooKeeper to serve";
        self.wait_for_nodes(what, limit, &nodes, || async {
            for address in self.zookeepers() {
                self.zookeeper_mode(address).await.map_err(text)?;
            }
            Ok(())
        })
        .await
    }

    /// Waits until this node answers; a broker has to know itself, too, and a controller.
    pub(crate) async fn wait_node(&self, node: NodeId, limit: Duration) -> Result<()> {
        let address = self.spec().client_address(node);
        let what = format!("{node} to answer");
        self.wait_for_nodes(&what, limit, &[node], || async {
            if node.is_broker() {
                let answer = self.metadata(node).await.map_err(text)?;
                knows(&answer, &[node])
            } else {
                self.zookeeper_mode(address).await.map_err(text)?;
                Ok(())
            }
        })
        .await
    }

    /// Asks one broker after the other, once, until one answers.
    pub(crate) async fn require_any_broker(&self) -> Result<()> {
        let mut last = Error::State("it has no broker".into());
        for node in self.spec().broker_nodes() {
            match self.metadata(node).await {
                Ok(_) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Waits for `condition`, or for the death of one of `nodes`.
    async fn wait_for_nodes<F>(
        &self,
        what: &str,
        limit: Duration,
        nodes: &[NodeId],
        condition: impl Fn() -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<(), String>>,
    {
        wait_for_condition(what, limit, || async {
            if let Some(dead) = nodes.iter().find(|&&node| self.life(node) == Life::Ended) {
                let name = dead.to_string();
                return Ok(Err(died(&name, &self.spec().log_file(&name))));
            }
            condition().await.map(Ok)
        })
        .await?
    }

    async fn ask_all_brokers(
        &self,
        judge: impl Fn(&Metadata, &[NodeId]) -> Result<(), String>,
    ) -> Result<(), String> {
        let brokers = self.spec().broker_nodes();
        for &node in &brokers {
            let answer = self.metadata(node).await;
            let answer = answer.map_err(|error| format!("{node}: {error}"))?;
            judge(&answer, &brokers).map_err(|status| format!("{node} says: {status}"))?;
        }
        Ok(())
    }

    async fn metadata(&self, broker: NodeId) -> Result<Metadata> {
        let spec = self.spec();
        let address = spec.client_address(broker);
        metadata(address, &spec.broker_security()?, ONE_ANSWER).await
    }

    async fn zookeeper_mode(&self, address: SocketAddr) -> Result<String> {
        let tls = self.spec().zookeeper_tls();
        zookeeper_wire::mode(address, tls.as_ref(), ONE_ANSWER).await
    }
}

fn knows_all(answer: &Metadata, brokers: &[NodeId]) -> Result<(), String> {
    knows(answer, brokers)
}

fn knows(answer: &Metadata, brokers: &[NodeId]) -> Result<(), String> {
    let missing = brokers
        .iter()
        .find(|node| !answer.brokers.contains(&i32::from(node.number)));
    match missing {
        Some(node) => Err(format!("{node} is not registered")),
        None if answer.controller < 0 => Err("there is no controller".into()),
        None => Ok(()),
    }
}

fn all_whole(answer: &Metadata, brokers: &[NodeId]) -> Result<(), String> {
    knows(answer, brokers)?;
    match answer
        .partitions
        .iter()
        .find(|partition| !partition.is_whole())
    {
        None => Ok(()),
        Some(partition) => Err(format!(
            "{}-{} has leader {}, replicas {:?}, in sync {:?}",
            partition.topic,
            partition.number,
            partition.leader,
            partition.replicas,
            partition.in_sync
        )),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka_wire::Partition;

    fn answer() -> Metadata {
        Metadata {
            brokers: vec![1, 2],
            controller: 1,
            partitions: vec![Partition {
                topic: "t".into(),
                number: 0,
                leader: 1,
                replicas: vec![1, 2],
                in_sync: vec![2],
            }],
        }
    }

    #[test]
    fn a_cluster_without_a_broker_or_a_controller_is_not_ready() {
        let brokers = [NodeId::broker(1), NodeId::broker(2)];
        assert!(knows(&answer(), &brokers).is_ok());
        assert!(knows(&answer(), &[NodeId::broker(3)]).is_err());
        let headless = Metadata {
            controller: -1,
            ..answer()
        };
        assert!(knows(&headless, &brokers).is_err());
    }

    #[test]
    fn a_replica_behind_is_named() {
        let status = all_whole(&answer(), &[NodeId::broker(1)]).unwrap_err();
        assert!(status.starts_with("t-0"), "{status}");
    }
}
