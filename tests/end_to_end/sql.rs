//! SQL over HTTP: of a real `cauce up`, with who may ask, in every form, and what becomes of a question whose asker goes.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    http::{Served, up},
    support::{eventually, run},
};

async fn ask(served: &Served, key: &str, question: &str, format: &str) -> Response {
    let request = Client::new().post(format!("{}/api/v1/sql?format={format}", served.url));
    request.header("x-api-key", key).body(json!({ "sql": question }).to_string()).send().await.unwrap()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// Hours of work in one line, and next to no memory: of each join the side that is kept is one table.
const ENDLESS: &str = "SELECT count(*) FROM fact_offers a CROSS JOIN (fact_offers b CROSS JOIN (fact_offers c CROSS JOIN \
                       (fact_offers d CROSS JOIN (fact_offers e CROSS JOIN fact_offers f)))) \
                       WHERE a.price + b.price + c.price + d.price + e.price + f.price = 0.5";

#[tokio::test(flavor = "multi_thread")]
async fn analysts_ask_in_sql() {
    let served = up().await;
    let folder = served.folder.path();
    let key = |scope: &str| {
        let added = run(folder, &["key", "add", "--name", scope, "--scope", scope]);
        String::from_utf8_lossy(&added.stdout).lines().last().unwrap().to_owned()
    };
    let (_, analyst, reader) = (key("admin"), key("analyst"), key("reader"));
    let question =
        "SELECT trade_type, count(*) AS offers, max(price) AS dearest FROM fact_offers GROUP BY 1 ORDER BY 1";
    let answer = json_of(ask(&served, &analyst, question, "json").await).await;
    assert_eq!(answer["columns"][1], json!({ "name": "offers", "type": "Int64" }));
    assert_eq!(answer["rows"].as_array().unwrap().len(), 2, "{answer}");
    let cli = crate::support::sql(folder, question);
    assert_eq!(answer["rows"], json!(cli), "the same as by the command line");
    let csv = ask(&served, &analyst, question, "csv").await.text().await.unwrap();
    assert!(csv.starts_with("trade_type,offers,dearest\n") && csv.lines().count() == 3, "{csv}");
    let lines = ask(&served, &analyst, question, "ndjson").await.text().await.unwrap();
    assert_eq!(lines.lines().count(), 2);
    let parquet = ask(&served, &analyst, "SELECT * FROM fact_offers", "parquet").await.bytes().await.unwrap();
    let reader_of = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    let rows: usize = reader_of.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    let counted =
        crate::support::sql(folder, "SELECT count(*) AS n FROM fact_offers")[0]["n"].as_u64().unwrap();
    assert_eq!(rows as u64, counted);
    let arrow = ask(&served, &analyst, "SELECT * FROM fact_offers", "arrow").await.bytes().await.unwrap();
    let stream = arrow::ipc::reader::StreamReader::try_new(arrow.as_ref(), None).unwrap();
    assert_eq!(stream.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), rows);

    for (who, question, status, code) in [
        (&analyst, "DROP TABLE fact_offers", StatusCode::BAD_REQUEST, "bad_parameter"),
        (&analyst, "SELECT nothing FROM fact_offers", StatusCode::BAD_REQUEST, "bad_parameter"),
        (&reader, "SELECT 1", StatusCode::FORBIDDEN, "forbidden"),
    ] {
        let refused = ask(&served, who, question, "json").await;
        assert_eq!(refused.status(), status);
        assert_eq!(json_of(refused).await["code"], code);
    }
    // As many as may ask at once do, and go without waiting: their turns come back.
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (url, key) = (format!("{}/api/v1/sql", served.url), analyst.clone());
            let request =
                Client::new().post(url).header("x-api-key", key).body(json!({ "sql": ENDLESS }).to_string());
            tokio::spawn(request.send())
        })
        .collect();
    eventually("all turns taken", Duration::from_secs(60), async || {
        let refused = ask(&served, &analyst, "SELECT 1", "json").await;
        (refused.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    asking.iter().for_each(tokio::task::JoinHandle::abort);
    eventually("a turn that was given back", Duration::from_secs(60), async || {
        let answered = ask(&served, &analyst, "SELECT 1", "json").await;
        answered.status().is_success().then_some(())
    })
    .await;
}
