//! Starts and ends a real Kafka cluster as plain processes, for people and for tests.
//!
//! The cluster is the one that Compose runs too: the jars of `kafka/pom.xml`, the settings of
//! `kafka/*.properties`, three ZooKeepers and three brokers. Nothing here is simulated, and
//! nothing here knows the services that use the cluster; only the command of this crate starts
//! them, as programs it is given.
//!
//! Every process is known by its pid *and* its start time, written by the process itself before
//! it becomes Java, so whoever comes later (another command, the watchdog, the next `up`) ends
//! exactly what was started and never a stranger that was given the same pid.
//!
//! Linux only: it reads `/proc`, and test clusters take addresses of their own in 127.0.0.0/8.

pub mod address;
pub mod archive;
pub mod control;
pub mod ensemble;
pub mod error;
pub mod faults;
pub mod jars;
pub mod java;
pub mod kafka_wire;
pub mod kraft;
pub mod launch;
pub mod layout;
pub mod node;
pub mod ports;
pub mod process;
pub mod readiness;
pub mod renewal;
pub mod security;
pub mod settings;
pub mod shared;
pub mod spec;
pub mod status;
pub mod test_home;
pub mod tool;
pub mod wait;
pub mod watchdog;
pub mod zookeeper_wire;
mod zookeeper_writes;

pub use ensemble::Cluster;
pub use error::{Error, Result};
pub use faults::{FaultLease, lease_for_faults};
pub use node::{NodeId, NodeKind};
pub use shared::shared;
pub use spec::{ClusterSpec, Jit, Jvm};
pub use test_home::start_for_test;
pub use tool::tool;
pub use wait::wait_for_condition;
