//! The program: reads the settings and serves until SIGTERM or SIGINT.

use std::process::ExitCode;

use clap::Parser;
use kafka_health_service::settings::Settings;
use service_kit::program;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let (listen, command) = (settings.listen, settings.command);
    let (http, logs) = (settings.http.clone(), settings.logs.clone());
    let name = env!("CARGO_PKG_NAME");
    program::run(name, listen, command, &http, &logs, |listener, stop| {
        kafka_health_service::run(listener, settings, stop)
    })
}
