#!/usr/bin/env bash
# Measures the load test against Kafka's own tools on one cluster, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/bench.sh
. scripts/bench.sh

usage() {
  cat <<'TEXT'
usage: bench/load.sh [OPTION]...

Starts a cluster of its own (3 ZooKeepers, 3 brokers), warms it up, and runs Kafka's
ProducerPerformance and ConsumerPerformance and the load test on it in turn: same records, same
topic settings, one after the other. Prints medians, spread and ratios. Nothing else should run on
the machine. All rows take some 40 minutes and at most 15 GB of disk at a time.

  --rows A,B       only these rows; --list shows all of them
  --pairs N        how often each side of a row is measured (default 5)
  --json FILE      keep the results in FILE; rows that it has of earlier calls stay in the table
  --warm-brokers N records before the first row (default 6000000): brokers that have just started are
                   several times slower
  --list           list the rows
  --help           this text

Rows that wait for strace (spin) are left out where there is none.
TEXT
}

help_if_asked "$@"

need_to_build
command -v javac >/dev/null ||
  fail "a Java compiler is missing" "install with: sudo apt-get install default-jdk-headless"
cargo build --release --locked --quiet -p bench
exec target/release/bench load "$@"
