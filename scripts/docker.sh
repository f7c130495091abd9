# shellcheck shell=bash
# The stack in Docker Compose: sourced by setup.sh, after prerequisites.sh.
#
#   UI=no           without Kafka UI and Grafana (--without-ui)
#   SECURE=yes      TLS, passwords, ACLs, tokens (--secure)
#
# Sourced after api.sh.

HEALTH_URL=http://127.0.0.1:8082
# Compose builds one image for six nodes; naming one of them is enough.
BUILT=(zookeeper-1 kafka-admin-service kafka-health-service load-test-service)
ZOOKEEPERS=(zookeeper-1 zookeeper-2 zookeeper-3)
NODES=("${ZOOKEEPERS[@]}" kafka-1 kafka-2 kafka-3)
BROKERS=(kafka-1 kafka-2 kafka-3 kafka-4)
SERVICES=(kafka-admin-service kafka-health-service load-test-service prometheus)
UIS=(kafka-ui grafana)
PORTS=(19092 19093 19094 8081 8082 8083 9090)
UI_PORTS=(8080 3000)
# Six Java machines, three services and Prometheus; 8 GB laptops have room for the other two as well.
NEEDED_MEMORY_MB=3500
UI_MEMORY_MB=1000
# A first start on a slow machine; what takes longer says why in its log.
START_LIMIT_S=300

# compose ARGUMENT...: whichever Compose is installed.
compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose "$@"
  else
    docker-compose "$@"
  fi
}

# Which files `docker compose` reads is in .env, so that it is the same for who types it.
SECURE_FILES=docker-compose.yml:docker-compose.secure.yml
KEYS=.compose/keys

docker_secured() { grep -Eqs '^COMPOSE_FILE=(.*:)?docker-compose\.secure\.yml(:|$)' .env; }

# volume_exists NAME
volume_exists() { [[ -n $(docker volume ls -q --filter "name=^$(docker_project)_$1\$") ]]; }

# docker_data_secured: whether the data here are a secured stack's, whatever .env says. The volume is made
# with ZooKeeper's own, and goes with it.
docker_data_secured() { volume_exists passwords-written; }

# docker_stay_secured: a stack whose .env was lost or edited would come up in plain text.
docker_stay_secured() {
  ! docker_data_secured ||
    fail "the data here are a secured stack's, and .env does not say so any more (COMPOSE_FILE)" \
      "./setup.sh --docker --secure puts it back; ./setup.sh --docker --reset begins anew"
}

# docker_secure: makes the keys, and has every later command mean the secured stack.
docker_secure() {
  refuse_tokens_in_clear
  if ! docker_secured; then
    ! grep -qs '^COMPOSE_FILE=' .env ||
      fail ".env has a COMPOSE_FILE of its own" "take it out, or add docker-compose.secure.yml to it yourself"
    docker_data_secured || { [[ -z $(compose ps -aq 2>/dev/null) ]] && ! volume_exists zookeeper-1-data; } ||
      fail "the stack here was not secured, and what is in it may be anybody's" \
        "begin anew with ./setup.sh --docker --reset, then --secure"
    [[ ! -s .env || -z $(tail -c 1 .env) ]] || echo >>.env
    printf 'COMPOSE_FILE=%s\n' "$SECURE_FILES" >>.env
    say "docker compose means the secured stack from now on (COMPOSE_FILE in .env)"
  fi
}

# docker_keys: makes what is missing of the keys. Last, since clients read here what `passwords` writes next.
docker_keys() {
  mkdir -p .compose
  compose build -q keys || fail "the image that makes the keys was not built" "the lines above say why; nothing was started"
  say "making the keys in $KEYS"
  KEYS_SEEN_AT=$PWD/$KEYS KEYS_OWNER=$(id -u) compose run --rm --no-deps keys ensure ||
    fail "the keys cannot be used" "the line above says why; nothing was started"
}

# setting NAME: as Compose reads it, from the environment or else from .env.
setting() { printf '%s' "${!1:-$(sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'")}"; }

# refuse_tokens_in_clear: to Kafka all is encrypted, but the REST APIs, pages and Prometheus are plain HTTP.
refuse_tokens_in_clear() {
  local address
  address=$(setting BIND_ADDRESS)
  [[ ${address:-127.0.0.1} == 127.* || $(setting ALLOW_TOKENS_IN_CLEAR) == yes ]] ||
    fail "with BIND_ADDRESS=$address tokens would cross the network in clear: the REST APIs and pages are plain HTTP" \
      "leave it out and put a proxy with TLS before them, or say ALLOW_TOKENS_IN_CLEAR=yes"
}

# docker_project: the name that Compose gives this folder.
docker_project() {
  local name
  name=$(setting COMPOSE_PROJECT_NAME)
  [[ -n $name ]] || name=$(basename "$PWD" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-' | sed 's/^[-_]*//')
  printf '%s' "$name"
}

has_compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }

need_docker() {
  command -v docker >/dev/null ||
    fail "Docker is not installed" "install it, or run the same cluster as plain processes: ./setup.sh --native"
  local said
  said=$(docker info --format '{{.MemTotal}}' 2>&1) ||
    fail "the Docker engine does not answer: $(tail -n 1 <<<"$said")" \
      "start it (and see that you may use it), or: ./setup.sh --native"
  has_compose ||
    fail "Docker Compose is missing" "install the package docker-compose-plugin (or docker-compose)"
  MEMORY_MB=$((said / 1024 / 1024))
}

need_memory() {
  local needed=$NEEDED_MEMORY_MB advice="give it more"
  if [[ ${UI:-yes} == yes ]]; then
    needed=$((needed + UI_MEMORY_MB))
    advice="give it more, or leave Kafka UI and Grafana out: ./setup.sh --without-ui"
  fi
  ((MEMORY_MB >= needed)) || fail "Docker has $MEMORY_MB MB of memory, and $needed MB are needed" "$advice"
}

# Ports that a container of ours does not hold already.
need_free_ports() {
  local port ours
  ours=$(compose ps -q 2>/dev/null | xargs -r docker inspect \
    --format '{{range .NetworkSettings.Ports}}{{range .}}{{.HostPort}} {{end}}{{end}}' 2>/dev/null) || ours=
  local ports=("${PORTS[@]}")
  [[ ${UI:-yes} == no ]] || ports+=("${UI_PORTS[@]}")
  for port in "${ports[@]}"; do
    grep -qw "$port" <<<"$ours" && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
    fail "port $port is taken: $(ss -Hltnp "sport = :$port" 2>/dev/null | head -n 1 | grep -o 'users:.*' || true)" \
      "end who listens there (./setup.sh --native --down ends a native cluster), and try again"
  done
}

# docker_alone: one start or renewal at a time; the lock goes with this script.
docker_alone() {
  exec 7>.docker-lock
  ! command -v flock >/dev/null || flock -n 7 || fail "another setup.sh is at work here" "wait for it to end"
}

docker_up() {
  docker_alone
  need_docker
  need_memory
  need_free_ports
  if [[ ${SECURE:-} == yes ]] || docker_secured; then
    need jq
    docker_secure
  else
    docker_stay_secured
  fi
  local wanted=("${NODES[@]}" "${SERVICES[@]}")
  [[ ${UI:-yes} == no ]] || wanted+=("${UIS[@]}")
  say "building the images (the first time takes some minutes)"
  compose build "${BUILT[@]}" || fail "the images were not built" "the lines above say why; nothing was started"
  ! docker_secured || docker_keys
  local started=$SECONDS
  compose up -d --no-build "${wanted[@]}" || docker_explain "the stack did not start"
  docker_wait
  say "HEALTHY after $((SECONDS - started)) s; docker compose ps shows every container"
  docker_addresses
}

docker_wait() {
  local end=$((SECONDS + START_LIMIT_S)) status=
  until [[ $status == HEALTHY ]]; do
    ((SECONDS < end)) || docker_explain "health says \"${status:-nothing}\" after $START_LIMIT_S s"
    sleep 0.5
    ((${#AUTHORIZATION[@]})) || use_token . "$HEALTH_URL/api/health/status"
    status=$(api -sS -m 3 "$HEALTH_URL/api/health/status" 2>/dev/null) || status=
  done
}

# docker_explain WHAT: ends with the likely cause.
docker_explain() {
  local node
  for node in kafka-1 kafka-2 kafka-3; do
    docker logs --tail 200 "$node" 2>&1 | grep -q InconsistentClusterIdException || continue
    fail "$1: the volume of $node belongs to another cluster" \
      "keep both kinds of volumes or neither: ./setup.sh --docker --reset wipes them"
  done
  compose ps >&2 || true
  fail "$1" "look at: docker compose logs kafka-1 (or another name above)"
}

grafana_login() {
  if docker_secured; then
    printf '%s, password in %s' "${GRAFANA_USER:-admin}" "$KEYS/pages/grafana"
  else
    printf '%s/%s unless .env says otherwise' "${GRAFANA_USER:-admin}" "${GRAFANA_PASSWORD:-admin}"
  fi
}

docker_addresses() {
  say "" \
    "  admin       http://127.0.0.1:8081/swagger-ui/" \
    "  health      http://127.0.0.1:8082/api/health" \
    "  load test   http://127.0.0.1:8083/swagger-ui/   ./load-test.sh" \
    "  Prometheus  http://127.0.0.1:9090"
  [[ ${UI:-yes} == no ]] ||
    say "  Grafana     http://127.0.0.1:3000   ($(grafana_login))" \
      "  Kafka UI    http://127.0.0.1:8080"
  say "  brokers     localhost:19092,localhost:19093,localhost:19094"
  ! docker_secured || say "" \
    "secured: clients connect with $KEYS/clients/PRINCIPAL.properties, APIs take" \
    "  curl -H @$KEYS/tokens/admin.header http://127.0.0.1:8082/api/health    (docs/SECURITY.md)"
}

docker_down() { need_docker && compose --profile kafka-4 down --remove-orphans --timeout 60; }

docker_reset() {
  need_docker
  # Its own volume is named in the second file only.
  if docker_data_secured && ! docker_secured; then local -x COMPOSE_FILE=$SECURE_FILES; fi
  compose --profile kafka-4 down --remove-orphans --volumes --timeout 60
  # What comes next may be plain again; the keys stay.
  ! docker_secured || sed -i "/^COMPOSE_FILE=$SECURE_FILES\$/d" .env
}

# docker_renew_password PRINCIPAL: a new one, which ZooKeeper has then; nobody uses it yet.
docker_renew_password() {
  compose run --rm --no-deps keys renew-password "$1" >&2 || fail "the password was not renewed" "the line above says why"
  # Starts the ZooKeepers where nothing runs.
  compose run --rm passwords >&2 || fail "the cluster did not take the password" "the lines above say why; the next start tries again"
}

# running NAME...: those of these containers that run.
running() {
  local name
  for name in "$@"; do
    [[ -z $(docker ps -q --filter "name=^$name\$") ]] || printf '%s\n' "$name"
  done
}

# docker_brokers_without WORDS: the brokers that run and were started with settings that lack them.
docker_brokers_without() {
  local broker
  for broker in $(running "${BROKERS[@]}"); do
    docker exec "$broker" grep -qF "$@" /run/kafka/broker.properties || printf '%s\n' "$broker"
  done
}

# docker_renew_brokers: the brokers' own password as far as it goes now; prints the brokers that are to be
# restarted before it is called again, and nothing once it is done. They have two names, and use one:
# crates/cluster-keys/src/broker_login.rs.
docker_renew_brokers() {
  local now other state old
  read -r now other state <<<"$(compose run --rm -T --no-deps keys broker-login | tail -n 1)"
  [[ $state == settled || $state == changing ]] ||
    fail "the keys do not say how brokers log in" "after an upgrade: ./setup.sh --docker first, then this again"
  if [[ $state == settled ]]; then
    # Brokers that were started by an older version would refuse the others under this name.
    old=$(docker_brokers_without "User:$other")
    [[ -z $old ]] || fail "${old//$'\n'/, }: they do not know the name $other yet" "./setup.sh --docker first, then this again"
    docker_renew_password "$other"
    other=$now
  fi
  # While it changes this only tells the containers once more.
  compose run --rm --no-deps keys switch-broker-login >&2 || fail "the brokers' login is not switched" "the line above says why"
  # The lines by which this broker is to log in.
  old=$(docker_brokers_without -f /run/keys/login.properties)
  if [[ -n $old ]]; then
    printf '%s\n' "$old"
    return
  fi
  docker_renew_password "$other"
  compose run --rm --no-deps keys settle-broker-login >&2 || fail "the old password still counts" "the line above says why"
}

# docker_renew: every certificate, or the password of the principal in RENEWED. Restarted are brokers for their
# own password, one after the other, and Kafka UI for its own: they read them when they start.
docker_renew() {
  local broker zookeeper id brokers=() zookeepers=() super=(-e KAFKA_CLIENT_PROPERTIES=/run/keys/super.java.properties)
  local setting=listener.name.external.ssl.keystore.location change advice=()
  docker_alone
  need_docker
  docker_secured || fail "the stack here is not secured: it has no keys to renew" "./setup.sh --docker --secure starts one that is"
  export KEYS_SEEN_AT=$PWD/$KEYS
  KEYS_OWNER=$(id -u)
  export KEYS_OWNER
  if [[ $RENEWED == certificates ]]; then
    compose run --rm --no-deps keys renew-certificates || fail "the certificates were not renewed" "the line above says why"
    # A broker reads its certificate again when it is told something about itself.
    for broker in $(running "${BROKERS[@]}"); do
      say "$broker takes its new certificate"
      # Which .env may have set: KAFKA_1_BROKER_ID.
      id=$(docker exec "$broker" printenv KAFKA_BROKER_ID) || {
        brokers+=("$broker")
        continue
      }
      for change in "--add-config $setting=/run/keys/certificate.pem" "--delete-config $setting"; do
        # shellcheck disable=SC2086 # an option and its value
        docker exec "${super[@]}" "$broker" kafka-configs --bootstrap-server "$broker:9092" --alter \
          --entity-type brokers --entity-name "$id" $change >/dev/null || {
          brokers+=("$broker")
          break
        }
      done
    done
    # ZooKeepers look at their files themselves, by now.
    for zookeeper in $(running "${ZOOKEEPERS[@]}"); do
      docker exec "$zookeeper" /opt/kafka/bin/healthy zookeeper || zookeepers+=("$zookeeper")
    done
    ((${#brokers[@]} == 0)) || advice+=("./rolling-restart.sh --fresh ${brokers[*]}")
    ((${#zookeepers[@]} == 0)) || advice+=("one at a time: docker compose restart ${zookeepers[*]}")
    ((${#advice[@]} == 0)) || fail "the certificates are new, but not all nodes show theirs; they do after a restart" "${advice[@]}"
    say "every certificate is new"
    return
  fi
  if [[ $RENEWED == tokens ]]; then
    compose run --rm --no-deps keys renew-tokens || fail "the tokens were not renewed" "the line above says why"
    say "the tokens are new: $KEYS/tokens"
    return
  fi
  local ensemble
  ensemble=$(running "${ZOOKEEPERS[@]}")
  if [[ $RENEWED == kafka-broker ]]; then
    renew_brokers docker_renew_brokers
  else
    docker_renew_password "$RENEWED"
    # Only now clients may use it.
    compose run --rm --no-deps keys publish || fail "clients were not told the new password" "the line above says why; the next start tries again"
    say "$RENEWED has a new password: $KEYS/clients/$RENEWED.properties"
  fi
  [[ -n $ensemble ]] || compose stop "${ZOOKEEPERS[@]}"
  if [[ $RENEWED == kafka-ui && -n $(running kafka-ui) ]]; then
    say "restarting Kafka UI, which reads its password when it starts"
    compose restart kafka-ui
  fi
}
