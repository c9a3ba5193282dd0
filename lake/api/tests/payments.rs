//! How payments go, over HTTP: figures of a period, lists of events, and what became of one payment.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

mod paying;

use std::sync::Arc;

use axum::http::StatusCode;
use cauce_query::Lake;
use chrono::{TimeDelta, Utc};
use paying::{Served, serve};
use serde_json::{Value, json};

/// Two payments of yesterday in reais, one paid and one refused, and what a dollar cost.
async fn paid() -> (Served, String) {
    let served = serve().await;
    let yesterday = Utc::now() - TimeDelta::days(1);
    let intent = |id: &str, status: &str| {
        json!({ "object": "payment_intent", "id": id, "status": status, "created": yesterday.timestamp(), "amount": 1_000,
                "amount_received": if status == "succeeded" { 1_000 } else { 0 }, "currency": "brl",
                "last_payment_error": { "code": "card_declined", "decline_code": "insufficient_funds" } })
    };
    served.event(&intent("pi_1", "processing").to_string()).await;
    served.event(&intent("pi_1", "succeeded").to_string()).await;
    served.event(&intent("pi_2", "requires_payment_method").to_string()).await;
    let rates = format!("date,currency,per_usd\n{},BRL,4.00\n", yesterday.date_naive());
    let (status, _) = served.post("/api/v1/ingest/fx_rates", &[("x-api-key", &served.key)], &rates).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    derive(&served).await;
    (served, yesterday.date_naive().to_string())
}

async fn derive(served: &Served) {
    served.world.worker().drain(|_| ()).await.unwrap();
    let planner = Lake::new(Arc::clone(&served.world.store)).planner().clone();
    served.world.maintainer(planner).unwrap().derive(Utc::now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_summed_up_and_one_provider_of_it() {
    let (served, day) = paid().await;
    for path in [
        "/api/v1/metrics/summary".to_owned(),
        format!("/api/v1/metrics/summary?start_date={day}&end_date={day}&country=BR")
            .replace("&country=BR", ""),
        "/api/v1/metrics/providers/stripe".to_owned(),
    ] {
        let (status, summary) = served.read(&path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {summary}");
        for (name, value) in [
            ("payments", json!(2)),
            ("succeeded", json!(1)),
            ("failed", json!(1)),
            ("success_rate", json!(0.5)),
            ("total_events", json!(3)),
            ("top_failure_reasons", json!([{ "name": "INSUFFICIENT_FUNDS", "count": 1 }])),
        ] {
            assert_eq!(summary[name], value, "{path}: {name}");
        }
        let stripe = &summary["providers"][0];
        assert_eq!((&stripe["provider"], &stripe["captured_usd"]), (&json!("stripe"), &json!("2.50000000")));
        assert!(stripe["latency_ms"]["average"].as_f64().unwrap() > 8e7, "{stripe}");
    }
    let (_, nothing) = served.read("/api/v1/metrics/providers/adyen").await;
    assert_eq!((&nothing["payments"], &nothing["success_rate"]), (&json!(0), &Value::Null));
    for (path, status) in [
        ("/api/v1/metrics/providers/nobody", StatusCode::NOT_FOUND),
        ("/api/v1/metrics/summary?start_date=2026-03-02&end_date=2026-03-01", StatusCode::BAD_REQUEST),
        ("/api/v1/metrics/summary?start_date=yesterday", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(served.read(path).await.0, status, "{path}");
    }
    let (status, anomalies) = served.read("/api/v1/metrics/anomalies").await;
    assert_eq!((status, &anomalies["anomalies"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_what_they_say_and_a_payment_with_its_history() {
    let (served, day) = paid().await;
    let ids = |list: &Value| {
        let events = list["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["provider_payment_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let since = format!("since={day}");
    for (query, expected) in [
        (since.clone(), 3),
        (format!("{since}&status=DECLINED"), 1),
        (format!("{since}&payment=pi_1"), 2),
        (format!("{since}&provider=adyen"), 0),
    ] {
        let (status, list) = served.read(&format!("/api/v1/events?{query}")).await;
        assert_eq!((status, ids(&list).len()), (StatusCode::OK, expected), "{query}: {list}");
    }
    let (_, first) = served.read(&format!("/api/v1/events?{since}&limit=2")).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = served.read(&format!("/api/v1/events?{since}&limit=2&cursor={next}")).await;
    assert_eq!((ids(&first).len(), ids(&second).len(), &second["next"]), (2, 1, &Value::Null));
    assert_eq!(served.read("/api/v1/events?status=PAID").await.0, StatusCode::BAD_REQUEST);

    let (status, payment) = served.read("/api/v1/payments/stripe/pi_1").await;
    assert_eq!(status, StatusCode::OK);
    let state = &payment["payment"];
    assert_eq!(
        (&state["status_category"], &state["captured_usd"]),
        (&json!("APPROVED"), &json!("2.50000000"))
    );
    let said: Vec<&str> = payment["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["status_category"].as_str().unwrap())
        .collect();
    assert_eq!(said.len(), 2);
    assert_eq!(served.read("/api/v1/payments/stripe/pi_9").await.0, StatusCode::NOT_FOUND);

    // One event says what it is worth, too.
    let id = &payment["events"][0]["event_id"];
    let (_, event) = served.found(id).await;
    assert_eq!((&event["amount_usd"], &event["fx_rate_date"]), (&json!("2.50000000"), &json!(day)));
    assert_eq!(event["attempts"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_found_by_each_of_its_ids_with_all_its_events() {
    let (served, _) = paid().await;
    let charge = json!({ "object": "charge", "id": "ch_1", "payment_intent": "pi_1", "status": "succeeded", "paid": true,
                         "captured": true, "amount": 1_000, "currency": "brl", "created": Utc::now().timestamp() });
    let refund = json!({ "object": "refund", "id": "re_1", "charge": "ch_1", "status": "succeeded", "amount": 400,
                         "currency": "brl", "created": Utc::now().timestamp() });
    served.event(&charge.to_string()).await;
    served.event(&refund.to_string()).await;
    derive(&served).await;
    for id in ["pi_1", "ch_1"] {
        let (status, payment) = served.read(&format!("/api/v1/payments/stripe/{id}")).await;
        let state = &payment["payment"];
        assert_eq!(status, StatusCode::OK, "{id}");
        assert_eq!(
            (&state["refunded_minor"], &state["provider_payment_id"]),
            (&json!(400), &json!("pi_1")),
            "{id}"
        );
        assert_eq!(payment["events"].as_array().unwrap().len(), 4, "{id}: {payment}");
    }
    // What is part of an id is no id.
    assert_eq!(served.read("/api/v1/payments/stripe/ch_").await.0, StatusCode::NOT_FOUND);
    let (_, summary) = served.read("/api/v1/metrics/summary").await;
    assert_eq!(summary["payments"], json!(2), "{summary}");
}
