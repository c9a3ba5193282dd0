//! From a file to figures: tried, imported, normalized, analyzed.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use cauce_importer::{ImportError, RowStatus, Tried};
use cauce_model::Account;
use cauce_tables::Derived;
use common::{Lake, now};
use rust_decimal::Decimal;

fn account(id: &str) -> Account {
    let mut account = Account::bare(id.parse().unwrap());
    account.files.columns = [
        ("time", "When"),
        ("symbol", "Pair"),
        ("side", "Side"),
        ("quantity", "Qty"),
        ("price", "Price"),
        ("fee", "Fee"),
        ("fee_asset", "Fee in"),
        ("currency", "Currency"),
    ]
    .map(|(what, column)| (what.to_owned(), column.to_owned()))
    .into();
    account.files.layout = Some("generic".to_owned());
    account.files.time_zone = Some("America/Caracas".to_owned());
    account.files.time_format = Some("%d/%m/%Y %H:%M:%S".to_owned());
    account
}

/// Files say what they are sorted by: their readers may count on it.
async fn assert_sorted(lake: &Lake, account: &str) {
    for table in [Derived::FactTrades, Derived::FactPositions, Derived::FactTradeStats] {
        let file = lake.planner.derived_of(table, &account.parse().unwrap()).await.unwrap().unwrap();
        let schema = table.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for batch in lake.planner.read(&file, &columns).await.unwrap() {
            let keys: Vec<SortColumn> = table
                .order()
                .iter()
                .map(|name| SortColumn {
                    values: Arc::clone(batch.column_by_name(name).unwrap()),
                    options: None,
                })
                .collect();
            let order = lexsort_to_indices(&keys, None).unwrap();
            let sorted = take_record_batch(&batch, &order).unwrap();
            for name in table.order() {
                assert_eq!(sorted.column_by_name(name), batch.column_by_name(name), "{table} by {name}");
            }
            assert!(batch.num_rows() > 1, "{table} has rows to sort");
        }
    }
}

const HEADER: &str = "When,Pair,Side,Qty,Price,Fee,Fee in,Currency\n";

fn file(rows: &[&str]) -> String {
    rows.iter().fold(HEADER.to_owned(), |text, row| text + row + "\n")
}

fn counts(tried: &Tried) -> [u32; 4] {
    [tried.new, tried.duplicates, tried.skipped, tried.errors]
}

const BUY: &str = "01/03/2026 10:00:00,BTC/USDT,buy,2,50000,10,USDT,USDT";
const SELL: &str = "01/03/2026 12:00:00,BTC/USDT,sell,1,51000,5,USDT,USDT";

#[tokio::test]
async fn a_file_becomes_trades_positions_and_figures() {
    let mut lake = Lake::new();
    let mut main = account("main");
    main.starting_balance = Some(Decimal::from(1_000));
    lake.accounts.insert(main.id.clone(), main.clone());

    let text = file(&[BUY, SELL, "01/03/2026 13:00:00,BTC/USDT,hold,1,51000,5,USDT,USDT"]);
    let tried = lake.importer.try_file(&main, "a.csv", text.as_bytes(), now()).await.unwrap();
    assert_eq!((counts(&tried), tried.layout), ([2, 0, 0, 1], "generic"));
    assert_eq!(
        tried.rows[0].executed_at,
        Some("2026-03-01T14:00:00Z".parse().unwrap()),
        "Caracas is four hours behind"
    );
    let broken = tried.rows.iter().find(|row| row.status == RowStatus::Error).unwrap();
    assert!(broken.row == 4 && broken.reason.as_ref().unwrap().contains("Side: 'hold'"), "{broken:?}");
    lake.normalize().await;
    assert_eq!(lake.analyze().await, [""; 0], "a dry run keeps nothing");

    assert_eq!(counts(&lake.import(&main, "a.csv", &text).await), [2, 0, 0, 1]);
    let objects = ["fact_trades", "fact_positions", "fact_trade_stats"]
        .map(|table| format!("tables/{table}/account=main/part-0.parquet"));
    assert_eq!(lake.analyze().await, objects);
    // (51000 - 50000) less half of the fee of the purchase and the fee of the sale.
    let of = [("method", "fifo")];
    assert_eq!(lake.figure(Derived::FactPositions, "main", "net_pnl", &of).await, ["990"]);
    let all = [("method", "fifo"), ("symbol", "*"), ("direction", "*"), ("period", "all")];
    assert_eq!(lake.figure(Derived::FactTradeStats, "main", "net_profit", &all).await, ["990"]);

    // The same file, and the same fills in another one.
    assert_eq!(counts(&lake.import(&main, "a.csv", &text).await), [0, 2, 0, 1]);
    assert_eq!(counts(&lake.import(&main, "b.csv", &file(&[SELL, BUY])).await), [0, 2, 0, 0]);
    lake.analyze().await;
    assert_eq!(lake.figure(Derived::FactTrades, "main", "quantity", &[]).await, ["2", "1"]);
    assert_eq!(lake.analyze().await, [""; 0], "nothing changed");
    let other = "02/03/2026 12:00:00,ETH/EUR,sell,1,51000,5,EUR,EUR";
    let back = "03/03/2026 12:00:00,ETH/EUR,buy,1,50000,5,EUR,EUR";
    let last = "01/04/2026 12:00:00,BTC/USDT,sell,1,49000,5,USDT,USDT";
    lake.import(&main, "c.csv", &file(&[last, other, back])).await;
    lake.analyze().await;
    assert_sorted(&lake, "main").await;
}

#[tokio::test]
async fn a_late_trade_makes_its_account_again_and_no_other() {
    let lake = Lake::new();
    let (one, two) = (account("one"), account("two"));
    lake.import(&one, "a.csv", &file(&[BUY, SELL])).await;
    lake.import(&two, "a.csv", &file(&[BUY])).await;
    assert_eq!(lake.analyze().await.len(), 6);
    let early = "28/02/2026 10:00:00,BTC/USDT,buy,1,40000,0,USDT,USDT";
    lake.import(&one, "late.csv", &file(&[early])).await;
    let made = lake.analyze().await;
    assert!(made.len() == 3 && made.iter().all(|path| path.contains("account=one")), "{made:?}");
    // What was bought first is sold first; the mean is of all that was held.
    assert_eq!(
        lake.figure(Derived::FactPositions, "one", "gross_pnl", &[("method", "fifo")]).await,
        ["11000"]
    );
    let average = lake.figure(Derived::FactPositions, "one", "gross_pnl", &[("method", "average")]).await;
    assert_eq!(
        average
            .iter()
            .map(|gross| gross.parse::<Decimal>().unwrap().round_dp(6).to_string())
            .collect::<Vec<_>>(),
        ["4333.333333"]
    );
}

#[tokio::test]
async fn a_file_in_the_wrong_zone_is_imported_again_in_the_right_one() {
    let lake = Lake::new();
    let mut one = account("one");
    one.files.time_zone = Some("UTC".to_owned());
    let text = file(&[BUY, SELL]);
    lake.import(&one, "a.csv", &text).await;
    one.files.time_zone = Some("America/Caracas".to_owned());
    let later = now() + chrono::TimeDelta::minutes(1);
    lake.importer.import_file(&one, "a.csv", text.as_bytes(), later).await.unwrap();
    lake.normalize().await;
    lake.analyze().await;
    assert_eq!(lake.figure(Derived::FactTrades, "one", "quantity", &[]).await, ["2", "1"]);
}

#[tokio::test]
async fn fees_in_a_currency_are_valued_when_its_rate_comes() {
    let lake = Lake::new();
    let one = account("one");
    let rows = [
        "02/03/2026 10:00:00,BTC/EUR,buy,1,100,0,EUR,EUR",
        "02/03/2026 11:00:00,BTC/EUR,sell,1,110,2,USD,EUR",
    ];
    lake.import(&one, "a.csv", &file(&rows)).await;
    lake.analyze().await;
    let net = async || lake.figure(Derived::FactPositions, "one", "gross_pnl", &[("method", "fifo")]).await;
    assert_eq!(net().await, ["10"]);
    let unvalued = lake
        .figure(Derived::FactTradeStats, "one", "net_profit", &[("method", "fifo"), ("period", "all")])
        .await;
    assert!(unvalued.iter().all(|net| net == "0"), "{unvalued:?}");
    let rates = cauce_intake::Brought {
        source: "fx_rates",
        name: Some("rates.json"),
        fetched_at: now(),
        bytes: br#"{"base":"USD","date":"2026-03-02","rates":{"EUR":0.5}}"#,
    };
    lake.importer.intake.keep(&rates).await.unwrap();
    lake.normalize().await;
    assert_eq!(lake.analyze().await.len(), 3);
    let valued = lake
        .figure(Derived::FactTradeStats, "one", "net_profit", &[("method", "fifo"), ("period", "all")])
        .await;
    assert!(valued.iter().all(|net| net == "9"), "two dollars are one euro: {valued:?}");
}

#[tokio::test]
async fn what_has_no_layout_is_refused_with_its_header_and_nothing_is_kept() {
    let lake = Lake::new();
    let one = Account::bare("one".parse().unwrap());
    let refused = lake.importer.import_file(&one, "a.csv", b"Foo,Bar,Qty\n1,2,3\n", now()).await.unwrap_err();
    let ImportError::Unreadable { why, .. } = &refused else { panic!("{refused}") };
    assert!(why.contains("Foo, Bar, Qty") && refused.to_string().contains("nothing was kept"), "{refused}");
    lake.normalize().await;
    assert_eq!(lake.analyze().await, [""; 0]);
}
