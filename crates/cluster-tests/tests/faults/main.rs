//! Tests that stop, kill and pause nodes, one at a time, on a cluster leased for faults.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something unexpected is"
)]

mod admin_audit;
mod admin_busy;
mod admin_truth;
mod admin_writes;
mod alerts;
mod all_down;
mod brokers_down;
mod canary;
mod controller;
mod coordinator;
mod declared;
mod many_at_once;
mod paused_broker;
mod services;
