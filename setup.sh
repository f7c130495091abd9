#!/usr/bin/env bash
# Starts the cluster and its services on this machine, and ends when health says HEALTHY.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh
# shellcheck source=scripts/api.sh
. scripts/api.sh
# shellcheck source=scripts/docker.sh
. scripts/docker.sh
# shellcheck source=scripts/renewal.sh
. scripts/renewal.sh

usage() {
  cat <<'TEXT'
usage: ./setup.sh [OPTION]...

Starts 3 ZooKeepers, 3 Kafka brokers and the three services, and ends when health says HEALTHY.
In Docker Compose where a Docker engine answers, with Prometheus, Grafana and Kafka UI; otherwise as
plain processes of this machine, with Prometheus where it is installed. Safe to run twice: what
runs already is left alone.

  --native       as plain processes
  --secure       TLS and passwords between all of them, ACLs, bearer tokens; stays so afterwards: see
                 docs/SECURITY.md
  --docker       in Docker Compose
  --without-ui   in Docker Compose, without Kafka UI and Grafana (less memory, nothing to fetch for them)
  --renew WHAT   certificates, tokens, or the principal whose password is to be new (secured, running
                 cluster); for kafka-broker, the brokers' own, they restart one after the other
  --brokers N    start N brokers instead of 3 (plain processes only)
  --no-install   never install a package; say what is missing instead
  --down         stop everything; topics and records stay
  --reset        stop everything and wipe topics and records
  --help         this text

Afterwards: ./load-test.sh, target/release/local-cluster --help (stop, kill, pause, start a node),
./setup.sh --down.
TEXT
}

action=up
mode=auto
brokers=()
secure=()
renewed=
while (($#)); do
  case $1 in
  --native) mode=native ;;
  --secure) secure=(--secure) ;;
  --docker) mode=docker ;;
  --without-ui)
    mode=docker
    UI=no
    ;;
  --down) action=down ;;
  --reset) action=reset ;;
  --no-install) INSTALL=no ;;
  --renew)
    [[ ${2:-} =~ ^[a-z][a-z-]*$ ]] || fail "--renew needs certificates, or a principal" "for example: ./setup.sh --renew certificates"
    action=renew
    renewed=$2
    # Their other name.
    [[ $renewed != kafka-broker-alternate ]] || renewed=kafka-broker
    shift
    ;;
  --brokers)
    [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--brokers needs a number" "for example: ./setup.sh --brokers 4"
    brokers=(--brokers "$2")
    shift
    ;;
  --help | -h)
    usage
    exit 0
    ;;
  *) fail "unknown option $1" "see ./setup.sh --help" ;;
  esac
  shift
done

bin=target/release
native_runs() { [[ -x $bin/local-cluster ]] && "$bin/local-cluster" status --json 2>/dev/null | grep -q '"running"'; }
engine_answers() { docker info >/dev/null 2>&1 && has_compose; }
docker_runs() { engine_answers && [[ -n $(compose ps -q 2>/dev/null) ]]; }

# What runs already decides; then what there is to wipe; then whether an engine could run it.
if [[ $mode == auto ]]; then
  mode=native
  if ((${#brokers[@]})) || native_runs; then
    :
  elif docker_runs || docker_secured; then
    mode=docker
  elif grep -qs '"secure": true' .cluster/cluster.json; then
    : # what is secured goes on as it was
  elif [[ $action == up || ($action == reset && ! -e .cluster) ]] && engine_answers; then
    mode=docker
    say "a Docker engine answers: in Docker Compose (--native means plain processes)"
  fi
fi

if [[ $mode == docker ]]; then
  ((${#brokers[@]} == 0)) || fail "--brokers is for plain processes" "leave it or --docker out"
  ((${#secure[@]} == 0)) || SECURE=yes
  need curl
  RENEWED=$renewed "docker_$action"
  exit
fi

need_rust

if [[ $action != up ]]; then
  # Nothing can run that was never built.
  if [[ ! -x $bin/local-cluster ]]; then
    [[ $action != renew ]] || fail "no secured cluster was started here" "./setup.sh --secure starts one"
    say "nothing to stop: the cluster was never built here"
    exit 0
  fi
  if [[ $action == reset ]]; then exec "$bin/local-cluster" reset --yes; fi
  if [[ $action == renew && $renewed =~ ^(certificates|tokens)$ ]]; then exec "$bin/local-cluster" renew "$renewed"; fi
  if [[ $action == renew && $renewed == kafka-broker ]]; then
    renew_brokers "$bin/local-cluster" renew brokers
    exit
  fi
  if [[ $action == renew ]]; then exec "$bin/local-cluster" renew password "$renewed"; fi
  exec "$bin/local-cluster" down
fi

# OpenSSL and zlib are what librdkafka links to; curl is for you and load-test.sh.
need build-essential pkg-config libssl-dev zlib1g-dev default-jre-headless maven curl jq

say "building (the first time takes some minutes)"
cargo build --release --locked -p local-cluster -p kafka-admin-service \
  -p kafka-health-service -p load-test-service ||
  fail "the build failed" "the lines above say why; nothing was started"

exec "$bin/local-cluster" up --services "$bin" "${brokers[@]}" "${secure[@]}"
