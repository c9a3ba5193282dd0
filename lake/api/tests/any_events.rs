//! Whatever is brought to the intake of payment events, for a bounded time: no panic, no 5xx, and nothing that was taken is
//! lost. `CAUCE_FUZZ_SECONDS` says how long; documents that providers send are cut, doubled, mixed and broken.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it can't do"
)]

mod paying;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use paying::served_with;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::Value;

/// Documents as providers send them, in every form.
const SEEDS: [&str; 12] = [
    r#"{"object":"event","id":"evt_1","created":1772359200,"type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent","id":"pi_1","status":"succeeded","amount":1000,"currency":"usd"}}}"#,
    r#"{"live":"true","notificationItems":[{"NotificationRequestItem":{"eventCode":"AUTHORISATION","success":"true","pspReference":"P1","amount":{"value":1000,"currency":"EUR"},"eventDate":"2026-03-01T10:00:00+01:00"}}]}"#,
    r#"{"id":77,"status":"rejected","status_detail":"cc_rejected_high_risk","transaction_amount":10.5,"currency_id":"ARS","payment_type_id":"credit_card"}"#,
    r#"{"event_type":"PAYMENT.CAPTURE.REFUNDED","id":"WH-1","resource":{"id":"R1","status":"COMPLETED","amount":{"value":"10.00","currency_code":"USD"},"links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/C1"}]}}"#,
    "<paymentService merchantCode='M'><notify><orderStatusEvent orderCode='o'><payment><amount value='7' currencyCode='EUR' exponent='2'/><lastEvent>CAPTURED</lastEvent></payment></orderStatusEvent></notify></paymentService>",
    "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"cc\"><!ENTITY d \"&b;&b;&b;&b;\">]><a>&d;</a>",
    "state_pol=6&response_message_pol=ANTIFRAUD_REJECTED&reference_sale=R&value=10.00&currency=COP&transaction_id=T",
    "id,status,amount,currency\n1,APPROVED,10.00,COP\n2,\"DECLINED, again\",20.00,COP\n",
    "id;estado;monto\n1;PAGADO;1.234,50\n",
    r#"{"provider":"worldpay","raw_event":"<paymentService><notify><orderStatusEvent orderCode='x'><payment><lastEvent>REFUSED</lastEvent></payment></orderStatusEvent></notify></paymentService>"}"#,
    r#"{"raw_event":"id,status\n1,paid\n"}"#,
    "bt_signature=a%7Cb&bt_payload=PG5vdGlmaWNhdGlvbj48a2luZD5kaXNwdXRlX29wZW5lZDwva2luZD48L25vdGlmaWNhdGlvbj4%3D",
];

const TYPES: [&str; 8] = [
    "application/json",
    "application/xml; charset=iso-8859-1",
    "text/csv; charset=utf-16",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "what; is=\"this",
];

fn broken(random: &mut StdRng) -> Vec<u8> {
    let seed = |random: &mut StdRng| SEEDS.choose(random).unwrap().as_bytes().to_vec();
    let mut body = seed(random);
    for _ in 0..random.random_range(0..5) {
        let at = random.random_range(0..=body.len());
        match random.random_range(0..9) {
            0 => body.truncate(at),
            1 => drop(body.drain(..at)),
            2 => body.insert(at, random.random()),
            3 => body.splice(at..at, seed(random)).for_each(drop),
            4 => body.extend_from_within(at..),
            5 => body.splice(at..at, "[".repeat(random.random_range(1..2_000)).into_bytes()).for_each(drop),
            6 => body
                .splice(
                    at..at,
                    ["\u{0}", "é", "\u{feff}", "\u{202e}", "1e999", "-0", "\"", "<", "&", "\r\n"]
                        .choose(random)
                        .unwrap()
                        .bytes(),
                )
                .for_each(drop),
            7 => body.iter_mut().skip(at).step_by(7).for_each(|byte| *byte ^= 0x20),
            _ => body = (0..random.random_range(1..400)).map(|_| random.random()).collect(),
        }
    }
    if random.random_range(0..8) == 0 {
        let text = String::from_utf8_lossy(&body).into_owned();
        body = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_brought_is_taken_or_refused_and_what_is_taken_is_there() {
    let seconds: u64 =
        std::env::var("CAUCE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    // As often as it can.
    let served = served_with("[auth]\nrequests_per_minute = 1000000\n", None).await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut asked, mut ids) = (0, BTreeSet::new());
    while Instant::now() < end {
        asked += 1;
        let body = broken(&mut random);
        let path = match random.random_range(0..4) {
            0 => "/api/v1/webhooks/mollie",
            1 => "/api/v1/webhooks/worldpay",
            _ => "/api/v1/events",
        };
        let mut request = Request::post(path).header("x-api-key", &served.key);
        if random.random_bool(0.7) {
            request = request.header("content-type", *TYPES.choose(&mut random).unwrap());
        }
        if random.random_range(0..20) == 0 {
            request = request.header("content-encoding", "gzip");
        }
        let (status, answer) = served.ask(request.body(Body::from(body.clone())).unwrap()).await;
        let shown = || format!("seed {seed}: {path} {:?}: {status} {answer}", String::from_utf8_lossy(&body));
        match status {
            StatusCode::CREATED | StatusCode::ACCEPTED => {
                let id = answer["id"].as_str().map(str::to_owned);
                ids.insert(id.unwrap_or_else(|| panic!("{}", shown())));
            }
            // The same as before, of which the first is there.
            StatusCode::OK => assert!(answer["duplicate"] == true, "{}", shown()),
            StatusCode::UNPROCESSABLE_ENTITY => {
                assert!(body.iter().all(u8::is_ascii_whitespace), "{}", shown())
            }
            _ => panic!("{}", shown()),
        }
    }
    let rows = served.rows("SELECT event_id FROM fact_payment_events").await;
    let found: BTreeSet<&str> = rows.iter().filter_map(|row| row["event_id"].as_str()).collect();
    let lost: Vec<&String> = ids.iter().filter(|id| !found.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?} of {}", ids.len());
    let letters = served.world.queue.dead_letters().await.unwrap();
    assert!(letters.is_empty(), "seed {seed}: {letters:?}");
    let quarantined: Vec<Value> = served.rows("SELECT rule FROM quarantine").await;
    println!("{asked} brought, {} kept, {} rows, {} in quarantine", ids.len(), rows.len(), quarantined.len());
    assert!(asked > 100, "{asked}");
}
