//! What Prometheus and a collector of traces get of a real `cauce up`: each panel of each dashboard has data, each rule
//! can be asked, and a run is one trace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Attribute,
    trace::v1::Span,
};
use prost::Message;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    http::{Served, decimal, up, up_with},
    support::{Process, eventually, free_port},
};

fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/monitoring")
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: there is no {program} (the package prometheus)");
    }
    found
}

async fn figures(served: &Served) -> String {
    let answer = reqwest::get(format!("{}/api/v1/metrics", served.url)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap()
}

/// The value of a series, as it stands in the text.
fn value(text: &str, series: &str) -> Option<Decimal> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_lake() {
    let served = up().await;
    let latest = served.ask("/api/v1/market/latest?trade_type=SELL").await.unwrap().1["markets"][0].clone();
    let asked = "http_requests_total{route=\"/api/v1/market/latest\",method=\"GET\",status=\"200\"}";
    let before = value(&figures(&served).await, asked).unwrap();
    served.ask("/api/v1/market/latest").await.unwrap();
    let text = figures(&served).await;
    assert_eq!(value(&text, asked).unwrap() - before, Decimal::ONE, "one more request");

    let market = "{venue=\"binance_p2p\",asset=\"USDT\",fiat=\"VES\",trade_type=\"SELL\"}";
    let offers = latest["total_offers_count"].as_u64().map(Decimal::from);
    assert_eq!(value(&text, &format!("market_offers{market}")), offers);
    let price = decimal(&latest, "max_price").normalize();
    assert_eq!(
        value(&text, &format!("market_best_price{market}")),
        Some(price),
        "who sells takes the highest"
    );
    assert_eq!(value(&text, &format!("market_completeness_ratio{market}")), Some(Decimal::ONE));
    let arbitrage = served.ask("/api/v1/market/arbitrage?limit=1000").await.unwrap().1;
    let crossed = arbitrage["opportunities"].as_array().unwrap().iter().filter(|row| row["kind"] == "sides");
    let counted = value(&text, "active_arbitrage_opportunities{kind=\"sides\"}");
    assert_eq!(counted, Some(Decimal::from(crossed.count())));
    let received = value(&text, "price_updates_total").unwrap();
    assert_eq!(value(&text, "offers_written_total"), Some(received), "all that came is written");
    assert!(received >= offers.unwrap());
    for series in ["runs_total{status=\"completed\"}", "component_up{component=\"lake\"}"] {
        assert_eq!(value(&text, series), Some(Decimal::ONE), "{series}");
    }
    for series in ["breaker_state{venue=\"binance_p2p\"}", "queue_messages{state=\"dead\"}"] {
        assert_eq!(value(&text, series), Some(Decimal::ZERO), "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_data_and_every_rule_holds() {
    if !is_there("prometheus") {
        return;
    }
    let served = up().await;
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let target = served.url.strip_prefix("http://").unwrap();
    let config = fs::read_to_string(monitoring().join("prometheus.yml")).unwrap();
    let config = config.replace("127.0.0.1:8080", target).replace(": 15s", ": 3s");
    fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    fs::copy(monitoring().join("alerts.yml"), folder.path().join("alerts.yml")).unwrap();
    let _prometheus = Process::start(
        Command::new("prometheus")
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null()),
    );
    let panels = panels();
    assert!(panels.len() > 30, "{panels:?}");
    let mut lacking: BTreeSet<&String> = panels.iter().map(|(name, _)| name).collect();
    let client = reqwest::Client::new();
    eventually("data for every panel", Duration::from_secs(60), async || {
        // Something has to happen between two looks, for what is a rate.
        let (status, run) =
            served.post(&json!({ "asset": "USDT", "fiat": "VES", "trade_type": "BUY" })).await;
        assert_eq!(status, 200, "{run}");
        served.ask("/api/v1/market/latest").await;
        for (name, query) in &panels {
            if lacking.contains(name) && has_data(&client, port, query).await? {
                lacking.remove(name);
            }
        }
        println!("no data yet: {lacking:?}");
        lacking.is_empty().then_some(())
    })
    .await;
    let rules = get(&client, &format!("http://127.0.0.1:{port}/api/v1/rules")).await.unwrap();
    let rules = rules["data"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(rules.len() >= 13);
    for rule in rules {
        assert_eq!(rule["lastError"], Value::Null, "{rule}");
        assert_eq!(
            rule["state"], "inactive",
            "nothing is wrong with a lake that has just been filled: {rule}"
        );
    }
}

async fn get(client: &reqwest::Client, url: &str) -> Option<Value> {
    serde_json::from_slice(&client.get(url).send().await.ok()?.bytes().await.ok()?).ok()
}

/// A number that is one: no data, and a division by nothing, are neither.
async fn has_data(client: &reqwest::Client, port: u16, query: &str) -> Option<bool> {
    let url = format!("http://127.0.0.1:{port}/api/v1/query");
    let answer = client.get(url).query(&[("query", query)]).send().await.ok()?;
    let answer: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    let series = answer["data"]["result"].as_array()?;
    Some(series.iter().any(|series| series["value"][1].as_str().is_some_and(|value| value != "NaN")))
}

/// The queries of all dashboards, each with a name.
fn panels() -> Vec<(String, String)> {
    let mut panels = Vec::new();
    for file in fs::read_dir(monitoring().join("grafana/dashboards")).unwrap() {
        let file = file.unwrap().path();
        let board: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for panel in board["panels"].as_array().unwrap() {
            assert_eq!(panel["datasource"]["uid"], "cauce", "the one that is provisioned");
            for target in panel["targets"].as_array().unwrap() {
                let name = format!("{} · {} · {}", board["title"], panel["title"], target["refId"]);
                let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "1m");
                panels.push((name, query));
            }
        }
    }
    panels
}

#[test]
fn alerts_ring_when_they_should() {
    if !is_there("promtool") {
        return;
    }
    let mut tested = Command::new("promtool");
    let tested =
        tested.args(["test", "rules", "alerts_test.yml"]).current_dir(monitoring()).output().unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
}

type Spans = Arc<Mutex<Vec<Span>>>;

/// A collector, as far as it takes traces.
async fn collector() -> (String, Spans) {
    let spans = Spans::default();
    let take = async |State(spans): State<Spans>, body: Bytes| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        for resource in request.resource_spans {
            let found = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.lock().unwrap().extend(found);
        }
    };
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://{address}"), spans)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_one_trace_from_its_schedule_to_its_rows() {
    let (address, spans) = collector().await;
    let served = up_with(&format!("[telemetry]\notlp = \"{address}\"\n")).await;
    let runs = served.ask("/api/v1/runs").await.unwrap().1;
    let run = runs["runs"][0].clone();
    let trace = run["batch_id"].as_str().unwrap().replace('-', "");
    assert_eq!(run["trace_id"], trace.as_str(), "the row says its trace");
    let asked = reqwest::Client::new()
        .get(format!("{}/api/v1/markets", served.url))
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let of = |trace: &str| -> BTreeMap<String, u32> {
        let mut names = BTreeMap::new();
        for span in spans.lock().unwrap().iter().filter(|span| hex(&span.trace_id) == trace) {
            *names.entry(span.name.clone()).or_default() += 1;
        }
        names
    };
    eventually("the spans", Duration::from_secs(30), async || {
        let (run, asked) = (of(&trace), of("0af7651916cd43dd8448eb211c80319c"));
        (run.get("run") == Some(&1)
            && run.get("market") == Some(&2)
            && run.get("normalize").is_some_and(|count| *count >= 1)
            && asked.get("GET /api/v1/markets") == Some(&1))
        .then_some(())
    })
    .await;
    let spans = spans.lock().unwrap();
    let request =
        spans.iter().find(|span| span.name == "GET /api/v1/markets" && !span.parent_span_id.is_empty());
    let status = request.unwrap().attributes.iter().find(|pair| pair.key == "http.response.status_code");
    let status = status.unwrap().value.clone().unwrap().value;
    assert_eq!(status, Some(Attribute::IntValue(200)));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
