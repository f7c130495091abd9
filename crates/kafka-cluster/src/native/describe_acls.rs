//! `DescribeAcls`: all of them, asked of the controller.
//!
//! The answer's own error does not come through librdkafka: see [`KafkaCluster::acls`](crate::KafkaCluster::acls).

use std::time::Duration;

use rdkafka_sys as sys;

use super::acl_binding::{acl_of, every};
use super::borrow::items;
use super::client::Client;
use super::operation::{CallOptions, Operation};
use crate::{AclListing, KafkaError};

const OPERATION: Operation = Operation::DESCRIBE_ACLS;

pub(crate) fn describe_acls(
    client: &Client,
    deadline: Duration,
) -> impl Future<Output = Result<AclListing, KafkaError>> + Send + use<> {
    let call = every(OPERATION).map(|filter| {
        client.call(
            OPERATION,
            CallOptions::within(deadline),
            |client, options, queue| {
                // SAFETY: all are alive; librdkafka copies the filter.
                unsafe { sys::rd_kafka_DescribeAcls(client, filter.as_ptr(), options, queue) }
            },
            |event| {
                // SAFETY: the event is alive and of this call; what it lends lives as long.
                let bindings = unsafe {
                    let result = sys::rd_kafka_event_DescribeAcls_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DescribeAcls_result_acls(result, &raw mut count),
                        count,
                    )
                };
                Ok(listing_of(bindings))
            },
        )
    });
    async move { call?.await }
}

fn listing_of(bindings: &[&sys::rd_kafka_AclBinding_t]) -> AclListing {
    let mut listing = AclListing::default();
    for binding in bindings {
        match acl_of(binding) {
            Ok(acl) => {
                listing.acls.insert(acl);
            }
            Err(principal) => *listing.unknown.entry(principal).or_default() += 1,
        }
    }
    listing
}
