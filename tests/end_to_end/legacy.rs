//! The export of the system before: CSV and Parquet become the same rows, under the days of their scraping, once.

use std::{fs, path::Path, sync::Arc};

use arrow::array::{
    ArrayRef, Decimal128Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use chrono::{DateTime, Utc};
use parquet::arrow::ArrowWriter;

use crate::support::{cauce, run, sql};

const OFFERS: &str = "\
batch_id,extraction_timestamp,venue,crypto,fiat,trade_type,offer_external_id,advertiser_id,nickname,price,available_amount,min_limit,max_limit,payment_methods,offers_announced
17,2024-05-01 10:00:03.5+00,binance_p2p,USDT,VES,BUY,a1,u1,\"Casa, Centro\",36.55,1200.5,100,44000,\"{Banesco,PagoMovil}\",2
17,2024-05-01 10:00:03.5+00,binance_p2p,USDT,VES,BUY,a2,u2,,36.60,80,50,2900,{Mercantil},2
17,2024-05-01 10:00:04+00,binance_p2p,USDT,VES,SELL,a3,u3,,36.40,500,10,18000,{},
17,2024-05-01 10:00:04+00,binance_p2p,USDT,VES,SELL,a4,u3,,-1,500,10,18000,{},
18,2024-05-01 23:59:59+00,binance_p2p,USDT,VES,BUY,a1,u1,\"Casa, Centro\",36.57,1100,100,40000,{Banesco},1
18,2024-05-02 00:00:01+00,binance_p2p,USDT,ARS,BUY,b1,u9,,1050,10,1000,10500,{MercadoPago},1
";
const RUNS: &str = "\
batch_id,batch_start_time,batch_end_time,status,total_markets,total_offers_extracted,total_errors,error_summary
17,2024-05-01 10:00:00+00,2024-05-01 10:00:09.5+00,completed,2,4,1,one page was lost
18,2024-05-01 23:59:55+00,2024-05-02 00:00:05+00,SUCCESS,2,2,0,
";

fn import(folder: &Path, files: &[&str]) -> String {
    let arguments: Vec<&str> =
        ["ingest", "--source", "legacy_warehouse"].iter().chain(files).copied().collect();
    let output = run(folder, &arguments);
    run(folder, &["normalize"]);
    String::from_utf8(output.stdout).unwrap()
}

fn facts(folder: &Path) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let query = "SELECT date, extraction_timestamp, fiat, trade_type, offer_external_id, nickname, price,
                        available_amount, payment_methods, batch_id FROM fact_offers
                 ORDER BY extraction_timestamp, offer_external_id";
    sql(folder, query)
}

#[test]
fn an_export_is_imported_once_and_can_be_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("offers.csv"), OFFERS).unwrap();
    fs::write(folder.path().join("runs.csv"), RUNS).unwrap();
    let said = import(folder.path(), &["offers.csv", "runs.csv"]);
    assert!(said.contains("6 rows in 3 raw objects, 3 of them new"), "{said}");
    let rows = facts(folder.path());
    assert_eq!(rows.len(), 5, "one of six has a price that is none");
    assert_eq!(rows[0]["nickname"], "Casa, Centro");
    assert_eq!(rows[0]["price"], "36.55000000");
    assert_eq!(rows[0]["payment_methods"], serde_json::json!(["Banesco", "PagoMovil"]));
    assert_eq!(rows[4]["date"], "2024-05-02", "a snapshot after midnight is of the next day");
    let rejects = sql(folder.path(), "SELECT rule, record FROM quarantine");
    assert_eq!((rejects.len(), rejects[0]["rule"].as_str()), (1, Some("price_not_positive")));
    assert!(rejects[0]["record"].as_str().unwrap().starts_with("17,2024-05-01 10:00:04+00"), "{rejects:?}");

    let complete = "SELECT trade_type, is_complete FROM fact_market_depth WHERE date = DATE '2024-05-01'
                    AND extraction_timestamp < TIMESTAMP '2024-05-01T12:00:00Z' ORDER BY trade_type";
    let complete = sql(folder.path(), complete);
    assert_eq!((&complete[0]["is_complete"], &complete[1]["is_complete"]), (&true.into(), &false.into()));
    let runs = sql(
        folder.path(),
        "SELECT r.job, r.status, r.total_offers_extracted, r.error_summary, count(DISTINCT d.snapshot_id) AS snapshots
         FROM ops_batch_runs r JOIN fact_market_depth d ON d.batch_id = r.batch_id
         GROUP BY ALL ORDER BY total_offers_extracted DESC",
    );
    assert_eq!(runs.len(), 2, "offers and runs have the same ids");
    assert_eq!(
        (runs[0]["job"].as_str(), runs[0]["status"].as_str()),
        (Some("legacy_p2p_scrape"), Some("completed"))
    );
    assert_eq!(runs[0]["error_summary"], r#"{"text":"one page was lost"}"#);
    let apart = sql(
        folder.path(),
        "SELECT count(*) AS n FROM fact_offers WHERE raw_id NOT LIKE 'legacy_warehouse/%'",
    );
    assert_eq!(apart[0]["n"], 0);

    // The same files again change nothing, and the bytes of a row are found.
    let again = import(folder.path(), &["offers.csv", "runs.csv"]);
    assert!(again.contains("6 rows in 3 raw objects, 0 of them new"), "{again}");
    assert_eq!(facts(folder.path()), rows);
    // A batch in two files would lose one of them.
    fs::write(folder.path().join("more.csv"), OFFERS.replace("a2,u2", "a9,u9")).unwrap();
    let refused =
        cauce(folder.path(), &["ingest", "--source", "legacy_warehouse", "more.csv"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("other lines of the same batch"), "{said}");
    let lineage = run(folder.path(), &["lineage", "fact_offers", "offer_external_id = 'a2'"]);
    let lineage = String::from_utf8(lineage.stdout).unwrap();
    assert!(lineage.contains("a2,u2,,36.60,80,50,2900,{Mercantil}"), "{lineage}");
}

#[test]
fn parquet_gives_the_rows_of_csv() {
    let (of_csv, of_parquet) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(of_csv.path().join("offers.csv"), OFFERS).unwrap();
    import(of_csv.path(), &["offers.csv"]);
    parquet(&of_parquet.path().join("offers.parquet"));
    import(of_parquet.path(), &["offers.parquet"]);
    assert_eq!(facts(of_csv.path()), facts(of_parquet.path()));
}

/// The same offers with the types that a database exports.
fn parquet(path: &Path) {
    let mut reader = csv::Reader::from_reader(OFFERS.as_bytes());
    let head = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |index: usize, name: &str| -> ArrayRef {
        let texts = rows.iter().map(|row| Some(&row[index]).filter(|text| !text.is_empty()));
        match name {
            "extraction_timestamp" => {
                let micros = rows.iter().map(|row| {
                    let text = row[index].replace(' ', "T").replace("+00", "Z");
                    text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
                });
                Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
            }
            "price" => {
                let cents =
                    rows.iter().map(|row| (row[index].parse::<f64>().unwrap() * 100.0).round() as i128);
                Arc::new(Decimal128Array::from_iter_values(cents).with_precision_and_scale(20, 2).unwrap())
            }
            "payment_methods" => {
                let mut lists = ListBuilder::new(StringBuilder::new());
                for text in rows.iter().map(|row| row[index].trim_matches(['{', '}']).to_owned()) {
                    lists.append_value(
                        text.split(',').filter(|item| !item.is_empty()).map(|item| Some(item.to_owned())),
                    );
                }
                Arc::new(lists.finish())
            }
            _ => Arc::new(texts.collect::<StringArray>()),
        }
    };
    let columns = head.iter().enumerate().map(|(index, name)| (name.to_owned(), column(index, name), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_file_that_is_not_right_is_refused_whole_with_the_row() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = OFFERS.lines().collect();
    let scattered = [lines[0], lines[1], lines[5], lines[2]].join("\n");
    let timeless = OFFERS.replace("2024-05-01 23:59:59+00", "yesterday");
    let headless = OFFERS.replace("extraction_timestamp", "scraped");
    for (name, text, words) in [
        ("scattered.csv", scattered.as_str(), "row 3: batch 17 was there before"),
        ("timeless.csv", &timeless, "row 5: extraction_timestamp: 'yesterday'"),
        ("headless.csv", &headless, "no column extraction_timestamp"),
        ("missing.csv", "", "missing.csv"),
    ] {
        if name != "missing.csv" {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let output =
            cauce(folder.path(), &["ingest", "--source", "legacy_warehouse", name]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + String::from_utf8_lossy(&output.stderr).as_ref();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
    }
    assert!(!folder.path().join("lake/raw").exists(), "nothing of them is in the lake");
}
