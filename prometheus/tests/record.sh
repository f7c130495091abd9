#!/usr/bin/env bash
# Records what Prometheus saw of a running native cluster while each broker was stopped and started
# in turn, and writes it as a promtool test in which no alert may fire: rolling_restart_test.yml.
# To be run again when a rule reads something new. Needs `./setup.sh --native` with Prometheus; the
# cluster is under a light load meanwhile.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

prometheus=http://127.0.0.1:9090 health=http://127.0.0.1:8082 load=http://127.0.0.1:8083
local_cluster=target/release/local-cluster
step=5 # seconds, the scrape interval
need curl jq
curl -fsS -o /dev/null "$prometheus/-/ready" || fail "no Prometheus answers at $prometheus" "start one: ./setup.sh --native"

until_healthy() {
  local end=$((SECONDS + 120))
  until [[ $(curl -sS -m 3 "$health/api/health/status") == HEALTHY ]]; do
    ((SECONDS < end)) || fail "health is not HEALTHY after 120 s"
    sleep 1
  done
}

until_healthy
curl -sS -o /dev/null -X POST "$load/api/loadtest/run?topic=log-events&eventCount=200000&rate=1000" &
work=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$work"' EXIT
start=$(date +%s)
sleep 20
for broker in kafka-1 kafka-2 kafka-3; do
  say "$broker"
  "$local_cluster" stop "$broker" >/dev/null
  "$local_cluster" start "$broker" >/dev/null
  until_healthy
done
sleep 20
end=$(date +%s)

# What the rules read, by Prometheus' own account of them.
metrics=$(curl -fsS "$prometheus/api/v1/rules?type=alert" | jq -r '.data.groups[].rules[].query' |
  grep -oE '\b(kafka|zookeeper)_[a-z_:]+|\bup\b' | sort -u)
alerts=$(sed -n 's/^ *- alert: //p' prometheus/rules/alerts.yml)
for metric in $metrics; do
  curl -fsS -G "$prometheus/api/v1/query_range" --data-urlencode "query=$metric" \
    -d "start=$start&end=$end&step=$step" | jq -c '.data.result[]'
done >"$work/series"
[[ -s $work/series ]] || fail "Prometheus has no series of: $metrics"

# One line a series. Equal neighbours are written once: 3x4 is five times 3, _x4 is four times nothing.
lines() {
  jq -r --argjson since "$start" --argjson until "$end" --argjson step "$step" '
    .metric as $metric
    | ($metric | to_entries | map(select(.key != "__name__") | "\(.key)=\"\(.value)\"") | join(", ")) as $labels
    | (.values | map({key: (.[0] | tostring), value: .[1]}) | from_entries) as $at
    | [range($since; $until + 1; $step) | $at[tostring] // "_"]
    | reduce .[] as $value ([];
        if length > 0 and .[-1][0] == $value then .[-1][1] += 1 else . + [[$value, 1]] end)
    | map(if .[0] == "_" then "_x\(.[1])" elif .[1] == 1 then .[0] else "\(.[0])x\(.[1] - 1)" end)
    | "      - {series: \u0027\($metric.__name__){\($labels)}\u0027, values: \u0027\(join(" "))\u0027}"' "$work/series"
}

out=prometheus/tests/rolling_restart_test.yml
{
  cat <<TEXT
# Written by record.sh: what Prometheus saw of a cluster under load while each of its brokers was
# stopped and started in turn. No alert may fire in it. "_" is a scrape that found nothing.
rule_files:
  - ../rules/alerts.yml

evaluation_interval: ${step}s

tests:
  - name: a rolling restart of $((end - start)) s raises nothing
    interval: ${step}s
    input_series:
TEXT
  lines
  printf '    alert_rule_test:\n'
  for at in $(seq "$step" "$step" $((end - start))); do
    for alert in $alerts; do
      printf '      - {eval_time: %ss, alertname: %s, exp_alerts: []}\n' "$at" "$alert"
    done
  done
} >"$out"
say "$out: $(wc -l <"$work/series") series, $((end - start)) s"
