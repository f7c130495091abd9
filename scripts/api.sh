# shellcheck shell=bash
# Calls to the services' APIs: sourced by the scripts that make them.
#
#   TOKEN_HEADER_FILE   a file with the line "Authorization: Bearer TOKEN", where the services want a
#                       token; of a cluster that ./setup.sh --secure started here it is known

AUTHORIZATION=()

# use_token ROOT URL: shows the services the token of the cluster in ROOT that URL takes. Only for services
# of this machine: others would learn it.
use_token() {
  local file
  if [[ -n ${TOKEN_HEADER_FILE:-} ]]; then
    [[ -r $TOKEN_HEADER_FILE ]] || fail "TOKEN_HEADER_FILE=$TOKEN_HEADER_FILE cannot be read"
    AUTHORIZATION=(-H "@$TOKEN_HEADER_FILE")
    return
  fi
  for file in "$1"/.cluster/keys/tokens/admin.header "$1"/.compose/keys/tokens/admin.header; do
    [[ -r $file ]] || continue
    [[ $(curl -sS -m 5 -o /dev/null -w '%{http_code}' -H "@$file" "$2" 2>/dev/null) == 200 ]] || continue
    AUTHORIZATION=(-H "@$file")
    return
  done
}

# api ARGUMENT...: curl, with the token where there is one. Only the file's name is among its arguments.
api() { curl "${AUTHORIZATION[@]}" "$@"; }
