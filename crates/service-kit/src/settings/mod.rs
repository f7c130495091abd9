//! The settings that every service has; each service flattens them into its own.
//!
//! A setting is one clap field: flag, environment variable, default and help in one place.

mod duration;
mod http;
mod kafka;
mod logs;
mod secret_file;

pub use duration::parse_duration;
pub use http::HttpSettings;
pub use kafka::KafkaSettings;
pub use logs::{LogFormat, LogSettings};
pub use secret_file::{require_private, require_private_key};
