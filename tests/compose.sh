#!/usr/bin/env bash
# The stack in Docker Compose, end to end: images, start, health checks, Prometheus' targets, every
# kind of endpoint (the same tests as in native mode), both failure tests, stop; the same secured, with all
# endpoints and renewals under load, one of which is a rolling restart; and that nothing stays.
#
# It takes the fixed ports and container names, so no other cluster of this project may run. Where no
# engine answers, DOCKER_ENGINE may name a script that starts one (`up`) and makes stand-ins for the
# images that cannot be fetched (`image NAME TAG`).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh
# shellcheck source=scripts/api.sh
. scripts/api.sh
# shellcheck source=scripts/docker.sh
. scripts/docker.sh
# shellcheck source=tests/secrets.sh
. tests/secrets.sh

need_rust
need curl jq
[[ ! -e .compose ]] || fail "this checkout has the keys of a secured stack (.compose), which would be lost" \
  "run it in another checkout"
if ! docker info >/dev/null 2>&1; then
  [[ -x ${DOCKER_ENGINE:-} ]] || fail "no Docker engine answers" "start one, or name a script in DOCKER_ENGINE"
  "$DOCKER_ENGINE" up
  "$DOCKER_ENGINE" image rust "$(sed -n 's/^FROM rust:\([^ ]*\).*/\1/p' Dockerfile)"
  "$DOCKER_ENGINE" image prometheus "$(sed -n 's/^ *image: \(prom\/prometheus:.*\)/\1/p' docker-compose.yml)"
fi

step() { printf '\n--- %s (%d s)\n' "$1" "$SECONDS"; }
work=$(mktemp -d)
# What went wrong is told once more after the logs, which are long.
exec 3>&2 2> >(tee "$work/errors" >&3)
finish() {
  local code=$?
  exec 2>&3
  if ((code)); then
    compose ps -a >&2 || true
    compose logs --no-color --tail 30 >&2 || true
    printf '\n--- it failed after %d s; the last it said:\n' "$SECONDS" >&2
    tail -n 15 "$work/errors" >&2
  fi
  docker_reset >/dev/null 2>&1 || true
  [[ ! -e $work/env ]] || mv "$work/env" .env
  rm -rf "$work" .compose "${SECRETS:-}"
  exit "$code"
}
trap finish EXIT

volumes_before=$(docker volume ls -q | sort)

step "the composition is valid, with docker-compose 1.29 as well"
compose --profile kafka-4 --profile alerting config --format json >"$work/config.json"
if command -v apt-get >/dev/null; then
  need docker-compose # Debian's is 1.29.2
  docker-compose config >/dev/null
else
  say "not Debian: docker-compose 1.29 is not tried"
fi

# What holds for every service, of images that cannot be had here as well.
# faulty MESSAGE FILTER [CONFIG]: the services for which the jq filter is true are faults.
faulty() {
  local found
  found=$(jq -r ".services | to_entries[] | .key as \$service | select($2) | .key" "${3:-$work/config.json}")
  [[ -z $found ]] || fail "$1: $found"
}
faulty "no health check" '.value.healthcheck.test == null'
faulty "no memory limit" '.value.mem_limit == null'
faulty "no restart policy" '.value.restart != "unless-stopped"'
faulty "logs without a bound" '.value.logging.options | (."max-size" and ."max-file") | not'
faulty "image without a version" '.value.image | test(":[0-9v][^:]*$") | not'
faulty "could come to rights of root" '.value | .cap_drop == ["ALL"] and .security_opt == ["no-new-privileges:true"] | not'
faulty "could write to its image" '.value.read_only != true'
faulty "published beyond this machine" 'any(.value.ports[]?; .host_ip != "127.0.0.1")'
faulty "its name is not its container's and host's" '.key != .value.container_name or .key != .value.hostname'
faulty "mounts what is not there" 'any(.value.volumes[]?; .type == "bind" and (.source | test("/(prometheus|grafana)/") | not))'
# Kafka UI asks brokers and agents that exist.
jq -e '.services as $all | .services["kafka-ui"].environment
  | (.KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS | split(",") | all(split(":") | .[1] == "9092" and $all[.[0]] != null))
    and .KAFKA_CLUSTERS_0_METRICS_PORT == "7071" and .KAFKA_CLUSTERS_0_METRICS_TYPE == "PROMETHEUS"' \
  "$work/config.json" >/dev/null || fail "Kafka UI's settings name what is not there"
grep -q 'url: http://prometheus:9090' grafana/provisioning/datasources/prometheus.yml
# On an 8 GB laptop everything but the fourth broker has to fit.
limits=$(jq '[.services | to_entries[] | select(.key != "kafka-4") | .value.mem_limit | tonumber] | add / 1048576 | floor' "$work/config.json")
((limits <= 7168)) || fail "the memory limits sum up to $limits MB"

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

step "containers can neither write to their image nor become root"
for container in zookeeper-1 kafka-1 kafka-admin-service kafka-health-service load-test-service; do
  docker inspect "$container" | jq -e '.[0] | .HostConfig.ReadonlyRootfs and .HostConfig.CapDrop == ["ALL"]
    and .HostConfig.SecurityOpt == ["no-new-privileges:true"] and (.Config.User | test("^(|root|0)$") | not)' >/dev/null ||
    fail "$container has rights that it does not need"
done
! docker exec kafka-1 touch /opt/kafka/config/mine 2>/dev/null || fail "kafka-1 writes to its image"
! docker exec prometheus touch /etc/mine 2>/dev/null || fail "prometheus writes to its image"
docker exec kafka-1 grep -qx 'CapBnd:[[:space:]]*0*' /proc/1/status || fail "kafka-1 has capabilities"

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

# Natively all tests of the APIs run in plain text and some of each kind secured (.ci/run), in Docker these in plain text
# and all secured.
OF_EACH_KIND=(http::canary http::conventions http::health http::load_test http::openapi)
step "the endpoints: tests of native mode"
# Some run the programs themselves.
cargo build --workspace --locked --quiet
jq -n --arg root "$PWD" --arg dir "$work" '{root: $root, dir: $dir, address: "127.0.0.1", brokers: 3,
  zookeepers: 3, jvm: {jit: "full", brokerHeap: "", zookeeperHeap: "", brokerAgent: true,
  zookeeperAgent: true}}' >"$work/cluster.json"
TEST_CLUSTER=$work/cluster.json \
  TEST_SERVICES=http://127.0.0.1:8081,http://127.0.0.1:8082,http://127.0.0.1:8083 \
  TEST_PROMETHEUS=http://127.0.0.1:9090 \
  cargo test -p cluster-tests --locked --test shared -- "${OF_EACH_KIND[@]}" monitoring::

step "failure tests"
./failure-test.sh stop disconnect

step "a fourth broker: expected and scraped while it is on"
compose --profile kafka-4 up -d kafka-4
until [[ $(curl -sS -m 3 'http://127.0.0.1:8082/api/health' | jq '.healthyBrokers') == 4 ]] &&
  [[ $(curl -fsS 'http://127.0.0.1:9090/api/v1/query?query=up%7Binstance%3D%22kafka-4%22%7D' | jq -r '.data.result[0].value[1]') == 1 ]]; do
  ((SECONDS < end + 900)) || fail "the fourth broker does not show"
  sleep 1
done
compose --profile kafka-4 rm -sf kafka-4
compose restart kafka-health-service

step "records outlive down and up"
before=$(docker exec kafka-1 kafka-get-offsets --bootstrap-server kafka-1:9092 --topic log-events | sort)
./setup.sh --docker --down
./setup.sh --docker --without-ui
after=$(docker exec kafka-1 kafka-get-offsets --bootstrap-server kafka-1:9092 --topic log-events | sort)
[[ $before == "$after" ]] || fail "records are gone: before $before, after $after"

# refused WORDS COMMAND...: the command fails, and says why.
refused() {
  local words=$1
  shift
  ! "$@" 2>"$work/refused" || fail "not refused: $*"
  grep -qF "$words" "$work/refused" || fail "refused in other words: $(cat "$work/refused")"
}

step "what is plain is not secured by a flag"
refused "the stack here was not secured" ./setup.sh --docker --secure --without-ui
! docker_secured || fail "it says that it is secured all the same"

step "secured: from nothing"
./setup.sh --docker --reset
rm -rf .compose
BIND_ADDRESS=0.0.0.0 refused "tokens would cross the network in clear" ./setup.sh --docker --secure --without-ui
refused "not secured" ./setup.sh --docker --renew certificates
begun=$SECONDS
./setup.sh --docker --secure --without-ui
say "HEALTHY, secured, $((SECONDS - begun)) s after the command"
./setup.sh --docker --without-ui # stays secured, and leaves everything alone

step "secured: what holds for every service, of images that cannot be had here as well"
secure=$work/secure.json
compose --profile keys --profile kafka-4 --profile alerting config --format json >"$secure"
! command -v docker-compose >/dev/null || docker-compose --profile keys config >/dev/null
faulty "no memory limit" '.value.mem_limit == null' "$secure"
faulty "no health check" '.value.restart != "no" and .value.healthcheck.test == null' "$secure"
faulty "could come to rights of root" '.value | .cap_drop == ["ALL"] and .security_opt == ["no-new-privileges:true"] | not' "$secure"
faulty "could write to its image" '.value.read_only != true' "$secure"
faulty "capabilities" '.value.cap_add != null and .key != "keys"' "$secure"
# shellcheck disable=SC2016 # $service is of jq
faulty "sees other keys than its own" 'any(.value.volumes[]?; .target == "/run/keys" and
  (.read_only and (.source | endswith("/.compose/keys/containers/" + $service)) | not))' "$secure"
faulty "a password in its environment" '.value.environment // {} | any(to_entries[];
  .value != null and .value != "" and (.key | test("PASSWORD|SECRET|JAAS|TOKEN$"; "i")) and (.key | test("_*FILE$") | not))' "$secure"
jq -e '.services.grafana.environment.GF_SECURITY_ADMIN_PASSWORD__FILE == "/run/keys/password"' "$secure" >/dev/null ||
  fail "Grafana has no password of its own"
jq -e '.services["kafka-ui"].environment | .["SPRING_CONFIG_ADDITIONAL-LOCATION"] == "/run/keys/application.yml"
  and .KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS == null' "$secure" >/dev/null ||
  fail "Kafka UI does not take its settings from its file"

step "secured: every endpoint, each service with its own rights"
jq -n --arg root "$PWD" --arg dir "$PWD/.compose" '{root: $root, dir: $dir, address: "127.0.0.1", brokers: 3,
  zookeepers: 3, secure: true, jvm: {jit: "full", brokerHeap: "", zookeeperHeap: "", brokerAgent: true,
  zookeeperAgent: true}}' >"$work/cluster.json"
TEST_CLUSTER=$work/cluster.json \
  TEST_SERVICES=http://127.0.0.1:8081,http://127.0.0.1:8082,http://127.0.0.1:8083 \
  TEST_PROMETHEUS=http://127.0.0.1:9090 \
  cargo test -p cluster-tests --locked --test shared -- http:: monitoring::

step "secured: a broker that cannot start says why in one line"
mkdir "$work/keys"
touch "$work/keys/ca.pem" "$work/keys/certificate.pem"
# says_only WORDS OPTION...
says_only() {
  local words=$1 said
  shift
  ! said=$(docker run --rm --tmpfs /run/kafka:mode=0700,uid=1000 -v "$work/keys:/run/keys:ro" -e SECURED=yes "$@" \
    kafka-log-streaming-cluster/kafka:3.9.2 broker 2>&1) || fail "it starts with $*"
  [[ $said == *"$words"* && $said != *$'\n'* ]] || fail "it says: $said"
}
says_only "holds no keys of this node" -e KAFKA_BROKER_ID=1 -e KAFKA_ZOOKEEPER_CONNECT=zookeeper-1:2181
touch "$work/keys/login.properties"
says_only "KAFKA_BROKER_ID must be a number" -e KAFKA_BROKER_ID=one -e KAFKA_ZOOKEEPER_CONNECT=zookeeper-1:2181

step "secured: plain text and anonymous requests are refused"
! docker exec -e KAFKA_CLIENT_PROPERTIES=/none kafka-1 timeout 20 kafka-topics --bootstrap-server kafka-1:9092 --list 2>/dev/null ||
  fail "a broker answers in plain text"
docker exec kafka-1 kafka-topics --bootstrap-server kafka-1:9092 --list >/dev/null
[[ $(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8081/api/topics) == 401 ]] || fail "the API answers without a token"

# under_load EVENTS COMMAND...: runs it beside one verified load of so many events after the other (2,000 each second),
# none of which may notice.
under_load() {
  local events=$1 load run
  shift
  rm -rf "$work/runs"
  mkdir "$work/runs"
  loads &
  load=$!
  "$@"
  touch "$work/runs/enough"
  wait "$load"
  for run in "$work"/runs/*.json; do
    jq -e --argjson events "$events" '.acknowledged == $events and ([.verification | .lost, .duplicated, .outOfOrder, .corrupted] | all(. == 0))' "$run" >/dev/null ||
      fail "a load noticed: $(jq -c '{acknowledged, verification}' "$run")"
  done
  jq -rs '"loads: \(length); longest time without an acknowledgement on a partition: \([.[].disturbances.longestGap.durationMs // 0] | max) ms"' \
    "$work"/runs/*.json
}
loads() {
  local run=0
  until [[ -e $work/runs/enough ]]; do
    api -sS -o "$work/runs/$((run += 1)).json" -X POST \
      "http://127.0.0.1:8083/api/loadtest/run?eventCount=$events&rate=2000&topic=log-events&verify=true&profile=durable"
  done
}

step "secured: certificates and a password are renewed under load"
# Those that are replaced are looked for at the end as well.
find_secrets .compose/keys
use_token . "$HEALTH_URL/api/health/status"
# The certificates of the nodes and of health itself and when each ends, as health sees it; the CA's stays.
certificates() {
  api -sS "$HEALTH_URL/api/health" |
    jq -r '.security.certificates[] | select(.holder != "CA") | "\(.holder) \(.notAfter)"' | sort
}
certificates >"$work/certificates"
(($(wc -l <"$work/certificates") == 7)) || fail "health sees not seven certificates: $(cat "$work/certificates")"
under_load 30000 ./setup.sh --docker --renew certificates
# Longer than that takes: who begins between the new password and the service's reading it is refused.
under_load 80000 ./setup.sh --docker --renew load-test-service
end=$((SECONDS + 60))
while same=$(certificates | comm -12 - "$work/certificates") && [[ -n $same ]]; do
  ((SECONDS < end)) || fail "old certificates are shown: $same"
  sleep 0.5
done

step "secured: the brokers' own password is renewed in a rolling restart under load"
under_load 30000 ./setup.sh --docker --renew kafka-broker
for broker in kafka-1 kafka-2 kafka-3; do
  docker exec "$broker" grep -q 'username="kafka-broker-alternate"' /run/kafka/broker.properties ||
    fail "$broker logs in by its old name"
done

step "secured: tokens are renewed"
cp .compose/keys/tokens/viewer.header "$work/viewer.header"
./setup.sh --docker --renew tokens
end=$((SECONDS + 15))
for url in http://127.0.0.1:8081/api/topics "$HEALTH_URL/api/health" http://127.0.0.1:8083/api/loadtest/runs; do
  until [[ $(curl -s -o /dev/null -w '%{http_code}' -H "@$work/viewer.header" "$url") == 401 ]]; do
    ((SECONDS < end)) || fail "the old token still counts at $url"
    sleep 0.2
  done
  [[ $(curl -s -o /dev/null -w '%{http_code}' -H @.compose/keys/tokens/viewer.header "$url") == 200 ]] || fail "$url does not take the new token"
done

step "secured: no secret in containers' settings, logs or images"
mv "$SECRETS" "$work/secrets"
find_secrets .compose/keys
cat "$work/secrets" >>"$SECRETS"
no_secret_in_checkout
docker ps -aq | xargs docker inspect | no_secret "docker inspect"
compose config | no_secret "docker compose config"
compose logs | no_secret "the logs"
docker images -q | sort -u | xargs -n 1 docker history --no-trunc | no_secret "docker history"
# Some end meanwhile.
{ cat /proc/[0-9]*/{cmdline,environ} 2>/dev/null || :; } | no_secret "a command line or environment"
layers_hold() { (($(layers "$1" | grep -caF -f "$SECRETS") > 0)); }
# One layer adds it, the next one removes it: it is found all the same.
head -n 1 "$SECRETS" >"$work/planted"
printf 'FROM kafka-log-streaming-cluster/kafka:3.9.2\nUSER root\nCOPY planted /planted\nRUN rm /planted\n' >"$work/Dockerfile"
docker build -q -t planted "$work" >/dev/null
layers_hold planted || fail "the search does not find a secret in a layer"
docker rmi planted >/dev/null
rm "$work/planted"
for image in $(docker images --format '{{.Repository}}:{{.Tag}}' | grep '^kafka-log-streaming-cluster/'); do
  ! layers_hold "$image" || fail "a secret is in a layer of $image"
done

step "secured: what is secured does not come up in plain text when .env is lost"
./setup.sh --docker --down
mv .env "$work/env"
refused "a secured stack's" ./setup.sh --docker --without-ui
# Nor for who goes round setup.sh.
compose up -d --no-build zookeeper-1
end=$((SECONDS + 60))
until docker logs zookeeper-1 2>&1 | grep -q "are a secured cluster's, and SECURED is not set"; do
  ((SECONDS < end)) || fail "zookeeper-1 starts in plain text: $(docker logs --tail 5 zookeeper-1 2>&1)"
  sleep 0.5
done
./setup.sh --docker --secure --without-ui
docker_secured || fail ".env was not mended"
mv "$work/env" .env

step "nothing stays"
./setup.sh --docker --reset
rm -rf .compose
left=$(docker ps -aq --filter "network=kafka-log-streaming-cluster_kafka-network")
[[ -z $left ]] || fail "containers stay: $left"
left=$(comm -13 <(printf '%s\n' "$volumes_before") <(docker volume ls -q | sort))
[[ -z $left ]] || fail "volumes stay: $left"
for port in "${PORTS[@]}"; do
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port is still taken"
done
printf '\nCompose end to end: passed in %d s\n' "$SECONDS"
