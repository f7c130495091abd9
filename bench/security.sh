#!/usr/bin/env bash
# Measures what TLS and SCRAM cost, on a plain and a secured cluster side by side, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/bench.sh
. scripts/bench.sh

usage() {
  cat <<'TEXT'
usage: bench/security.sh [OPTION]...

Starts a plain and a secured cluster (3 ZooKeepers, 3 brokers each), warms both up, and runs the load test
and Kafka's ProducerPerformance on them in turn: same records, same settings. Prints throughput, p99 and
CPU of client and brokers, and the ratios secured / plain. Nothing else should run on the machine. Some 10
minutes.

  --pairs N        how often each side of a row is measured (default 5)
  --json FILE      keep the results in FILE; rows that it has of earlier calls stay in the table
  --warm-brokers N records before the first row, on each cluster (default 6000000)
  --help           this text
TEXT
}

help_if_asked "$@"

need_to_build
command -v javac >/dev/null ||
  fail "a Java compiler is missing" "install with: sudo apt-get install default-jdk-headless"
cargo build --release --locked --quiet -p bench
exec target/release/bench load --rows secured,secured-kafka,secured-paced-10k "$@"
