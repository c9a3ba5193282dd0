//! Payment events beside the rules: the function that asks a model, and the one that takes over a database; both get their
//! secrets from where AWS keeps them.

use std::{net::SocketAddr, time::Duration};

use axum::{Json, Router, http::HeaderMap, routing::post};
use chrono::{DurationRound, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{postgres::Postgres, push::key, stack::Stack, support::eventually};

const MODEL_KEY: &str = "sk-of-the-emulator";

/// A server that speaks the protocol of chat completions, and reads what stands in the event.
pub(crate) async fn model() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/chat/completions", post(complete));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn complete(headers: HeaderMap, Json(asked): Json<Value>) -> Json<Value> {
    assert_eq!(headers["authorization"], format!("Bearer {MODEL_KEY}"));
    let event: Value = serde_json::from_str(asked["messages"][1]["content"].as_str().unwrap()).unwrap();
    let said = json!({ "event_type": "payment", "status_category": "DECLINED", "provider_status": event["estado"],
                       "provider_payment_id": event["ref"], "amount": event["monto"], "amount_unit": "major",
                       "currency": event["moneda"] });
    Json(json!({ "choices": [{ "message": { "role": "assistant", "content": said.to_string() } }] }))
}

pub(crate) async fn what_no_rule_knows_is_asked_and_is_a_row(stack: &Stack) {
    let secret =
        json!({ "Name": "/cauce/model", "Value": MODEL_KEY, "Type": "SecureString", "Overwrite": true });
    stack.put_secret("AmazonSSM.PutParameter", "ssm", &secret).await;
    let (_, key) = key(stack, "ingest");
    let event = json!({ "ref": "A-77", "estado": "RECHAZADA", "monto": "150.50", "moneda": "ARS" });
    let request =
        reqwest::Client::new().post(format!("{}/api/v1/events", stack.api)).header("x-api-key", &key);
    let response = request.body(event.to_string()).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 202, "a model is asked");
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let path = format!("/api/v1/events/{}", answer["id"].as_str().unwrap());
    let event = eventually("the event in the model's words", Duration::from_secs(90), async || {
        let (status, event) = stack.get(&path).await;
        (status == 200 && event["status_category"] == "DECLINED").then_some(event)
    })
    .await;
    assert_eq!(
        (&event["normalization_method"], &event["amount_minor"]),
        (&json!("ai"), &json!(15_050)),
        "{event}"
    );
    stack.drained().await;
    let rows = format!(
        "SELECT count(*) AS n FROM payment_events WHERE event_id = '{}' AND normalization_method = 'ai'",
        answer["id"].as_str().unwrap()
    );
    assert_eq!(stack.count(&rows), 1, "and it is the event's one row");
}

pub(crate) async fn a_database_is_taken_over(stack: &Stack) {
    let Some(postgres) = Postgres::start() else { return };
    let client = postgres.client().await;
    client
        .batch_execute(
            r#"CREATE TABLE raw_transactions (id BIGSERIAL PRIMARY KEY, data JSONB, merchant TEXT, transactional_id TEXT,
                   processed BOOLEAN DEFAULT false, created_at TIMESTAMP DEFAULT '2026-03-01T10:00:00');
               INSERT INTO raw_transactions (data, merchant) VALUES
                   ('{"object":"payment_intent","id":"pi_old","status":"succeeded","created":1772359200,"amount":1000,"currency":"usd"}', 'Tienda'),
                   ('null', 'Tienda')"#,
        )
        .await
        .unwrap();
    let secret =
        json!({ "Name": "cauce/database", "SecretString": json!({ "url": postgres.url() }).to_string() });
    stack.put_secret("secretsmanager.CreateSecret", "secretsmanager", &secret).await;
    let polled = stack.invoke("PollFunctionName", &json!({})).await;
    assert_eq!((&polled["stored"], &polled["refused"][0][0]), (&json!(1), &json!("2")), "{polled}");
    stack.drained().await;
    let rows = "SELECT count(*) AS n FROM fact_payment_events WHERE provider_payment_id = 'pi_old' AND merchant_name = 'Tienda'";
    assert_eq!(stack.count(rows), 1);
    let left =
        client.query_one("SELECT count(*) FROM raw_transactions WHERE NOT processed", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1, "only what is stored is marked");
}

pub(crate) async fn an_hour_without_the_usual_payments_is_noticed(stack: &Stack) {
    let (_, key) = key(stack, "ingest");
    // The hour that is over, and the one that would be if this takes until the next.
    let hour = Utc::now().duration_trunc(TimeDelta::hours(1)).unwrap() - TimeDelta::hours(1);
    let payment = |week: i64, number: i64| {
        let at = hour - TimeDelta::weeks(week) + TimeDelta::minutes(number);
        json!({ "object": "payment_intent", "id": format!("pi_{week}_{number}"), "status": "succeeded", "amount": 100,
                "amount_received": 100, "currency": "usd", "created": at.timestamp() })
    };
    for week in 1..=8 {
        let events: Vec<Value> = (0..120).map(|number| payment(week, number)).collect();
        let body = json!(events).to_string();
        let request = reqwest::Client::new().post(format!("{}/api/v1/events", stack.api));
        let answer = request.header("x-api-key", &key).body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }
    stack.drained().await;
    stack.invoke("MaintainFunctionName", &json!({ "tasks": ["derive"] })).await;
    let watched = stack.invoke("WatchFunctionName", &json!({})).await;
    let unusual = &watched["unusual"][0];
    assert_eq!(
        (&unusual["provider"], &unusual["measure"], &unusual["value"]),
        (&json!("stripe"), &json!("volume"), &json!(0.0)),
        "{watched}"
    );
    assert_eq!(unusual["usual"], json!(60.0), "{watched}");
}
