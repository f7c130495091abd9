#!/usr/bin/env bash
# The examples of docs/SECURITY.md, run as they stand there: Kafka's own tools, kcat, Python, Java, and an
# application of one's own. Each has to bring records of log-events, which holds some.
#
#   KEYS        the keys of a secured cluster that runs
#   BOOTSTRAP   its brokers
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

: "${KEYS:?}" "${BOOTSTRAP:?}"
CONFLUENT_KAFKA_VERSION=2.12.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# example NAME: the block of the document that has this name before it.
example() {
  local text
  text=$(awk -v mark="<!-- $1 -->" '$0 == mark { wanted = 1; next } wanted && /^```/ { if (open) exit; open = 1; next } open' docs/SECURITY.md)
  [[ -n $text ]] || fail "docs/SECURITY.md has no example \"$1\""
  printf '%s\n' "$text"
}

# brings NAME WORDS COMMAND...: what the example brings holds these words.
brings() {
  local name=$1 words=$2
  shift 2
  timeout 120 "$@" >"$work/brought" 2>"$work/errors" || fail "the example \"$name\" failed: $(tail -n 5 "$work/errors")"
  grep -qF "$words" "$work/brought" || fail "the example \"$name\" brings only: $(head -n 5 "$work/brought" "$work/errors")"
  say "$name: as the document says"
}

need_confluent_kafka() {
  local python=$PWD/target/tools/clients
  "$python/bin/python" -c "import confluent_kafka as it; assert it.__version__ == '$CONFLUENT_KAFKA_VERSION'" 2>/dev/null && return
  [[ ${INSTALL:-yes} == yes ]] || fail "missing: confluent-kafka in target/tools/clients" \
    "install with: python3 -m venv $python && $python/bin/pip install confluent-kafka==$CONFLUENT_KAFKA_VERSION"
  need python3-venv
  say "installing confluent-kafka $CONFLUENT_KAFKA_VERSION into target/tools"
  python3 -m venv "$python"
  "$python/bin/pip" install -q --disable-pip-version-check "confluent-kafka==$CONFLUENT_KAFKA_VERSION"
}

need kcat
need_confluent_kafka
example kafka-tools >"$work/kafka-tools.sh"
example kcat >"$work/kcat.sh"
example python >"$work/read.py"
example java >"$work/Read.java"
example pkcs12 >"$work/pkcs12.sh"
example my-app >"$work/my-app.sh"

brings kafka-tools eventId bash -euo pipefail "$work/kafka-tools.sh"
brings kcat eventId bash -euo pipefail "$work/kcat.sh"
brings python eventId target/tools/clients/bin/python "$work/read.py"
if command -v javac >/dev/null; then
  brings java eventId java -cp 'kafka/target/libs/*' "$work/Read.java"
else
  say "java: NOT RUN: there is no JDK to compile it"
fi
brings pkcs12 "PartitionCount" bash -euo pipefail "$work/pkcs12.sh"

brings my-app "principal=User:my-app" bash -euo pipefail "$work/my-app.sh"
own=(kcat -F "$KEYS/clients/my-app.properties" -b "$BOOTSTRAP")
brings "my-app, reading" eventId "${own[@]}" -C -t log-events -o beginning -c 1
! echo mine | timeout 60 "${own[@]}" -P -t log-events 2>"$work/errors" || fail "my-app may write, which nobody allowed"
grep -qi "authorization failed" "$work/errors" || fail "my-app is refused in other words: $(cat "$work/errors")"
