#!/usr/bin/env bash
# Kills a leader in the middle of verified load tests and prints what the verification found.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/bench.sh
. scripts/bench.sh

usage() {
  cat <<'TEXT'
usage: bench/loss.sh [OPTION]...

Starts a cluster of its own (3 ZooKeepers, 3 brokers) and makes verified runs with the load test's own
program: undisturbed; with the leader of a third of the partitions killed in the middle; and, as the negative
control, with a leader killed that alone had acknowledged, where records must be lost. Prints what became of
every event, what Kafka's own offsets say, and the most memory that the program used. All of it takes some 10
minutes and 12 GB of disk.

  --cases A,B              only these: undisturbed, leader-killed, leader-alone
  --rounds N               how often each that is disturbed is made (default 3)
  --events N               events of a run that is disturbed (default 2000000)
  --undisturbed-events N   events of the other (default 10000000)
  --help                   this text
TEXT
}

help_if_asked "$@"

need_to_build
cargo build --release --locked --quiet -p bench -p load-test-service
exec target/release/bench loss "$@"
