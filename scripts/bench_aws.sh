#!/usr/bin/env bash
# The functions as they go to AWS, on the emulator: sizes and starts held against their budgets, and 10,000 raw bundles through the queue.
set -euo pipefail
cd "$(dirname "$0")/.."
source localstack/tools.sh
install_emulator
install_sam

echo "== packages"
bash scripts/functions.sh lambda

echo "== from the start of a process to its first answer, and peak memory"
export CAUCE_AWS_FOLDER="${CAUCE_BENCH_DIR:-.bench}/aws" CAUCE_AWS_PORT="${CAUCE_AWS_PORT:-4577}"
bash localstack/up.sh | tail -1
status=0
python3 scripts/function_starts.py build/functions "$CAUCE_AWS_FOLDER" --budget || status=1
bash localstack/down.sh
unset CAUCE_AWS_FOLDER CAUCE_AWS_PORT

echo "== the whole suite with these functions, and ${CAUCE_AWS_BUNDLES:=10000} bundles through the queue"
export CAUCE_AWS_BUNDLES
python3 scripts/function_peaks.py cargo test --locked --workspace --features cauce/aws,cauce-maintain/s3 --test aws -- --nocapture \
  | grep -E " s  |bundles|test result|peak"
exit "$status"
