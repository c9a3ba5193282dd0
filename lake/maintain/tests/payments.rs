//! The derived table of payments: made again in part, it is what is made at once from everything.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use std::collections::BTreeMap;

use cauce_maintain::{MaintenanceSettings, Rebuild};
use cauce_model::RawId;
use cauce_normalize::{MODEL, ModelAnswer, Subject};
use cauce_raw::{Bundle, Envelope, kind};
use cauce_tables::{Days, Derived, Table};
use chrono::{DateTime, TimeDelta, Utc};
use common::{TestLake, at, made_by_older_rules, rows_of};
use object_store::{ObjectStoreExt, path::Path};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;

/// Keeps a body as it was received at a time; its rows come when it is normalized.
async fn received(lake: &TestLake, source: &str, kind: &'static str, at: DateTime<Utc>, body: &str) -> RawId {
    let mut bundle = Bundle::new(source, kind, at.date_naive(), &at.format("%H%M%S").to_string());
    bundle.push(&Envelope::bare(body.as_bytes(), at)).unwrap();
    let object = bundle.seal("event").unwrap();
    lake.raw().put(&object).await.unwrap();
    object.id
}

fn intent(id: &str, status: &str, cents: u32) -> String {
    json!({ "object": "payment_intent", "id": id, "status": status, "amount": cents, "currency": "usd",
            "amount_received": if status == "succeeded" { cents } else { 0 } })
    .to_string()
}

fn refunded(id: &str, refund: u32, cents: u32) -> String {
    json!({ "object": "refund", "id": format!("re_{id}_{refund}"), "payment_intent": id, "status": "succeeded",
            "amount": cents, "currency": "usd" })
    .to_string()
}

/// A decline that names no payment.
fn declined(number: u32) -> String {
    json!({ "code": "K322", "message": format!("Transacción rechazada {number}") }).to_string()
}

fn answer(raw_id: &RawId, to: &str, id: &str) -> String {
    let answer = ModelAnswer {
        raw_id: raw_id.clone(),
        raw_pos: 0,
        record: 0,
        provider: "stripe".to_owned(),
        identity: format!("of {id}"),
        signature: "absent".to_owned(),
        received_at: at("2026-03-01T10:00:00Z"),
        attempts: 1,
        model: "small".to_owned(),
        question: 1,
        sent: to.to_owned(),
        answer: json!({ "event_type": "payment", "status_category": "PENDING", "provider_status": "espera",
                        "provider_payment_id": id })
        .to_string(),
    };
    serde_json::to_string(&answer).unwrap()
}

/// The objects of the table with their rows, and no others.
async fn payments(lake: &TestLake) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in lake.files("tables/payments").await {
        if path.ends_with(".parquet") {
            let rows = rows_of(lake, &path).await;
            if rows.num_rows() > 0 {
                found.insert(path, format!("{rows:?}"));
            }
        }
    }
    found
}

async fn derive(lake: &TestLake) {
    lake.maintainer(MaintenanceSettings::default()).derive(Utc::now()).await.unwrap();
}

#[tokio::test]
async fn only_what_changed_is_written_again_and_a_payment_moves_to_the_day_of_its_first_event() {
    let lake = TestLake::new();
    let day = |day: u32| at(&format!("2026-03-{day:02}T10:00:00Z"));
    let of = |number: u32, body: String| {
        let lake = lake.clone();
        async move {
            let id = received(&lake, "stripe", kind::PAYMENT_EVENT, day(number), &body).await;
            lake.normalized(&[&id]).await;
            let made = lake.maintainer(MaintenanceSettings::default()).derive(Utc::now()).await.unwrap();
            made.into_iter().map(|made| (made.path[21..31].to_owned(), made.rows)).collect::<Vec<_>>()
        }
    };
    let row = |day: u32, rows: usize| (format!("2026-03-{day:02}"), rows);
    assert_eq!(of(2, intent("pi_1", "succeeded", 500)).await, [row(2, 1)]);
    assert_eq!(of(3, intent("pi_2", "succeeded", 700)).await, [row(3, 1)]);
    // A refund of what was paid two days before changes that day's object only.
    assert_eq!(of(4, refunded("pi_1", 1, 200)).await, [row(2, 1)]);
    assert_eq!(of(4, intent("pi_3", "succeeded", 900)).await, [row(4, 1)]);
    // An event that came before and is heard of late: its payment leaves one object and enters the other.
    assert_eq!(of(1, intent("pi_2", "processing", 700)).await, [row(3, 0), row(1, 1)]);
    let rows = lake.derived(Derived::Payments).await;
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            ["provider_payment_id", "status_category", "refunded_minor", "last_day"]
                .map(|name| row[name].clone())
                .join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "pi_2 APPROVED 0 2026-03-03",
            "pi_1 PARTIALLY_REFUNDED 200 2026-03-04",
            "pi_3 APPROVED 0 2026-03-04"
        ]
    );
    // All of it again gives the same, and writes nothing.
    let maintainer = lake.maintainer(MaintenanceSettings::default());
    assert_eq!(maintainer.rebuild(Derived::Payments, Rebuild::All, Utc::now()).await.unwrap(), []);
    // As if what the last pass saw were lost.
    lake.store.delete(&Path::from("tables/payments/_inputs.json")).await.unwrap();
    assert_eq!(maintainer.derive(Utc::now()).await.unwrap(), []);
}

#[tokio::test]
async fn in_whatever_order_events_come_payments_are_those_made_at_once() {
    for seed in 0..10 {
        let mut random = StdRng::seed_from_u64(seed);
        let (lake, at_once) = (TestLake::new(), TestLake::new());
        let mut ids = Vec::new();
        let mut bodies: Vec<(&str, &'static str, String)> = Vec::new();
        for number in 0..6_u32 {
            let id = format!("pi_{number}");
            for status in ["requires_action", "requires_capture", "succeeded", "canceled"] {
                if random.random_bool(0.5) {
                    bodies.push(("stripe", kind::PAYMENT_EVENT, intent(&id, status, 1_000)));
                }
            }
            for refund in 0..random.random_range(0..3) {
                bodies.push(("stripe", kind::PAYMENT_EVENT, refunded(&id, refund, 300)));
            }
            bodies.push(("kushki", kind::PAYMENT_EVENT, declined(number)));
        }
        let time = |random: &mut StdRng| {
            at("2026-03-01T00:00:00Z") + TimeDelta::minutes(random.random_range(0..10_000))
        };
        for (source, kind, body) in &bodies {
            let at = time(&mut random);
            ids.push(received(&lake, source, kind, at, body).await);
        }
        // What nobody knew, and a model said something of; and something that rules know as well.
        let strange = json!({ "ref": "A-1", "estado": "espera", "id": "m_1" }).to_string();
        let known = intent("pi_m", "succeeded", 400);
        for (body, id) in [(&strange, "m_1"), (&known, "espera")] {
            let event = received(&lake, "stripe", kind::PAYMENT_EVENT, time(&mut random), body).await;
            let sent = json!({ "estado": "espera", "id": id }).to_string();
            let said =
                received(&lake, MODEL, kind::MODEL_ANSWER, time(&mut random), &answer(&event, &sent, id))
                    .await;
            ids.extend([event, said]);
        }
        for id in &ids {
            let path = Path::from(id.key());
            let bytes = lake.store.get(&path).await.unwrap().bytes().await.unwrap();
            at_once.store.put(&path, bytes.into()).await.unwrap();
        }
        let mut arriving = ids.clone();
        arriving.shuffle(&mut random);
        let maintainer =
            lake.maintainer(MaintenanceSettings { lateness: TimeDelta::zero(), ..Default::default() });
        for id in &arriving {
            lake.normalized(&[id]).await;
            match random.random_range(0..8) {
                0 => drop(maintainer.merge(Days::ALL).await.unwrap()),
                1 => drop(maintainer.seal(Days::ALL, Utc::now(), false).await.unwrap()),
                2 => {
                    let table = format!("tables/{}", Table::FactPaymentEvents);
                    for path in lake.files(&table).await.into_iter().take(1) {
                        made_by_older_rules(&lake, &path, true).await;
                    }
                    derive(&lake).await;
                    drop(maintainer.replay(Days::ALL, None, Utc::now(), false).await.unwrap());
                }
                3..6 => derive(&lake).await,
                6 => {
                    let (one, two) =
                        (lake.maintainer(Default::default()), lake.maintainer(Default::default()));
                    tokio::try_join!(one.derive(Utc::now()), two.derive(Utc::now())).unwrap();
                }
                _ => {}
            }
        }
        maintainer.replay(Days::ALL, None, Utc::now(), false).await.unwrap();
        derive(&lake).await;
        for id in &ids {
            at_once.normalized(&[id]).await;
        }
        derive(&at_once).await;
        let expected = payments(&at_once).await;
        assert_eq!(payments(&lake).await, expected, "seed {seed}");
        assert!(expected.len() > 3, "{expected:?}");
        // A person leaves both.
        let subject = Subject::new(["re_pi_1_0".to_owned()]).unwrap();
        for lake in [&lake, &at_once] {
            let maintainer = lake.maintainer(MaintenanceSettings::default());
            maintainer.erase(&subject, Utc::now(), false).await.unwrap();
        }
        assert_eq!(payments(&lake).await, payments(&at_once).await, "erased, seed {seed}");
    }
}

#[tokio::test]
async fn a_replay_says_how_many_events_newer_rules_understand() {
    let lake = TestLake::new();
    for number in 0..4 {
        let at = at("2026-03-01T10:00:00Z") + TimeDelta::minutes(number);
        let id = received(
            &lake,
            "stripe",
            kind::PAYMENT_EVENT,
            at,
            &intent(&format!("pi_{number}"), "succeeded", 500),
        )
        .await;
        lake.normalized(&[&id]).await;
    }
    let maintainer =
        lake.maintainer(MaintenanceSettings { lateness: TimeDelta::zero(), ..Default::default() });
    maintainer.seal(Days::ALL, Utc::now(), false).await.unwrap();
    let seal = &lake.files(&format!("tables/{}", Table::FactPaymentEvents)).await[0];
    made_by_older_rules(&lake, seal, true).await;
    derive(&lake).await;
    assert_eq!(lake.derived(Derived::Payments).await.len(), 0, "what nobody understood is no payment");
    let dry = maintainer.replay(Days::ALL, None, Utc::now(), true).await.unwrap();
    let replayed = maintainer.replay(Days::ALL, None, Utc::now(), false).await.unwrap();
    for replayed in [dry, replayed] {
        let difference = &replayed.tables[0].difference;
        assert_eq!((difference.understood, difference.added), (3, 1), "{difference:?}");
    }
    derive(&lake).await;
    assert_eq!(lake.derived(Derived::Payments).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_that_overtake_each_other_leave_one_right_table() {
    for _ in 0..20 {
        let lake = TestLake::new();
        let bring = async |day: u32, body: String| {
            let at = at(&format!("2026-03-{day:02}T10:00:00Z"));
            let id = received(&lake, "stripe", kind::PAYMENT_EVENT, at, &body).await;
            lake.normalized(&[&id]).await;
        };
        let at_once = || {
            let passes = [(); 3].map(|()| {
                let lake = lake.clone();
                tokio::spawn(async move { derive(&lake).await })
            });
            futures::future::try_join_all(passes)
        };
        bring(3, intent("pi_1", "succeeded", 500)).await;
        let first = at_once();
        // Heard of while they are at work.
        bring(1, intent("pi_1", "processing", 500)).await;
        first.await.unwrap();
        at_once().await.unwrap();
        derive(&lake).await;
        let rows = lake.derived(Derived::Payments).await;
        let told: Vec<[&str; 2]> =
            rows.iter().map(|row| ["status_category", "events"].map(|name| row[name].as_str())).collect();
        assert_eq!(told, [["APPROVED", "2"]]);
    }
}
