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

/// The charge of an intent, which alone says that both are one payment.
fn charged(number: u32, cents: u32) -> String {
    json!({ "object": "charge", "id": format!("ch_{number}"), "payment_intent": format!("pi_{number}"), "paid": true,
            "captured": true, "status": "succeeded", "amount": cents, "currency": "usd",
            "description": format!("link_{number}") })
    .to_string()
}

/// A refund that names the charge only.
fn refunded_charge(number: u32, refund: u32, cents: u32) -> String {
    json!({ "object": "refund", "id": format!("re_ch_{number}_{refund}"), "charge": format!("ch_{number}"),
            "status": "succeeded", "amount": cents, "currency": "usd" })
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
                // And what its footer says of them.
                let schema = rows.schema();
                let footer: BTreeMap<_, _> = schema.metadata().iter().collect();
                found.insert(path, format!("{:?} {:?} {footer:?}", schema.fields(), rows.columns()));
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
async fn what_goes_by_several_ids_is_one_payment_and_two_again_when_nothing_joins_it_any_more() {
    let lake = TestLake::new();
    let bring = async |day: u32, body: String| {
        let at = at(&format!("2026-03-{day:02}T10:00:00Z"));
        let id = received(&lake, "stripe", kind::PAYMENT_EVENT, at, &body).await;
        lake.normalized(&[&id]).await;
        derive(&lake).await;
        let rows = lake.derived(Derived::Payments).await;
        let told = |row: &BTreeMap<String, String>| {
            [
                "provider_payment_id",
                "status_category",
                "captured_minor",
                "refunded_minor",
                "other_payment_ids",
            ]
            .map(|name| row[name].clone())
            .join(" ")
        };
        rows.iter().map(told).collect::<Vec<_>>()
    };
    let (paid, back) = (intent("pi_1", "succeeded", 1_000), refunded_charge(1, 0, 300));
    assert_eq!(bring(2, paid).await, ["pi_1 APPROVED 1000 0 null"]);
    assert_eq!(bring(4, back).await, ["pi_1 APPROVED 1000 0 null", "ch_1 REFUNDED 0 300 null"]);
    // What says that they are one comes last.
    assert_eq!(bring(6, charged(1, 1_000)).await, ["pi_1 PARTIALLY_REFUNDED 1000 300 ch_1"]);
    assert_eq!(bring(7, refunded_charge(1, 1, 700)).await, ["pi_1 REFUNDED 1000 1000 ch_1"]);
    let subject = Subject::new(["link_1".to_owned()]).unwrap();
    lake.maintainer(MaintenanceSettings::default()).erase(&subject, Utc::now(), false).await.unwrap();
    let rows = lake.derived(Derived::Payments).await;
    let told: Vec<&str> = rows.iter().map(|row| row["provider_payment_id"].as_str()).collect();
    assert_eq!(told, ["pi_1", "ch_1"]);
}

#[tokio::test]
async fn an_order_its_authorization_and_both_captures_of_it_are_one_payment_and_add_up() {
    let lake = TestLake::new();
    let event = |minute: u32, name: &str, resource: serde_json::Value| {
        let time = format!("2026-03-02T10:{minute:02}:00Z");
        json!({ "id": format!("WH-{minute}"), "event_type": name, "resource": resource, "create_time": time })
    };
    let amount = |value: &str| json!({ "value": value, "currency_code": "USD" });
    let capture = |id: &str, value: &str| {
        let related = json!({ "order_id": "ORDER", "authorization_id": "AUTH" });
        json!({ "id": id, "status": "COMPLETED", "amount": amount(value),
                "supplementary_data": { "related_ids": related } })
    };
    let order = json!({ "id": "ORDER", "status": "APPROVED", "intent": "AUTHORIZE",
                        "purchase_units": [{ "amount": amount("10.00") }] });
    let authorization = json!({ "id": "AUTH", "status": "CREATED", "amount": amount("10.00"),
                                "supplementary_data": { "related_ids": { "order_id": "ORDER" } } });
    let up = json!([{ "rel": "up", "href": "https://api.paypal.com/v2/payments/captures/CAP-2" }]);
    let refund = json!({ "id": "BACK", "status": "COMPLETED", "amount": amount("3.00"), "links": up });
    let events = [
        event(1, "CHECKOUT.ORDER.APPROVED", order),
        event(2, "PAYMENT.AUTHORIZATION.CREATED", authorization),
        event(3, "PAYMENT.CAPTURE.COMPLETED", capture("CAP-1", "6.00")),
        event(4, "PAYMENT.CAPTURE.COMPLETED", capture("CAP-2", "4.00")),
        event(5, "PAYMENT.CAPTURE.REFUNDED", refund),
    ];
    let mut told = Vec::new();
    for (number, body) in (0..).zip(&events) {
        let at = at("2026-03-02T10:00:00Z") + TimeDelta::minutes(number);
        let id = received(&lake, "paypal", kind::PAYMENT_EVENT, at, &body.to_string()).await;
        lake.normalized(&[&id]).await;
        derive(&lake).await;
        for row in lake.derived(Derived::Payments).await {
            let names = [
                "provider_payment_id",
                "status_category",
                "authorized_minor",
                "captured_minor",
                "refunded_minor",
            ];
            told.push(names.map(|name| row[name].clone()).join(" "));
        }
    }
    assert_eq!(
        told,
        [
            "ORDER PENDING 0 0 0",
            "ORDER AUTHORIZED 1000 0 0",
            "ORDER APPROVED 1000 600 0",
            "ORDER APPROVED 1000 1000 0",
            "ORDER PARTIALLY_REFUNDED 1000 1000 300"
        ]
    );
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
            if random.random_bool(0.7) {
                bodies.push(("stripe", kind::PAYMENT_EVENT, charged(number, 1_000)));
            }
            for refund in 0..random.random_range(0..3) {
                bodies.push(("stripe", kind::PAYMENT_EVENT, refunded_charge(number, refund, 100)));
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
        // A person leaves both; and what joined an intent to its charge.
        let subject = Subject::new(["re_pi_1_0", "link_2", "link_4"].map(str::to_owned)).unwrap();
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
