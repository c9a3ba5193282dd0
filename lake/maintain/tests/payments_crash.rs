//! A pass over payments that dies on its way, or meets another: the next one makes right what it left.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use std::sync::Arc;

use cauce_maintain::MaintenanceSettings;
use cauce_raw::{Bundle, Envelope, kind};
use cauce_tables::Derived;
use chrono::Utc;
use common::{TestLake, at};
use fail::FailScenario;
use serde_json::json;

async fn brought(lake: &TestLake, day: u32, status: &str) {
    let at = at(&format!("2026-03-{day:02}T10:00:00Z"));
    let received = if status == "succeeded" { 500 } else { 0 };
    let body = json!({ "object": "payment_intent", "id": "pi_1", "status": status, "amount": 500, "amount_received": received,
                       "currency": "usd" });
    let mut bundle = Bundle::new("stripe", kind::PAYMENT_EVENT, at.date_naive(), status);
    bundle.push(&Envelope::bare(body.to_string().as_bytes(), at)).unwrap();
    let object = bundle.seal("event").unwrap();
    lake.raw().put(&object).await.unwrap();
    lake.normalized(&[&object.id]).await;
}

async fn derive(lake: TestLake) {
    lake.maintainer(MaintenanceSettings::default()).derive(Utc::now()).await.unwrap();
}

async fn told(lake: &TestLake) -> Vec<[String; 3]> {
    let rows = lake.derived(Derived::Payments).await;
    rows.iter()
        .map(|row| ["status_category", "captured_minor", "events"].map(|name| row[name].clone()))
        .collect()
}

#[tokio::test]
async fn a_payment_that_was_moving_when_a_pass_died_is_whole_after_the_next() {
    // One test for all points: they are the process's.
    let scenario = FailScenario::setup();
    let whole = [["APPROVED", "500", "2"].map(str::to_owned)];
    for (point, times) in [
        // Out of the one object, and not yet in the other.
        ("derive.before_put", "1*off->1*panic->off"),
        ("derive.before_put", "1*panic->off"),
        ("payments.before_note", "1*panic->off"),
    ] {
        let lake = TestLake::new();
        brought(&lake, 3, "succeeded").await;
        derive(lake.clone()).await;
        brought(&lake, 1, "processing").await;
        fail::cfg(point, times).unwrap();
        let died = tokio::spawn(derive(TestLake::over(Arc::clone(&lake.store)))).await;
        fail::remove(point);
        assert!(died.is_err(), "{point} was reached");
        derive(lake.clone()).await;
        assert_eq!(told(&lake).await, whole, "{point} {times}");
    }
    scenario.teardown();
}
