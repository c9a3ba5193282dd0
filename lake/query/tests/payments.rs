//! How payments went: what became of each, what they were worth, in whose words, and which providers are not themselves.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::sync::Arc;

use cauce_maintain::{Maintainer, MaintenanceSettings};
use cauce_model::{EventId, RawId};
use cauce_normalize::{MODEL, ModelAnswer};
use cauce_query::{Lake, Measure, PaymentMetrics, PaymentsQuestion, json_rows};
use cauce_raw::{Bundle, Envelope, RawZone, kind};
use cauce_tables::{DayBatch, Days, write};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::properties::WriterProperties,
};
use serde_json::{Value, json};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Keeps bodies of one source as one raw object, and writes its rows.
async fn bring(
    store: &Arc<dyn ObjectStore>,
    source: &str,
    kind: &'static str,
    received_at: DateTime<Utc>,
    bodies: &[String],
) -> RawId {
    let mut bundle =
        Bundle::new(source, kind, received_at.date_naive(), &received_at.format("%H").to_string());
    for body in bodies {
        bundle.push(&Envelope::bare(body.as_bytes(), received_at)).unwrap();
    }
    let sealed = bundle.seal("event").unwrap();
    let bytes = RawZone::decompress(&sealed.id, &sealed.bytes).unwrap();
    let mut day = DayBatch::new(sealed.id.date());
    day.read(&sealed.id, &bytes);
    for file in day.finish().unwrap() {
        write(store, &file).await.unwrap();
    }
    sealed.id
}

fn intent(id: &str, status: &str, created: DateTime<Utc>, cents: u32, currency: &str) -> String {
    json!({ "object": "payment_intent", "id": id, "status": status, "created": created.timestamp(), "amount": cents,
            "amount_received": if status == "succeeded" { cents } else { 0 }, "currency": currency,
            "last_payment_error": if status == "requires_payment_method" {
                json!({ "code": "card_declined", "decline_code": "insufficient_funds" }) } else { Value::Null } })
    .to_string()
}

async fn derived(store: &Arc<dyn ObjectStore>) -> Lake {
    let lake = Lake::new(Arc::clone(store));
    let maintainer =
        Maintainer::new(Arc::clone(store), lake.planner().clone(), MaintenanceSettings::default());
    maintainer.derive(Utc::now()).await.unwrap();
    lake
}

fn of(first: &str, last: &str) -> PaymentsQuestion {
    PaymentsQuestion {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        provider: None,
        country: None,
        merchant_id: None,
        payment_method: None,
        currency: None,
    }
}

fn names(counted: &[cauce_query::Counted]) -> Vec<(&str, u64)> {
    counted.iter().map(|one| (one.name.as_str(), one.count)).collect()
}

#[tokio::test]
async fn a_payment_counts_once_by_what_became_of_it() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let paid = at("2026-03-02T10:00:00Z");
    let later = paid + TimeDelta::seconds(3);
    let bodies = [
        intent("pi_1", "processing", paid, 10_000, "brl"),
        intent("pi_1", "succeeded", later, 10_000, "brl"),
        intent("pi_1", "succeeded", later, 10_000, "brl"),
        intent("pi_2", "requires_payment_method", paid, 500, "usd"),
        intent("pi_3", "succeeded", paid, 700, "usd"),
        intent("pi_4", "processing", paid, 900, "eur"),
        intent("pi_5", "succeeded", paid, 900, "eur"),
    ];
    bring(&store, "stripe", kind::PAYMENT_EVENT, paid + TimeDelta::seconds(5), &bodies).await;
    let rates =
        ["date,currency,per_usd\n2026-02-28,BRL,9.00\n2026-02-28,BRL,5.00\n2026-02-20,EUR,0.9\n".to_owned()];
    bring(&store, "fx_rates", kind::FILE, paid, &rates).await;
    let lake = derived(&store).await;
    let metrics: PaymentMetrics = lake.payment_metrics(&of("2026-03-01", "2026-03-02")).await.unwrap();
    assert_eq!((metrics.all.payments, metrics.all.succeeded, metrics.all.failed), (5, 3, 1));
    assert_eq!(metrics.all.success_rate, Some(0.75));
    assert_eq!(names(&metrics.by_status), [("APPROVED", 3), ("DECLINED", 1), ("PENDING", 1)]);
    assert_eq!(names(&metrics.top_failure_reasons), [("INSUFFICIENT_FUNDS", 1)]);
    assert_eq!(metrics.total_events, 7);
    assert_eq!((metrics.latency_ms.events, metrics.latency_ms.p50), (7, Some(5_000)));
    let stripe = &metrics.providers[0];
    assert_eq!((stripe.provider.as_str(), stripe.outcomes.payments, stripe.events), ("stripe", 5, 7));
    // 100 reais at 5, the last that the file says, and 7 dollars; the euros' rate is ten days old, so what they were worth is not known.
    assert_eq!((stripe.captured_usd.as_deref(), stripe.without_rate), (Some("27.00000000"), 1));
    let reais = metrics.currencies.iter().find(|one| one.currency.as_deref() == Some("BRL")).unwrap();
    assert_eq!((reais.captured_minor, reais.captured_usd.as_deref()), (10_000, Some("20.00000000")));
    assert_eq!(metrics.hours.len(), 1);
    // 2 March 2026 is a monday.
    assert_eq!(
        (metrics.hours[0].weekday, metrics.hours[0].hour, metrics.hours[0].outcomes.payments),
        (1, 10, 5)
    );
    let dollars = PaymentsQuestion { currency: Some("USD".to_owned()), ..of("2026-03-02", "2026-03-02") };
    assert_eq!(lake.payment_metrics(&dollars).await.unwrap().all.payments, 2);
    let before = lake.payment_metrics(&of("2026-02-01", "2026-03-01")).await.unwrap();
    assert_eq!((before.all.payments, before.total_events, before.all.success_rate), (0, 0, None));
}

#[tokio::test]
async fn rules_come_before_a_model_and_a_model_before_nobody() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let received = at("2026-03-02T10:00:00Z");
    let strange = |reference: &str| {
        json!({ "ref": reference, "estado": "RECHAZADA", "monto": "150.50", "moneda": "ARS" }).to_string()
    };
    let raw = bring(&store, "events", kind::PAYMENT_EVENT, received, &[strange("A-1"), strange("A-2")]).await;
    let answer = |raw_id: &RawId, raw_pos: i32, written: Value, sent: String| {
        let answer = ModelAnswer {
            raw_id: raw_id.clone(),
            raw_pos,
            record: 0,
            provider: "unknown".to_owned(),
            identity: format!("identity {raw_pos}"),
            signature: "not_signed".to_owned(),
            received_at: received,
            attempts: 2,
            model: "small".to_owned(),
            question: 1,
            sent,
            answer: written.to_string(),
        };
        serde_json::to_string(&answer).unwrap()
    };
    let written = json!({ "event_type": "payment", "status_category": "DECLINED", "failure_reason": "BANK_DECLINE",
                          "provider_status": "RECHAZADA", "provider_reference": "A-1", "amount": "150.50",
                          "amount_unit": "major", "currency": "ARS" });
    let guess = json!({ "event_type": "payment", "status_category": "APPROVED", "provider_status": "PAID" });
    // What rules can read by now, a model had been asked before.
    let known = intent("pi_1", "succeeded", received, 100, "usd");
    let by_rules = bring(&store, "stripe", kind::PAYMENT_EVENT, received, std::slice::from_ref(&known)).await;
    let wrong =
        json!({ "event_type": "payment", "status_category": "FAILED", "provider_status": "succeeded" });
    let answers = [
        answer(&raw, 0, written, strange("A-1")),
        answer(&raw, 1, guess, strange("A-2")),
        answer(&by_rules, 0, wrong, known),
        "no answer".to_owned(),
    ];
    bring(&store, MODEL, kind::MODEL_ANSWER, received + TimeDelta::hours(30), &answers).await;
    let lake = derived(&store).await;
    let rows = lake
        .sql("SELECT event_id, status_category, normalization_method, attempts, amount_minor, latency_ms, metadata
              FROM payment_events ORDER BY status_category")
        .await
        .unwrap();
    let rows = json_rows(&rows);
    let found: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row["status_category"].as_str().unwrap(), row["normalization_method"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("APPROVED", "rule_based"), ("DECLINED", "ai"), ("UNPROCESSED", "ai")]);
    assert_eq!(rows[1]["event_id"], EventId::derive(&raw, 0, 0).to_string());
    assert_eq!((rows[1]["amount_minor"].as_i64(), rows[1]["attempts"].as_i64()), (Some(15_050), Some(2)));
    assert!(rows[2]["metadata"].as_str().unwrap().contains("is worth 0"), "{}", rows[2]["metadata"]);
    let metrics = lake.payment_metrics(&of("2026-03-02", "2026-03-02")).await.unwrap();
    // A payment without an id is one; what rules read is not counted again in a model's words.
    assert_eq!((metrics.all.payments, metrics.all.succeeded, metrics.all.failed), (2, 1, 1));
    let bad = json_rows(&lake.sql("SELECT rule FROM quarantine").await.unwrap());
    assert_eq!(bad[0]["rule"], "unknown_shape");
}

/// Takes what was counted out of the footers of files, and says of how many.
async fn uncount(store: &Arc<dyn ObjectStore>, folder: &str) -> usize {
    let mut counted = 0;
    let files: Vec<ObjectMeta> = store.list(Some(&Path::from(folder))).try_collect().await.unwrap();
    for file in files.into_iter().filter(|file| file.location.as_ref().ends_with(".parquet")) {
        let bytes = store.get(&file.location).await.unwrap().bytes().await.unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let mut footer = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap();
        let before = footer.len();
        footer.retain(|entry| !entry.key.starts_with("cauce.figures"));
        counted += before - footer.len();
        let properties = WriterProperties::builder().set_key_value_metadata(Some(footer)).build();
        let (schema, mut bytes) = (Arc::clone(builder.schema()), Vec::new());
        let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).unwrap();
        for rows in builder.build().unwrap() {
            writer.write(&rows.unwrap()).unwrap();
        }
        writer.close().unwrap();
        store.put(&file.location, bytes.into()).await.unwrap();
    }
    counted
}

#[tokio::test]
async fn what_was_counted_when_files_were_written_is_what_their_rows_say() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let first = at("2026-03-02T22:00:00Z");
    for hour in 0..4 {
        let begun = first + TimeDelta::hours(hour);
        let bodies: Vec<String> = (0..60)
            .map(|number| match number % 5 {
                // Nobody's, and some that took long.
                0 => json!({ "what": number }).to_string(),
                1 => intent(&format!("pi_{hour}_{number}"), "requires_payment_method", begun, 500, "usd"),
                2 => intent(&format!("pi_{hour}_{}", number - hour % 2), "succeeded", begun, 500, "usd"),
                _ => intent(
                    &format!("pi_{hour}_{number}"),
                    "succeeded",
                    begun - TimeDelta::seconds(number * 37),
                    900,
                    "brl",
                ),
            })
            .collect();
        bring(&store, "stripe", kind::PAYMENT_EVENT, begun + TimeDelta::seconds(2), &bodies).await;
    }
    let lake = derived(&store).await;
    let maintainer =
        Maintainer::new(Arc::clone(&store), lake.planner().clone(), MaintenanceSettings::default());
    maintainer.seal(Days::ALL, Utc::now(), false).await.unwrap();
    maintainer.collect(Utc::now() + TimeDelta::days(30), false).await.unwrap();
    maintainer.derive(Utc::now()).await.unwrap();
    let stripe = PaymentsQuestion { provider: Some("stripe".to_owned()), ..of("2026-03-02", "2026-03-03") };
    let questions = [of("2026-03-02", "2026-03-03"), of("2026-03-03", "2026-03-03"), stripe];
    let mut answers = Vec::new();
    for question in &questions {
        answers.push(Lake::new(Arc::clone(&store)).payment_metrics(question).await.unwrap());
    }
    let all = answers[0].all;
    assert_eq!((answers[0].total_events, all.payments, all.failed), (240, 168, 24), "{:?}", answers[0]);
    for folder in ["tables/payments", "tables/fact_payment_events"] {
        assert_eq!(uncount(&store, folder).await, 2, "a file a day of {folder} was counted");
    }
    for (question, answer) in questions.iter().zip(answers) {
        let by_rows = Lake::new(Arc::clone(&store)).payment_metrics(question).await.unwrap();
        assert_eq!(by_rows, answer);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_itself_is_noticed() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let now = at("2026-03-02T11:20:00Z");
    for week in 0..=6 {
        let hour = at("2026-03-02T10:05:00Z") - TimeDelta::weeks(week);
        // This week half of them fail.
        let fails = |number: i64| number % if week == 0 { 2 } else { 10 } == 0;
        let status = |number| if fails(number) { "requires_payment_method" } else { "succeeded" };
        let bodies: Vec<String> = (0..60)
            .map(|number| intent(&format!("pi_{week}_{number}"), status(number), hour, 100, "usd"))
            .collect();
        bring(&store, "stripe", kind::PAYMENT_EVENT, hour, &bodies).await;
    }
    let lake = derived(&store).await;
    let judged = lake.payment_anomalies(now).await.unwrap();
    let found: Vec<(Measure, bool)> = judged.iter().map(|one| (one.measure, one.is_anomaly)).collect();
    assert_eq!(found, [(Measure::Volume, false), (Measure::SuccessRate, true)]);
    assert_eq!((judged[1].usual, judged[1].value), (0.9, Some(0.5)));
    // An hour later nothing came at all: of a provider that has no past in that hour nothing is said.
    assert_eq!(lake.payment_anomalies(now + TimeDelta::hours(1)).await.unwrap(), []);
}
