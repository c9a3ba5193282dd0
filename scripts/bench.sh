#!/usr/bin/env bash
# All benchmarks. Ratios within one run count; absolute figures belong to the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

# The page parser is SIMD: built for this machine it uses what this machine has. Releases for AWS do the same
# with x86-64-v3 (every Lambda host) or, on ARM, with what the target has anyway.
export RUSTFLAGS="${RUSTFLAGS:--C target-cpu=native}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/native"
work="${CAUCE_BENCH_DIR:-.bench}"
mkdir -p "$work"

if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet 'duckdb==1.5.5' || "$work/venv/bin/pip" install --quiet duckdb
fi

echo "== normalizer: raw zstd in, Parquet out, one core"
cargo bench --locked -p cauce-worker --bench normalizer -- "$PWD/$work/normalizer" "${CAUCE_BENCH_MB:-350}" \
  | tee "$work/normalizer.txt"
"$work/venv/bin/python" scripts/bench_normalizer.py "$work/normalizer" "$work/normalizer.txt"

echo "== price history: one market over 30 days of generated data"
cargo bench --locked --profile measure -p cauce-query --bench history -- "$PWD/$work/history" "${CAUCE_BENCH_DAYS:-30}"
