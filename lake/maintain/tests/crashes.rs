//! A crash at each named point between two steps: readers see what they saw, and the next run goes on.
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
use cauce_tables::Days;
use chrono::{TimeDelta, Utc};
use common::{TestLake, at, day, made_by_older_rules, without_versions};
use fail::FailScenario;

/// Everything that maintenance does, in one go.
async fn maintained(lake: TestLake) {
    let maintainer = lake.maintainer(MaintenanceSettings { seal_rows: 20, ..MaintenanceSettings::default() });
    maintainer.merge(Days::ALL).await.unwrap();
    maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    maintainer.collect(Utc::now() + TimeDelta::hours(2), false).await.unwrap();
    maintainer.replay(Days::ALL, None, Utc::now(), false).await.unwrap();
}

#[tokio::test]
async fn a_crash_at_any_point_changes_nothing_that_readers_see() {
    // One test for all points: they are the process's.
    let scenario = FailScenario::setup();
    let points = [
        "merge.before_put",
        "merge.after_put",
        "seal.before_put",
        "seal.after_put",
        "collect.before_delete",
        "replay.before_put",
        "replay.after_put",
    ];
    for point in points {
        let lake = TestLake::new();
        for number in 0..5 {
            let id = lake.scraped(day("2026-03-01"), number).await;
            lake.normalized(&[&id]).await;
        }
        let before = without_versions(lake.seen().await);
        // So that the replay has something to write, one seal is there already.
        let first = lake.maintainer(MaintenanceSettings { seal_rows: 9, ..MaintenanceSettings::default() });
        if point.starts_with("replay") {
            first.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
            made_by_older_rules(&lake, "tables/fact_offers/date=2026-03-01/seal-0.parquet", false).await;
        }
        // The first time, and the second time that it comes to this point, the process dies.
        for times in ["1*panic->off", "1*off->1*panic->off"] {
            fail::cfg(point, times).unwrap();
            let died = tokio::spawn(maintained(TestLake::over(Arc::clone(&lake.store)))).await;
            fail::remove(point);
            assert!(died.is_err() || times.starts_with("1*off"), "{point} was not reached");
            assert_eq!(without_versions(lake.seen().await), before, "{point}");
        }
        maintained(lake.clone()).await;
        assert_eq!(without_versions(lake.seen().await), before, "{point}");
        assert!(lake.files("hot").await.is_empty(), "{point}: what was cut short has been done");
        assert!(lake.seen().await.values().all(|(version, _)| *version == cauce_normalize::VERSION));
    }
    scenario.teardown();
}
