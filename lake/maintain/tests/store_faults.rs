//! An object store that fails: errors before anything was done, time-outs after it was done, and bytes that come
//! slowly. Writers, merger, two sealers, collector and replay go on beside each other, and at every reading readers see
//! each raw object once.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use cauce_maintain::{MaintainError, MaintenanceSettings, Retention};
use cauce_tables::{Days, Table, write};
use chrono::{TimeDelta, Utc};
use common::{TestLake, at, day, made_by_older_rules, without_versions};
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory,
    path::Path,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Share of the calls that fail, in percent.
const FAILING: u32 = 8;

#[derive(Debug)]
struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    random: Mutex<StdRng>,
    failed: AtomicU64,
}

enum Fault {
    None,
    Before,
    After,
}

impl FaultyStore {
    fn fault(&self) -> Fault {
        let drawn = self.random.lock().unwrap().random_range(0..100);
        let fault = match drawn {
            drawn if drawn < FAILING / 2 => Fault::Before,
            drawn if drawn < FAILING => Fault::After,
            _ => return Fault::None,
        };
        self.failed.fetch_add(1, Ordering::Relaxed);
        fault
    }

    /// Does `work`, or says that it failed: without doing it, or after having done it.
    async fn maybe<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let failed = |what: &str| Error::Generic { store: "faulty", source: what.to_owned().into() };
        match self.fault() {
            Fault::None => work.await,
            Fault::Before => Err(failed("no connection")),
            Fault::After => {
                work.await?;
                Err(failed("timed out while waiting for the answer"))
            }
        }
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.maybe(self.inner.put_opts(to, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        let mut answer = self.maybe(self.inner.get_opts(from, options)).await?;
        // The bytes come in small pieces, and others get their turn between them.
        let meta = answer.meta.clone();
        let range = answer.range.clone();
        let bytes = std::mem::replace(
            &mut answer.payload,
            GetResultPayload::Stream(futures::stream::empty().boxed()),
        );
        let whole = GetResult { payload: bytes, meta, range, attributes: answer.attributes.clone() };
        let whole = whole.bytes().await?;
        let pieces: Vec<_> = (0..whole.len())
            .step_by(4_000)
            .map(|at| whole.slice(at..(at + 4_000).min(whole.len())))
            .collect();
        let slowly = futures::stream::iter(pieces).then(|piece| async move {
            tokio::task::yield_now().await;
            Ok(piece)
        });
        answer.payload = GetResultPayload::Stream(slowly.boxed());
        Ok(answer)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault() {
            Fault::None => self.inner.list(prefix),
            Fault::Before | Fault::After => {
                let error = Error::Generic { store: "faulty", source: "listing was cut".into() };
                self.inner.list(prefix).take(2).chain(futures::stream::once(async { Err(error) })).boxed()
            }
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.maybe(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.maybe(self.inner.copy_opts(from, to, options)).await
    }
}

/// Errors of the store are what is expected; anything else is a mistake of ours.
fn tolerated<T>(outcome: std::result::Result<T, MaintainError>) {
    if let Err(error) = outcome {
        let text = error.to_string();
        let of_the_store = ["faulty", "no connection", "timed out", "cut", "all the time"];
        assert!(of_the_store.iter().any(|words| text.contains(words)), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_harms_no_reader() {
    let sound: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let faulty = Arc::new(FaultyStore {
        inner: Arc::clone(&sound),
        random: Mutex::new(StdRng::seed_from_u64(5)),
        failed: AtomicU64::new(0),
    });
    let (lake, through_faults) =
        (TestLake::over(Arc::clone(&sound)), TestLake::over(Arc::clone(&faulty) as _));
    let settings = MaintenanceSettings {
        seal_rows: 30,
        retention: Retention { raw: None, tables: None, replaced: TimeDelta::zero() },
        ..MaintenanceSettings::default()
    };
    let mut random = StdRng::seed_from_u64(6);
    let mut ids = Vec::new();
    let mut expected: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..40 {
        for number in 0..2 {
            let id = lake.scraped(day("2026-03-01"), 2 * round + number).await;
            let alone = TestLake::new();
            alone.raw().put(&object_of(&lake, &id).await).await.unwrap();
            alone.normalized(&[&id]).await;
            expected.extend(without_versions(alone.seen().await));
            ids.push(id);
        }
        // A batch of what came and of what had come before, in any order, written as far as the store lets it.
        let mut batch: Vec<_> = ids.iter().rev().take(5).collect();
        batch.shuffle(&mut random);
        batch.truncate(3);
        let writing = async {
            for file in lake.hot_files(&batch).await {
                if write(&through_faults.store, &file).await.is_err() {
                    return false;
                }
            }
            true
        };
        let now = at("2026-03-09T00:00:00Z");
        let maintainers: Vec<_> = (0..2).map(|_| through_faults.maintainer(settings)).collect();
        let (written, merged, one, two, collected, replayed) = futures::join!(
            writing,
            maintainers[0].merge(Days::ALL),
            maintainers[0].seal(Days::ALL, now, false),
            maintainers[1].seal(Days::ALL, now, false),
            // The grace is over at once for what was there before this round: nobody is reading.
            maintainers[1].collect(Utc::now() + TimeDelta::hours(1), false),
            maintainers[0].replay(Days::ALL, None, now, false),
        );
        tolerated(merged);
        tolerated(one);
        tolerated(two);
        tolerated(collected);
        tolerated(replayed);
        if written {
            acknowledged.extend(batch.iter().map(|id| (*id).clone()));
        }
        if round % 8 == 7 {
            let seals = lake.files("tables/fact_offers").await;
            if let Some(seal) = seals.first() {
                made_by_older_rules(&lake, seal, false).await;
            }
        }
        let seen = without_versions(lake.seen().await);
        for (key, rows) in &seen {
            assert_eq!(Some(rows), expected.get(key), "round {round}: {key:?}");
        }
        for id in &acknowledged {
            assert!(seen.contains_key(&(Table::FactOffers, id.clone())), "round {round}: {id} is lost");
        }
    }
    let failed = faulty.failed.load(Ordering::Relaxed);
    println!("{failed} calls failed, {} of {} raw objects acknowledged", acknowledged.len(), ids.len());
    assert!(failed > 200 && acknowledged.len() > 10, "{failed} {}", acknowledged.len());
}

async fn object_of(lake: &TestLake, id: &cauce_model::RawId) -> cauce_raw::RawObject {
    cauce_raw::RawObject { id: id.clone(), bytes: lake.raw().get(id).await.unwrap() }
}
