# shellcheck shell=bash
# What the scripts of bench/ share: sourced by them, which define `usage`.
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

# help_if_asked ARGUMENT...: prints the usage and ends where --help is among them.
help_if_asked() {
  local argument
  for argument in "$@"; do
    case $argument in
    --help | -h)
      usage
      exit 0
      ;;
    esac
  done
}

# need_to_build: what building the suite and starting a cluster takes.
need_to_build() {
  need_rust
  need build-essential pkg-config libssl-dev zlib1g-dev default-jre-headless maven
}
