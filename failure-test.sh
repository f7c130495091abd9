#!/usr/bin/env bash
# Hurts one broker under a running load, and shows what health says and that nothing is lost.
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
usage: ./failure-test.sh [OPTION]... [FAULT]...

Starts a verified load on a topic of its own, hurts kafka-1 a few seconds later, heals it, and prints a
timeline of what was seen. Afterwards every event is read back: each acknowledged one must be there,
once, in order and unchanged. The topic is then deleted. Needs a cluster started by ./setup.sh.

Faults (default: stop pause natively, stop disconnect in Docker):
  stop         SIGTERM: the broker hands its leaders over
  kill         SIGKILL
  pause        connections stay open, nothing answers
  disconnect   taken off its network (Docker only)

  --broker NAME    the broker to hurt (default kafka-1)
  --rate N         events a second (default 5000)
  --seconds N      how long the load lasts (default 45)
  --fault-seconds N  how long the fault lasts (default 15)
  --help           this text

Exit status: 0 all faults passed, 1 events were lost, doubled, swapped or failed, or health missed the
fault or did not recover, 130 interrupted (the broker is healed and the topic deleted).
TEXT
}

broker=kafka-1 rate=5000 seconds=45 fault_seconds=15
faults=()
# number NAME VALUE
number() {
  [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || fail "$1 needs a number from 1, not \"$2\"" "see ./failure-test.sh --help"
}
while (($#)); do
  case $1 in
  --broker)
    broker=${2:-}
    [[ $broker =~ ^kafka-[1-9][0-9]*$ ]] || fail "--broker needs a name such as kafka-1"
    shift
    ;;
  --rate) number "$1" "${2:-}" && rate=$2 && shift ;;
  --seconds) number "$1" "${2:-}" && seconds=$2 && shift ;;
  --fault-seconds) number "$1" "${2:-}" && fault_seconds=$2 && shift ;;
  --help | -h)
    usage
    exit 0
    ;;
  stop | kill | pause | disconnect) faults+=("$1") ;;
  *) fail "unknown option or fault $1" "see ./failure-test.sh --help" ;;
  esac
  shift
done
((seconds >= fault_seconds + 15)) ||
  fail "the load ends before the broker is back" "--seconds must be at least --fault-seconds and 15"

need curl jq
need_services "$ADMIN_URL" "$HEALTH_URL" "$LOAD_URL"
use_token . "$HEALTH_URL/api/health/status"
find_mode "$broker"
if ((${#faults[@]} == 0)); then
  faults=(stop pause)
  [[ $MODE == native ]] || faults=(stop disconnect)
fi
[[ $MODE == docker || " ${faults[*]} " != *" disconnect "* ]] ||
  fail "disconnect needs Docker" "natively, pause does what comes nearest"

work=$(mktemp -d)
hurt_now='' topic='' load_pid=''
finish() {
  [[ -z $load_pid ]] || kill "$load_pid" 2>/dev/null || true
  [[ -z $hurt_now ]] || heal "$hurt_now" "$broker" || true
  [[ -z $topic ]] || api -sS -m 60 -o /dev/null -X DELETE "$ADMIN_URL/api/topics/$topic" || true
  rm -rf "$work"
}
trap finish EXIT
trap 'printf "\ninterrupted\n" >&2; exit 130' INT TERM

now() { printf '%s' "${EPOCHREALTIME/[.,]/}"; } # microseconds
# since MICROSECONDS: seconds since then.
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.1f", (to - from) / 1e6 }'; }
line() { printf '  %6s s  %s\n' "$1" "$2"; }

# until_health SECONDS FILTER: waits until health's answer passes the jq filter.
until_health() {
  local end=$((SECONDS + $1))
  while ((SECONDS < end)); do
    if api -sS -m 3 "$HEALTH_URL/api/health" 2>/dev/null | jq -e --argjson id "${broker#kafka-}" "$2" >/dev/null 2>&1; then
      return 0
    fi
    sleep 0.2
  done
  return 1
}

# Times of the report in seconds after the fault; $fault is in microseconds since 1970.
# shellcheck disable=SC2016 # $fault belongs to jq
AFTER='def after: (sub("\\.[0-9]+Z$"; "Z") | fromdate) + ("0." + (capture("\\.(?<f>[0-9]+)Z$").f // "0") | tonumber)
  - $fault / 1e6 | . * 10 | round / 10 | tostring | if contains(".") then . else . + ".0" end;'

# reported FAULT_TIME FILTER: something of the run's report.
reported() { jq -r --argjson fault "$1" "$AFTER $2" "$work/report"; }

# timeline FAULT_TIME: everything that was seen, in the order of time.
timeline() {
  {
    cat "$work/seen"
    reported "$1" '.disturbances | (.firstErrorAt // empty | "\(after)\tfirst error of the client"),
      (.firstAcknowledgementAfterErrorAt // empty | "\(after)\tfirst acknowledgement after it")'
  } | sort -s -n -k1,1 | while IFS=$'\t' read -r at what; do line "$at" "$what"; done
}

# drill FAULT: one fault; its result is the exit status.
drill() {
  local fault=$1 hurt_at healed_at good=yes
  printf '\n%s %s under %d events/s (seconds count from the fault)\n' "$fault" "$broker" "$rate"
  until_health 60 '.status == "HEALTHY"' ||
    fail "health is not HEALTHY before the fault" "see: curl $HEALTH_URL/api/health | jq .reasons"
  # A name that the load test may write to where the cluster is secured.
  topic=load-test-failure-$fault-$$
  api -fsS -m 60 -o /dev/null -X POST \
    "$ADMIN_URL/api/topics?topicName=$topic&partitions=12&replicationFactor=3" ||
    fail "the topic $topic could not be made" "see: curl -X POST $ADMIN_URL/api/topics?topicName=..."
  api -sS -o "$work/report" -X POST \
    "$LOAD_URL/api/loadtest/run?topic=$topic&label=$fault&eventCount=$((rate * seconds))&rate=$rate&profile=durable&verify=true" &
  load_pid=$!
  sleep 5
  kill -0 "$load_pid" 2>/dev/null || fail "the load was refused: $(jq -r '.detail // .' "$work/report")"

  # seen WHAT
  seen() { printf '%s\t%s\n' "$(since "$hurt_at")" "$1" >>"$work/seen"; }
  : >"$work/seen"
  hurt_at=$(now)
  hurt_now=$fault
  hurt "$fault" "$broker"
  seen "$fault is done"
  # shellcheck disable=SC2016 # $id belongs to jq
  if until_health 20 '.status == "DEGRADED" and any(.brokerStatuses[]; .brokerId == $id and (.healthy | not))'; then
    seen "health says DEGRADED and names $broker"
  else
    seen "FAILED: health does not name $broker"
    good=no
  fi
  sleep "$fault_seconds"

  healed_at=$(now)
  heal "$fault" "$broker"
  hurt_now=
  seen "$broker is back"
  if until_health 60 '.status == "HEALTHY"'; then
    seen "health says HEALTHY: all replicas are in sync ($(since "$healed_at") s after the return)"
  else
    seen "FAILED: health is not HEALTHY again"
    good=no
  fi

  wait "$load_pid" || true
  load_pid=
  jq -e '.verification' "$work/report" >/dev/null 2>&1 ||
    fail "the load was cut off: $(jq -r '.detail // .' "$work/report" 2>/dev/null)"
  timeline "$hurt_at"
  # shellcheck disable=SC2016 # $gap belongs to jq
  reported "$hurt_at" '.disturbances.longestGap // empty | . as $gap
    | "  longest time without an acknowledgement: \($gap.durationMs / 1000 | . * 10 | round / 10) s, on partition \($gap.partition), from \($gap.beganAt | after) s"'
  reported "$hurt_at" '.verification | "  acknowledged \(.acknowledged), failed \(.failed.notWritten + .failed.possiblyWritten); read back \(.readBack): lost \(.lost), duplicated \(.duplicated), out of order \(.outOfOrder), corrupted \(.corrupted)"'
  jq -e '.failed == 0 and (.verification | .outcome == "passed" and .readBack == .acknowledged
    and .lost + .duplicated + .outOfOrder + .corrupted == 0)' "$work/report" >/dev/null || {
    say "  FAILED: not every event is there, once and in order"
    good=no
  }
  api -sS -m 60 -o /dev/null -X DELETE "$ADMIN_URL/api/topics/$topic" && topic=
  [[ $good == yes ]]
}

status=0
for fault in "${faults[@]}"; do
  drill "$fault" || status=1
done
((status == 0)) || fail "not every fault passed" "the lines above say which"
printf '\nall passed: %s\n' "${faults[*]}"
