"""Load on the API: requests a second, their times, and the server's memory.

Usage: bench_load.py CAUCE LAKE
Starts `cauce serve` on the lake, once with answers kept and once without, at the end of its last day, and asks with wrk over 64 connections: newest offers, price at an amount, depth,
spread, arbitrage, and the history of a day, of many markets and windows. Then for five minutes, with the memory watched; then with ten times the connections.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SECONDS, LONG, CONNECTIONS = 20, int(os.environ.get("CAUCE_BENCH_LONG", "300")), 64

# A mix as pages and programs ask: most of it small, some of it a whole day.
MIX = """
local fiats = { %s }
local turn = 0
local paths = {
  function(f) return "/api/v1/market/offers?asset=USDT&fiat=" .. f .. "&trade_type=BUY" end,
  function(f) return "/api/v1/market/price?asset=USDT&fiat=" .. f .. "&amount=" .. (1000 * math.random(1, 50)) end,
  function(f) return "/api/v1/market/latest?asset=USDT&fiat=" .. f end,
  function(f) return "/api/v1/market/depth?asset=USDT&fiat=" .. f .. "&trade_type=SELL" end,
  function(f) return "/api/v1/market/spread?asset=USDT&fiat=" .. f .. "&interval=1h&since=%s&until=%s" end,
  function(f) return "/api/v1/market/arbitrage?fiat=" .. f end,
  function(f) return "/api/v1/prices/history?asset=USDT&fiat=" .. f .. "&interval=10m&since=%s&until=%s" end,
  function(f) return "/api/v1/quality?passed=true&limit=20" end,
}
request = function()
  turn = turn + 1
  return wrk.format("GET", paths[turn %% #paths + 1](fiats[math.random(#fiats)]))
end
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() math.randomseed(7) end
done = function(summary, latency)
  local all = {}
  for _, thread in ipairs(threads) do
    for _, status in ipairs({ 200, 303, 400, 429, 500, 503, 504 }) do
      local n = thread:get("s" .. status)
      if n then all[status] = (all[status] or 0) + n end
    end
  end
  local words = {}
  for status, n in pairs(all) do if n > 0 then table.insert(words, status .. ": " .. n) end end
  table.sort(words)
  print(string.format("RESULT %%.0f %%.1f %%.1f %%.1f %%d | %%s", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, summary.errors.connect + summary.errors.read + summary.errors.timeout, table.concat(words, ", ")))
end
response = function(status) _G["s" .. status] = (_G["s" .. status] or 0) + 1 end
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def memory(process):
    """Resident MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000


class Server:
    def __init__(self, cauce, lake, at, folder, kept, per_minute=100_000_000):
        config = Path(folder) / f"cauce-{kept}.toml"
        # One machine asks as many: the limit per address is for others.
        config.write_text(f"[api]\nkept_answers = {kept}\npublic_market = true\n[auth]\nanonymous_per_minute = {per_minute}\nopen_until_admin = false\n")
        self.url = f"127.0.0.1:{free_port()}"
        # The lake's last minutes are its present: only what is called now, the clock that waits and counts goes on as it is. Not under faketime itself, which would be
        # a process between.
        lines = subprocess.run(["faketime", "-f", f"@{at}", "env"], capture_output=True, text=True, check=True).stdout.splitlines()
        then = {name: value for name, _, value in (line.partition("=") for line in lines) if name in ("LD_PRELOAD", "FAKETIME")}
        self.process = subprocess.Popen([cauce, "--lake", lake, "--config", str(config), "serve", "--listen", self.url], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **then, "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{self.url}/api/v1/health").read()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server does not answer")

    def wrk(self, mix, connections, seconds):
        threads = 2 if connections < 256 else 4
        asked = subprocess.run(["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", mix, f"http://{self.url}"],
                               capture_output=True, text=True, check=True)
        line = next(line for line in asked.stdout.splitlines() if line.startswith("RESULT"))
        figures, statuses = line.removeprefix("RESULT ").split(" | ")
        rate, p50, p99, most, errors = figures.split()
        return f"{int(rate):>6}/s, p50 {p50:>6} ms, p99 {p99:>7} ms, longest {most:>8} ms, broken {errors}; {statuses}"

    def stop(self):
        self.process.terminate()
        self.process.wait()


def window(cauce, lake):
    """The last whole day of the lake, and its currencies."""
    sql = "SELECT DISTINCT fiat, CAST(date_trunc('day', max(extraction_timestamp) OVER ()) AS TEXT) FROM fact_market_depth WHERE crypto = 'USDT'"
    rows = subprocess.run([cauce, "--lake", lake, "sql", sql, "--format", "csv"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    last = rows[0].split(",")[1][:10]
    before = time.strftime("%Y-%m-%d", time.gmtime(time.mktime(time.strptime(last, "%Y-%m-%d")) - 86_400 - time.timezone))
    return before, last, sorted(row.split(",")[0] for row in rows)


def main():
    cauce, lake = sys.argv[1:3]
    if missing := [name for name in ("wrk", "faketime") if not shutil.which(name)]:
        print(f"skipped: there is no {' and no '.join(missing)} (Debian packages)")
        return
    since, until, fiats = window(cauce, lake)
    with tempfile.TemporaryDirectory() as folder:
        mix = Path(folder) / "mix.lua"
        mix.write_text(MIX % (", ".join(f'"{fiat}"' for fiat in fiats), since, until, since, until))
        for name, kept in [("answers kept", 64 << 20), ("no answer kept", 0)]:
            server = Server(cauce, lake, f"{until} 23:58:00", folder, kept)
            server.wrk(str(mix), 8, 3)
            print(f"{name:<16} {CONNECTIONS:>4} connections: {server.wrk(str(mix), CONNECTIONS, SECONDS)}; memory {memory(server.process):.0f} MB", flush=True)
            if not kept:
                seen = []
                for _ in range(max(1, LONG // 20)):
                    said = server.wrk(str(mix), CONNECTIONS, 20)
                    seen.append(memory(server.process))
                print(f"for {LONG} s: memory after each 20 s {' '.join(f'{mb:.0f}' for mb in seen)} MB; the last 20 s {said}", flush=True)
                print(f"{name:<16} {CONNECTIONS * 10:>4} connections: {server.wrk(str(mix), CONNECTIONS * 10, SECONDS)}; memory {memory(server.process):.0f} MB", flush=True)
                answer = urllib.request.urlopen(f"http://{server.url}/api/v1/market/latest?fiat={fiats[0]}").status
                print(f"afterwards: {answer}")
            server.stop()
        server = Server(cauce, lake, f"{until} 23:58:00", folder, 64 << 20, per_minute=600)
        print(f"600 a minute     {CONNECTIONS * 10:>4} connections: {server.wrk(str(mix), CONNECTIONS * 10, SECONDS)}", flush=True)
        server.stop()


if __name__ == "__main__":
    main()
