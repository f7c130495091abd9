//! `DescribeCluster`: id, controller, live brokers.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{items, optional_text, text};
use super::client::Client;
use super::operation::{CallOptions, Operation};
use crate::{BrokerDescription, ClusterDescription, KafkaError};

/// As `broker` sees it; `None` asks the controller.
pub(crate) fn describe_cluster(
    client: &Client,
    broker: Option<i32>,
    deadline: Duration,
) -> impl Future<Output = Result<ClusterDescription, KafkaError>> + Send + use<> {
    let options = CallOptions {
        broker,
        ..CallOptions::within(deadline)
    };
    client.call(
        Operation::DESCRIBE_CLUSTER,
        options,
        |client, options, queue| {
            // SAFETY: all are alive.
            unsafe { sys::rd_kafka_DescribeCluster(client, options, queue) }
        },
        |event| {
            // SAFETY: the event is alive and of this call; what it lends lives as long.
            unsafe {
                let result = sys::rd_kafka_event_DescribeCluster_result(event.as_ptr());
                let mut count = 0;
                let nodes = items(
                    sys::rd_kafka_DescribeCluster_result_nodes(result, &raw mut count),
                    count,
                );
                let controller = sys::rd_kafka_DescribeCluster_result_controller(result).as_ref();
                let mut brokers: Vec<_> = nodes.iter().map(|node| broker_of(node)).collect();
                brokers.sort();
                Ok(ClusterDescription {
                    cluster_id: optional_text(sys::rd_kafka_DescribeCluster_result_cluster_id(
                        result,
                    )),
                    controller: controller.and_then(node_id),
                    brokers,
                })
            }
        },
    )
}

/// The id of a node; `None` for librdkafka's placeholder of "no node".
pub(super) fn node_id(node: &sys::rd_kafka_Node_t) -> Option<i32> {
    // SAFETY: the node is borrowed, so it is alive.
    let id = unsafe { sys::rd_kafka_Node_id(node) };
    (id >= 0).then_some(id)
}

fn broker_of(node: &sys::rd_kafka_Node_t) -> BrokerDescription {
    // SAFETY: the node is borrowed, so it is alive; texts are copied.
    unsafe {
        BrokerDescription {
            id: sys::rd_kafka_Node_id(node),
            host: text(sys::rd_kafka_Node_host(node)),
            port: sys::rd_kafka_Node_port(node),
            rack: optional_text(sys::rd_kafka_Node_rack(node)).filter(|rack| !rack.is_empty()),
        }
    }
}
