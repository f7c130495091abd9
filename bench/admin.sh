#!/usr/bin/env bash
# Measures the admin service with many topics, beside Kafka's own tools on the same cluster.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

topics=1000 batch=100 calls=300
admin=${ADMIN_URL:-http://127.0.0.1:8081}
bootstrap=${KAFKA_BOOTSTRAP_SERVERS:-127.0.0.1:19092}

usage() {
  cat <<'TEXT'
usage: bench/admin.sh [OPTION]...

Against the running cluster (./setup.sh): makes topics of three partitions by apply, 100 a call, then
measures the list, one topic, the export and a plan of all, and the same with kafka-topics and
kafka-configs. Prints a table and deletes the topics again. Some two minutes; nothing else should run.

  --topics N   how many topics (default 1000)
  --calls N    how often each read is measured (default 300)
  --help       this text

ADMIN_URL and KAFKA_BOOTSTRAP_SERVERS name another cluster.
TEXT
}

while (($#)); do
  case $1 in
  --topics) topics=$2 && shift ;;
  --calls) calls=$2 && shift ;;
  --help | -h)
    usage
    exit 0
    ;;
  *) fail "unknown option $1" "bench/admin.sh --help lists them" ;;
  esac
  shift
done
need curl jq
curl -sf -o /dev/null "$admin/readyz" || fail "no admin service at $admin" "start one with: ./setup.sh"

work=$(mktemp -d)
prefix=bench-admin-$$

# document FROM TO KEY: topics FROM to TO as a document that makes or deletes them.
document() {
  local number
  if [[ $3 == deletes ]]; then
    echo "topics: []"
    echo "deletes:"
    for ((number = $1; number <= $2; number++)); do printf -- '- %s-%04d\n' "$prefix" "$number"; done
  else
    echo "topics:"
    for ((number = $1; number <= $2; number++)); do
      printf -- '- {name: %s-%04d, partitions: 3, replicationFactor: 3, configs: {retention.ms: 3600000}}\n' \
        "$prefix" "$number"
    done
  fi
}

# post PATH FILE: sends a document; the answer is in $work/answer, the seconds go to standard output.
post() {
  local status seconds
  read -r status seconds < <(curl -s -o "$work/answer" -w '%{http_code} %{time_total}\n' -X POST "$admin$1" \
    -H 'content-type: application/yaml' --data-binary "@$2")
  [[ $status == 200 ]] || fail "POST $1: $status" "$(head -c 500 "$work/answer")"
  echo "$seconds"
}

# apply FILE: plans and applies a document; prints the seconds of the second.
apply() {
  post /api/plan "$1" >/dev/null
  post "/api/apply?hash=$(jq -r .hash "$work/answer")" "$1"
}

delete_all() {
  local from
  for ((from = 1; from <= made; from += batch)); do
    document "$from" $((from + batch - 1 < made ? from + batch - 1 : made)) deletes >"$work/deletes.yml"
    apply "$work/deletes.yml" >/dev/null
  done
}

made=0
clean_up() {
  ((made == 0)) || { say "deleting $made topics ..." && delete_all; }
  rm -rf "$work"
}
trap clean_up EXIT

# percentiles FILE: median and 99th percentile of numbers, one a line, in milliseconds.
percentiles() {
  sort -n "$1" | awk '{v[NR] = $1 * 1000} END {printf "%.1f %.1f", v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.5)]}'
}

# read_often NAME PATH: one connection, one call after the other.
read_often() {
  curl -s -o /dev/null -w '%{time_total}\n' "$admin$2#[1-$calls]" >"$work/times"
  read -r median p99 < <(percentiles "$work/times" && echo)
  printf '%-34s %10s %10s\n' "$1" "$median" "$p99"
}

# once NAME COMMAND...: wall time of a command.
once() {
  local name=$1 started
  shift
  started=$(date +%s%N)
  ("$@") >"$work/out" 2>"$work/err" || fail "$name failed" "$(tail -3 "$work/err")"
  printf '%-34s %10s\n' "$name" $((($(date +%s%N) - started) / 1000000))
}

say "making $topics topics of 3 partitions, $batch a call ..."
for ((from = 1; from <= topics; from += batch)); do
  to=$((from + batch - 1 < topics ? from + batch - 1 : topics))
  document "$from" "$to" topics >"$work/batch.yml"
  made=$to
  apply "$work/batch.yml" >>"$work/applies"
done
document 1 "$topics" topics >"$work/all.yml"

printf '\n%-34s %10s %10s\n' "$topics topics x 3 partitions" "median ms" "p99 ms"
sort -n "$work/applies" | awk -v batch="$batch" '{v[NR] = $1 * 1000}
  END {printf "%-34s %10.0f %10.0f (worst)\n", "apply " batch " new topics", v[int((NR + 1) / 2)], v[NR]}'
read_often "GET /api/topics" /api/topics
read_often "GET /api/topics/{name}" "/api/topics/$prefix-0001"
printf '%-34s %10s\n' "" "ms"
once "GET /api/topics/export" curl -sf "$admin/api/topics/export?prefix=$prefix"
once "POST /api/plan of all" post /api/plan "$work/all.yml"
once "kafka-topics --list" scripts/kafka-tool kafka-topics --bootstrap-server "$bootstrap" --list
once "kafka-topics --describe" scripts/kafka-tool kafka-topics --bootstrap-server "$bootstrap" --describe
once "kafka-topics --describe one" scripts/kafka-tool kafka-topics --bootstrap-server "$bootstrap" \
  --describe --topic "$prefix-0001"
once "kafka-topics --create one" scripts/kafka-tool kafka-topics --bootstrap-server "$bootstrap" --create \
  --topic "$prefix-0000" --partitions 3 --replication-factor 3
once "kafka-topics --delete one" scripts/kafka-tool kafka-topics --bootstrap-server "$bootstrap" --delete \
  --topic "$prefix-0000"
once "kafka-configs --describe all" scripts/kafka-tool kafka-configs --bootstrap-server "$bootstrap" \
  --describe --entity-type topics
