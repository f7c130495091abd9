//! The one way to call librdkafka, and the only `unsafe` code of the workspace.
//!
//! [`call`](Client::call) submits an operation with a deadline and decodes its result on the poll
//! thread; one file per operation holds the FFI of that operation and gives owned values. Nothing of
//! librdkafka leaves this module.
#![allow(unsafe_code)]

mod acl_binding;
mod alter_configs;
mod alter_group_offsets;
mod borrow;
mod codes;
mod create_acls;
mod create_partitions;
mod create_topic;
mod delete_acls;
mod delete_group;
mod delete_group_offsets;
mod delete_records;
mod delete_topic;
mod describe_acls;
mod describe_configs;
mod describe_groups;
mod describe_topics;
mod elect_leaders;
mod group_offsets;
mod group_result;
mod handles;
mod list_groups;
mod list_offsets;
mod memory;
mod metadata;
mod nudges;
mod operation;
mod partition_list;
mod produce;
mod refusals;
mod sasl;

mod client;

pub(crate) use alter_configs::alter_configs;
pub(crate) use alter_group_offsets::alter_group_offsets;
pub(crate) use client::{Client, add_brokers};
pub(crate) use codes::{error_name, error_text, persistence};
pub(crate) use create_acls::create_acls;
pub(crate) use create_partitions::create_partitions;
pub(crate) use create_topic::create_topic;
pub(crate) use delete_acls::{delete_acls, probe_acls};
pub(crate) use delete_group::delete_group;
pub(crate) use delete_group_offsets::delete_group_offsets;
pub(crate) use delete_records::delete_records;
pub(crate) use delete_topic::delete_topic;
pub(crate) use describe_acls::describe_acls;
pub(crate) use describe_configs::{Resource, describe_configs, probe_broker};
pub(crate) use describe_groups::describe_groups;
pub(crate) use describe_topics::describe_topics;
pub(crate) use elect_leaders::elect_leaders;
pub(crate) use group_offsets::group_offsets;
pub(crate) use list_groups::list_groups;
pub(crate) use list_offsets::list_offsets;
pub use memory::KeptMemory;
pub(crate) use metadata::{Topics, blocking_metadata, metadata};
pub(crate) use produce::{ProduceTopic, fatal_error};
pub(crate) use sasl::set_credentials;
