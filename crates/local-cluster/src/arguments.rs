//! The arguments of the command. Their comments are its help.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use local_cluster::NodeId;

/// A real Kafka cluster, its services and Prometheus, as plain processes of this machine.
#[derive(Debug, Parser)]
#[command(name = "local-cluster", version, max_term_width = 100)]
pub struct Arguments {
    /// The checkout; found from the current directory upward when not given.
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Data, logs and state of the cluster [default: .cluster in the checkout]
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts what does not run yet and waits until everything answers.
    Up(Up),
    /// Ends everything that `up` started; topics and records stay.
    Down,
    /// Shows every node and service: state, pid, address, memory.
    Status {
        /// As JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Ends everything and removes all data: topics, records, ZooKeeper's and the services' files.
    Reset {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Stops a node with SIGTERM (a broker hands over its leaders; killed after 60 s).
    Stop {
        /// kafka-1, zookeeper-2, ...
        node: NodeId,
    },
    /// Kills a node with SIGKILL.
    Kill {
        /// kafka-1, zookeeper-2, ...
        node: NodeId,
    },
    /// Pauses a node with SIGSTOP: connections stay open, nothing answers.
    Pause {
        /// kafka-1, zookeeper-2, ...
        node: NodeId,
    },
    /// Lets a paused node go on, with SIGCONT.
    Resume {
        /// kafka-1, zookeeper-2, ...
        node: NodeId,
    },
    /// Starts a node and waits until it answers; a killed broker starts once ZooKeeper has let go
    /// of its id.
    Start {
        /// kafka-1, zookeeper-2, ...
        node: NodeId,
    },
    /// Replaces certificates or a password of a secured cluster, while it runs.
    Renew {
        /// What is to be new.
        #[command(subcommand)]
        what: Renewal,
    },
    /// Shows the log of a node or service.
    Logs {
        /// kafka-1, zookeeper-2, kafka-health-service, prometheus, ...
        name: String,
        /// Go on as it grows.
        #[arg(short, long)]
        follow: bool,
        /// How many lines from the end.
        #[arg(short = 'n', long, default_value_t = 100)]
        lines: usize,
    },
    /// Only copies Kafka's jars and prepares class data; `up` does both by itself.
    Jars,
}

/// What of the keys is to be new.
#[derive(Debug, Subcommand)]
pub enum Renewal {
    /// Every certificate, for another year; no node is restarted.
    Certificates,
    /// The bearer tokens for the REST APIs: the old ones are worth nothing within a second.
    Tokens,
    /// The brokers' own password, as far as it goes now: prints the brokers that are to be restarted, one after
    /// the other, before this is called again; nothing once it is done. `./setup.sh --renew kafka-broker`
    /// does all of it.
    Brokers,
    /// The password of one principal: who is connected stays so, its files have the new one.
    Password {
        /// operator, kafka-ui, load-test-service, ...
        principal: String,
    },
}

/// How to start.
#[derive(Debug, Args)]
pub struct Up {
    /// How many brokers [default: as many as last time, else 3]
    #[arg(long)]
    pub brokers: Option<u16>,
    /// Start the services too: kafka-admin-service (8081), kafka-health-service (8082) and
    /// load-test-service (8083) from this directory, and wait until health says HEALTHY.
    #[arg(long, value_name = "DIR")]
    pub services: Option<PathBuf>,
    /// Where nodes, services and Prometheus listen [default: as last time, else 127.0.0.1].
    /// A second checkout can have 127.0.0.2 and the same ports.
    #[arg(long, value_name = "IP")]
    pub address: Option<Ipv4Addr>,
    /// Secure everything: TLS and passwords between all of them, ACLs, bearer tokens. Keys are made
    /// in DIR/keys. A cluster that was started so stays so; one with data that was not is refused.
    #[arg(long)]
    pub secure: bool,
    /// Secured and with an --address that others can reach: REST APIs and pages speak plain HTTP all
    /// the same, so that tokens cross the network in clear. Refused unless this says so.
    #[arg(long, env = "ALLOW_TOKENS_IN_CLEAR", value_parser = FalseyValueParser::new())]
    pub allow_tokens_in_clear: bool,
    /// Leave Prometheus (9090) out even where it is installed.
    #[arg(long)]
    pub no_prometheus: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
