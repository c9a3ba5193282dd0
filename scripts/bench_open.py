"""What one unsealed day costs: the same questions to a lake whose last day is not sealed and to its sealed twin.

Usage: bench_open.py OPEN_LAKE SEALED_LAKE DAYS BENCH_BINARY
Run in turns, so that both see the same machine; medians of all turns.
"""

import re
import statistics
import subprocess
import sys

TURNS = 9
LINE = re.compile(r"(.*), (\d+) days: warm ([\d.]+) ms")


def main():
    lakes, days, binary = sys.argv[1:3], sys.argv[3], sys.argv[4]
    times = {}
    for _ in range(TURNS):
        for lake in lakes:
            said = subprocess.run([binary, "ask", lake, "--days", days], check=True, capture_output=True, text=True).stdout
            for name, asked, ms in LINE.findall(said):
                times.setdefault((name, asked), {}).setdefault(lake, []).append(float(ms))
    for (name, asked), found in times.items():
        unsealed, sealed = (statistics.median(found[lake]) for lake in lakes)
        print(f"{name}, {asked} days: {unsealed:.1f} ms with an unsealed day, {sealed:.1f} ms sealed: {unsealed / sealed:.2f} x")


main()
