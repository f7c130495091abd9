//! How a service serves, apart from its address.

use std::path::PathBuf;
use std::time::Duration;

use super::parse_duration;

/// Bounds on answering and on stopping.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpSettings {
    /// How long a request may take before it is answered 504, e.g. 30s
    #[arg(long, env = "REQUEST_TIMEOUT", default_value = "30s", value_parser = parse_duration)]
    pub request_timeout: Duration,

    /// How long a stop waits for the requests that are being answered, e.g. 10s
    #[arg(long, env = "DRAIN_TIMEOUT", default_value = "10s", value_parser = parse_duration)]
    pub drain_timeout: Duration,

    /// File of bearer tokens, one NAME ROLE TOPICS SHA256 on each line; without one everybody may do
    /// everything
    #[arg(long, env = "TOKENS_FILE", value_name = "FILE")]
    pub tokens_file: Option<PathBuf>,

    /// Listen on more than loopback although there are no tokens
    #[arg(long, env = "LISTEN_WITHOUT_TOKENS", default_value_t = false, action = clap::ArgAction::Set)]
    pub listen_without_tokens: bool,
}
