#!/usr/bin/env bash
# Measures how soon the health service tells what is wrong, and prints a table.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/bench.sh
. scripts/bench.sh

usage() {
  cat <<'TEXT'
usage: bench/detection.sh [OPTION]...

Injects faults into clusters of its own (3 ZooKeepers, 3 brokers, a fresh one for each kind of fault) and
prints how soon the health service told each, how soon it said HEALTHY after the cluster was whole again, and
what it told that was not so. Nothing else should run on the machine. All faults take some 40 minutes.

  --faults A,B   only these: broker-killed, broker-stopped, broker-paused, controller-killed, zookeeper-killed,
                 two-zookeepers-killed, consumer-stopped, consumer-slowed, leader-lost, writes-blocked,
                 rolling-restart
  --rounds N     how often each is injected (default 5)
  --help         this text
TEXT
}

help_if_asked "$@"

need_to_build
cargo build --release --locked --quiet -p bench -p kafka-health-service
exec target/release/bench detection "$@"
