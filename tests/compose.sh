#!/usr/bin/env bash
# The stack in Docker Compose, end to end: images, start, health checks, Prometheus' targets, every
# endpoint (the same tests as in native mode), both failure tests, stop, and that nothing stays.
#
# It takes the fixed ports and container names, so no other cluster of this project may run. Where no
# engine answers, DOCKER_ENGINE may name a script that starts one (`up`) and makes stand-ins for the
# images that cannot be fetched (`image NAME TAG`).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh
# shellcheck source=scripts/docker.sh
. scripts/docker.sh

need curl jq
if ! docker info >/dev/null 2>&1; then
  [[ -x ${DOCKER_ENGINE:-} ]] || fail "no Docker engine answers" "start one, or name a script in DOCKER_ENGINE"
  "$DOCKER_ENGINE" up
  "$DOCKER_ENGINE" image rust "$(sed -n 's/^FROM rust:\([^ ]*\).*/\1/p' Dockerfile)"
  "$DOCKER_ENGINE" image prometheus "$(sed -n 's/^ *image: \(prom.*\)/\1/p' docker-compose.yml)"
fi

step() { printf '\n--- %s (%d s)\n' "$1" "$SECONDS"; }
work=$(mktemp -d)
finish() {
  local code=$?
  if ((code)); then compose logs --tail 30 >&2 || true; fi
  docker_reset >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

step "the composition is valid, with Compose's old rules as well"
compose config >/dev/null
# What docker-compose 1.29 refuses.
! grep -nE '^(name|version):' docker-compose.yml || fail "docker-compose 1.29 does not take this"

step "start"
./setup.sh --docker --without-ui
./setup.sh --docker --without-ui # a second start leaves everything alone

step "every container is healthy"
end=$((SECONDS + 60))
while unhealthy=$(docker ps -a --format '{{.Names}} {{.Status}}' \
  --filter "network=kafka-log-streaming-cluster_kafka-network" | grep -v '(healthy)'); do
  ((SECONDS < end)) || fail "not healthy: $unhealthy"
  sleep 1
done

step "Prometheus has every target up"
while true; do
  targets=$(curl -fsS 'http://127.0.0.1:9090/api/v1/targets?state=active' |
    jq -r '.data.activeTargets[] | "\(.labels.instance) \(.health)"')
  if (($(grep -c ' up$' <<<"$targets") == 10)); then break; fi
  ((SECONDS < end + 60)) || fail "not up: $targets"
  sleep 1
done

step "sizes"
docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep '^kafka-log-streaming-cluster/'
docker stats --no-stream --format '{{.Name}} {{.MemUsage}}'

step "Kafka's own tools in the container"
docker exec kafka-2 kafka-topics --bootstrap-server kafka-2:9092 --describe --topic log-events | tee "$work/topic"
grep -q 'PartitionCount: 12' "$work/topic"
[[ -z $(docker exec kafka-1 kafka-topics --bootstrap-server kafka-1:9092 --describe --under-replicated-partitions) ]]

step "every endpoint: the tests of native mode"
jq -n --arg root "$PWD" --arg dir "$work" '{root: $root, dir: $dir, address: "127.0.0.1", brokers: 3,
  zookeepers: 3, jvm: {jit: "full", brokerHeap: "", zookeeperHeap: "", brokerAgent: true,
  zookeeperAgent: true}}' >"$work/cluster.json"
TEST_CLUSTER=$work/cluster.json \
  TEST_SERVICES=http://127.0.0.1:8081,http://127.0.0.1:8082,http://127.0.0.1:8083 \
  cargo test -p cluster-tests --locked --test shared -- http::

step "failure tests"
./failure-test.sh stop disconnect

step "records outlive down and up"
before=$(docker exec kafka-1 kafka-get-offsets --bootstrap-server kafka-1:9092 --topic log-events | sort)
./setup.sh --docker --down
./setup.sh --docker --without-ui
after=$(docker exec kafka-1 kafka-get-offsets --bootstrap-server kafka-1:9092 --topic log-events | sort)
[[ $before == "$after" ]] || fail "records are gone: before $before, after $after"

step "nothing stays"
./setup.sh --docker --reset
left=$(docker ps -aq --filter "network=kafka-log-streaming-cluster_kafka-network")
[[ -z $left ]] || fail "containers stay: $left"
for port in "${PORTS[@]}"; do
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port is still taken"
done
printf '\nCompose end to end: passed in %d s\n' "$SECONDS"
