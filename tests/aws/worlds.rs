//! One suite, two worlds: what the functions answer is what one binary answers over the same venue.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    stack::Stack,
    support::{Process, cauce, eventually, free_port, run},
};

const HISTORY: &str = "/api/v1/prices/history?asset=USDT&fiat=VES&interval=1d";
const SUMMARY: &str = "/admin/monitoring/summary";

/// What both worlds are asked, without the times at which they did it.
async fn numbers(get: impl AsyncFn(&str) -> (u16, Value)) -> Value {
    let mut answers = Vec::new();
    for path in [
        HISTORY,
        "/api/v1/prices/history?asset=USDT&fiat=VES&interval=1d&payment_method=Banesco&amount=9000",
        SUMMARY,
        "/api/v1/market/latest",
    ] {
        let (status, mut body) = get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        without_times(&mut body);
        answers.push(json!({ "path": path, "body": body }));
    }
    Value::Array(answers)
}

/// Takes out what says when and by which run; all else has to be the same.
fn without_times(value: &mut Value) {
    // Where a page stands in its raw object depends on which market ended first.
    const OF_THE_RUN: [&str; 15] = [
        "at",
        "last_successful_run",
        "since",
        "until",
        "as_of",
        "newest_at",
        "snapshot_id",
        "batch_id",
        "raw_id",
        "raw_pos",
        "extraction_timestamp",
        "received_at",
        "bucket",
        "age_seconds",
        "taken_at",
    ];
    match value {
        Value::Object(object) => {
            for name in OF_THE_RUN {
                object.remove(name);
            }
            object.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

/// Where two answers differ.
fn differences(place: &str, here: &Value, there: &Value) -> Vec<String> {
    match (here, there) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => left
            .iter()
            .flat_map(|(name, value)| differences(&format!("{place}.{name}"), value, &right[name]))
            .collect(),
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs
                .flat_map(|(index, (left, right))| differences(&format!("{place}[{index}]"), left, right))
                .collect()
        }
        _ if here == there => Vec::new(),
        _ => vec![format!("{place}: {here} and {there}")],
    }
}

pub(crate) async fn a_schedule_fires_and_the_numbers_are_those_of_the_embedded_mode(stack: &Stack) {
    eventually("the scheduled run", Duration::from_secs(120), async || {
        let (_, body) = stack.get("/api/v1/runs").await;
        (body["runs"][0]["status"] == "completed").then_some(())
    })
    .await;
    stack.drained().await;
    let (status, health) = stack.get("/api/v1/health/lake").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")), "{health}");
    for part in ["store", "ledger", "queue", "venues/binance_p2p"] {
        let (status, health) = stack.get(&format!("/api/v1/health/{part}")).await;
        assert_eq!((status, &health["status"]), (200, &json!("ok")), "{part}: {health}");
    }

    let embedded = stack.folder.path();
    run(embedded, &["scrape"]);
    run(embedded, &["normalize"]);
    let listen = format!("127.0.0.1:{}", free_port());
    let _served = Process::start(&mut cauce(embedded, &["serve", "--listen", &listen]));
    let ask = async |path: &str| {
        let response = reqwest::get(format!("http://{listen}{path}")).await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
    };
    eventually("the embedded API", Duration::from_secs(60), async || ask("/api/v1/health").await).await;
    let here = numbers(async |path| ask(path).await.unwrap()).await;
    let there = numbers(async |path| stack.get(path).await).await;
    let buckets = here[0]["body"]["buckets"].as_array().unwrap();
    let offers: i64 = buckets.iter().filter_map(|bucket| bucket["count"].as_i64()).sum();
    assert!(offers > 100, "{here}");
    let differing = differences("", &here, &there);
    assert!(differing.is_empty(), "embedded and AWS differ:\n{}", differing.join("\n"));
    // From the schedule to the rows: the run says in which trace it was made.
    let traced = "SELECT count(*) AS n FROM fact_offers o JOIN ops_batch_runs r ON r.batch_id = o.batch_id
                  WHERE r.trace_id LIKE '1-%'";
    assert!(stack.count(traced) > 10, "{:?}", stack.sql("SELECT trace_id FROM ops_batch_runs"));
}

/// More than a gateway lets through is fetched from the bucket.
pub(crate) async fn a_large_answer_is_a_link(stack: &Stack) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let sql = "SELECT a.*, b.nickname AS other FROM fact_offers a CROSS JOIN fact_offers b LIMIT 10000";
    let asked = client.post(format!("{}/api/v1/sql?format=ndjson", stack.api));
    let asked = asked.header("content-type", "text/plain").body(sql).send().await.unwrap();
    assert_eq!(asked.status(), 303, "{asked:?}");
    let link = asked.headers()["location"].to_str().unwrap().to_owned();
    assert!(link.contains("results/"), "{link}");
    // Who has the link needs no key, and nothing else can be had with it.
    let fetched = client.get(&link).send().await.unwrap();
    assert_eq!(fetched.status(), 200);
    let body = fetched.text().await.unwrap();
    assert!(body.len() > 4 << 20, "{}", body.len());
    let rows: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 10_000);
    assert!(rows.iter().all(|row| row["raw_id"].is_string() && row.get("other").is_some()));
}

pub(crate) async fn maintenance_keeps_the_answers(stack: &Stack) {
    let before = stack.get(HISTORY).await.1;
    for tasks in [json!(["sweep", "sweep_all"]), json!(["merge", "derive"]), json!(["seal", "collect"])] {
        let done = stack.invoke("MaintainFunctionName", &json!({ "tasks": tasks })).await;
        assert_eq!(done.as_object().unwrap().len(), tasks.as_array().unwrap().len(), "{done}");
    }
    let mut after = stack.get(HISTORY).await.1;
    let mut before = before;
    for answer in [&mut before, &mut after] {
        // The window ends now.
        answer.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "since" | "until"));
    }
    assert_eq!(before["buckets"], after["buckets"]);
    assert!(stack.count("SELECT count(*) AS n FROM dim_advertisers") > 0, "derived");
}
