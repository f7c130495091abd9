#!/usr/bin/env bash
# The standard load test through the REST API: three sizes as fast as possible, then one paced run.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=scripts/prerequisites.sh
. "$here/scripts/prerequisites.sh"
# shellcheck source=scripts/api.sh
. "$here/scripts/api.sh"

usage() {
  cat <<'TEXT'
usage: ./load-test.sh [OPTION]... [URL]

Runs 1,000, 10,000 and 50,000 log events as fast as possible, then one run paced at 80 % of what the
third reached, and prints a table. URL is the load-test service (default http://127.0.0.1:8083).

  --topic NAME   the topic to write to (default log-events)
  --no-warmup    measure cold brokers: several times slower until their JVMs are warm
  --no-install   never install a package; say what is missing instead
  --help         this text

TOKEN_HEADER_FILE names a file with the line "Authorization: Bearer TOKEN", where the service wants one.

"latency" is from the time an event should have been sent until its acknowledgement. As fast as
possible, that is mostly time in the queue; the paced row is the one to judge.
Exit status: 0 all events acknowledged, 1 events failed or a run could not be made, 130 interrupted.
TEXT
}

url=http://127.0.0.1:8083
topic='log-events'
warmup=yes
while (($#)); do
  case $1 in
  --topic)
    topic=${2:-}
    [[ -n $topic ]] || fail "--topic needs a name"
    shift
    ;;
  --no-warmup) warmup=no ;;
  --no-install) INSTALL=no ;;
  --help | -h)
    usage
    exit 0
    ;;
  -*) fail "unknown option $1" "see ./load-test.sh --help" ;;
  *) url=${1%/} ;;
  esac
  shift
done

need curl jq
curl -fsS -m 5 -o /dev/null "$url/livez" 2>/dev/null ||
  fail "no load-test service answers at $url" "start it with ./setup.sh, or give its URL"
# A service elsewhere is shown only the token that it was given by name.
if [[ $url == http://127.0.0.1:8083 || $url == http://localhost:8083 || -n ${TOKEN_HEADER_FILE:-} ]]; then
  use_token "$here" "$url/api/loadtest/stats"
fi

work=$(mktemp -d)
run_pid=
finish() {
  [[ -z $run_pid ]] || kill "$run_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'printf "\ninterrupted; a run that was under way goes on to its end: %s/api/loadtest/stats\n" "$url" >&2; exit 130' INT TERM

interactive=no
[[ -t 2 ]] && interactive=yes

# progress LABEL: one line, rewritten while the run goes on.
progress() {
  local sent acknowledged
  while kill -0 "$run_pid" 2>/dev/null; do
    sleep 0.3
    [[ $interactive == yes ]] || continue
    read -r sent acknowledged < <(api -fsS -m 2 "$url/api/loadtest/stats" 2>/dev/null |
      jq -r '.running // empty | "\(.sent) \(.acknowledged)"') || continue
    printf '\r\033[K%s: %s sent, %s acknowledged' "$1" "${sent:-0}" "${acknowledged:-0}" >&2
  done
  [[ $interactive == no ]] || printf '\r\033[K' >&2
}

# run NAME QUERY: makes one run; its report is $work/NAME.json.
run() {
  local status
  api -sS -o "$work/$1.json" -w '%{http_code}' -X POST \
    "$url/api/loadtest/run?topic=$(jq -rn --arg t "$topic" '$t | @uri')&label=$1&$2" \
    >"$work/status" 2>"$work/curl" &
  run_pid=$!
  progress "$1"
  wait "$run_pid" || {
    run_pid=
    fail "run $1 was cut off: $(cat "$work/curl")" "is the service still up? see its log"
  }
  run_pid=
  status=$(cat "$work/status")
  [[ $status == 200 ]] ||
    fail "run $1 was refused ($status): $(jq -r '.detail // .title // .' "$work/$1.json")"
}

# row NAME: the report as one line of the table.
row() {
  jq -r --arg name "$1" '[
      $name, .eventCount, .acknowledged, .failed,
      (.throughput | floor), (.latency.p50Ms // 0), (.latency.p99Ms // 0),
      (if .compressionSavingPercent == null then "-" else .compressionSavingPercent end)
    ] | @tsv' "$work/$1.json" |
    awk -F'\t' '{ saving = $8 == "-" ? "-" : sprintf("%.0f %%", $8)
      printf "%-8s %8d %12d %7d %9d %9.1f %9.1f %8s\n", $1, $2, $3, $4, $5, $6, $7, saving }'
}

if [[ $warmup == yes ]]; then
  say "warming up: 100,000 events, not counted (--no-warmup leaves it out)"
  run warm-up 'eventCount=100000'
fi

printf '%-8s %8s %12s %7s %9s %9s %9s %8s\n' \
  run events acknowledged failed events/s 'p50 ms' 'p99 ms' saving
names=(1k 10k 50k paced)
run 1k 'eventCount=1000'
row 1k
run 10k 'eventCount=10000'
row 10k
run 50k 'eventCount=50000'
row 50k
rate=$(jq -r '.throughput * 0.8 | floor' "$work/50k.json")
((rate > 0)) || fail "nothing was acknowledged in the run of 50,000" "look at $url/api/loadtest/stats"
run paced "eventCount=$((rate * 5))&rate=$rate" # five seconds
row paced
say "1k, 10k, 50k: as fast as possible, so their latency is time in the queue; paced: $rate events/s."
# A run that missed its schedule measured something else than the cluster.
if [[ $(jq -r '.outcome' "$work/paced.json") == invalid ]]; then
  say "the paced row is no result: $(jq -r '.invalidReasons | join("; ")' "$work/paced.json")"
fi

failed=$(for name in "${names[@]}"; do jq '.failed' "$work/$name.json"; done |
  awk '{ sum += $1 } END { print sum + 0 }')
if ((failed > 0)); then
  fail "$failed events failed" "look at $url/api/loadtest/stats and at the health service"
fi
