//! The poller against a real PostgreSQL, started on a port of its own where the machine has one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it can't do"
)]

#[path = "../../../tests/postgres/mod.rs"]
mod server;

use std::{sync::Arc, time::Duration};

use cauce_intake::Intake;
use cauce_model::StatusCategory;
use cauce_normalize::{events, open};
use cauce_poller::{PollError, Poller, PollerSettings};
use cauce_raw::RawZone;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use server::Postgres;
use tokio_postgres::Client;

async fn table(client: &Client, rows: &[&str]) {
    let made = "CREATE TABLE raw_transactions (id BIGSERIAL PRIMARY KEY, data JSONB, merchant TEXT, transactional_id TEXT,
                processed BOOLEAN DEFAULT false, created_at TIMESTAMP DEFAULT now())";
    client.batch_execute(made).await.unwrap();
    for (row, number) in rows.iter().zip(0..) {
        let sql = "INSERT INTO raw_transactions (data, merchant, transactional_id, created_at)
                   VALUES ($1::text::jsonb, 'Tienda', $2, '2026-03-01T10:00:00'::timestamp + $3 * interval '1 second')";
        client.execute(sql, &[&Some(*row), &format!("t-{number}"), &f64::from(number)]).await.unwrap();
    }
}

async fn waiting(client: &Client) -> i64 {
    let row =
        client.query_one("SELECT count(*) FROM raw_transactions WHERE NOT processed", &[]).await.unwrap();
    row.get(0)
}

fn poller(postgres: &Postgres, store: &Arc<InMemory>, batch: u32) -> Poller {
    let settings = PollerSettings { url: postgres.url(), table: "public.raw_transactions".to_owned(), batch };
    Poller { intake: Intake::new(store.clone()), settings }
}

async fn objects(store: &Arc<InMemory>) -> usize {
    RawZone::new(store.clone()).list(|_| true).try_collect::<Vec<_>>().await.unwrap().len()
}

fn intent(number: u32) -> String {
    format!(
        r#"{{"object":"payment_intent","id":"pi_{number}","status":"succeeded","created":1772359200,"amount":1000,"currency":"usd"}}"#
    )
}

#[tokio::test]
async fn rows_of_any_shape_are_taken_over_once_and_bad_ones_stop_nobody() {
    let Some(postgres) = Postgres::start() else { return };
    let client = postgres.client().await;
    let xml = serde_json::to_string("<paymentService merchantCode='M'><notify><orderStatusEvent orderCode='o'><payment><amount value='7' currencyCode='EUR' exponent='2'/><lastEvent>CAPTURED</lastEvent></payment></orderStatusEvent></notify></paymentService>").unwrap();
    let csv =
        serde_json::to_string("state_pol=4&reference_sale=r-1&value=10.00&currency=COP&transaction_id=t")
            .unwrap();
    table(&client, &[&intent(1), "null", &xml, &csv, r#"{"what":"is this"}"#, r#""""#]).await;
    let store = Arc::new(InMemory::new());
    // A batch of two: the bad ones must not be found again and again.
    let polled = poller(&postgres, &store, 2).poll(None).await.unwrap();
    assert_eq!((polled.stored, polled.known), (4, 0));
    assert_eq!(polled.refused.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["2", "6"]);
    assert_eq!(waiting(&client).await, 2);
    let mut statuses = Vec::new();
    for (id, _) in RawZone::new(store.clone()).list(|_| true).try_collect::<Vec<_>>().await.unwrap() {
        assert_eq!(id.date().to_string(), "2026-03-01", "the day that the row has");
        let object = RawZone::new(store.clone()).read(&id).await.unwrap();
        let lines = open(&object);
        let read = events(&id, 0, lines[0].envelope().unwrap());
        assert_eq!(read.len(), 1);
        let reading = &read[0].reading;
        assert_eq!(reading.merchant_name.as_deref(), Some("Tienda"), "what the column beside the event says");
        statuses.push((read[0].provider.clone(), read[0].reading.status));
    }
    statuses.sort_by(|left, right| left.0.cmp(&right.0));
    let expected = [
        ("payu", StatusCategory::Approved),
        ("stripe", StatusCategory::Approved),
        ("unknown", StatusCategory::Unprocessed),
        ("worldpay", StatusCategory::Approved),
    ];
    assert_eq!(statuses, expected.map(|(provider, status)| (provider.to_owned(), status)));
    let again = poller(&postgres, &store, 2).poll(None).await.unwrap();
    assert_eq!((again.stored, again.refused.len(), objects(&store).await), (0, 2, 4));
}

/// In a table of parts a row's place is one of its part only; times that are none, and other zones, are of no harm.
#[tokio::test]
async fn parts_of_a_table_and_strange_times() {
    let Some(postgres) = Postgres::start() else { return };
    let client = postgres.client().await;
    client
        .batch_execute(
            r#"ALTER DATABASE postgres SET timezone TO 'America/Bogota';
               CREATE TABLE raw_transactions (id BIGINT, data JSONB, merchant TEXT, transactional_id TEXT,
                   processed BOOLEAN DEFAULT false, created_at TIMESTAMP) PARTITION BY LIST (id);
               CREATE TABLE one PARTITION OF raw_transactions FOR VALUES IN (1);
               CREATE TABLE two PARTITION OF raw_transactions FOR VALUES IN (2);
               INSERT INTO raw_transactions (id, data, created_at) VALUES
                   (1, '{"what": 1}', '2026-03-01T23:00:00'), (2, 'null', '-infinity')"#,
        )
        .await
        .unwrap();
    let store = Arc::new(InMemory::new());
    let polled = poller(&postgres, &store, 1).poll(None).await.unwrap();
    assert_eq!((polled.stored, polled.refused.len()), (1, 1));
    assert_eq!(waiting(&client).await, 1, "that of the other part at the same place is not marked");
    let kept = RawZone::new(store).list(|_| true).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(kept[0].0.date().to_string(), "2026-03-01");
}

#[tokio::test]
async fn two_pollers_share_the_rows_and_never_one() {
    let Some(postgres) = Postgres::start() else { return };
    let client = postgres.client().await;
    let rows: Vec<String> = (0..300).map(intent).collect();
    table(&client, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let store = Arc::new(InMemory::new());
    let (one, other) = (poller(&postgres, &store, 20), poller(&postgres, &store, 20));
    let (one, other) = tokio::join!(one.poll(None), other.poll(None));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.stored + other.stored, one.known + other.known), (300, 0), "{one:?} {other:?}");
    assert_eq!((objects(&store).await, waiting(&client).await), (300, 0));
}

#[tokio::test]
async fn a_database_that_goes_away_loses_nothing_and_doubles_nothing() {
    let Some(mut postgres) = Postgres::start() else { return };
    let client = postgres.client().await;
    let rows: Vec<String> = (0..40).map(intent).collect();
    table(&client, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
    client.batch_execute("CHECKPOINT").await.unwrap();
    let store = Arc::new(InMemory::new());
    // Somebody waits in front of the mark, so that the database dies between storing and marking.
    client
        .batch_execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
             CREATE TRIGGER slow BEFORE UPDATE ON raw_transactions FOR EACH STATEMENT EXECUTE FUNCTION wait()",
        )
        .await
        .unwrap();
    let polling = poller(&postgres, &store, 40);
    let polling = tokio::spawn(async move { polling.poll(None).await });
    while objects(&store).await < 40 {
        assert!(!polling.is_finished(), "it ended before it had stored all");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    postgres.kill();
    assert!(matches!(polling.await.unwrap(), Err(PollError::Database(_))));
    assert!(
        matches!(poller(&postgres, &store, 40).poll(None).await, Err(PollError::Database(_))),
        "nobody is there"
    );
    postgres.start_again();
    let client = postgres.client().await;
    client.batch_execute("DROP TRIGGER slow ON raw_transactions").await.unwrap();
    assert_eq!(waiting(&client).await, 40, "nothing was marked");
    let polled = poller(&postgres, &store, 40).poll(None).await.unwrap();
    assert_eq!((polled.stored, polled.known), (40, 40));
    assert_eq!((objects(&store).await, waiting(&client).await), (40, 0));
}
