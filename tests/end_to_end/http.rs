//! The API over HTTP, of a real `cauce up` against the simulated venue.

use std::time::Duration;

use cauce_model::TradeType;
use cauce_simulator::{Fault, FaultMode};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Process, cauce, configure, eventually, free_port, market, venue};

/// One run, and as many questions as a test has.
const HEAD: &str =
    "[schedule]\nscrape = \"1h\"\n[auth]\nrequests_per_minute = 1000000\nanonymous_per_minute = 1000000\n";

/// A process with its lake, and how to ask it.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) simulator: std::sync::Arc<cauce_simulator::Simulator>,
    _process: Process,
}

pub(crate) async fn up() -> Served {
    up_with("").await
}

/// The same, with more in its configuration.
pub(crate) async fn up_with(sections: &str) -> Served {
    let (address, simulator) = venue().await;
    let folder = tempfile::tempdir().unwrap();
    let markets: Vec<_> = TradeType::ALL.map(|side| market("USDT", "VES", side)).to_vec();
    configure(folder.path(), &format!("http://{address}"), &format!("{HEAD}{sections}"), &markets);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let process = Process::start(&mut cauce(folder.path(), &["up", "--listen", &listen]));
    let served = Served { folder, url: format!("http://{listen}"), simulator, _process: process };
    eventually("the first run's offers", Duration::from_secs(60), async || {
        let (_, body) = served.ask("/api/v1/market/latest").await?;
        (body["markets"].as_array().map_or(0, Vec::len) == 2).then_some(())
    })
    .await;
    eventually("the first run's end", Duration::from_secs(60), async || {
        let (_, body) = served.ask("/api/v1/runs").await?;
        (body["runs"][0]["status"] == "completed").then_some(())
    })
    .await;
    served
}

pub(crate) fn decimal(row: &Value, name: &str) -> Decimal {
    row[name].as_str().unwrap().parse().unwrap()
}

/// A payment method and an amount that one of the offers takes: the market's hour decides which there are.
pub(crate) fn takeable(offers: &[Value]) -> (String, Decimal) {
    let mut offers: Vec<&Value> = offers.iter().collect();
    offers.sort_by_key(|offer| decimal(offer, "min_limit"));
    let offer = offers[offers.len() / 2];
    (offer["payment_methods"][0].as_str().unwrap().to_owned(), decimal(offer, "min_limit"))
}

impl Served {
    pub(crate) async fn ask(&self, path: &str) -> Option<(u16, Value)> {
        let response = reqwest::get(format!("{}{path}", self.url)).await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(path).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn refused(&self, path: &str) -> Value {
        let (status, body) = self.ask(path).await.unwrap();
        assert_eq!(status, 400, "{path}: {body}");
        body
    }

    pub(crate) async fn post(&self, body: &Value) -> (u16, Value) {
        let client = reqwest::Client::new();
        let request = client.post(format!("{}/api/v1/binance/offers", self.url)).body(body.to_string());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_what_it_says() {
    let served = up().await;
    assert_eq!(served.get("/api/v1/health").await["status"], "ok");
    let markets = served.get("/api/v1/markets").await["markets"].clone();
    assert_eq!(markets.as_array().unwrap().len(), 2);

    let quality = served.get("/api/v1/quality?passed=true&metric=completeness").await;
    let checks = quality["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2, "both markets are complete: {quality}");
    assert_eq!((&checks[0]["metric_value"], &checks[0]["passed"]), (&json!(1.0), &json!(true)));
    assert!(checks[0]["details"]["announced"].as_u64().unwrap() > 0, "details are JSON: {quality}");
    let failing = served.get("/api/v1/quality").await;
    assert_eq!((&failing["checks"], &failing["silent_markets"]), (&json!([]), &json!([])));

    let latest =
        served.get("/api/v1/market/latest?asset=USDT&fiat=VES&trade_type=BUY").await["markets"][0].clone();
    let offers = latest["offers"].as_array().unwrap();
    assert_eq!(offers.len(), latest["total_offers_count"].as_u64().unwrap() as usize);
    assert!(
        offers.iter().all(|offer| offer["payment_methods"].as_array().is_some_and(|list| !list.is_empty()))
    );
    assert!(offers[0]["price"].is_string(), "decimals are strings");

    let runs = served.get("/api/v1/runs?limit=5").await["runs"].clone();
    let id = runs[0]["batch_id"].as_str().unwrap();
    let run = served.get(&format!("/api/v1/runs/{id}")).await;
    assert_eq!(run["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(run["errors"], json!([]));

    let summary = served.get("/admin/monitoring/summary").await;
    let names: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(names, ["last_successful_run", "error_count_last_24h", "offers_last_24h"]);
    let line = summary["offers_last_24h"][0].as_object().unwrap();
    let names: Vec<&String> = line.keys().collect();
    assert_eq!(names, ["asset", "fiat", "trade_type", "count", "available", "avg_price"]);
    assert_eq!(line["count"], latest["total_offers_count"], "BUY comes first");
    assert!(summary["last_successful_run"].as_str().unwrap().parse::<DateTime<Utc>>().is_ok());

    let history = served.get("/api/v1/prices/history?asset=USDT&fiat=VES&interval=1h").await;
    let buckets = history["buckets"].as_array().unwrap();
    // A day touches 25 hours of the clock, and 24 when it is asked for within the first minute of one.
    assert!([48, 50].contains(&buckets.len()), "hours begun, two sides: {}", buckets.len());
    assert_eq!(
        history["gaps"],
        buckets.len() - 2,
        "one run was made; the hours before it are marked, not hidden"
    );
    let filled = buckets.iter().find(|row| row["gap"] == false).unwrap();
    assert_eq!(filled["count"], latest["total_offers_count"]);
    let (method, amount) = takeable(offers);
    let filtered = served
        .get(&format!("/api/v1/prices/history?asset=USDT&fiat=VES&interval=1h&trade_type=BUY&payment_method={method}&amount={amount}"))
        .await;
    assert_eq!(filtered["answered_from"], "fact_offers");
    let fits = |offer: &&Value| {
        let takes = offer["payment_methods"].as_array().unwrap().contains(&method.clone().into());
        takes && decimal(offer, "min_limit") <= amount && decimal(offer, "max_limit") >= amount
    };
    let expected = offers.iter().filter(fits).count();
    let filled =
        filtered["buckets"].as_array().unwrap().iter().find(|row| row["gap"] == false).unwrap().clone();
    assert_eq!(filled["count"], expected);
    assert!(expected > 0, "the filter leaves something to compare");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_are_named_with_what_would_be_right() {
    let served = up().await;
    for (path, parameter) in [
        ("/api/v1/prices/history?fiat=VES", "asset"),
        ("/api/v1/prices/history?asset=USDT&fiat=VES&trade_type=HOLD", "trade_type"),
        ("/api/v1/prices/history?asset=USDT&fiat=VES&interval=ten", "interval"),
        ("/api/v1/prices/history?asset=USDT&fiat=VES&since=yesterday", "since"),
        ("/api/v1/prices/history?asset=USDT&fiat=VES&amount=1,5", "amount"),
        ("/api/v1/prices/history?asset=USDT&fiat=VES&min_completion_rate=95", "min_completion_rate"),
        ("/api/v1/prices/history?asset=USDT&fiat=VES&merchants_only=yes", "merchants_only"),
        ("/api/v1/market/latest?asset=usdt", "asset"),
        ("/api/v1/market/latest?colour=blue", "colour"),
        ("/api/v1/market/latest?fiat=VES&fiat=ARS", "fiat"),
        ("/api/v1/runs?limit=0", "limit"),
        ("/api/v1/runs/17", "id"),
    ] {
        let body = served.refused(path).await;
        assert_eq!(body["parameter"], parameter, "{path}: {body}");
        assert!(body["allowed"].as_str().is_some_and(|allowed| !allowed.is_empty()), "{path}: {body}");
    }
    let (status, body) = served.ask("/api/v1/nothing").await.unwrap();
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    let unknown = "/api/v1/runs/0195a0c0-0000-7000-8000-000000000000";
    assert_eq!(served.ask(unknown).await.unwrap().0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_answers_its_count_or_503_with_the_run() {
    let served = up().await;
    let asked = json!({ "asset": "BTC", "fiat": "EUR", "trade_type": "SELL", "rows": 20 });
    let (status, body) = served.post(&asked).await;
    assert_eq!((status, &body["status"]), (200, &json!("completed")), "{body}");
    let count = body["count"].as_u64().unwrap();
    assert!(count > 0);
    let id = body["run_id"].as_str().unwrap().to_owned();
    let run = eventually("the run in the lake", Duration::from_secs(30), async || {
        let (status, run) = served.ask(&format!("/api/v1/runs/{id}")).await?;
        (status == 200 && run["status"] == "completed" && run["snapshots"][0].is_object()).then_some(run)
    })
    .await;
    assert_eq!(run["snapshots"][0]["total_offers_count"], count);

    served.simulator.add_fault(Fault::always(FaultMode::GeoBlocked));
    let (status, body) = served.post(&asked).await;
    assert_eq!((status, &body["code"]), (503, &json!("venue_failed")), "{body}");
    let id = body["run_id"].as_str().unwrap().to_owned();
    let run = eventually("the failed run in the lake", Duration::from_secs(30), async || {
        let (status, run) = served.ask(&format!("/api/v1/runs/{id}")).await?;
        (status == 200 && run["errors"][0].is_object()).then_some(run)
    })
    .await;
    assert_eq!((&run["status"], &run["errors"][0]["error_type"]), (&json!("failed"), &json!("geo_blocked")));
    let (status, body) = served.post(&json!({ "asset": "BTC", "fiat": "EUR", "trade_type": "LEND" })).await;
    assert_eq!((status, &body["parameter"]), (400, &json!("trade_type")));
}
