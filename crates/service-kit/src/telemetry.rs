//! Logs: text for people or JSON for machines, on standard error.

use std::io::{self, IsTerminal};
use std::panic;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, LogSettings};

/// Starts the log of this process, and logs panics there in one line.
///
/// Call it before any Kafka client is made: rdkafka looks at the log level only then.
///
/// # Errors
/// A filter that cannot be read, or a log that was started before.
pub fn init(settings: &LogSettings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .with_context(|| format!("log filter {:?}", settings.log_filter))?;
    let builder = SubscriberBuilder::default()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
    .context("the log was started before")?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Takes the place of the standard hook, which prints several lines that no JSON reader takes.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(location, "panic: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let settings = LogSettings {
            log_format: LogFormat::Text,
            log_filter: "info,kafka=loudest".into(),
        };
        let message = format!("{:#}", init(&settings).unwrap_err());
        assert!(message.contains("loudest"), "{message}");
    }
}
