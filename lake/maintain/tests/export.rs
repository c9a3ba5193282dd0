//! A copy of a lake says what the lake says.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;
#[cfg(feature = "s3")]
#[path = "../../../tests/emulator/mod.rs"]
mod emulator;

use std::sync::Arc;

use cauce_maintain::{ExportError, Exported, MaintenanceSettings, export};
use cauce_tables::Days;
use chrono::Utc;
use common::{TestLake, day, made_by_older_rules};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};

async fn lake() -> TestLake {
    let lake = TestLake::new();
    for (date, runs) in [("2026-03-01", 4), ("2026-03-02", 3)] {
        for number in 0..runs {
            let id = lake.scraped(day(date), number).await;
            lake.normalized(&[&id]).await;
        }
    }
    let maintainer = lake.maintainer(MaintenanceSettings::default());
    maintainer.seal(Days::only(day("2026-03-01")), Utc::now(), false).await.unwrap();
    maintainer.derive(Utc::now()).await.unwrap();
    lake
}

fn directory(folder: &tempfile::TempDir) -> Arc<dyn ObjectStore> {
    cauce_raw::open(folder.path().to_str().unwrap(), cauce_raw::Durability::Relaxed).unwrap()
}

#[tokio::test]
async fn a_copy_says_the_same_goes_on_where_it_was_cut_and_follows_what_changes() {
    let folder = tempfile::tempdir().unwrap();
    copies_to(directory(&folder)).await;
}

/// From memory to a prefix of a bucket, and from there to a directory.
#[cfg(feature = "s3")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lake_moves_to_s3_and_back() {
    let Some(emulator) = emulator::Emulator::start() else { return };
    emulator.make_bucket("lakes");
    let aws = cauce_raw::aws::emulator(&emulator.endpoint);
    let bucket = cauce_raw::open_s3("s3://lakes/one", &aws).unwrap();
    copies_to(Arc::clone(&bucket)).await;
    let folder = tempfile::tempdir().unwrap();
    let (there, back) = (TestLake::over(Arc::clone(&bucket)), TestLake::over(directory(&folder)));
    let moved = export(&bucket, &back.store, |_| ()).await.unwrap();
    assert_eq!(moved.copied, there.files("").await.len() as u64);
    assert_eq!(back.seen().await, there.seen().await);
}

async fn copies_to(place: Arc<dyn ObjectStore>) {
    let lake = lake().await;
    let copy = TestLake::over(place);
    let all = lake.files("").await.len() as u64;
    // Cut short: some objects are there already.
    for path in lake.files("raw").await.into_iter().take(3) {
        let path = Path::from(path);
        let bytes = lake.store.get(&path).await.unwrap().bytes().await.unwrap();
        copy.store.put(&path, bytes.into()).await.unwrap();
    }
    let first = export(&lake.store, &copy.store, |_| ()).await.unwrap();
    assert_eq!((first.copied, first.same, first.gone), (all - 3, 3, 0));
    assert_eq!(copy.files("raw").await, lake.files("raw").await);
    assert_eq!(copy.seen().await, lake.seen().await);
    let second = export(&lake.store, &copy.store, |_| ()).await.unwrap();
    assert_eq!(second, Exported { same: all, ..Exported::default() });
    // A seal that was replaced is replaced there, too.
    let seal = lake.files("tables/fact_offers").await.remove(0);
    made_by_older_rules(&lake, &seal, true).await;
    assert_eq!(export(&lake.store, &copy.store, |_| ()).await.unwrap().copied, 1);
    assert_eq!(copy.seen().await, lake.seen().await);
}

#[tokio::test]
async fn another_lake_at_the_place_is_not_overwritten() {
    let lake = lake().await;
    let other: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let path = Path::from(lake.files("raw").await.remove(0));
    other.put(&path, "something else".into()).await.unwrap();
    let refused = export(&lake.store, &other, |_| ()).await;
    assert!(matches!(refused, Err(ExportError::Differs { path: refused }) if refused == path));
    assert_eq!(other.get(&path).await.unwrap().bytes().await.unwrap(), "something else");
}
