#!/usr/bin/env bash
# The tests of a secured cluster, and those of the HTTP APIs on a secured stack, started by the same command as
# people's: each service is a principal with its own rights, and every call carries a token.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh
# shellcheck source=tests/secrets.sh
. tests/secrets.sh

case ${1:-} in
--help | -h)
  say "usage: tests/secure.sh [FILTER]..." "" \
    "Runs the tests of a secured cluster; then starts one and its services on an address of their own, runs the" \
    "HTTP tests (those whose names hold a FILTER; default http::) on them, runs the clients of docs/SECURITY.md," \
    "looks for secrets where others could read them, and ends and removes it all."
  exit 0
  ;;
esac

need curl
cargo build --workspace --locked --quiet
cargo test -p cluster-tests --locked --test secure
mkdir -p target/tmp
dir=$(mktemp -d "$PWD/target/tmp/secure-XXXXXX")
# Every address of 127.0.0.0/8 is this machine's; another run has another one.
address=127.89.$((BASHPID / 250 % 250 + 1)).$((BASHPID % 250 + 1))
cluster=(target/debug/local-cluster --dir "$dir")
finish() {
  local code=$?
  if ((code)); then tail -n 5 "$dir"/logs/*.log >&2 || true; fi
  "${cluster[@]}" reset --yes >/dev/null || true
  rm -rf "$dir" "${SECRETS:-}"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

"${cluster[@]}" up --secure --services target/debug --address "$address" --no-prometheus
TEST_CLUSTER=$dir/cluster.json \
  TEST_SERVICES=http://$address:8081,http://$address:8082,http://$address:8083 \
  cargo test -p cluster-tests --locked --test shared -- "${@:-http::}"

printf '\n--- the clients of docs/SECURITY.md\n'
curl -fsS -o /dev/null -X POST -H "@$dir/keys/tokens/admin.header" \
  "http://$address:8083/api/loadtest/run?eventCount=1000&topic=log-events"
KEYS=$dir/keys BOOTSTRAP=$address:19092,$address:19093,$address:19094 tests/clients.sh

printf '\n--- no secret in the repository, in the programs that run, or in their logs\n'
find_secrets "$dir/keys"
no_secret_in_checkout
for file in "$dir"/run/*.pid; do
  # It begins with the pid.
  read -r pid _ <"$file"
  no_secret "the command line of $(basename "$file" .pid)" <"/proc/$pid/cmdline"
  no_secret "the environment of $(basename "$file" .pid)" <"/proc/$pid/environ"
  programs=$((${programs:-0} + 1))
done
((programs == 9)) || fail "$programs programs were looked at, not 6 nodes and 3 services"
cat "$dir"/logs/*.log | no_secret "the logs"
say "none"
