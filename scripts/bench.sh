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
  "$work/venv/bin/pip" install --quiet duckdb polars
fi

echo "== normalizer: raw zstd in, Parquet out, one core; five pairs of runs, because machines are noisy"
cargo bench --locked -p cauce-worker --bench normalizer --no-run
for _ in 1 2 3 4 5; do
  taskset -c 0 cargo bench --locked -p cauce-worker --bench normalizer -- "$PWD/$work/normalizer" "${CAUCE_BENCH_MB:-350}" \
    > "$work/normalizer.txt"
  tail -1 "$work/normalizer.txt"
  taskset -c 0 "$work/venv/bin/python" scripts/bench_normalizer.py "$work/normalizer" "$work/normalizer.txt"
done | tee "$work/normalizer-pairs.txt"
cat "$work/normalizer.txt"
# What disturbs a machine only ever slows it down: the best of all pairs says most of either side.
best() { grep -oP "$1.*, \K[0-9]+(?= MB/s)" "$work/normalizer-pairs.txt" | sort -n | tail -1; }
echo "best of all pairs: ours $(best normalizer) MB/s, DuckDB $(best DuckDB) MB/s"

echo "== a lake of generated data: rows, seals, price histories, growth"
cargo bench --locked --profile measure -p cauce-query --bench history --no-run
history="$(find "$CARGO_TARGET_DIR/measure/deps" -name 'history-*' -executable -type f -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)"
lake="$PWD/$work/lake"
days="${CAUCE_BENCH_DAYS:-30}"
"$history" make "$lake" --days "$days" --every "${CAUCE_BENCH_EVERY:-3m}" --all --open
# A twin that stays as it is; files are never changed in place, so links do.
rm -rf "$lake-open" && cp -al "$lake" "$lake-open"
"$history" make "$lake" --days "$days"
echo "-- with the last day unsealed, against all sealed"
"$work/venv/bin/python" scripts/bench_open.py "$lake-open" "$lake" "$days" "$history"
echo "-- all sealed"
"$work/venv/bin/python" scripts/bench_lake.py "$lake" "$days" "$history"
for more in 0 $((days * 2)) $((days * 9)); do
  "$history" grow "$lake" --days "$more"
done
"$history" visible

echo "== the journal: ten million fills in a thousand accounts, one core"
cargo bench --locked -p cauce-importer --bench journal --no-run
taskset -c 0 cargo bench --locked -p cauce-importer --bench journal -- "$PWD/$work/journal" "${CAUCE_BENCH_ACCOUNTS:-1000}" 10000

echo "== payment events: made, sealed, derived, asked"
cargo bench --locked --profile measure -p cauce-query --bench payments --no-run
payments="$(find "$CARGO_TARGET_DIR/measure/deps" -name 'payments-*' -executable -type f -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)"
rm -rf "$PWD/$work/payments"
"$payments" all "$PWD/$work/payments" --events "${CAUCE_BENCH_EVENTS:-5000000}"

echo "== payment events through the intake, the normalizer killed ten times, and not at all"
cargo build --locked --profile measure -p cauce
python3 scripts/bench_river.py "$CARGO_TARGET_DIR/measure/cauce" "${CAUCE_BENCH_RIVER:-100000}"
python3 scripts/bench_river.py "$CARGO_TARGET_DIR/measure/cauce" "${CAUCE_BENCH_RIVER:-100000}" 0
echo "== answers about payments by HTTP, on a lake of five million events"
python3 scripts/bench_answers.py "$CARGO_TARGET_DIR/measure/cauce" "${CAUCE_BENCH_ANSWERS:-5000000}"

echo "== the API under load"
"$work/venv/bin/python" scripts/bench_load.py "$CARGO_TARGET_DIR/measure/cauce" "$lake"
