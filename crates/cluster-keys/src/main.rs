//! `cluster-keys`: the keys of the Compose stack, made in a container so that nothing has to be
//! installed for them. Natively `local-cluster` makes its own.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use cluster_keys::{Keys, compose};

/// Certificates, passwords and tokens of the Compose stack.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// The directory of keys
    #[arg(long, env = "KEYS_DIR", value_name = "DIR")]
    dir: PathBuf,
    /// Where people find it
    #[arg(long, env = "KEYS_SEEN_AT", value_name = "DIR")]
    seen_at: PathBuf,
    /// Who is to own what no container sees, by number
    #[arg(long, env = "KEYS_OWNER", default_value_t = 0, value_name = "UID")]
    owner: u32,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes what is missing, and a directory for each container; refuses what cannot be used
    Ensure {
        /// What clients outside of the network connect to: a name or an address
        #[arg(long, env = "KAFKA_EXTERNAL_HOST", default_value = "localhost")]
        external_host: String,
        /// The Compose network
        #[arg(long, default_value = "kafka-log-streaming-cluster_kafka-network")]
        network: String,
    },
    /// Issues every certificate anew
    RenewCertificates,
    /// Gives a principal a new password, for who writes it into ZooKeeper; `ensure` gives it to the clients
    RenewPassword {
        /// operator, kafka-ui, load-test-service, ...
        principal: String,
    },
    /// Gives clients the passwords that ZooKeeper has by now
    Publish,
    /// Makes new bearer tokens for the REST APIs; the old ones are worth nothing once services have read it
    RenewTokens,
    /// By which name brokers log in from their next start on, the other name, and `changing` or `settled`
    BrokerLogin,
    /// Lets brokers that start from now on log in by the other name, whose password ZooKeeper has
    SwitchBrokerLogin,
    /// Ends that change: every broker has restarted
    SettleBrokerLogin,
    /// When each certificate ends
    Periods,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody outside knows the files by the names that they have in here.
            let here = arguments.dir.display().to_string();
            let outside = arguments.seen_at.display().to_string();
            let told = format!("{error:#}").replace(&here, &outside);
            eprintln!("cluster-keys: {told}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let dir = &arguments.dir;
    match &arguments.command {
        Command::Ensure {
            external_host,
            network,
        } => {
            let seen_at = arguments.seen_at.clone();
            let keys = compose::ensure(dir, seen_at, external_host, network)?;
            compose::give(&keys, arguments.owner)?;
            if keys.broker_login()?.changing {
                eprintln!("{}", cluster_keys::BROKER_LOGIN_CHANGES);
            }
        }
        Command::RenewCertificates => {
            let keys = Keys::open(dir)?;
            keys.renew_certificates()?;
            compose::write_certificates(&keys)?;
            compose::give(&keys, arguments.owner)?;
        }
        Command::RenewPassword { principal } => {
            let keys = Keys::open(dir)?;
            keys.renew_password(principal)?;
            compose::write_passwords(&keys)?;
            compose::give(&keys, arguments.owner)?;
        }
        Command::Publish => publish(&Keys::open(dir)?, arguments.owner)?,
        Command::RenewTokens => {
            let keys = Keys::open(dir)?;
            keys.renew_tokens()?;
            compose::write_tokens(&keys)?;
            compose::give(&keys, arguments.owner)?;
        }
        Command::BrokerLogin => {
            let login = Keys::open(dir)?.broker_login()?;
            let state = if login.changing {
                "changing"
            } else {
                "settled"
            };
            println!("{} {} {state}", login.name, login.other());
        }
        Command::SwitchBrokerLogin => {
            let keys = Keys::open(dir)?;
            keys.switch_broker_login()?;
            publish(&keys, arguments.owner)?;
        }
        Command::SettleBrokerLogin => {
            let keys = Keys::open(dir)?;
            keys.settle_broker_login()?;
            publish(&keys, arguments.owner)?;
        }
        Command::Periods => {
            for (path, period) in Keys::open(dir)?.periods()? {
                println!("{}  {}", period.ends, path.display());
            }
        }
    }
    Ok(())
}

/// Tells people and containers what is in `keys` now.
fn publish(keys: &Keys, owner: u32) -> Result<()> {
    keys.publish()?;
    compose::write_bundles(keys)?;
    Ok(compose::give(keys, owner)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
