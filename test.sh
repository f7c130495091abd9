#!/usr/bin/env bash
# The one test command: format, lints, docs, unit tests, tests on real clusters, rules, scripts.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

usage() {
  cat <<'TEXT'
usage: ./test.sh [--no-install] [--help]

Runs the checks and tests and prints the seconds of each stage; stops at the first that fails. Real
brokers are started on addresses of their own, beside whatever runs already, and ended again. The tests of a
secured cluster are tests/secure.sh, those in Docker Compose tests/compose.sh; .ci/run runs all three.

  --no-install   never install a package; say what is missing instead
TEXT
}

while (($#)); do
  case $1 in
  --no-install) INSTALL=no ;;
  --help | -h)
    usage
    exit 0
    ;;
  *) fail "unknown option $1" "see ./test.sh --help" ;;
  esac
  shift
done

# need_prometheus: prometheus, promtool and Alertmanager. Debian's packages start services where systemd runs,
# so they are unpacked here instead of installed.
need_prometheus() {
  local tools=$PWD/target/tools packages='prometheus prometheus-alertmanager' package
  PATH=$PATH:$tools/usr/bin
  command -v promtool >/dev/null && command -v prometheus >/dev/null &&
    command -v prometheus-alertmanager >/dev/null && return
  may_install || fail "missing: ${packages// / or }" "install with: sudo apt-get install $packages"
  say "unpacking Debian's ${packages// / and } into target/tools (no service is installed)"
  mkdir -p "$tools"
  as_root apt-get update -qq
  for package in $packages; do
    (cd "$tools" && apt-get download -qq "$package" && dpkg -x "${package}"_*.deb .) >/dev/null 2>&1 ||
      fail "Debian's $package could not be unpacked" "install with: sudo apt-get install $package"
  done
  # Debian's build looks for its templates here and nowhere else.
  local templates=/usr/share/prometheus/alertmanager
  if [[ ! -e $templates ]]; then
    say "copying Alertmanager's templates to $templates"
    as_root mkdir -p "${templates%/*}" && as_root cp -r "$tools$templates" "$templates"
  fi
}

# need_schemathesis: from PyPI, in a folder of its own.
SCHEMATHESIS_VERSION=4.32.5
need_schemathesis() {
  local python=$PWD/target/tools/python
  [[ $("$python/bin/schemathesis" --version 2>/dev/null) == *"version $SCHEMATHESIS_VERSION" ]] && return
  [[ ${INSTALL:-yes} == yes ]] || fail "missing: schemathesis in target/tools/python" \
    "install with: python3 -m venv $python && $python/bin/pip install schemathesis==$SCHEMATHESIS_VERSION"
  need python3-venv
  say "installing schemathesis $SCHEMATHESIS_VERSION into target/tools"
  if ! { python3 -m venv "$python" &&
    "$python/bin/pip" install -q --disable-pip-version-check "schemathesis==$SCHEMATHESIS_VERSION"; }; then
    fail "schemathesis could not be installed" "look at the lines above"
  fi
}

timings=()
# stage NAME COMMAND...: runs one stage and keeps its seconds.
stage() {
  local name=$1 started=$SECONDS
  shift
  printf '\n=== %s\n' "$name"
  "$@" || fail "stage \"$name\" failed after $((SECONDS - started)) s" "again: $*"
  timings+=("$(printf '%5d s  %s' $((SECONDS - started)) "$name")")
}

# Each alert must be shown to fire, to be quiet, and to stay quiet in the recorded rolling restart;
# and the runbook must say what to do.
alerts_are_tested() {
  local alert tests untested=0
  tests=$(cat prometheus/tests/*_test.yml)
  lacks() { say "alert $1: $2" && untested=1; }
  while read -r alert; do
    grep -A1 -E "alertname: $alert\$" <<<"$tests" | grep -q 'exp_alerts:$' || lacks "$alert" "no test in which it fires"
    grep -qE "alertname: $alert, exp_alerts: \[\]" prometheus/tests/alerts_test.yml || lacks "$alert" "no test in which it is quiet"
    grep -qE "alertname: $alert, exp_alerts: \[\]" prometheus/tests/rolling_restart_test.yml ||
      lacks "$alert" "not in the recorded rolling restart (prometheus/tests/record.sh)"
    grep -qx "## $alert" docs/RUNBOOK.md || lacks "$alert" "not in docs/RUNBOOK.md"
  done < <(sed -n 's/^ *- alert: //p' prometheus/rules/alerts.yml)
  return "$untested"
}

# Both modes scrape the same jobs; Kafka UI is there in Compose only.
jobs_are_the_same() {
  local jobs='s/^ *- job_name: //p'
  diff <(sed -n "$jobs" prometheus/prometheus.yml) \
    <(sed -n "$jobs" prometheus/compose/prometheus.yml | grep -vx kafka-ui)
}

rules() {
  promtool check config prometheus/prometheus.yml &&
    promtool check config prometheus/compose/prometheus.yml &&
    promtool check rules prometheus/rules/*.yml &&
    promtool test rules prometheus/tests/*_test.yml &&
    sed 's|url: ALERT_WEBHOOK_URL|url: http://localhost/|' prometheus/alertmanager.yml | amtool check-config /dev/stdin &&
    alerts_are_tested && jobs_are_the_same
}

# Of these no answer of a cluster can be had at will; unit tests produce them: of what Kafka's errors become
# (kafka_*, broker_down; two of them are held against a secured cluster as well, by tests/secure.sh), of the locks
# (*_busy), and of service-kit's own service (the rest).
ONLY_IN_UNIT_TESTS='kafka_unauthenticated kafka_denied kafka_error kafka_timeout broker_down resource_busy group_busy internal request_timeout outcome_unknown'

# Every other problem code of docs/API.md was in an answer to a test; the tests leave a file for each.
codes_are_produced() {
  local code unseen=0
  while read -r code; do
    [[ " $ONLY_IN_UNIT_TESTS " != *" $code "* ]] || continue
    [[ -e $PROBLEM_CODES_SEEN/$code ]] || { say "no test was answered with $code" && unseen=1; }
  done < <(sed -n '/^## Problem codes/,$ s/^| `//p' docs/API.md | cut -d'|' -f1 | grep -oE '[a-z_]{3,}')
  return "$unseen"
}

prerequisites() {
  need_rust
  need build-essential pkg-config libssl-dev zlib1g-dev default-jre-headless maven curl jq \
    shellcheck valgrind
  need_prometheus
  need_schemathesis
}

# All but the tests on clusters, which are directories. Of the whole workspace: without cluster-tests crates would have
# other features, and the next stage would compile half of them again.
unit_tests() {
  local file targets=()
  for file in crates/*/tests/*.rs; do targets+=(--test "$(basename "$file" .rs)"); done
  cargo test --workspace --locked --quiet --lib --bins --examples "${targets[@]}" &&
    cargo test --workspace --locked --quiet --doc
}

export RUSTDOCFLAGS="-D warnings" CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
stage "prerequisites" prerequisites
stage "scripts (shellcheck)" shellcheck -x ./*.sh scripts/* kafka/container/* tests/*.sh prometheus/tests/*.sh bench/*.sh .ci/run
stage "dependencies (licences, origins)" scripts/dependencies check
stage "alert rules (promtool)" rules
stage "format" cargo fmt --all --check
stage "lints (clippy)" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
stage "documentation" cargo doc --workspace --no-deps --locked --quiet
PROBLEM_CODES_SEEN=$(mktemp -d)
export PROBLEM_CODES_SEEN
trap 'rm -rf "$PROBLEM_CODES_SEEN"' EXIT
stage "unit tests" unit_tests
# The services themselves: some tests run the real programs.
stage "build" cargo build --workspace --locked --quiet
stage "tests on real clusters" cargo test --workspace --locked --test faults --test fuzz --test shared
stage "problem codes" codes_are_produced

printf '\nall stages passed in %d s\n' "$SECONDS"
printf '%s\n' "${timings[@]}"
say "NOT RUN: what takes longer: tests/secure.sh (a secured cluster), tests/compose.sh (Docker Compose); .ci/run runs all"
scripts/dependencies unchecked
