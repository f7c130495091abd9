//! `bench`: measures the load test against Kafka's own tools and what its verification finds, and how soon
//! health tells what is wrong, on real clusters that it starts.

mod child;
mod cluster;
mod consumer_performance;
mod detection;
mod health_service;
mod lag;
mod load_test;
mod loss;
mod machine;
mod measured;
mod payload;
mod producer_performance;
mod results;
mod rows;
mod runs;
mod soak;
mod table;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

/// Measures the services, on real clusters that it starts.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Kafka's ProducerPerformance and the load test in turn on the same cluster.
    Load(Load),
    /// How soon the health service tells what is wrong.
    Detection(detection::Detection),
    /// How long health takes to measure the lag of all groups.
    Lag(lag::Lag),
    /// What verified runs find while a leader is killed.
    Loss(loss::Loss),
    /// Prints the table of results that were kept.
    Table {
        /// The file of `--json`.
        file: PathBuf,
    },
    /// One run of the load test; prints its figures as JSON.
    #[command(hide = true)]
    Generate {
        /// What to do, as JSON.
        order: String,
    },
}

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Load {
    /// How often each side of a row is measured.
    #[arg(long, default_value_t = 5)]
    pairs: u32,
    /// The rows to measure, by name; all without.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Lists the rows and ends.
    #[arg(long)]
    list: bool,
    /// Keeps the results in this file; rows measured before stay in it, and in the table.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Records that warm the brokers up before the first row.
    #[arg(long, default_value_t = 6_000_000)]
    warm_brokers: u64,
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let level = match command {
        // Brokers that cannot be reached are what it is about.
        Command::Detection(_) => LevelFilter::OFF,
        _ => LevelFilter::WARN,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .init();
    let done = match command {
        Command::Load(options) => runs::measure(&options),
        Command::Detection(options) => detection::measure(&options),
        Command::Lag(options) => lag::measure(&options),
        Command::Loss(options) => loss::measure(&options),
        Command::Table { file } => results::Results::load(&file).map(|results| {
            print!("{}", table::markdown(&results));
        }),
        Command::Generate { order } => load_test::obey(&order),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
