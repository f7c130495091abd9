#!/bin/sh
# Ends a test cluster when the process that started it is gone, whatever ended that one.
#
# Standard input is a pipe that only the starter holds open; its end is the sign. Standard output
# is the lock of the cluster's address, which nobody can take before the last node is gone.
# Each run/NAME.pid is the process's own line of /proc/PID/stat, so a reused pid is never hit.
set -u
dir=$1

word() { # N LINE: the Nth word after the program's name in a line of /proc/PID/stat
    n=$1
    # shellcheck disable=SC2086 # the words are wanted one by one
    set -- ${2##*) }
    shift $((n - 1)) && printf '%s' "$1"
}

alive() { # a pid file: prints the pid while that very process lives
    { IFS= read -r was <"$1"; } 2>/dev/null || return 1
    pid=${was%% *}
    { IFS= read -r now <"/proc/$pid/stat"; } 2>/dev/null || return 1
    [ "$(word 20 "$was")" = "$(word 20 "$now")" ] || return 1 # started at the same time
    case "${now##*) }" in
        Z* | X*) [ "$(word 18 "$now")" -gt 1 ] || return 1 ;; # its other threads still end
    esac
    printf '%s' "$pid"
}

while read -r _; do :; done

[ -d "$dir/run" ] || mkdir -p "$dir/run"
: >"$dir/run/.closed" # from here on nothing starts; see launch.rs
tries=0
while [ "$tries" -lt 100 ]; do
    left=0
    for file in "$dir"/run/*.pid; do
        if pid=$(alive "$file"); then
            left=1
            kill -9 -"$pid" 2>/dev/null || kill -9 "$pid" 2>/dev/null
        fi
    done
    [ "$left" = 0 ] && break
    tries=$((tries + 1))
    sleep 0.1
done

rm -rf "${dir:?}/data" "${dir:?}/run" "${dir:?}/conf" "${dir:?}/cluster.json"
[ -e "$dir/keep" ] || rm -rf "${dir:?}"
