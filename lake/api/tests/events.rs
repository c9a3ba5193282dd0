//! Payment events: brought in every form, understood, found again by their ids, and refused where they are not what they
//! say they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

mod paying;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use cauce_access::{ApiKeys, KeyTerms, Role, Scope};
use cauce_intake::Brought;
use cauce_model::EventId;
use cauce_query::Lake;
use cauce_sources::{HttpAnswer, HttpRequest, Transport, TransportFailure};
use chrono::Utc;
use paying::{serve, served_with};
use ring::hmac;
use serde_json::{Value, json};

const FRESH: &str = r#"{"object":"event","id":"evt_1","created":1772359200,"type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent","id":"pi_1","status":"succeeded","amount":1000,"amount_received":1000,"currency":"usd"}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_any_form_is_understood_at_once_and_found_by_its_id() {
    let served = serve().await;
    let wrapped = json!({ "provider": "PayU", "raw_event": "state_pol=6&response_message_pol=ANTIFRAUD_REJECTED&reference_sale=ana%40example.com&value=10.00&currency=COP" });
    let inner = json!({ "raw_event": { "object": "payment_intent", "id": "pi_2", "status": "requires_capture", "created": 1, "amount": 5, "currency": "usd" } });
    let xml = "<paymentService merchantCode='M'><notify><orderStatusEvent orderCode='o'><payment><amount value='7' currencyCode='EUR' exponent='2'/><lastEvent>CAPTURED</lastEvent></payment></orderStatusEvent></notify></paymentService>";
    for (body, provider, status) in [
        (FRESH.to_owned(), "stripe", "APPROVED"),
        (wrapped.to_string(), "payu", "DECLINED"),
        (inner.to_string(), "stripe", "AUTHORIZED"),
        (xml.to_owned(), "worldpay", "APPROVED"),
        (r#"{"what": "is this"}"#.to_owned(), "unknown", "UNPROCESSED"),
        ("xyzzy plugh".to_owned(), "unknown", "UNPROCESSED"),
    ] {
        let answer = served.event(&body).await;
        assert_eq!((&answer["provider"], &answer["status"]), (&json!(provider), &json!(status)), "{body}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()));
        let (code, event) = served.found(&answer["id"]).await;
        assert_eq!((code, &event["status_category"]), (StatusCode::OK, &json!(status)), "{event}");
        let shown = event.to_string();
        assert!(
            !shown.contains("ana@example.com") && !shown.contains("xyzzy"),
            "nobody's name, and no raw data: {shown}"
        );
    }
    let rows = served.rows("SELECT event_id, provider, status_category FROM fact_payment_events").await;
    assert_eq!(rows.len(), 6, "{rows:?}");
    for row in rows {
        let (code, event) = served.found(&row["event_id"]).await;
        assert_eq!(
            (code, &event["provider"]),
            (StatusCode::OK, &row["provider"]),
            "the row and the answer are one"
        );
    }
    let unknown = json!("00000000-0000-8000-8000-000000000000");
    assert_eq!(served.found(&unknown).await.0, StatusCode::NOT_FOUND);
    for empty in ["", "  \n"] {
        let (code, _) = served.post("/api/v1/events", &[("x-api-key", &served.key)], empty).await;
        assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (code, _) = served.post("/api/v1/events", &[], FRESH).await;
    assert_eq!(code, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_file_brought_is_answered_as_one_that_was_pushed() {
    let served = serve().await;
    let bodies = [FRESH, r#"{"what": "is this"}"#];
    let mut pushed = Vec::new();
    for body in bodies {
        pushed.push(served.event(body).await["id"].clone());
    }
    let together = format!("[{}]", bodies.join(","));
    let file = Brought {
        source: "events",
        name: Some("events.json"),
        fetched_at: "2026-03-01T10:00:00Z".parse().unwrap(),
        bytes: together.as_bytes(),
    };
    let kept = served.world.intake().keep(&file).await.unwrap();
    let rows = served.rows("SELECT count(*) AS n FROM fact_payment_events").await;
    assert_eq!(rows[0]["n"], 4);
    for (record, pushed) in (0..).zip(pushed) {
        let filed = json!(EventId::derive(&kept.id, 0, record).to_string());
        let ((_, mut pushed), (code, mut filed)) = (served.found(&pushed).await, served.found(&filed).await);
        assert_eq!(code, StatusCode::OK, "{filed}");
        for event in [&mut pushed, &mut filed] {
            // All that is of how it came.
            for of_receipt in ["event_id", "received_at", "normalized_at", "latency_ms"] {
                assert!(event.as_object_mut().unwrap().remove(of_receipt).is_some(), "{of_receipt}");
            }
        }
        assert_eq!(filed, pushed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_again_is_the_first_one() {
    let served = serve().await;
    let key = ("x-api-key", served.key.as_str());
    let first = served.event(FRESH).await;
    // By its content, by the provider's own id of it, and by what its sender says.
    let (code, again) = served.post("/api/v1/events", &[key], FRESH).await;
    assert_eq!((code, &again["id"], &again["duplicate"]), (StatusCode::OK, &first["id"], &json!(true)));
    let (code, again) = served
        .post("/api/v1/events", &[key], &FRESH.replace("{\"object\":\"event\"", "{ \"object\":\"event\""))
        .await;
    assert_eq!((code, &again["id"]), (StatusCode::OK, &first["id"]), "{again}");
    let said = [key, ("idempotency-key", "mine-1")];
    let (code, mine) = served.post("/api/v1/events", &said, r#"{"a": 1}"#).await;
    assert_eq!(code, StatusCode::CREATED);
    let (code, again) = served.post("/api/v1/events", &said, r#"{"a": 1}"#).await;
    assert_eq!((code, &again["id"]), (StatusCode::OK, &mine["id"]));
    let (code, _) = served.post("/api/v1/events", &said, r#"{"a": 2}"#).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY, "a key of one body is not for another");
    // What only names a payment says the same each time that something has happened to it.
    for _ in 0..2 {
        let (code, answer) = served.post("/api/v1/webhooks/mollie", &[key], "id=tr_1").await;
        assert_eq!(code, StatusCode::CREATED, "{answer}");
    }
    let rows =
        served.rows("SELECT provider, count(*) AS n FROM fact_payment_events GROUP BY 1 ORDER BY 1").await;
    let expected = json!([
        { "provider": "mollie", "n": 2 }, { "provider": "stripe", "n": 2 }, { "provider": "unknown", "n": 1 },
    ]);
    assert_eq!(Value::Array(rows), expected, "what came in other words is kept, as the same");
    let same = "SELECT count(DISTINCT identity) AS n FROM fact_payment_events WHERE provider = 'stripe'";
    assert_eq!(served.rows(same).await[0]["n"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_taken_from_its_provider_and_from_nobody_else() {
    let served = serve().await;
    let secret = std::env::var("PATH").unwrap();
    let signature = |secret: &str, at: i64| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.trim().as_bytes());
        let sum = hmac::sign(&key, format!("{at}.{FRESH}").as_bytes());
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={at},v1={hex}")
    };
    let now = Utc::now().timestamp();
    let hook = "/api/v1/webhooks/stripe";
    for forged in [signature("another", now), signature(&secret, now - 3_600), String::new()] {
        let (code, answer) = served.post(hook, &[("stripe-signature", &forged)], FRESH).await;
        assert_eq!((code, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")), "{answer}");
    }
    // A signature of a provider, of which a header of ours says that it is good, is not good.
    let (code, _) = served.post(hook, &[("cauce-signature", "verified")], FRESH).await;
    assert_eq!(code, StatusCode::UNAUTHORIZED);
    let (code, answer) = served.post(hook, &[("stripe-signature", &signature(&secret, now))], FRESH).await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{answer}");
    // Without a secret a key has to say that it is the provider's.
    let body = r#"{"resource":"payment","id":"tr_1","status":"paid","createdAt":"2026-03-01T10:00:00Z"}"#;
    assert_eq!(served.post("/api/v1/webhooks/mollie", &[], body).await.0, StatusCode::UNAUTHORIZED);
    let reader = [("x-api-key", served.reader.as_str())];
    assert_eq!(served.post("/api/v1/webhooks/mollie", &reader, body).await.0, StatusCode::FORBIDDEN);
    let key = [("x-api-key", served.key.as_str())];
    assert_eq!(served.post("/api/v1/webhooks/mollie", &key, body).await.0, StatusCode::CREATED);
    let (code, other) = served.post("/api/v1/webhooks/acme", &key, r#"{"status":"paid"}"#).await;
    assert_eq!(
        (code, &other["status"]),
        (StatusCode::CREATED, &json!("UNPROCESSED")),
        "kept until there are rules"
    );

    let rows = served
        .rows("SELECT provider, signature, status_category FROM fact_payment_events ORDER BY provider")
        .await;
    let expected = json!([
        { "provider": "acme", "signature": "not_signed", "status_category": "UNPROCESSED" },
        { "provider": "mollie", "signature": "not_signed", "status_category": "APPROVED" },
        { "provider": "stripe", "signature": "verified", "status_category": "APPROVED" },
    ]);
    assert_eq!(Value::Array(rows), expected);
    let evidence = served.rows("SELECT rule, source FROM quarantine").await;
    assert!(evidence.len() >= 3, "{evidence:?}");
    assert!(
        evidence.iter().all(|row| row["rule"] == "forged_signature" && row["source"] == "stripe"),
        "{evidence:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_what_its_events_leave_in_whatever_order_they_came() {
    let served = serve().await;
    let event = |id: &str, at: i64, kind: &str, object: &str| {
        format!(
            r#"{{"object":"event","id":"{id}","created":{at},"type":"{kind}","data":{{"object":{object}}}}}"#
        )
    };
    let charge = |refunded: i64| {
        format!(
            r#"{{"object":"charge","id":"ch_1","payment_intent":"pi_1","status":"succeeded","captured":true,"amount":1000,"amount_captured":1000,"amount_refunded":{refunded},"refunded":false,"currency":"brl"}}"#
        )
    };
    let refund = r#"{"object":"refund","id":"re_1","payment_intent":"pi_1","status":"succeeded","amount":400,"currency":"brl"}"#;
    let failed = r#"{"object":"payment_intent","id":"pi_1","status":"requires_payment_method","amount":1000,"currency":"brl","last_payment_error":{"type":"card_error","code":"expired_card"}}"#;
    let history = [
        event("evt_4", 1_772_359_400, "charge.refund.updated", refund),
        event("evt_3", 1_772_359_400, "charge.refunded", &charge(400)),
        event("evt_2", 1_772_359_200, "charge.succeeded", &charge(0)),
        event("evt_1", 1_772_359_100, "payment_intent.payment_failed", failed),
    ];
    for body in &history {
        served.event(body).await;
    }
    served.world.worker().drain(|_| ()).await.unwrap();
    let planner = Lake::new(Arc::clone(&served.world.store)).planner().clone();
    let maintainer = served.world.maintainer(planner).unwrap();
    let made = maintainer.derive(Utc::now()).await.unwrap();
    assert_eq!(made.iter().map(|made| made.table).collect::<Vec<_>>(), ["payments"]);
    let payments = served.rows("SELECT * FROM payments").await;
    let expected = json!({
        "provider": "stripe", "provider_payment_id": "pi_1", "status_category": "PARTIALLY_REFUNDED", "currency": "BRL",
        "authorized_minor": 1_000, "captured_minor": 1_000, "refunded_minor": 400, "disputed_minor": 0, "events": 4,
        "flags": null, "failure_reason": null,
    });
    assert_eq!(payments.len(), 1, "{payments:?}");
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&payments[0][name], value, "{name}");
    }
    assert!(maintainer.derive(Utc::now()).await.unwrap().is_empty(), "nothing new, nothing made again");
}

/// A provider's API: what it says of each of its payments, to whoever has its key.
#[derive(Debug)]
struct Mollie;

#[async_trait::async_trait]
impl Transport for Mollie {
    async fn send(&self, request: HttpRequest, _: Duration) -> Result<HttpAnswer, TransportFailure> {
        let (name, key) = &request.headers[0];
        assert_eq!((*name, key.starts_with("Bearer /")), ("authorization", true), "{key}");
        let (status, body) = match request.url.as_str() {
            "https://api.mollie.com/v2/payments/tr_1" => (
                200,
                r#"{"resource":"payment","id":"tr_1","status":"paid","amount":{"value":"10.00","currency":"EUR"},"createdAt":"2026-03-01T10:00:00+00:00","paidAt":"2026-03-01T10:00:05+00:00"}"#,
            ),
            "https://api.mollie.com/v2/payments/tr_2" => (503, "{}"),
            "https://api.mercadopago.com/v1/payments/77" => (
                200,
                r#"{"id":77,"status":"rejected","status_detail":"cc_rejected_insufficient_amount","transaction_amount":10,"currency_id":"ARS","payment_type_id":"credit_card","date_last_updated":"2026-03-01T10:00:00Z"}"#,
            ),
            _ => (404, r#"{"status":404,"title":"Not Found","detail":"No payment exists with token"}"#),
        };
        Ok(HttpAnswer { status, headers: BTreeMap::new(), body: body.into() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_only_names_is_asked_of_its_provider() {
    let keys =
        "[providers.mollie]\napi_key = \"env:PATH\"\n[providers.mercadopago]\napi_key = \"env:PATH\"\n";
    let served = served_with(keys, Some(Arc::new(Mollie))).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let named = async |body: &str| served.post("/api/v1/webhooks/mollie", &form, body).await;
    let (code, answer) = named("id=tr_1").await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{answer}");
    let (code, again) = named("id=tr_1").await;
    assert_eq!((code, &again["id"]), (StatusCode::OK, &answer["id"]), "it says the same as before");
    // Invented, or nowhere to be asked: nothing is believed, and the provider may come again.
    assert_eq!(named("id=tr_9").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(named("id=tr_2").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(named("id=tr_1/../../orders").await.0, StatusCode::UNAUTHORIZED);
    // With a key in the address, what it says counts, and what its provider says of it.
    let body = r#"{"type":"payment","action":"payment.updated","data":{"id":"77"}}"#;
    let path = format!("/api/v1/webhooks/mercadopago?key={}", served.key);
    let (code, answer) = served.post(&path, &[("content-type", "application/json")], body).await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("DECLINED")), "{answer}");
    let (code, _) = served.post("/api/v1/webhooks/kushki?key=cauce_1_2", &[], body).await;
    assert_eq!(code, StatusCode::UNAUTHORIZED, "no key of ours");
    let rows = served
        .rows("SELECT provider, status_category, signature FROM fact_payment_events ORDER BY provider, status_category")
        .await;
    let row = |provider: &str, status: &str, signature: &str| json!({ "provider": provider, "status_category": status, "signature": signature });
    assert_eq!(
        rows,
        [
            row("mercadopago", "DECLINED", "verified"),
            row("mercadopago", "NOT_A_PAYMENT", "absent"),
            row("mollie", "APPROVED", "verified"),
        ]
    );
}

/// Two customers may be refused in the very same words.
#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_payment_is_not_taken_for_the_one_before() {
    let served = serve().await;
    let body = r#"{"code":"K322","message":"Transacción rechazada"}"#;
    let path = format!("/api/v1/webhooks/kushki?key={}", served.key);
    for _ in 0..2 {
        let (code, answer) = served.post(&path, &[("content-type", "application/json")], body).await;
        assert_eq!(code, StatusCode::CREATED, "{answer}");
    }
    let rows = served.rows("SELECT event_id FROM fact_payment_events").await;
    assert_eq!(rows.len(), 2, "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_what_a_provider_said_is_an_administrator_and_is_written_down() {
    let served = serve().await;
    served.event(FRESH).await;
    let rows = served.rows("SELECT raw_id, raw_pos FROM fact_payment_events").await;
    let (raw_id, line) = (rows[0]["raw_id"].as_str().unwrap().to_owned(), &rows[0]["raw_pos"]);
    let path = format!("/api/v1/raw?raw_id={raw_id}&line={line}");
    assert_eq!(served.read(&path).await.0, StatusCode::FORBIDDEN);
    assert_eq!(served.read("/api/v1/raw/reads").await.0, StatusCode::FORBIDDEN);
    let terms = KeyTerms::of([Scope::Role(Role::Admin)]);
    let (key, secret) = ApiKeys::add(&*served.world.ledger, "ana", terms, Utc::now()).await.unwrap();
    let admin = |path: &str| Request::get(path).header("x-api-key", &secret).body(Body::empty()).unwrap();
    let (_, none) = served.ask(admin("/api/v1/raw/reads")).await;
    assert_eq!(none, json!({ "reads": [] }), "who was refused read nothing");
    let (status, record) = served.ask(admin(&path)).await;
    assert_eq!((status, record["record"].as_str()), (StatusCode::OK, Some(FRESH)));
    let (_, told) = served.ask(admin("/api/v1/raw/reads?since=2026-01-01")).await;
    let read = &told["reads"][0];
    assert_eq!((&read["raw_id"], &read["line"]), (&json!(raw_id), line), "{told}");
    assert_eq!(read["who"], json!(format!("key:{}", key.id)));
    let (_, later) = served.ask(admin("/api/v1/raw/reads?since=2199-01-01")).await;
    assert_eq!(later, json!({ "reads": [] }));
}
