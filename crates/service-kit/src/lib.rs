//! What at least two of the services share; knows nothing of topics, health or load.
//!
//! A service brings its routes, its metrics and its judgement of readiness; this crate brings the
//! rest: who may call ([`access`]), [`settings`] from flags and environment, logs ([`telemetry`]), a small [`runtime`], the
//! routes and layers that every service has ([`Service`]), validated [`input`], one form for every
//! error ([`problem`]), a [`serve`] loop that stops within a bound, streams of events that end with it
//! ([`sse`]), a [`journal`] on disk, and the [`healthcheck`] subcommand.

pub mod access;
pub mod healthcheck;
pub mod input;
pub mod journal;
mod openapi;
mod origin;
mod panics;
mod probes;
pub mod problem;
pub mod program;
pub mod request_id;
mod request_metrics;
mod request_timeout;
pub mod runtime;
pub mod serve;
mod service;
mod service_metrics;
pub mod settings;
pub mod sse;
pub mod telemetry;
pub mod time;

pub use access::{Access, Caller, Role};
pub use input::{
    FieldProblem, FieldValue, Fields, FromFields, Input, NoInput, PathParam, QueryInput, text_body,
};
pub use journal::Journal;

pub use probes::Readiness;
pub use problem::{Answer, FieldError, Problem};
pub use service::Service;
