# shellcheck shell=bash
# What the scripts need on this machine: sourced by setup.sh, load-test.sh and test.sh.
#
# Missing Debian packages are installed where that is possible and allowed, and said; otherwise the
# one command that does it is printed. Nothing is installed that starts a service.
#
#   INSTALL=no      forbid installing (--no-install)

RUST_VERSION=1.95.0
JAVA_VERSION=17

say() { printf "%s\n" "$@"; }
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if (($#)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

# as_root COMMAND...: runs it as root, without ever asking for a password.
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo -n "$@"
  fi
}

may_install() {
  [[ ${INSTALL:-yes} == yes ]] && command -v apt-get >/dev/null &&
    { ((EUID == 0)) || sudo -n true 2>/dev/null; }
}

java_major() { # 0 where there is no Java
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  printf '%s' "${version:-0}"
}

# present NAME: whether this prerequisite is there.
present() {
  case $1 in
  default-jre-headless) (($(java_major) >= JAVA_VERSION)) ;;
  maven) command -v mvn >/dev/null ;;
  build-essential) command -v cc >/dev/null && command -v c++ >/dev/null && command -v make >/dev/null ;;
  pkg-config) command -v pkg-config >/dev/null ;;
  libssl-dev) [[ -e /usr/include/openssl/ssl.h ]] ;;
  zlib1g-dev) [[ -e /usr/include/zlib.h ]] ;;
  python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
  *) command -v "$1" >/dev/null ;;
  esac
}

# need PACKAGE...: installs what is missing, or says how.
need() {
  local package missing=()
  for package in "$@"; do
    present "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  may_install || fail "missing: ${missing[*]}" "install with: sudo apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    fail "installing ${missing[*]} failed (log: $log)" "try: sudo apt-get install ${missing[*]}"
  fi
  rm -f "$log"
  for package in "${missing[@]}"; do
    present "$package" || fail "$package was installed and still does not answer" \
      "look at PATH (and JAVA_HOME): $(command -v java mvn || true)"
  done
}

# need_rust: cargo in the version that rust-toolchain.toml pins.
need_rust() {
  command -v cargo >/dev/null ||
    fail "Rust is missing" "install rustup (see rustup.rs), then: rustup toolchain install $RUST_VERSION"
  cargo --version >/dev/null 2>&1 ||
    fail "Rust $RUST_VERSION is missing" "install with: rustup toolchain install $RUST_VERSION"
}
