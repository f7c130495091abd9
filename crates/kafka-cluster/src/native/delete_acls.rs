//! `DeleteAcls`, by filters that match one ACL each; and by one that matches none, which removes nothing
//! and tells whether the authorizer answers.

use std::time::Duration;

use rdkafka_sys as sys;

use super::acl_binding::{exactly, none};
use super::borrow::{error_of, items};
use super::client::Client;
use super::handles::AclBinding;
use super::operation::{CallOptions, Operation};
use crate::{Acl, KafkaError};

type Outcomes = Vec<Result<(), KafkaError>>;

/// The outcome of each ACL, in the order given.
pub(crate) fn delete_acls(
    client: &Client,
    acls: &[Acl],
    deadline: Duration,
) -> impl Future<Output = Result<Outcomes, KafkaError>> + Send + use<> {
    let operation = Operation::DELETE_ACLS;
    let filters: Result<Vec<_>, _> = acls.iter().map(|acl| exactly(operation, acl)).collect();
    submit(client, operation, filters, deadline)
}

/// Asks for the removal of what cannot be there: succeeds where the authorizer would remove ACLs for us.
pub(crate) fn probe_acls(
    client: &Client,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let operation = Operation::PROBE_ACLS;
    let filter = none(operation).map(|filter| vec![filter]);
    let answer = submit(client, operation, filter, deadline);
    async move { answer.await?.into_iter().collect() }
}

fn submit(
    client: &Client,
    operation: Operation,
    filters: Result<Vec<AclBinding>, KafkaError>,
    deadline: Duration,
) -> impl Future<Output = Result<Outcomes, KafkaError>> + Send + use<> {
    let call = filters.map(|filters| {
        let mut pointers: Vec<_> = filters.iter().map(AclBinding::as_ptr).collect();
        let asked = pointers.len();
        client.call(
            operation,
            CallOptions::within(deadline),
            |client, options, queue| {
                // SAFETY: all are alive; librdkafka copies array and filters.
                unsafe {
                    sys::rd_kafka_DeleteAcls(
                        client,
                        pointers.as_mut_ptr(),
                        pointers.len(),
                        options,
                        queue,
                    );
                }
            },
            move |event| {
                // SAFETY: the event is alive and of this call; what it lends lives as long.
                let responses = unsafe {
                    let result = sys::rd_kafka_event_DeleteAcls_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DeleteAcls_result_responses(result, &raw mut count),
                        count,
                    )
                };
                let mut outcomes: Outcomes = responses
                    .iter()
                    .map(|response| outcome_of(operation, response))
                    .collect();
                outcomes.resize_with(asked, || {
                    Err(operation.error(crate::codes::LOCAL_DESTROY, "missing in the answer"))
                });
                Ok(outcomes)
            },
        )
    });
    async move { call?.await }
}

/// The error of the filter, or of the first ACL that it matched.
fn outcome_of(
    operation: Operation,
    response: &sys::rd_kafka_DeleteAcls_result_response_t,
) -> Result<(), KafkaError> {
    // SAFETY: the response is borrowed, and what it lends lives as long.
    let error = unsafe {
        let mut count = 0;
        let matched = items(
            sys::rd_kafka_DeleteAcls_result_response_matching_acls(response, &raw mut count),
            count,
        );
        let mut of_matched = matched
            .iter()
            .filter_map(|acl| error_of(sys::rd_kafka_AclBinding_error(*acl)));
        error_of(sys::rd_kafka_DeleteAcls_result_response_error(response))
            .or_else(|| of_matched.next())
    };
    match error {
        Some((code, message)) => Err(operation.error(code, message)),
        None => Ok(()),
    }
}
