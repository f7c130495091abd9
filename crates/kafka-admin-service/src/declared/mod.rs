//! The topics that the cluster is meant to have: read from a file, applied once at start, compared
//! ever after.
//!
//! Of the file that the service is started with, what is missing is made; what differs is reported;
//! nothing is altered or deleted. Documents that are sent to it are compared and applied when asked.

mod apply;
mod carry_out;
mod diff;
mod document;
mod export;
mod look;
mod plan;
mod published;
mod report;

pub use apply::Applier;
pub use carry_out::{Applied, TopicApplied, carry_out};
pub use diff::Difference;
pub use document::{Document, DocumentError, RawDocument};
pub use export::to_yaml;
pub use look::{Look, look};
pub use plan::{ApplyPlan, TopicAction, TopicPlan, plan as plan_document};
pub use published::Declared;
pub use report::{DeclaredReport, DeclaredState, DeclaredTopicReport};
