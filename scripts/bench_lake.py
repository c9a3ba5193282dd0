"""One lake, one question, four ways: ours warm and as a process of its own, DuckDB, Polars.

Usage: bench_lake.py LAKE DAYS BENCH_BINARY
The question: price history of USDT / VES in buckets of an hour over the first 1, 7 and DAYS days, offers that accept PagoMovil
and 9000 VES; and without a filter. Every way reads the same sealed files with the filters pushed down; counts are compared.
"""

import re
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import duckdb
import polars as pl

REPEATS = 15
START = datetime(2026, 3, 1, tzinfo=timezone.utc)
FILES = "{lake}/tables/fact_offers/date=*/*.parquet"
QUERY = """
WITH snapshots AS (
  SELECT venue, trade_type, snapshot_id, any_value(extraction_timestamp) AS taken, count(*) AS n, sum(price) AS sum_price,
         sum(price::DOUBLE * price::DOUBLE) AS squares, min(price) AS least, max(price) AS most,
         median(price) AS middle, sum(available_amount) AS volume
  FROM read_parquet('{files}', hive_partitioning = true)
  WHERE crypto = 'USDT' AND fiat = 'VES' AND date >= DATE '{since:%Y-%m-%d}' AND date < DATE '{until:%Y-%m-%d}'
    AND extraction_timestamp >= TIMESTAMPTZ '{since:%Y-%m-%d} 00:00:00+00'
    AND extraction_timestamp < TIMESTAMPTZ '{until:%Y-%m-%d} 00:00:00+00' {filter}
  GROUP BY ALL)
SELECT venue, trade_type, epoch(time_bucket(INTERVAL '1 hour', taken)) AS bucket, sum(n)::BIGINT AS offers, sum(sum_price) / sum(n),
       median(middle), min(least), max(most), sqrt(sum(squares) / sum(n) - (sum(sum_price) / sum(n)) ** 2), sum(volume)
FROM snapshots GROUP BY ALL ORDER BY ALL
"""
FILTER = "AND list_contains(payment_methods, 'PagoMovil') AND min_limit <= 9000 AND max_limit >= 9000"


def duck(connection, lake, days, filtered):
    query = QUERY.format(files=FILES.format(lake=lake), since=START, until=START + timedelta(days=days),
                         filter=FILTER if filtered else "")
    return sum(row[3] for row in connection.execute(query).fetchall() if row[1] == "BUY")


def polars(lake, days, filtered):
    until = START + timedelta(days=days)
    frame = pl.scan_parquet(FILES.format(lake=lake), hive_partitioning=True).filter(
        (pl.col("date") >= START.date()) & (pl.col("date") < until.date()),
        (pl.col("crypto") == "USDT") & (pl.col("fiat") == "VES"),
        (pl.col("extraction_timestamp") >= START) & (pl.col("extraction_timestamp") < until),
    )
    if filtered:
        frame = frame.filter(pl.col("payment_methods").list.contains("PagoMovil"), pl.col("min_limit") <= 9000,
                             pl.col("max_limit") >= 9000)
    price = pl.col("price")
    snapshots = frame.group_by("venue", "trade_type", "snapshot_id").agg(
        pl.col("extraction_timestamp").first().alias("at"), pl.len().alias("n"), price.sum().alias("sum_price"),
        (price.cast(pl.Float64) ** 2).sum().alias("squares"), price.min().alias("least"), price.max().alias("most"),
        price.median().alias("middle"), pl.col("available_amount").sum().alias("volume"))
    mean = pl.col("sum_price").sum() / pl.col("n").sum()
    answer = snapshots.group_by("venue", "trade_type", pl.col("at").dt.truncate("1h")).agg(
        pl.col("n").sum(), mean.alias("mean"), pl.col("middle").median(), pl.col("least").min(), pl.col("most").max(),
        (pl.col("squares").sum() / pl.col("n").sum()).alias("square"), pl.col("volume").sum())
    answer = answer.sort("venue", "trade_type", "at").collect()
    return int(answer.filter(pl.col("trade_type") == "BUY")["n"].sum())


def median_ms(ask):
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        count = ask()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times), count


def once_ms(command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3


def processes_ms(mine, theirs, repeats=13):
    """Medians of two commands, run in turns so that both see the same machine."""
    pairs = [(once_ms(mine), once_ms(theirs)) for _ in range(repeats)]
    return tuple(statistics.median(times) for times in zip(*pairs))


def main():
    lake, days, binary = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if len(sys.argv) > 4:
        print(duck(duckdb.connect(), lake, days, True))
        return
    output = subprocess.run([binary, "ask", lake, "--days", str(days)], check=True, capture_output=True, text=True).stdout
    print(output, end="")
    line = r"^(unfiltered|method and amount), (\d+) days: warm ([\d.]+) ms .* (\d+) offers$"
    ours = {(name, int(span)): (float(ms), int(count)) for name, span, ms, count in re.findall(line, output, re.M)}
    connection = duckdb.connect()
    print(f"duckdb {duckdb.__version__}, polars {pl.__version__}, on the same files, warm:")
    for name in ["method and amount", "unfiltered"]:
        for span in [1, 7, days]:
            mine, count = ours[name, span]
            filtered = name != "unfiltered"
            duck_ms, duck_count = median_ms(lambda: duck(connection, lake, span, filtered))
            polars_ms, polars_count = median_ms(lambda: polars(lake, span, filtered))
            assert count == duck_count == polars_count, (name, span, count, duck_count, polars_count)
            print(f"{name}, {span} days: ours {mine:.1f} ms, DuckDB {duck_ms:.1f} ms, Polars {polars_ms:.1f} ms: "
                  f"{mine / duck_ms:.2f} x DuckDB, {mine / polars_ms:.2f} x Polars ({count} offers in each)")
    mine, theirs = processes_ms([binary, "ask", lake, "--days", str(days), "--once"],
                                [sys.executable, __file__, lake, str(days), binary, "duckdb"])
    print(f"method and amount, {days} days, a process of its own: ours {mine:.0f} ms, DuckDB from Python {theirs:.0f} ms: "
          f"{mine / theirs:.2f} x")


main()
