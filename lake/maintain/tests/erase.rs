//! One person leaves the lake: raw zone, hot files, seals, what replays had kept, derived tables.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

use std::sync::Arc;

use cauce_maintain::{Maintainer, MaintenanceSettings};
use cauce_model::RawId;
use cauce_normalize::{MODEL, ModelAnswer, Subject};
use cauce_raw::{Bundle, Envelope, Put, RawZone, kind};
use cauce_tables::{DayBatch, Days, Planner, Table, write};
use chrono::{TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};

const DAY: &str = "2026-03-01";

fn paid(id: &str, customer: &str) -> String {
    format!(
        r#"{{"object":"payment_intent","id":"{id}","status":"succeeded","created":1,"amount":5,"currency":"usd","metadata":{{"order_id":"{customer}"}}}}"#
    )
}

struct Lake {
    store: Arc<dyn ObjectStore>,
    maintainer: Maintainer,
}

impl Lake {
    fn new() -> Self {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let planner = Planner::new(Arc::clone(&store));
        let maintainer = Maintainer::new(Arc::clone(&store), planner, MaintenanceSettings::default());
        Self { store, maintainer }
    }

    /// Keeps events and writes their rows, as one hot file of each table.
    async fn bring(&self, bodies: &[String]) -> Vec<RawId> {
        let at = format!("{DAY}T10:00:00Z").parse().unwrap();
        let mut day = DayBatch::new(DAY.parse().unwrap());
        let mut ids = Vec::new();
        for body in bodies {
            let mut bundle = Bundle::new("stripe", kind::PAYMENT_EVENT, DAY.parse().unwrap(), "10");
            bundle.push(&Envelope::bare(body.as_bytes(), at)).unwrap();
            let sealed = bundle.seal("event").unwrap();
            assert_eq!(RawZone::new(Arc::clone(&self.store)).put(&sealed).await.unwrap(), Put::Created);
            day.read(&sealed.id, &RawZone::decompress(&sealed.id, &sealed.bytes).unwrap());
            ids.push(sealed.id);
        }
        for file in day.finish().unwrap() {
            write(&self.store, &file).await.unwrap();
        }
        ids
    }

    /// Every object in which somebody is found; tables are Parquet, so their rows are looked through as text.
    async fn naming(&self, name: &str) -> Vec<String> {
        let all: Vec<ObjectMeta> = self.store.list(None).try_collect().await.unwrap();
        let mut found = Vec::new();
        for meta in all {
            let bytes = self.store.get(&meta.location).await.unwrap().bytes().await.unwrap();
            let path = meta.location.to_string();
            let text = match path.rsplit('.').next() {
                Some("zst") => {
                    let id = RawId::from_key(&path).unwrap();
                    String::from_utf8(RawZone::decompress(&id, &bytes).unwrap()).unwrap()
                }
                Some("parquet") => rows(bytes),
                _ => String::from_utf8_lossy(&bytes).into_owned(),
            };
            if text.contains(name) {
                found.push(path);
            }
        }
        found
    }
}

fn rows(bytes: bytes::Bytes) -> String {
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes)
        .unwrap()
        .build()
        .unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    format!("{batches:?}")
}

#[tokio::test]
async fn nothing_of_them_is_left_and_nothing_of_the_others_is_gone() {
    let lake = Lake::new();
    lake.bring(&[paid("pi_1", "customer-ana-77"), paid("pi_2", "customer-bob-78")]).await;
    lake.maintainer.seal(Days::ALL, Utc::now(), false).await.unwrap();
    // What comes late is hot, and the seal's inputs are still there, too; a replay had kept something.
    lake.bring(&[paid("pi_3", "customer-ana-77"), paid("pi_4", "customer-eva-79")]).await;
    lake.maintainer.merge(Days::ALL).await.unwrap();
    lake.maintainer.derive(Utc::now()).await.unwrap();
    let seal: Vec<ObjectMeta> = lake
        .store
        .list(Some(&Path::from(format!("tables/{}/date={DAY}", Table::FactPaymentEvents))))
        .try_collect()
        .await
        .unwrap();
    let bytes = lake.store.get(&seal[0].location).await.unwrap().bytes().await.unwrap();
    let kept = format!("replaced/{}/date={DAY}/seal-0-20260302T000000000Z.parquet", Table::FactPaymentEvents);
    lake.store.put(&Path::from(kept), bytes.clone().into()).await.unwrap();
    lake.store.put(&Path::from("results/abc.json"), "customer-ana-77".into()).await.unwrap();
    let before = lake.naming("customer-ana-77").await;
    assert!(before.len() >= 6, "raw, hot, sealed, replaced, derived, kept: {before:?}");
    let events = async |lake: &Lake| count(&lake.store).await;
    assert_eq!(events(&lake).await, 4);

    let subject = Subject::new(["customer-ana-77".to_owned()]).unwrap();
    let planned = lake.maintainer.erase(&subject, Utc::now(), true).await.unwrap();
    assert_eq!((planned.raw.len(), planned.rewritten.len()), (2, 0));
    assert_eq!(lake.naming("customer-ana-77").await, before, "a dry run changes nothing");

    let done = lake.maintainer.erase(&subject, Utc::now(), false).await.unwrap();
    assert_eq!((done.raw.len(), done.searched), (2, 4));
    assert_eq!(lake.naming("customer-ana-77").await, Vec::<String>::new(), "{done:?}");
    assert_eq!(events(&lake).await, 2);
    for other in ["customer-bob-78", "customer-eva-79"] {
        assert!(!lake.naming(other).await.is_empty(), "{other} is still there");
    }
    // The raw objects are covered as before: nobody reads them again for lack of rows.
    let again = lake.maintainer.erase(&subject, Utc::now(), false).await.unwrap();
    assert_eq!((again.raw.len(), again.unreadable.len()), (0, 0));
    lake.maintainer.seal(Days::ALL, Utc::now() + TimeDelta::days(3), false).await.unwrap();
    lake.maintainer.collect(Utc::now() + TimeDelta::days(60), false).await.unwrap();
    assert_eq!((events(&lake).await, lake.naming("customer-ana-77").await.len()), (2, 0));
}

/// A worker had read the object before, and writes its rows after.
#[tokio::test]
async fn rows_that_were_on_their_way_are_found_by_the_second_pass() {
    let lake = Lake::new();
    let body = [paid("pi_1", "customer-ana-77")];
    let ids = lake.bring(&body).await;
    let raw = RawZone::new(Arc::clone(&lake.store));
    let read_before = raw.read(&ids[0]).await.unwrap();
    let subject = Subject::new(["customer-ana-77".to_owned()]).unwrap();
    lake.maintainer.erase(&subject, Utc::now(), false).await.unwrap();
    let mut day = DayBatch::new(DAY.parse().unwrap());
    day.read(&ids[0], &read_before);
    for mut file in day.finish().unwrap() {
        // Another batch would have another name.
        file.path =
            Path::from(format!("{}-late.parquet", file.path.to_string().trim_end_matches(".parquet")));
        write(&lake.store, &file).await.unwrap();
    }
    assert_eq!(lake.naming("customer-ana-77").await.len(), 1);
    lake.maintainer.erase(&subject, Utc::now(), false).await.unwrap();
    assert_eq!(lake.naming("customer-ana-77").await, Vec::<String>::new());
}

async fn count(store: &Arc<dyn ObjectStore>) -> u64 {
    let planner = Planner::new(Arc::clone(store));
    let census = planner.census(Table::FactPaymentEvents, Days::ALL).await.unwrap();
    census.iter().flat_map(|file| file.supplies()).map(|object| u64::from(object.count)).sum()
}

/// What a model said of them names nobody, and goes with its event, whenever it was said.
#[tokio::test]
async fn a_models_answer_goes_with_its_event() {
    let lake = Lake::new();
    let body = r#"{"ref":"A-77","estado":"RECHAZADA","cliente":"customer-ana-77"}"#.to_owned();
    let ids = lake.bring(std::slice::from_ref(&body)).await;
    let answer = ModelAnswer {
        raw_id: ids[0].clone(),
        raw_pos: 0,
        record: 0,
        provider: "stripe".to_owned(),
        identity: "i".to_owned(),
        signature: "absent".to_owned(),
        received_at: format!("{DAY}T10:00:00Z").parse().unwrap(),
        attempts: 2,
        model: "small".to_owned(),
        question: 1,
        sent: body.replace("customer-ana-77", "[masked]"),
        answer: r#"{"event_type":"payment","status_category":"DECLINED","provider_status":"RECHAZADA","provider_payment_id":"A-77"}"#
            .to_owned(),
    };
    let mut bundle = Bundle::new(MODEL, kind::MODEL_ANSWER, DAY.parse().unwrap(), "answer-to-it");
    bundle.push(&Envelope::bare(serde_json::to_vec(&answer).unwrap(), answer.received_at)).unwrap();
    let sealed = bundle.seal_unique("answer").unwrap();
    RawZone::new(Arc::clone(&lake.store)).put(&sealed).await.unwrap();
    let mut day = DayBatch::new(DAY.parse().unwrap());
    day.read(&sealed.id, &RawZone::decompress(&sealed.id, &sealed.bytes).unwrap());
    for file in day.finish().unwrap() {
        write(&lake.store, &file).await.unwrap();
    }
    assert_eq!((count(&lake.store).await, lake.naming("A-77").await.len()), (2, 3));
    let subject = Subject::new(["customer-ana-77".to_owned()]).unwrap();
    let done = lake.maintainer.erase(&subject, Utc::now(), false).await.unwrap();
    assert_eq!(done.raw.len(), 2, "the event, and what was said of it: {done:?}");
    assert_eq!((count(&lake.store).await, lake.naming("A-77").await), (0, Vec::<String>::new()));
}
