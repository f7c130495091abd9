//! `IncrementalAlterConfigs`, for one resource. The legacy `AlterConfigs` would reset every setting
//! that is not named.

use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_AlterConfigOpType_t as OpType;

use super::borrow::{c_text, error_of, items};
use super::client::Client;
use super::describe_configs::{Resource, resource_error};
use super::handles::{ConfigResource, ErrorHandle};
use super::operation::{CallOptions, Operation};
use crate::{ConfigChange, KafkaError};

const OPERATION: Operation = Operation::ALTER_CONFIGS;

pub(crate) fn alter_configs(
    client: &Client,
    resource: &Resource,
    changes: &[ConfigChange],
    validate_only: bool,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let options = CallOptions {
        validate_only,
        ..CallOptions::within(deadline)
    };
    let call = with_changes(resource, changes).map(|handle| {
        client.call(
            OPERATION,
            options,
            |client, options, queue| {
                let mut resources = [handle.as_ptr()];
                // SAFETY: all are alive; librdkafka copies array and resource.
                unsafe {
                    sys::rd_kafka_IncrementalAlterConfigs(
                        client,
                        resources.as_mut_ptr(),
                        1,
                        options,
                        queue,
                    );
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let resources = unsafe {
                    let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_IncrementalAlterConfigs_result_resources(
                            result,
                            &raw mut count,
                        ),
                        count,
                    )
                };
                match resources.first() {
                    Some(resource) => resource_error(OPERATION, resource),
                    None => Err(OPERATION
                        .error(crate::codes::LOCAL_DESTROY, "an answer without a resource")),
                }
            },
        )
    });
    async move { call?.await }
}

fn with_changes(
    resource: &Resource,
    changes: &[ConfigChange],
) -> Result<ConfigResource, KafkaError> {
    let handle = resource.handle(OPERATION)?;
    for change in changes {
        let (name, op, value) = match change {
            ConfigChange::Set { name, value } => {
                (name, OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, Some(value))
            }
            ConfigChange::Reset { name } => {
                (name, OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, None)
            }
            ConfigChange::Append { name, value } => (
                name,
                OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_APPEND,
                Some(value),
            ),
            ConfigChange::Subtract { name, value } => (
                name,
                OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SUBTRACT,
                Some(value),
            ),
        };
        let name = c_text(OPERATION.name, name)?;
        let value = value
            .map(|value| c_text(OPERATION.name, value))
            .transpose()?;
        let value_raw = value
            .as_ref()
            .map_or(std::ptr::null(), |value| value.as_ptr());
        // SAFETY: all are alive and copied; the returned error is ours to destroy.
        let refused = unsafe {
            let error = ErrorHandle::own(sys::rd_kafka_ConfigResource_add_incremental_config(
                handle.as_ptr(),
                name.as_ptr(),
                op,
                value_raw,
            ));
            error.and_then(|error| error_of(error.as_ptr()))
        };
        if let Some((code, message)) = refused {
            return Err(OPERATION.error(code, message));
        }
    }
    Ok(handle)
}
