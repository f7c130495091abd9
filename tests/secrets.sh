# shellcheck shell=bash
# The search for secrets where others could read them: sourced by tests/secure.sh and tests/compose.sh, after
# scripts/prerequisites.sh.

# find_secrets KEYS: takes down what is to be looked for, and shows that the search finds it: every password and
# token of a directory of keys, and of every private key the second line, which is its own.
find_secrets() {
  local keys=$1 file
  SECRETS=$(mktemp)
  while IFS= read -r -d '' file; do
    # No password ends with a newline.
    head -c 64 "$file"
    echo
  done < <(find "$keys/passwords" "$keys/tokens" "$keys/pages" -type f ! -name '*.header' -print0 2>/dev/null) >"$SECRETS"
  sed -sn '/-----BEGIN.*PRIVATE KEY/ {n; n; p}' "$keys/ca.key.pem" "$keys"/certificates/*.pem >>"$SECRETS"
  ! grep -qvE '.{32}' "$SECRETS" || fail "what is to be looked for is too short to be a secret"
  say "looking for $(wc -l <"$SECRETS") secrets of $keys"
  # What it leaves to be looked at is left there.
  local planted
  planted=$(mktemp -d)
  printf 'before\npassword = "%s";\n' "$(tail -n 1 "$SECRETS")" >"$planted/text"
  ! (TMPDIR=$planted no_secret "a file in which one is" <"$planted/text") 2>/dev/null || fail "the search for secrets does not find one"
  rm -r "$planted"
}

# no_secret WHERE: fails if one is in what it reads, or if there is nothing to read.
no_secret() {
  local text
  text=$(mktemp)
  cat >"$text"
  [[ -s $text ]] || fail "nothing to look at: $1"
  ! grep -qaF -f "$SECRETS" "$text" || fail "a secret is in $1" "look at $text"
  rm "$text"
}

# no_secret_in_checkout: not in a file of this repository, or one that could be added to it.
no_secret_in_checkout() {
  git ls-files -z --cached --others --exclude-standard | xargs -0 cat -- 2>/dev/null | no_secret "the repository"
}

# layers IMAGE: all of an image, layer by layer: what one adds and a later one removes is still in there.
layers() {
  local unpacked
  unpacked=$(mktemp -d)
  docker save "$1" | tar -x -C "$unpacked"
  # Packed or not: both are met.
  find "$unpacked" -type f -exec zcat -f {} +
  rm -rf "$unpacked"
}
