#!/usr/bin/env bash
# Builds the functions and packs each as build/functions/<name>.zip, where the template expects it.
#   functions.sh dev      for the emulator, quick to build
#   functions.sh lambda   for AWS: small, optimized; says the size of each package and fails if one is over its budget
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${1:-dev}"
target="${CARGO_TARGET_DIR:-target}"
into="${CAUCE_FUNCTIONS:-build/functions}"
functions=(scrape ingest inbox normalize query admin maintain)

# One by one for AWS: built together, what one of them needs would be linked into all.
if [ "$profile" = dev ]; then
  cargo build --locked "${functions[@]/#/--package=cauce-function-}"
  built="$target/debug"
else
  for name in "${functions[@]}"; do
    cargo build --locked --profile "$profile" --package "cauce-function-$name"
  done
  built="$target/$profile"
fi
for name in "${functions[@]}"; do
  mkdir -p "$into/$name"
  strip -s -o "$into/$name/bootstrap" "$built/cauce-function-$name"
done
if [ "$profile" = dev ]; then
  python3 scripts/package.py "$into" 1
else
  python3 scripts/package.py "$into" 9 --budget
fi
