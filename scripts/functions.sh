#!/usr/bin/env bash
# Builds the functions and packs each as build/functions/<name>.zip, where the template expects it.
#   functions.sh dev      for the emulator, quick to build, for this machine
#   functions.sh lambda   for AWS: small, optimized, for the system that the functions run on, whatever this machine has;
#                         says the size of each package and fails if one is over its budget.
#                         CAUCE_ARCHITECTURE=arm64 for Graviton; the same word goes to `sam deploy`
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${1:-dev}"
target="${CARGO_TARGET_DIR:-target}"
into="${CAUCE_FUNCTIONS:-build/functions}"
functions=(scrape ingest inbox normalize enrich poll query admin maintain journal fetch analyze deliver)

if [ "$profile" = dev ]; then
  cargo build --locked "${functions[@]/#/--package=cauce-function-}"
  for name in "${functions[@]}"; do
    mkdir -p "$into/$name"
    strip -s -o "$into/$name/bootstrap" "$target/debug/cauce-function-$name"
  done
  python3 scripts/package.py "$into" 1
  exit
fi

case "${CAUCE_ARCHITECTURE:=x86_64}" in
  x86_64) triple=x86_64-unknown-linux-gnu ;;
  arm64) triple=aarch64-unknown-linux-gnu ;;
  *) echo "CAUCE_ARCHITECTURE is '$CAUCE_ARCHITECTURE'; it may be x86_64 or arm64" >&2; exit 2 ;;
esac
source localstack/tools.sh
install_zig
export PATH="$tools/zig/bin:$PATH"
[ -d "$(rustc --print sysroot)/lib/rustlib/$triple" ] || rustup target add "$triple"

# Amazon Linux 2023 has glibc 2.34: a function that was linked against a newer one would not start there. Zig's linker
# links against that version, also for the other architecture.
# One by one: built together, what one of them needs would be linked into all.
for name in "${functions[@]}"; do
  case "$name" in
    # A request is alone in its process on Lambda, so a panic may end that. Without tables for unwinding, and at a fixed
    # address, with nothing to relocate at each start, DataFusion is a fifth smaller.
    query | admin)
      built=lambda-query
      flags="${RUSTFLAGS:-} -C relocation-model=static -C force-unwind-tables=no"
      ;;
    # It reads every provider and broker there is. At a fixed address it is smaller by a thirtieth; unwinding it needs.
    normalize)
      built=lambda
      flags="${RUSTFLAGS:-} -C relocation-model=static"
      ;;
    *)
      built=lambda
      flags="${RUSTFLAGS:-}"
      ;;
  esac
  RUSTFLAGS="$flags" cargo zigbuild --locked --profile "$built" --target "$triple.2.34" --package "cauce-function-$name"
  mkdir -p "$into/$name"
  cp "$target/$triple/$built/cauce-function-$name" "$into/$name/bootstrap"
done
python3 scripts/package.py "$into" 9 --budget
