//! Who may push, how much, and what becomes of it.

use std::time::Duration;

use cauce_intake::Intake;
use futures::TryStreamExt;
use object_store::path::Path;
use reqwest::Client;
use serde_json::{Value, json};

use crate::{stack::Stack, support::eventually};

const LIMIT: usize = 4 << 20;

async fn send(stack: &Stack, path: &str, key: Option<&str>, body: Vec<u8>) -> (u16, Value) {
    let mut request = Client::new().post(format!("{}/api/v1/ingest/{path}", stack.api)).body(body);
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

pub(crate) fn key(stack: &Stack, scope: &str) -> (String, String) {
    let said = String::from_utf8(stack.cauce(&["key", "add", "--name", "a worker", "--scope", scope]).stdout)
        .unwrap();
    let key = said.lines().last().unwrap().to_owned();
    (key.split('_').nth(1).unwrap().to_owned(), key)
}

pub(crate) async fn who_may_push_and_what_becomes_of_it(stack: &Stack) {
    let (id, good) = key(stack, "ingest");
    let wrong = format!("{}{}", &good[..good.len() - 1], if good.ends_with('0') { '1' } else { '0' });
    let (_, other) = key(stack, "ingest:okx_p2p");
    let page = b"\xff\xfe not a page".to_vec();
    for (key, status) in
        [(None, 401), (Some(wrong.as_str()), 401), (Some(other.as_str()), 403), (Some(good.as_str()), 202)]
    {
        let (answered, body) = send(stack, "binance_p2p", key, page.clone()).await;
        assert_eq!(answered, status, "{body}");
    }
    let (status, body) = send(stack, "Binance", Some(&good), page.clone()).await;
    assert_eq!((status, &body["code"]), (422, &json!("unprocessable")), "{body}");

    let large: Vec<u8> = (0..LIMIT).map(|place| (place % 251) as u8).collect();
    let (status, body) = send(stack, "somebody", Some(&good), large.clone()).await;
    assert_eq!((status, &body["bytes"]), (202, &json!(LIMIT)), "{body}");
    let raw = stack.raw().read(&body["raw_id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let envelope = cauce_raw::Envelope::read_line(raw.strip_suffix(b"\n").unwrap()).unwrap();
    assert!(envelope.body.bytes() == large, "byte for byte");
    let mut larger = large;
    larger.push(0);
    let (status, body) = send(stack, "somebody", Some(&good), larger.clone()).await;
    assert_eq!((status, &body["code"]), (413, &json!("too_large")), "{body}");

    let (status, link) = send(stack, "somebody/upload", Some(&good), Vec::new()).await;
    assert_eq!(status, 201, "{link}");
    let put = Client::new().put(link["url"].as_str().unwrap()).body(larger.clone()).send().await.unwrap();
    assert_eq!(put.status().as_u16(), 200);
    let store = stack.store();
    eventually("an empty inbox", Duration::from_secs(60), async || {
        let waiting: Vec<_> = store.list(Some(&Path::from(Intake::INBOX))).try_collect().await.ok()?;
        waiting.is_empty().then_some(())
    })
    .await;
    stack.drained().await;
    let kept =
        stack.sql("SELECT source, rule, octet_length(record) AS size FROM quarantine ORDER BY source, size");
    let found: Vec<_> =
        kept.iter().map(|row| (row["source"].as_str().unwrap(), row["rule"].as_str().unwrap())).collect();
    assert_eq!(
        found,
        [("binance_p2p", "invalid_json"), ("somebody", "unknown_source"), ("somebody", "unknown_source")],
        "{kept:?}"
    );

    stack.cauce(&["key", "revoke", &id]);
    let (status, body) = send(stack, "binance_p2p", Some(&good), page).await;
    assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{body}");
}

/// The function that takes it answers what it says; the one that queries finds it by its id; and it is a row.
pub(crate) async fn a_run_by_hand_says_its_count(stack: &Stack) {
    let asked = json!({ "asset": "USDT", "fiat": "VES", "trade_type": "BUY" }).to_string();
    let asked = Client::new().post(format!("{}/api/v1/binance/offers", stack.api)).body(asked);
    let response = asked.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(body["status"], json!("completed"), "{body}");
    let run = format!(
        "SELECT total_offers_extracted FROM ops_batch_runs WHERE batch_id = '{}'",
        body["run_id"].as_str().unwrap()
    );
    let count = body["count"].as_i64().unwrap();
    assert!(count > 0, "{body}");
    let there = eventually("the run's row", Duration::from_secs(60), async || {
        stack.sql(&run).first().map(|run| run["total_offers_extracted"].as_i64().unwrap())
    });
    assert_eq!(there.await, count);
}

pub(crate) async fn a_payment_event_is_understood_at_once_and_is_a_row(stack: &Stack) {
    let (_, key) = key(stack, "ingest");
    let body = r#"{"object":"event","id":"evt_1","created":1772359200,"type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent","id":"pi_1","status":"succeeded","amount":1000,"currency":"usd"}}}"#;
    let post = async |path: &str| {
        let request = Client::new().post(format!("{}/api/v1/{path}", stack.api)).header("x-api-key", &key);
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
        (status, answer)
    };
    let (status, first) = post("events").await;
    assert_eq!((status, &first["status"]), (201, &json!("APPROVED")), "{first}");
    let (status, again) = post("events").await;
    assert_eq!((status, &again["id"]), (200, &first["id"]), "{again}");
    let (status, hooked) = post("webhooks/stripe").await;
    assert_eq!(status, 200, "the same event by another way: {hooked}");
    let (status, event) = stack.get(&format!("/api/v1/events/{}", first["id"].as_str().unwrap())).await;
    assert_eq!(
        (status, &event["amount_minor"], &event["currency"]),
        (200, &json!(1_000), &json!("USD")),
        "{event}"
    );
    stack.drained().await;
    let rows = "SELECT count(*) AS n FROM fact_payment_events WHERE identity = 'stripe:evt_1'";
    assert_eq!(stack.count(rows), 2, "what came by two ways is two rows of one event");
}
