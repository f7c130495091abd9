//! The program: reads the settings and serves until SIGTERM or SIGINT, or does what a command says.

use std::process::ExitCode;

use clap::Parser;
use kafka_admin_service::acls;
use kafka_admin_service::cli::{self, Command};
use kafka_admin_service::settings::Settings;
use service_kit::{program, runtime};

const NAME: &str = env!("CARGO_PKG_NAME");

fn main() -> ExitCode {
    let settings = Settings::parse();
    let command = match &settings.command {
        Some(Command::Plan(arguments)) => return run(cli::run(arguments, false)),
        Some(Command::Apply(arguments)) => return run(cli::run(arguments, true)),
        Some(Command::Acls(arguments)) => return run(acls::run(&settings.kafka, arguments)),
        Some(Command::Token(arguments)) => return cli::make_token(arguments),
        Some(Command::Healthcheck) => Some(program::Command::Healthcheck),
        None => None,
    };
    let listen = settings.listen;
    let (http, logs) = (settings.http.clone(), settings.logs.clone());
    program::run(NAME, listen, command, &http, &logs, |listener, stop| {
        kafka_admin_service::run(listener, settings, stop)
    })
}

fn run(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let ended = runtime::block_on(command).map_err(anyhow::Error::from);
    ended.flatten().unwrap_or_else(|error| {
        eprintln!("{NAME}: {error:#}");
        ExitCode::FAILURE
    })
}
