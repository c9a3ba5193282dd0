"""Packs each function as AWS wants it: a zip with `bootstrap`, the same bytes for the same binary.

Usage: package.py FOLDER LEVEL [--budget]
FOLDER/<name>/bootstrap becomes FOLDER/<name>.zip, compressed by zlib's LEVEL. With --budget it says every size and fails where one is over
its budget (docs/performance.md).
"""

import sys
import zipfile
from pathlib import Path

MB = 1_000_000
BUDGET = {"scrape": 8, "ingest": 8, "inbox": 8, "normalize": 8.5, "enrich": 8, "poll": 8, "maintain": 10.5, "journal": 10, "fetch": 10, "analyze": 10, "deliver": 10, "query": 20, "admin": 20}


def pack(binary: Path, package: Path, level: int) -> int:
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(package, "w") as packed:
        packed.writestr(entry, binary.read_bytes(), compresslevel=level)
    return package.stat().st_size


def main() -> int:
    folder, level, held = Path(sys.argv[1]), int(sys.argv[2]), "--budget" in sys.argv
    over = 0
    for name, budget in BUDGET.items():
        binary = folder / name / "bootstrap"
        size = pack(binary, folder / f"{name}.zip", level)
        if held:
            fits = size <= budget * MB
            over += not fits
            print(f"{name:<10} {binary.stat().st_size / MB:6.1f} MB, zipped {size / MB:5.2f} MB of {budget} MB"
                  f"{'' if fits else '  OVER ITS BUDGET'}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
