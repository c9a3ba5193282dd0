//! A copy of a lake says what the lake says.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

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

#[tokio::test]
async fn a_copy_says_the_same_goes_on_where_it_was_cut_and_follows_what_changes() {
    let lake = lake().await;
    let folder = tempfile::tempdir().unwrap();
    let directory = cauce_raw::open(folder.path().to_str().unwrap(), cauce_raw::Durability::Relaxed).unwrap();
    let copy = TestLake::over(directory);
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
