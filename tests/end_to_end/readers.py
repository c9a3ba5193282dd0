"""Reads one lake with DuckDB, Polars, pyarrow and Spark by the recipes of docs/reading-the-lake.md.

Usage: readers.py LAKE
Prints one JSON object: for each reader the figures of the sealed days, and for DuckDB those of all days.
"""

import json
import re
import sys
from decimal import Decimal
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reading-the-lake.md"


def recipe(name: str, lake: str) -> str:
    """The code block of the page under this heading, on this lake."""
    section = DOCS.read_text(encoding="utf-8").split(f"\n### {name}\n")[1]
    return re.search(r"```\w+\n(.*?)```", section, re.S).group(1).replace("/data/lake", lake)


def figures(count, prices, available, least, most, methods) -> dict:
    number = lambda value: str(Decimal(str(value)).quantize(Decimal("0.00000001")))
    return {
        "rows": int(count),
        "prices": number(prices),
        "available": number(available),
        "least": number(least),
        "most": number(most),
        "methods": int(methods),
    }


FIGURES = """SELECT count(*), sum(price), sum(available_amount), min(price), max(price), {methods} FROM offers"""


def duckdb_figures(lake: str, name: str) -> dict:
    import duckdb

    connection = duckdb.connect()
    connection.execute(recipe(name, lake))
    query = FIGURES.format(methods="sum(len(payment_methods))")
    return figures(*connection.execute(query).fetchone())


def polars_figures(lake: str) -> dict:
    import polars as pl

    names = {"pl": pl}
    exec(recipe("Polars", lake), names)  # noqa: S102: the page's own code is what is tested
    frame = names["offers"].select(
        pl.len().alias("rows"),
        pl.col("price").sum().alias("prices"),
        pl.col("available_amount").sum().alias("available"),
        pl.col("price").min().alias("least"),
        pl.col("price").max().alias("most"),
        pl.col("payment_methods").list.len().cast(pl.Int64).sum().alias("methods"),
    )
    return figures(*frame.collect().row(0))


def pyarrow_figures(lake: str) -> dict:
    import pyarrow.compute as pc

    names: dict = {}
    exec(recipe("pandas and pyarrow", lake), names)  # noqa: S102
    table = names["offers"].to_table(columns=["price", "available_amount", "payment_methods", "date"])
    return figures(
        table.num_rows,
        pc.sum(table["price"]).as_py(),
        pc.sum(table["available_amount"]).as_py(),
        pc.min(table["price"]).as_py(),
        pc.max(table["price"]).as_py(),
        pc.sum(pc.list_value_length(table["payment_methods"])).as_py(),
    )


def spark_figures(lake: str) -> dict:
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    try:
        exec(recipe("Spark", lake), {"spark": spark})  # noqa: S102
        return figures(*spark.sql(FIGURES.format(methods="sum(size(payment_methods))")).collect()[0])
    finally:
        spark.stop()


def main(lake: str) -> None:
    print(
        json.dumps(
            {
                "duckdb": duckdb_figures(lake, "DuckDB"),
                "polars": polars_figures(lake),
                "pyarrow": pyarrow_figures(lake),
                "spark": spark_figures(lake),
                "duckdb, unsealed days too": duckdb_figures(lake, "Unsealed days with DuckDB"),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
