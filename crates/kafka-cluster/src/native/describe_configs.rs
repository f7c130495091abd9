//! `DescribeConfigs` of topics and brokers, and the probe that asks one broker for one setting.

use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_ResourceType_t as ResourceType;

use super::borrow::{c_text, items, optional_text, text};
use super::client::Client;
use super::codes;
use super::handles::ConfigResource;
use super::operation::{CallOptions, Operation};
use crate::{ConfigEntry, ConfigSource, KafkaError};

const OPERATION: Operation = Operation::DESCRIBE_CONFIGS;

/// What has settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    kind: Kind,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Topic,
    Broker,
}

impl Resource {
    pub(crate) fn topic(name: &str) -> Self {
        Self {
            kind: Kind::Topic,
            name: name.to_owned(),
        }
    }

    pub(crate) fn broker(id: i32) -> Self {
        Self {
            kind: Kind::Broker,
            name: id.to_string(),
        }
    }

    pub(super) fn handle(&self, operation: Operation) -> Result<ConfigResource, KafkaError> {
        let name = c_text(operation.name, &self.name)?;
        let kind = match self.kind {
            Kind::Topic => ResourceType::RD_KAFKA_RESOURCE_TOPIC,
            Kind::Broker => ResourceType::RD_KAFKA_RESOURCE_BROKER,
        };
        // SAFETY: the name is alive and copied.
        let raw = unsafe { sys::rd_kafka_ConfigResource_new(kind, name.as_ptr()) };
        ConfigResource::own(raw)
            .ok_or_else(|| operation.error(crate::codes::LOCAL_INVALID_ARG, "no such resource"))
    }

    fn of(raw: &sys::rd_kafka_ConfigResource_t) -> Self {
        // SAFETY: the resource is borrowed, so it is alive.
        unsafe {
            let broker = ResourceType::RD_KAFKA_RESOURCE_BROKER as i32;
            Self {
                kind: if codes::rd_kafka_ConfigResource_type(raw) == broker {
                    Kind::Broker
                } else {
                    Kind::Topic
                },
                name: text(sys::rd_kafka_ConfigResource_name(raw)),
            }
        }
    }
}

/// All settings of each resource, in the order asked.
pub(crate) fn describe_configs(
    client: &Client,
    resources: &[Resource],
    deadline: Duration,
) -> impl Future<Output = Result<Vec<Result<Vec<ConfigEntry>, KafkaError>>, KafkaError>> + Send + use<>
{
    let asked = resources.to_vec();
    let call = handles(resources).map(|handles| submit(client, &handles, deadline));
    async move {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = call?.await?;
        let in_order = asked.iter().map(|resource| {
            match answers
                .iter()
                .position(|(answered, _)| answered == resource)
            {
                Some(index) => answers.swap_remove(index).1,
                None => Err(OPERATION.error(crate::codes::LOCAL_DESTROY, "missing in the answer")),
            }
        });
        Ok(in_order.collect())
    }
}

/// Asks `broker` for its own id: a small request that only this broker can answer.
pub(crate) fn probe_broker(
    client: &Client,
    broker: i32,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let call = Resource::broker(broker).handle(OPERATION).map(|handle| {
        // SAFETY: all are alive and copied; naming a setting asks for that one only.
        unsafe {
            sys::rd_kafka_ConfigResource_set_config(
                handle.as_ptr(),
                c"broker.id".as_ptr(),
                c"".as_ptr(),
            );
        }
        submit(client, &[handle], deadline)
    });
    async move {
        match call?.await?.pop() {
            Some((_, Err(error))) => Err(error),
            Some((_, Ok(_))) => Ok(()),
            None => Err(OPERATION.error(crate::codes::LOCAL_DESTROY, "an answer without a broker")),
        }
    }
}

type Answers = Vec<(Resource, Result<Vec<ConfigEntry>, KafkaError>)>;

fn submit(
    client: &Client,
    handles: &[ConfigResource],
    deadline: Duration,
) -> impl Future<Output = Result<Answers, KafkaError>> + Send + use<> {
    let mut pointers: Vec<_> = handles.iter().map(ConfigResource::as_ptr).collect();
    client.call(
        OPERATION,
        CallOptions::within(deadline),
        |client, options, queue| {
            // SAFETY: all are alive; librdkafka copies array and resources.
            unsafe {
                sys::rd_kafka_DescribeConfigs(
                    client,
                    pointers.as_mut_ptr(),
                    pointers.len(),
                    options,
                    queue,
                );
            }
        },
        |event| {
            // SAFETY: the event is alive and of this call.
            let resources = unsafe {
                let result = sys::rd_kafka_event_DescribeConfigs_result(event.as_ptr());
                let mut count = 0;
                items(
                    sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count),
                    count,
                )
            };
            Ok(resources
                .iter()
                .map(|raw| (Resource::of(raw), entries_of(raw)))
                .collect())
        },
    )
}

fn handles(resources: &[Resource]) -> Result<Vec<ConfigResource>, KafkaError> {
    resources
        .iter()
        .map(|resource| resource.handle(OPERATION))
        .collect()
}

fn entries_of(resource: &sys::rd_kafka_ConfigResource_t) -> Result<Vec<ConfigEntry>, KafkaError> {
    resource_error(OPERATION, resource)?;
    // SAFETY: the resource is borrowed, and its entries live as long.
    let entries = unsafe {
        let mut count = 0;
        items(
            sys::rd_kafka_ConfigResource_configs(resource, &raw mut count),
            count,
        )
    };
    let mut entries: Vec<_> = entries.iter().map(|entry| entry_of(entry)).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn entry_of(entry: &sys::rd_kafka_ConfigEntry_t) -> ConfigEntry {
    // SAFETY: the entry is borrowed, so it is alive; texts are copied.
    unsafe {
        let sensitive = sys::rd_kafka_ConfigEntry_is_sensitive(entry) == 1;
        ConfigEntry {
            name: text(sys::rd_kafka_ConfigEntry_name(entry)),
            value: optional_text(sys::rd_kafka_ConfigEntry_value(entry)).filter(|_| !sensitive),
            source: ConfigSource::from_code(codes::rd_kafka_ConfigEntry_source(entry)),
            default: default_of(entry).filter(|_| !sensitive),
            read_only: sys::rd_kafka_ConfigEntry_is_read_only(entry) == 1,
            sensitive,
        }
    }
}

/// Kafka's own default: the value itself where it is that, else what is told among its synonyms. Kafka
/// does not tell the default of an overridden setting whose default goes by another name, such as
/// `retention.ms` by `log.retention.hours`.
fn default_of(entry: &sys::rd_kafka_ConfigEntry_t) -> Option<String> {
    // SAFETY: the entry is borrowed, so it is alive; the text is copied.
    let (source, value) = unsafe {
        (
            codes::rd_kafka_ConfigEntry_source(entry),
            optional_text(sys::rd_kafka_ConfigEntry_value(entry)),
        )
    };
    if ConfigSource::from_code(source) == ConfigSource::DefaultConfig {
        return value;
    }
    // SAFETY: the entry is borrowed, and its synonyms live as long; texts are copied.
    unsafe {
        let mut count = 0;
        let synonyms = items(
            sys::rd_kafka_ConfigEntry_synonyms(entry, &raw mut count),
            count,
        );
        let is_default = |synonym: &&&sys::rd_kafka_ConfigEntry_t| {
            let source = ConfigSource::from_code(codes::rd_kafka_ConfigEntry_source(**synonym));
            source == ConfigSource::DefaultConfig
        };
        let own = synonyms.iter().find(is_default)?;
        optional_text(sys::rd_kafka_ConfigEntry_value(*own))
    }
}

/// The error that Kafka gave for one resource of a call that succeeded as a whole.
pub(super) fn resource_error(
    operation: Operation,
    resource: &sys::rd_kafka_ConfigResource_t,
) -> Result<(), KafkaError> {
    // SAFETY: the resource is borrowed, so it is alive.
    let (code, message) = unsafe {
        (
            codes::rd_kafka_ConfigResource_error(resource),
            text(sys::rd_kafka_ConfigResource_error_string(resource)),
        )
    };
    if code == crate::codes::NONE {
        Ok(())
    } else {
        Err(operation.error(code, message))
    }
}
