# shellcheck shell=bash
# One broker of a running cluster, natively or in Docker: sourced after prerequisites.sh.
#
#   MODE            native or docker, once find_mode has found it
# shellcheck disable=SC2034 # used by those that source this file

ADMIN_URL=http://127.0.0.1:8081
HEALTH_URL=http://127.0.0.1:8082
LOAD_URL=http://127.0.0.1:8083
NATIVE=target/release/local-cluster
NETWORK=kafka-log-streaming-cluster_kafka-network

# need_services URL...
need_services() {
  local url
  for url in "$@"; do
    curl -fsS -m 5 -o /dev/null "$url/livez" 2>/dev/null ||
      fail "nothing answers at $url" "start the cluster: ./setup.sh"
  done
}

# native_has NAME: a node of that name was started natively, and runs or is paused.
native_has() {
  [[ -x $NATIVE ]] && "$NATIVE" status --json 2>/dev/null |
    jq -e --arg name "$1" 'any(.. | objects; .name? == $name and (.state? == "running" or .state? == "paused"))' >/dev/null
}

# find_mode NAME: where this broker runs.
find_mode() {
  if native_has "$1"; then
    MODE=native
  elif docker inspect "$1" >/dev/null 2>&1; then
    MODE=docker
  else
    fail "$1 runs neither natively here nor in Docker" "see $NATIVE status, or docker ps"
  fi
}

# hurt FAULT NAME: stop, kill, pause; in Docker disconnect as well.
hurt() {
  case $MODE-$1 in
  native-*) "$NATIVE" "$1" "$2" ;;
  docker-stop) docker stop --time 60 "$2" ;;
  docker-pause | docker-kill) docker "$1" "$2" ;;
  docker-disconnect) docker network disconnect "$NETWORK" "$2" ;;
  esac >/dev/null 8>&-
}

# heal FAULT NAME: takes that back.
heal() {
  case $MODE-$1 in
  native-pause) "$NATIVE" resume "$2" ;;
  native-*) "$NATIVE" start "$2" ;;
  docker-pause) docker unpause "$2" ;;
  docker-disconnect) docker network connect "$NETWORK" "$2" ;;
  docker-*) docker start "$2" ;;
  esac >/dev/null 8>&- # what is started is not to hold the lock of who calls
}
