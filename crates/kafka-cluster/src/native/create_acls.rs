//! `CreateAcls`.

use std::time::Duration;

use rdkafka_sys as sys;

use super::acl_binding::binding;
use super::borrow::{error_of, items};
use super::client::Client;
use super::handles::AclBinding;
use super::operation::{CallOptions, Operation};
use crate::{Acl, KafkaError};

const OPERATION: Operation = Operation::CREATE_ACLS;

/// The outcome of each ACL, in the order given.
pub(crate) fn create_acls(
    client: &Client,
    acls: &[Acl],
    deadline: Duration,
) -> impl Future<Output = Result<Vec<Result<(), KafkaError>>, KafkaError>> + Send + use<> {
    let bindings: Result<Vec<_>, _> = acls.iter().map(|acl| binding(OPERATION, acl)).collect();
    let call = bindings.map(|bindings| {
        let mut pointers: Vec<_> = bindings.iter().map(AclBinding::as_ptr).collect();
        client.call(
            OPERATION,
            CallOptions::within(deadline),
            |client, options, queue| {
                // SAFETY: all are alive; librdkafka copies array and ACLs.
                unsafe {
                    sys::rd_kafka_CreateAcls(
                        client,
                        pointers.as_mut_ptr(),
                        pointers.len(),
                        options,
                        queue,
                    );
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call; what it lends lives as long.
                let results = unsafe {
                    let result = sys::rd_kafka_event_CreateAcls_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_CreateAcls_result_acls(result, &raw mut count),
                        count,
                    )
                };
                Ok(results.iter().map(|result| outcome_of(result)).collect())
            },
        )
    });
    async move { call?.await }
}

fn outcome_of(result: &sys::rd_kafka_acl_result_t) -> Result<(), KafkaError> {
    // SAFETY: the result is borrowed, and what it lends lives as long.
    match unsafe { error_of(sys::rd_kafka_acl_result_error(result)) } {
        Some((code, message)) => Err(OPERATION.error(code, message)),
        None => Ok(()),
    }
}
