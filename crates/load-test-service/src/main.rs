//! The program: reads the settings and serves until SIGTERM or SIGINT, or makes one run.

use std::process::ExitCode;

use clap::Parser;
use load_test_service::cli;
use load_test_service::settings::{Command, Settings};
use service_kit::program;

fn main() -> ExitCode {
    let mut settings = Settings::parse();
    let command = match settings.command.take() {
        Some(Command::Run(args)) => return cli::run(&args),
        Some(Command::Common(command)) => Some(command),
        None => None,
    };
    let listen = settings.listen;
    let (http, logs) = (settings.http.clone(), settings.logs.clone());
    let name = env!("CARGO_PKG_NAME");
    program::run(name, listen, command, &http, &logs, |listener, stop| {
        load_test_service::run(listener, settings, stop)
    })
}
