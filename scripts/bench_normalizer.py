"""The normalizer's job in DuckDB: the same raw objects, the same columns, to Parquet, on one thread.

Usage: bench_normalizer.py FOLDER OUTPUT_OF_OURS
"""

import re
import sys
import time

import duckdb

QUERY = """
COPY (
  WITH pages AS (
    SELECT filename, run_id, market, page, fetched_at, body FROM read_json('{folder}/raw/*.ndjson.zst',
      filename = true, format = 'newline_delimited', compression = 'zstd', maximum_object_size = 67108864, columns = {{
        run_id: 'VARCHAR', page: 'INTEGER', fetched_at: 'TIMESTAMP',
        market: 'STRUCT(venue VARCHAR, asset VARCHAR, fiat VARCHAR, trade_type VARCHAR)',
        body: 'STRUCT(total INTEGER, data STRUCT(
          adv STRUCT(advNo VARCHAR, tradeType VARCHAR, price VARCHAR, surplusAmount VARCHAR,
                     minSingleTransAmount VARCHAR, maxSingleTransAmount VARCHAR, tradableQuantity VARCHAR,
                     payTimeLimit INTEGER, remarks VARCHAR, isTradable BOOLEAN,
                     tradeMethods STRUCT(identifier VARCHAR)[]),
          advertiser STRUCT(userNo VARCHAR, nickName VARCHAR, userType VARCHAR, monthOrderCount INTEGER,
                            monthFinishRate VARCHAR, positiveRate VARCHAR, userGrade INTEGER),
          privilegeType INTEGER)[])'
      }})
  ), ads AS (SELECT filename, run_id, market, page, fetched_at, unnest(body.data) AS item,
                 unnest(range(len(body.data))) AS place FROM pages)
  SELECT run_id AS batch_id, md5(run_id || market.asset || market.fiat || market.trade_type) AS snapshot_id,
         fetched_at AS extraction_timestamp, market.venue AS venue, market.asset AS crypto, market.fiat AS fiat,
         market.trade_type AS trade_type, item.adv.tradeType AS maker_side, item.adv.advNo AS offer_external_id,
         item.advertiser.userNo AS advertiser_id,
         md5(market.venue || item.advertiser.userNo || item.advertiser.nickName || item.advertiser.userType
             || item.advertiser.userGrade) AS advertiser_sk,
         item.advertiser.nickName AS nickname, item.advertiser.userGrade AS user_grade,
         item.advertiser.userType = 'merchant' AS is_merchant, item.adv.price::DECIMAL(20, 8) AS price,
         item.adv.surplusAmount::DECIMAL(20, 8) AS available_amount,
         item.adv.tradableQuantity::DECIMAL(20, 8) AS tradable_quantity,
         item.adv.minSingleTransAmount::DECIMAL(20, 8) AS min_limit,
         item.adv.maxSingleTransAmount::DECIMAL(20, 8) AS max_limit,
         item.advertiser.monthFinishRate::DECIMAL(10, 6) AS completion_rate,
         item.advertiser.positiveRate::DECIMAL(10, 6) AS positive_rate,
         item.advertiser.monthOrderCount AS total_orders_count, item.adv.payTimeLimit AS payment_time_limit_minutes,
         list_transform(item.adv.tradeMethods, lambda m: m.identifier) AS payment_methods,
         item.adv.remarks AS terms_conditions, item.adv.isTradable AS is_available,
         item.privilegeType IS NOT NULL AS is_promoted, ((page - 1) * 20 + place)::INTEGER AS rank,
         NULL::DECIMAL(10, 6) AS price_float_rate, NULL::INTEGER AS registration_days,
         NULL::INTEGER AS avg_response_time_seconds, NULL::INTEGER AS avg_completion_time_minutes,
         'binance_p2p/market_snapshot/' || fetched_at::DATE || '/' || run_id || '/' || parse_filename(filename) AS raw_id,
         page AS raw_pos, 1 AS normalizer_version
  FROM ads
) TO '{folder}/hot/duckdb.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
"""


def main(folder: str, ours: str) -> None:
    text = open(ours, encoding="utf-8").read()
    json_mb = float(re.search(r"([\d.]+) MB of JSON", text).group(1))
    our_offers, our_rate = re.search(r"normalizer: (\d+) offers, [\d.]+ s, (\d+) MB/s", text).groups()
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        connection.execute(QUERY.format(folder=folder))
        best = min(best, time.perf_counter() - start)
    rows = connection.execute(f"SELECT count(*) FROM '{folder}/hot/duckdb.parquet'").fetchone()[0]
    if rows < int(our_offers):
        sys.exit(f"DuckDB read {rows} rows, the normalizer {our_offers}")
    rate = json_mb / best
    print(f"DuckDB {duckdb.__version__}: {rows} offers, {best:.3f} s, {rate:.0f} MB/s of JSON")
    print(f"ratio: {int(our_rate) / rate:.2f} x DuckDB")


if __name__ == "__main__":
    main(*sys.argv[1:])
