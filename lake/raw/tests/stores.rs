//! What every object store behind a lake must do: the directory, memory, and either with events.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

#[cfg(feature = "s3")]
#[path = "../../../tests/emulator/mod.rs"]
mod emulator;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cauce_raw::{
    Bundle, CreatedListener, Durability, Envelope, NotifyingStore, Put, RawError, RawZone, kind, open,
};
use futures::TryStreamExt;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, path::Path};

async fn conforms(store: Arc<dyn ObjectStore>) {
    many_creators_have_one_winner(&store).await;
    conforms_alone(store).await;
}

/// All that can be seen of a store by one who asks one thing after the other.
async fn conforms_alone(store: Arc<dyn ObjectStore>) {
    a_name_is_taken_once(&store).await;
    a_replace_names_what_it_replaces(&store).await;
    raw_objects_are_put_read_and_listed(&store).await;
}

async fn a_name_is_taken_once(store: &Arc<dyn ObjectStore>) {
    let path = Path::from("hot/fact_offers/date=2026-03-01/a.parquet");
    store.put_opts(&path, "first".into(), PutMode::Create.into()).await.unwrap();
    let second = store.put_opts(&path, "second".into(), PutMode::Create.into()).await;
    assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{second:?}");
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "first");
    let listed: Vec<_> = store.list(Some(&Path::from("hot"))).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1, "no temporary file is seen: {listed:?}");
}

async fn a_replace_names_what_it_replaces(store: &Arc<dyn ObjectStore>) {
    let path = Path::from("tables/t/date=2026-03-01/seal-1.parquet");
    store.put(&path, "one".into()).await.unwrap();
    let version = |tag: Option<String>| UpdateVersion { e_tag: tag, version: None };
    let first = store.head(&path).await.unwrap().e_tag;
    store.put_opts(&path, "two two".into(), PutMode::Update(version(first.clone())).into()).await.unwrap();
    let late = store.put_opts(&path, "three".into(), PutMode::Update(version(first)).into()).await;
    assert!(matches!(late, Err(Error::Precondition { .. })), "{late:?}");
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "two two");
}

const CONTENDED: &str = "raw/contended";

async fn many_creators_have_one_winner(store: &Arc<dyn ObjectStore>) {
    let path = Path::from(CONTENDED);
    let put = |number: usize| {
        let (store, path) = (Arc::clone(store), path.clone());
        async move { store.put_opts(&path, number.to_string().into(), PutMode::Create.into()).await.is_ok() }
    };
    let won = futures::future::join_all((0..16).map(put)).await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
}

async fn raw_objects_are_put_read_and_listed(store: &Arc<dyn ObjectStore>) {
    let zone = RawZone::new(Arc::clone(store));
    let mut bundle = Bundle::new("binance_p2p", kind::FILE, "2026-03-01".parse().unwrap(), "10");
    bundle
        .push(&Envelope::bare(&br#"{"price":"1.50"}"#[..], "2026-03-01T10:00:00Z".parse().unwrap()))
        .unwrap();
    let object = bundle.seal("page").unwrap();
    assert_eq!(zone.put(&object).await.unwrap(), Put::Created);
    assert_eq!(zone.put(&object).await.unwrap(), Put::AlreadyThere, "the same content has the same key");
    let lines = zone.read(&object.id).await.unwrap();
    let envelope = Envelope::read_line(lines.strip_suffix(b"\n").unwrap()).unwrap();
    assert_eq!(envelope.body.bytes(), br#"{"price":"1.50"}"#);
    let ids: Vec<_> = zone.list(|_| true).map_ok(|(id, _)| id).try_collect().await.unwrap();
    assert_eq!(ids, std::slice::from_ref(&object.id), "what is no raw object is passed over");
    store.put(&Path::from(object.id.key()), "no zstd".into()).await.unwrap();
    assert!(matches!(zone.read(&object.id).await, Err(RawError::Damaged { .. })));
}

#[tokio::test]
async fn a_directory() {
    for durability in [Durability::Full, Durability::Relaxed] {
        let folder = tempfile::tempdir().unwrap();
        conforms(open(folder.path().to_str().unwrap(), durability).unwrap()).await;
    }
}

#[tokio::test]
async fn memory() {
    conforms(open("memory://", Durability::Full).unwrap()).await;
}

#[cfg(feature = "s3")]
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_and_a_prefix_of_one() {
    let Some(emulator) = emulator::Emulator::start() else { return };
    bucket_and_prefix(&emulator, Races::HasOneWinner).await;
}

#[cfg(feature = "s3")]
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_and_a_prefix_of_one_on_localstack() {
    let Some(emulator) = emulator::Emulator::localstack() else { return };
    bucket_and_prefix(&emulator, Races::OfKnownNames).await;
}

/// What an emulator makes of creators at once, of whom S3 says that one wins.
#[cfg(feature = "s3")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Races {
    HasOneWinner,
    /// LocalStack 4.14 makes what it locks of a name when the name is first heard, without a lock: of two who are heard
    /// first at once both win. And it completes an upload in parts without a lock at all.
    OfKnownNames,
}

/// A replace of nothing, which fails, makes the name known before the race.
#[cfg(feature = "s3")]
async fn name_is_known(store: Arc<dyn ObjectStore>) {
    let version = UpdateVersion { e_tag: Some("\"none\"".to_owned()), version: None };
    let replaced = store.put_opts(&Path::from(CONTENDED), "x".into(), PutMode::Update(version).into()).await;
    assert!(replaced.is_err(), "there is nothing to replace");
}

#[cfg(feature = "s3")]
async fn bucket_and_prefix(emulator: &emulator::Emulator, races: Races) {
    emulator.make_bucket("bucket");
    emulator.make_bucket("parts");
    let aws = cauce_raw::aws::emulator(&emulator.endpoint);
    for url in ["s3://bucket", "s3://bucket/lakes/one/"] {
        let store = cauce_raw::open_s3(url, &aws).unwrap();
        if races == Races::OfKnownNames {
            name_is_known(Arc::clone(&store)).await;
        }
        conforms(store).await;
    }
    #[cfg(feature = "multipart")]
    for prefix in ["", "lakes/parts"] {
        in_parts(&aws, prefix, races).await;
    }
    let refused = cauce_raw::open_s3("s3:///lake", &aws).unwrap_err().to_string();
    assert!(refused.contains("names no bucket"), "{refused}");
}

#[cfg(feature = "multipart")]
async fn in_parts(aws: &cauce_raw::aws::SdkConfig, prefix: &str, races: Races) {
    use cauce_raw::{LargePuts, open_s3};

    let plain = open_s3("s3://parts", aws).unwrap();
    let below = open_s3(&format!("s3://parts/{prefix}"), aws).unwrap();
    let large = Arc::new(LargePuts::new(Arc::clone(&below), aws, "parts", prefix, 0));
    let least = match races {
        Races::HasOneWinner => {
            conforms(Arc::clone(&large) as _).await;
            16
        }
        Races::OfKnownNames => {
            conforms_alone(Arc::clone(&large) as _).await;
            4
        }
    };
    assert!(large.uploads() > least, "every put of the suite went in parts: {}", large.uploads());

    // Three parts, of which the last is short.
    let bytes: bytes::Bytes = (0..36_000_000_u32).map(|byte| (byte % 251) as u8).collect();
    let seal = Path::from("tables/t/date=2026-03-02/seal-1.parquet");
    let put = large.put_opts(&seal, bytes.clone().into(), PutMode::Create.into()).await.unwrap();
    let whole = plain.get(&Path::from(format!("{prefix}/{seal}"))).await.unwrap();
    assert_eq!(whole.meta.e_tag, put.e_tag, "what a replace must name is what the put said");
    assert!(whole.bytes().await.unwrap() == bytes, "the parts are in their order");
    let expected = UpdateVersion { e_tag: put.e_tag, version: None };
    large.put_opts(&seal, "other".into(), PutMode::Update(expected.clone()).into()).await.unwrap();
    let late = large.put_opts(&seal, bytes.clone().into(), PutMode::Update(expected).into()).await;
    assert!(matches!(late, Err(Error::Precondition { .. })), "{late:?}");
    let second = large.put_opts(&seal, bytes.into(), PutMode::Create.into()).await;
    assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{second:?}");
    assert_eq!(below.get(&seal).await.unwrap().bytes().await.unwrap(), "other");
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

#[async_trait]
impl CreatedListener for Heard {
    async fn created(&self, key: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.lock().unwrap().push(key.to_owned());
        Err("the listener is out of order".into())
    }
}

#[tokio::test]
async fn events_come_after_the_object_and_their_loss_is_no_failure() {
    let heard = Arc::new(Heard::default());
    let store = NotifyingStore::new(open("memory://", Durability::Full).unwrap(), Arc::clone(&heard) as _);
    conforms(Arc::new(store)).await;
    let keys = heard.0.lock().unwrap().clone();
    assert!(keys.iter().all(|key| key.starts_with("raw/")), "{keys:?}");
    assert_eq!(
        keys.iter().filter(|key| key.ends_with(".zst")).count(),
        2,
        "a put that made nothing is no event"
    );
}

#[test]
fn other_places_are_refused_with_what_to_do() {
    let refused = open("s3://bucket/lake", Durability::Full).unwrap_err().to_string();
    assert!(refused.contains("only a directory or memory://"), "{refused}");
}
