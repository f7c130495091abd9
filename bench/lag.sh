#!/usr/bin/env bash
# Measures how long the health service takes to measure the lag of all groups, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/bench.sh
. scripts/bench.sh

usage() {
  cat <<'TEXT'
usage: bench/lag.sh [OPTION]...

Starts a cluster of its own for each row (3 ZooKeepers, 3 brokers), makes topics of three replicas and groups
that committed on their partitions, and prints how long the health service takes to measure all lag, with which
requests, and its resident memory. The first row is an idle cluster. Nothing else should run on the machine.
All rows take some 15 minutes.

  --rows A,B         PARTITIONSxGROUPSxCOMMITTED, such as 300x50x30: 300 partitions and 50 groups that
                     committed on 30 of them each
  --soak MINUTES     in place of the rows: topics and groups come and go for so long, and the memory of the
                     service is printed
  --collections N    how many measurements of each row are looked at (default 10)
  --help             this text
TEXT
}

help_if_asked "$@"

need_to_build
cargo build --release --locked --quiet -p bench -p kafka-health-service
exec target/release/bench lag "$@"
