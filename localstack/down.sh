#!/usr/bin/env bash
# Stops the emulator that up.sh started, by its process id; with it go the functions and all that they stored.
set -euo pipefail
cd "$(dirname "$0")/.."
folder="${CAUCE_AWS_FOLDER:-.aws}"
if [ ! -f "$folder/pid" ]; then
  echo "no emulator was started from here"
  exit 0
fi
pid="$(cat "$folder/pid")"
kill "$pid" 2>/dev/null || true
for _ in $(seq 100); do
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
kill -9 "$pid" 2>/dev/null || true
rm -f "$folder/pid"
echo "the emulator (process $pid) is stopped"
