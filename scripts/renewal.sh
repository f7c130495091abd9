# shellcheck shell=bash
# The brokers' own password, in both modes: sourced after prerequisites.sh.

# renew_brokers COMMAND...: the command does what can be done now, and prints the brokers that are to be
# restarted before it is called again; nothing once it is done.
renew_brokers() {
  local old again="the same command goes on from here: ./setup.sh --renew kafka-broker"
  old=$("$@") || fail "the brokers have no new password" "the line above says why"
  if [[ -n $old ]]; then
    say "the brokers restart, one after the other, and log in by their new password: ${old//$'\n'/, }"
    # shellcheck disable=SC2086 # one argument for each
    ./rolling-restart.sh --fresh $old || fail "not every broker was restarted, and the old password still counts" "$again"
    old=$("$@") || fail "the old password still counts" "$again"
    [[ -z $old ]] || fail "these still log in by the old password: ${old//$'\n'/, }" "$again"
  fi
  say "the brokers have a new password, and the old one is worth nothing"
}
