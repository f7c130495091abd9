//! The program: reads the settings and serves until SIGTERM or SIGINT.

use std::process::ExitCode;

use clap::Parser;
use load_test_service::settings::Settings;
use service_kit::program;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let (listen, command, logs) = (settings.listen, settings.command, settings.logs.clone());
    let name = env!("CARGO_PKG_NAME");
    program::run(name, listen, command, &logs, |listener, stop| {
        load_test_service::run(listener, settings, stop)
    })
}
