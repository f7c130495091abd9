//! Writes to one topic while the controller hangs: the first does not know what became of it, the next is
//! told that another is under way.

use cluster_tests::names::unique;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, client};
use local_cluster::{NodeId, lease_for_faults};

#[tokio::test]
async fn a_second_write_to_one_topic_is_told_that_the_first_is_under_way() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let admin = &services.admin;
    let cluster = client(&local.bootstrap());
    let controller = cluster.describe(PATIENCE).await.unwrap().controller;
    let node = NodeId::broker(u16::try_from(controller.unwrap()).unwrap());

    local.pause(node).await.unwrap();
    let topic = unique("busy");
    // What leads some of the audit log hangs as well.
    let create = format!(
        "/api/topics?topicName={topic}&partitions=1&replicationFactor=3&breakGlass=true&\
         reason=the+audit+hangs"
    );
    let (one, other) = tokio::join!(admin.post(&create), admin.post(&create));
    local.resume(node).unwrap();
    let problems = [one.json(), other.json()];
    let is_busy = |problem: &&serde_json::Value| problem["code"] == "topic_busy";
    assert_eq!(problems.iter().filter(is_busy).count(), 1, "{problems:?}");
    for answer in [&one, &other] {
        let status = answer.status;
        assert!(status.is_server_error(), "{status}: {}", answer.text);
    }
}
