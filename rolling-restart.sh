#!/usr/bin/env bash
# Restarts the brokers one after the other, each only when nothing depends on it alone.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh
# shellcheck source=scripts/nodes.sh
. scripts/nodes.sh
# shellcheck source=scripts/api.sh
. scripts/api.sh

usage() {
  cat <<'TEXT'
usage: ./rolling-restart.sh [OPTION]... [BROKER]...

For each broker (all expected ones unless named, such as kafka-1): waits until health says that it is safe
to stop, restarts it, and waits until it answers and all its replicas are in sync. Then the next. At the end
leaders go back to their preferred brokers. Needs a cluster started by ./setup.sh, natively or in Docker.

Interrupted, it starts the broker again that it had stopped, and the next call goes on with the rest.

  --wait SECONDS   how long to wait for each "safe", and for each broker's return (default 300)
  --fresh          begin with the first broker again, whatever an interrupted call had done
  --no-elections   leave the leaders where they are at the end
  --dry-run        only say of each broker whether it is safe to stop now
  --help           this text

Exit status: 0 done, 1 a broker did not become safe or did not come back (nothing else was stopped),
130 interrupted.
TEXT
}

wait_s=300 elections=yes fresh='' dry=''
brokers=()
while (($#)); do
  case $1 in
  --wait)
    [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || fail "--wait needs seconds from 1, not \"${2:-}\""
    wait_s=$2
    shift
    ;;
  --fresh) fresh=yes ;;
  --no-elections) elections=no ;;
  --dry-run) dry=yes ;;
  --help | -h)
    usage
    exit 0
    ;;
  kafka-[1-9] | kafka-[1-9][0-9]) brokers+=("$1") ;;
  *) fail "unknown option or broker $1" "see ./rolling-restart.sh --help" ;;
  esac
  shift
done

need curl jq
need_services "$ADMIN_URL" "$HEALTH_URL"
use_token . "$HEALTH_URL/api/health/status"
health() { api -sS -m 5 "$HEALTH_URL$1"; }

expected=$(health /api/health | jq -r '.brokerStatuses[].brokerId') ||
  fail "health gave no list of brokers" "see: curl $HEALTH_URL/api/health"
if ((${#brokers[@]} == 0)); then
  mapfile -t brokers <<<"$expected"
  brokers=("${brokers[@]/#/kafka-}")
fi
for broker in "${brokers[@]}"; do
  grep -qx "${broker#kafka-}" <<<"$expected" ||
    fail "$broker is not a broker of this cluster" "health expects: ${expected//$'\n'/, }"
done
find_mode "${brokers[0]}"

# impact BROKER: one line, SAFE or what is in the way.
impact() {
  health "/api/health/brokers/${1#kafka-}/stop-impact" | jq -r '
    def some: "\(.count) (\(.partitions[:3] | map("\(.topic)-\(.partition)") | join(", "))\(if .count > 3 then ", ..." else "" end))";
    if .verdict == "SAFE" then "SAFE"
    elif .verdict == "UNKNOWN" then "UNKNOWN: \(.unknownBecause)"
    elif .verdict == "UNSAFE" then "UNSAFE: \([
      (.wouldGoOffline | select(.count > 0) | "\(some) would go offline"),
      (.wouldRefuseWrites | select(.count > 0) | "\(some) would refuse writes")] | join("; "))"
    else "UNKNOWN: \(.detail // .)" end' 2>/dev/null || printf 'UNKNOWN: health does not answer\n'
}

if [[ -n $dry ]]; then
  status=0
  for broker in "${brokers[@]}"; do
    answer=$(impact "$broker")
    say "$broker  $answer"
    [[ $answer == SAFE ]] || status=1
  done
  exit "$status"
fi

exec 8>.rolling-restart-lock
! command -v flock >/dev/null || flock -n 8 || fail "a rolling restart is under way already" "wait for it to end"

# What an interrupted call had done; one of the other mode is none of ours.
state=.rolling-restart-$MODE
[[ -z $fresh ]] || rm -f "$state"
touch "$state"
if [[ -s $state ]]; then
  say "going on after an interrupted call: $(paste -sd ' ' "$state") done already (--fresh begins anew)"
fi

stopped=''
finish() {
  local code=$?
  if [[ -n $stopped ]]; then
    say "starting $stopped again ..."
    heal stop "$stopped" || printf 'error: %s is not started\n' "$stopped" >&2
  fi
  exit "$code"
}
trap finish EXIT
trap 'printf "\ninterrupted; the same command goes on with the rest\n" >&2; exit 130' INT TERM

# await WHAT COMMAND...: runs the command each half second until it prints nothing; what it prints is
# shown when it changes.
await() {
  local what=$1 end=$((SECONDS + wait_s)) said='' now
  shift
  while now=$("$@"); [[ -n $now ]]; do
    if [[ $now != "$said" ]]; then
      say "  $what: $now"
      said=$now
    fi
    ((SECONDS < end)) || fail "$what, not within $wait_s s: $now" \
      "nothing else was stopped; ./rolling-restart.sh goes on from here"
    sleep 0.5
  done
}

in_the_way() {
  local answer
  answer=$(impact "$1")
  [[ $answer == SAFE ]] || printf '%s' "$answer"
}

# missing BROKER: what is not in order yet after its return.
missing() {
  health /api/health 2>/dev/null | jq -r --argjson id "${1#kafka-}" '
    (.brokerStatuses[] | select(.brokerId == $id)) as $broker
    | ([.topicHealth[].underReplicatedPartitions] | add // 0) as $short
    | if $broker.healthy | not then $broker.errorMessage
      elif (.checks.partitions | .stale or .observedAt == null) then "partitions are not known"
      elif $short > 0 then "\($short) partitions under-replicated"
      else empty end' 2>/dev/null || printf 'health does not answer'
}

started=$SECONDS
for broker in "${brokers[@]}"; do
  ! grep -qx "$broker" "$state" || continue
  begun=$SECONDS
  say "$broker"
  await "waiting until it is safe to stop" in_the_way "$broker"
  stopped=$broker
  hurt stop "$broker"
  heal stop "$broker"
  stopped=''
  # Health must have seen it go: what it knew before says nothing about now.
  sleep 2
  await "waiting for its return" missing "$broker"
  printf '%s\n' "$broker" >>"$state"
  say "  restarted, all replicas in sync, after $((SECONDS - begun)) s"
done
rm -f "$state"

if [[ $elections == yes ]]; then
  moved=$(api -fsS -m 60 -X POST "$ADMIN_URL/api/elections" | jq '[.partitions[] | select(.outcome == "elected")] | length') ||
    fail "the leaders were not moved back" "try: curl -X POST $ADMIN_URL/api/elections"
  say "leaders are back on their preferred brokers ($moved partitions moved)"
fi
say "done after $((SECONDS - started)) s"
