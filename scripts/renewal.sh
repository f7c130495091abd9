# shellcheck shell=bash
# The brokers' own password, in both modes: sourced after prerequisites.sh.

# renew_brokers COMMAND...: the command does what can be done now, and prints the brokers that are to be
# restarted before it is called again; nothing once it is done.
renew_brokers() {
  local old again="the same command goes on from here: ./setup.sh --renew kafka-broker"
  exec 9>.renewal-lock
  ! command -v flock >/dev/null || flock -n 9 || fail "the brokers' password is being renewed already" "wait for it to end"
  # What is started from here is not to hold the lock.
  old=$("$@" 9>&-) || fail "the brokers' password is not renewed" "the line above says why; $again"
  if [[ -n $old ]]; then
    say "the brokers restart, one after the other, and log in by their new password: ${old//$'\n'/, }"
    # shellcheck disable=SC2086 # one argument for each
    ./rolling-restart.sh --fresh $old 9>&- ||
      fail "the rolling restart did not end well, and the old password still counts" "the lines above say why; $again"
    old=$("$@" 9>&-) || fail "the old password still counts" "the line above says why; $again"
    [[ -z $old ]] || fail "these still log in by the old password: ${old//$'\n'/, }" "$again"
  fi
  say "the brokers have a new password, and the old one is worth nothing"
}
