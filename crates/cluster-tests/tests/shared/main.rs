//! Tests that harm no node, on one cluster of this process (or the one that `TEST_CLUSTER` names).

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something unexpected is"
)]

mod configs;
mod groups;
mod http;
mod kraft;
mod load_test_program;
mod memory;
mod monitoring;
mod offsets;
mod reader;
mod topics;
mod unreachable;
