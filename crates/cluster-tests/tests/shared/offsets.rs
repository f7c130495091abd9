//! Offsets of many partitions in one call.

use cluster_tests::records::{new_topic, produce};
use cluster_tests::{PATIENCE, kafka_tool, shared};
use kafka_cluster::{OffsetSpec, TopicPartition};

#[tokio::test]
async fn offsets_agree_with_kafkas_own_tool() {
    let (cluster, local) = shared().await;
    let topic = new_topic(&cluster, 3).await;
    produce(&cluster, &topic, 0, 11).await;
    produce(&cluster, &topic, 2, 4).await;
    let partitions: Vec<_> = (0..3).map(|id| TopicPartition::new(&topic, id)).collect();
    let latest = cluster
        .offsets(&partitions, OffsetSpec::Latest, PATIENCE)
        .await
        .unwrap();
    let ours: Vec<String> = latest
        .iter()
        .map(|(at, offset)| format!("{}:{}:{}", at.topic, at.partition, offset.as_ref().unwrap()))
        .collect();
    let shell = "org.apache.kafka.tools.GetOffsetShell";
    let theirs = kafka_tool(shell, &local.bootstrap(), &["--topic", &topic]).await;
    let mut theirs: Vec<String> = theirs.lines().map(str::to_owned).collect();
    theirs.retain(|line| line.starts_with(&topic));
    theirs.sort();
    assert_eq!(ours, theirs);
    let earliest = cluster
        .offsets(&partitions, OffsetSpec::Earliest, PATIENCE)
        .await
        .unwrap();
    assert!(
        earliest.values().all(|offset| offset == &Ok(0)),
        "{earliest:?}"
    );
}

#[tokio::test]
async fn a_partition_that_does_not_exist_is_an_error_of_its_own() {
    let (cluster, _) = shared().await;
    let topic = new_topic(&cluster, 1).await;
    let there = TopicPartition::new(&topic, 0);
    let latest = cluster
        .offsets(std::slice::from_ref(&there), OffsetSpec::Latest, PATIENCE)
        .await
        .unwrap();
    assert_eq!(latest.get(&there), Some(&Ok(0)));
    let absent = TopicPartition::new(&topic, 5);
    let asked = cluster
        .offsets(
            std::slice::from_ref(&absent),
            OffsetSpec::Latest,
            std::time::Duration::from_secs(3),
        )
        .await;
    let refused = match asked {
        Err(_) => true,
        Ok(answers) => answers.get(&absent).is_none_or(Result::is_err),
    };
    assert!(refused, "partition 5 of 1 has no offset");
}
