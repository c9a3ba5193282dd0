//! What stands in the books, arbitrage, and long lists page by page, on the small lake that is written by hand.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use cauce_model::{Fees, TakerFees};
use cauce_query::{
    Checks, Format, Interval, Lake, List, Markets, Now, OfferChanges, Page, Period, Reads, Runs, SpreadQuery,
    Takeable, json_rows,
};
use cauce_tables::{Days, Table};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

type Row = Map<String, Value>;

fn now() -> Now {
    Now::of(common::start() + TimeDelta::minutes(31))
}

fn columns(rows: &[Row], names: &[&str]) -> Vec<Value> {
    let of = |row: &Row| Value::Array(names.iter().map(|name| row[*name].clone()).collect());
    rows.iter().map(of).collect()
}

#[tokio::test]
async fn the_newest_snapshots_are_young_or_not_there() {
    let lake = common::lake().await;
    let latest = json_rows(&lake.latest(&now(), &Markets::default()).await.unwrap());
    let found = columns(&latest, &["asset", "trade_type", "taken_at", "age_seconds", "total_offers_count"]);
    assert_eq!(
        found,
        [
            json!(["USDT", "BUY", "2026-03-01T10:30:00Z", 120, 4]),
            json!(["USDT", "SELL", "2026-03-01T10:30:00Z", 120, 3])
        ]
    );
    let later = Now::of(common::start() + TimeDelta::minutes(45));
    assert!(json_rows(&lake.latest(&later, &Markets::default()).await.unwrap()).is_empty());
    let elsewhere = Markets { fiat: Some("ARS".parse().unwrap()), ..Markets::default() };
    assert!(json_rows(&lake.latest(&now(), &elsewhere).await.unwrap()).is_empty());
}

#[tokio::test]
async fn depth_adds_up_from_the_best_price() {
    let lake = common::lake().await;
    let depth = lake.depth(&now(), &Markets::default(), &Takeable::default()).await.unwrap();
    let names = ["trade_type", "price", "available", "cumulative_available", "cumulative_offers"];
    // Of each side the third offer can't be taken.
    assert_eq!(
        columns(&json_rows(&depth), &names),
        [
            json!(["BUY", "280.10200000", "500.00000000", "500.00000000", 1]),
            json!(["BUY", "280.30000000", "120.50000000", "620.50000000", 2]),
            json!(["BUY", "283.40000000", "40.00000000", "660.50000000", 3]),
            json!(["SELL", "279.90200000", "700.00000000", "700.00000000", 1]),
            json!(["SELL", "279.10000000", "300.00000000", "1000.00000000", 2]),
        ]
    );
}

#[tokio::test]
async fn the_price_at_an_amount_is_that_of_who_takes_it() {
    let lake = common::lake().await;
    let price = async |takeable: Takeable| {
        let rows = lake.price_at(&now(), &Markets::default(), &takeable).await.unwrap();
        columns(&json_rows(&rows), &["trade_type", "price", "offers", "mean_of_best_5", "offer_external_id"])
    };
    let amount = |text: &str| Takeable { amount: Some(text.parse().unwrap()), ..Takeable::default() };
    assert_eq!(
        price(amount("8000")).await,
        [
            json!(["BUY", "280.10200000", 3, "281.26733333", "BUY0"]),
            json!(["SELL", "279.90200000", 2, "279.50100000", "SELL0"])
        ]
    );
    assert_eq!(
        price(amount("1500")).await,
        [
            json!(["BUY", "280.10200000", 2, "281.75100000", "BUY0"]),
            json!(["SELL", "279.10000000", 1, "279.10000000", "SELL1"])
        ]
    );
    let by_bank = Takeable { payment_method: Some("Banesco".to_owned()), ..amount("15000") };
    assert_eq!(price(by_bank.clone()).await[0], json!(["BUY", "280.10200000", 2, "280.20100000", "BUY0"]));
    let never =
        Takeable { min_completion_rate: Some(cauce_model::Rate::parse("rate", "1").unwrap()), ..by_bank };
    assert!(price(never).await.is_empty());
}

#[tokio::test]
async fn liquidity_and_spread() {
    let lake = common::lake().await;
    let liquidity = json_rows(&lake.liquidity(&now(), &Markets::default()).await.unwrap());
    assert_eq!(
        columns(&liquidity, &["trade_type", "top10_total_volume"])[0],
        json!(["BUY", "9660.50000000"])
    );
    let query = SpreadQuery {
        venue: None,
        asset: "USDT".parse().unwrap(),
        fiat: "VES".parse().unwrap(),
        interval: "10m".parse::<Interval>().unwrap(),
        since: common::start(),
        until: common::start() + TimeDelta::hours(1),
    };
    let spread = json_rows(&lake.spread(&query).await.unwrap());
    let names = ["bucket_start", "runs", "best_ask", "best_bid", "spread_absolute", "is_complete"];
    assert_eq!(columns(&spread, &names).len(), 2);
    assert_eq!(
        columns(&spread, &names)[1],
        json!(["2026-03-01T10:30:00Z", 1, "280.10200000", "279.90200000", "0.20000000", true])
    );
    assert_eq!(spread[0]["runs"], 2);
    let reversed = SpreadQuery { until: query.since, ..query.clone() };
    assert!(lake.spread(&reversed).await.unwrap_err().to_string().contains("is not after"));
}

#[tokio::test]
async fn arbitrage_is_after_fees() {
    let lake = common::lake().await;
    let found = async |fees: Fees, least: &str| {
        let wanted = (least.parse().unwrap(), 100);
        let rows =
            lake.arbitrage(&now(), &Markets::default(), &Takeable::default(), &fees, wanted).await.unwrap();
        let names = ["kind", "buy_payment_method", "sell_payment_method", "profit_percentage", "quantity"];
        columns(&json_rows(&rows), &names)
    };
    assert!(found(Fees::default(), "0").await.is_empty(), "the book is not crossed");
    // Buying at 280.102 and selling at 279.902 loses 0.2.
    let all = found(Fees::default(), "-100").await;
    assert_eq!(all.len(), 4, "two methods of buying, two of selling: {all:?}");
    assert_eq!(all[0], json!(["payment_methods", "Banesco", "PagoMovil", "-0.07140256", "500.00000000"]));
    assert_eq!(all[1], json!(["sides", "PagoMovil", "PagoMovil", "-0.07140256", "500.00000000"]));
    // A venue that pays for trading, and a method that costs.
    let half = TakerFees { buy: "-0.005".parse().unwrap(), sell: "0".parse().unwrap() };
    let fees = Fees {
        venues: [("binance_p2p".parse().unwrap(), half)].into(),
        payment_methods: [("Banesco".to_owned(), "0.01".parse().unwrap())].into(),
    };
    // 280.102 * 0.995 = 278.70149; (279.902 - 278.70149) / 278.70149
    assert_eq!(
        found(fees, "0").await,
        [json!(["sides", "PagoMovil", "PagoMovil", "0.43075120", "500.00000000"])]
    );
}

/// All rows of a list, `limit` at a time.
async fn paged(lake: &Lake, list: &dyn List, limit: u32) -> Vec<Row> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = lake.list(list, &Page { limit, after }).await.unwrap();
        let more = json_rows(&page.rows);
        assert!(more.len() <= limit as usize);
        rows.extend(more);
        match page.next {
            Some(next) => after = Some(next),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn pages_together_are_the_whole_list_whatever_their_size() {
    let lake = common::lake().await;
    let period = Period { since: common::start(), until: common::start() + TimeDelta::hours(1) };
    let (markets, any) = (Markets::default(), None);
    let changes = OfferChanges {
        markets: markets.clone(),
        period: period.clone(),
        change: None,
        offer_external_id: None,
        advertiser_id: None,
    };
    let checks = Checks { markets, period, passed: any, metric: None };
    for (list, expected) in [(&changes as &dyn List, 11), (&checks, 34)] {
        let whole = paged(&lake, list, 1_000).await;
        assert_eq!(whole.len(), expected, "{list:?}");
        for limit in [1, 2, 5, expected as u32] {
            assert_eq!(paged(&lake, list, limit).await, whole, "{limit} at a time of {list:?}");
        }
    }
    let foreign = Page { limit: 1, after: Some(vec![json!("no time"), json!(1), json!("a"), json!("b")]) };
    let refused = lake.list(&changes, &foreign).await.unwrap_err().to_string();
    assert!(refused.contains("cursor is of another question"), "{refused}");
    assert!(paged(&lake, &Runs { since: None, status: None }, 10).await.is_empty());
}

#[tokio::test]
async fn a_fingerprint_changes_with_the_files_and_only_with_them() {
    let lake = common::lake().await;
    let day = |text: &str| Days { first: Some(text.parse().unwrap()), last: Some(text.parse().unwrap()) };
    let reads = [Reads::Observed(Table::FactMarketDepth, day("2026-03-01"))];
    let elsewhere = [Reads::Observed(Table::FactMarketDepth, day("2026-02-28"))];
    let (before, other) =
        (lake.fingerprint(&reads).await.unwrap(), lake.fingerprint(&elsewhere).await.unwrap());
    assert_eq!(lake.fingerprint(&reads).await.unwrap(), before);
    assert_ne!(before, other);
    common::add(lake.store(), 40, 4).await;
    assert_ne!(lake.fingerprint(&reads).await.unwrap(), before);
    assert_eq!(lake.fingerprint(&elsewhere).await.unwrap(), other);
}

#[tokio::test]
async fn every_format_has_the_same_rows() {
    use arrow::{array::AsArray, ipc::reader::StreamReader};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let lake = common::lake().await;
    let rows = lake.price_at(&now(), &Markets::default(), &Takeable::default()).await.unwrap();
    let expected = json_rows(&rows);
    let json: Vec<Row> = serde_json::from_slice(&Format::Json.encode(&rows).unwrap()).unwrap();
    assert_eq!(json, expected);
    let lines = String::from_utf8(Format::Ndjson.encode(&rows).unwrap()).unwrap();
    let lines: Vec<Row> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, expected);
    let csv = Format::Csv.encode(&rows).unwrap();
    let mut reader = csv::Reader::from_reader(&csv[..]);
    let price = reader.headers().unwrap().iter().position(|name| name == "price").unwrap();
    let prices: Vec<String> = reader.records().map(|row| row.unwrap()[price].to_owned()).collect();
    assert_eq!(prices, ["280.10200000", "279.90200000"]);
    let parquet = bytes::Bytes::from(Format::Parquet.encode(&rows).unwrap());
    let parquet: Vec<_> =
        ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().build().unwrap().collect();
    let arrow = Format::Arrow.encode(&rows).unwrap();
    let arrow: Vec<_> = StreamReader::try_new(&arrow[..], None).unwrap().collect();
    for batches in [parquet, arrow] {
        let batches: Vec<_> = batches.into_iter().map(Result::unwrap).collect();
        assert_eq!(json_rows(&batches), expected);
        // Text in a type that old readers know.
        assert_eq!(batches[0].column_by_name("venue").unwrap().as_string::<i32>().value(0), "binance_p2p");
    }
    // An answer without rows has its columns.
    let nobody = Markets { fiat: Some("ARS".parse().unwrap()), ..Markets::default() };
    let none = lake.price_at(&now(), &nobody, &Takeable::default()).await.unwrap();
    assert!(Format::Csv.encode(&none).unwrap().starts_with(b"venue,asset,fiat"));
    assert_eq!(Format::Json.encode(&none).unwrap(), b"[]");
}
