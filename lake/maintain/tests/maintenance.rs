//! Merging, sealing, collecting, replaying: what readers see stays what it was.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use arrow::array::{Array, AsArray, RecordBatch};
use cauce_maintain::{MaintenanceSettings, Reason, Retention};
use cauce_model::RawId;
use cauce_tables::Days;
use chrono::{TimeDelta, Utc};
use common::{TestLake, at, day, made_by_older_rules, rows_of, without_newer_columns};
use object_store::{ObjectStoreExt, path::Path};

const DAY: &str = "2026-03-01";

fn settings() -> MaintenanceSettings {
    MaintenanceSettings::default()
}

/// A day with so many runs, each normalized by itself.
async fn lake_with(runs: i64) -> (TestLake, Vec<RawId>) {
    let lake = TestLake::new();
    let mut ids = Vec::new();
    for number in 0..runs {
        let id = lake.scraped(day(DAY), number).await;
        lake.normalized(&[&id]).await;
        ids.push(id);
    }
    (lake, ids)
}

#[tokio::test]
async fn a_day_is_sealed_when_it_is_over_and_settled_and_readers_see_the_same() {
    let (lake, _) = lake_with(4).await;
    let before = lake.seen().await;
    let maintainer = lake.maintainer(settings());
    let early = maintainer.seal(Days::ALL, at("2026-03-02T00:29:00Z"), false).await.unwrap();
    assert!(
        early.sealed.is_empty() && early.waiting.is_empty(),
        "a run from before midnight may still write"
    );
    let report = maintainer.seal(Days::ALL, at("2026-03-02T00:30:00Z"), false).await.unwrap();
    let mut tables: Vec<_> = report.sealed.iter().map(|seal| (seal.table, seal.rows)).collect();
    tables.sort_unstable();
    // Two markets, four runs; of five ads one is quarantined; five checks a snapshot.
    let expected =
        [("fact_market_depth", 8), ("fact_offers", 32), ("ops_data_quality", 40), ("quarantine", 8)];
    assert_eq!(tables, expected);
    assert_eq!(lake.seen().await, before);
    let again = maintainer.seal(Days::ALL, at("2026-03-03T00:00:00Z"), false).await.unwrap();
    assert!(again.sealed.is_empty(), "{again:?}");
}

#[tokio::test]
async fn a_seal_is_in_the_order_of_markets_and_time_whatever_the_order_of_its_files() {
    let lake = TestLake::new();
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(lake.scraped(day(DAY), number).await);
    }
    for batch in [[5, 1], [0, 4], [3, 2]] {
        lake.normalized(&batch.map(|index: usize| &ids[index])).await;
    }
    lake.maintainer(settings()).seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    let rows = rows_of(&lake, "tables/fact_offers/date=2026-03-01/seal-0.parquet").await;
    let fiats = rows.column_by_name("fiat").unwrap().as_string::<i32>().clone();
    let times = rows.column_by_name("extraction_timestamp").unwrap();
    let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().clone();
    let keys: Vec<(String, i64)> =
        (0..rows.num_rows()).map(|row| (fiats.value(row).to_owned(), times.value(row))).collect();
    assert!(keys.is_sorted() && keys.len() == 48 && keys[0].0 == "ARS", "{keys:?}");
}

/// Columns are only added, at the end and nullable: files of before have none of the newer ones, and are merged and sealed
/// with those that have.
#[tokio::test]
async fn files_of_before_a_column_was_added_become_one_with_newer_ones() {
    let (lake, ids) = lake_with(3).await;
    for path in lake.files("hot/fact_offers").await.into_iter().take(2) {
        without_newer_columns(&lake, &path, &["received_at"]).await;
    }
    let known = |rows: &RecordBatch| {
        let received = rows.column_by_name("received_at").unwrap();
        (rows.num_rows(), rows.num_rows() - received.null_count())
    };
    let before = lake.seen().await;
    let maintainer = lake.maintainer(settings());
    assert_eq!(maintainer.merge(Days::ALL).await.unwrap().len(), 4);
    assert_eq!(lake.seen().await, before);
    maintainer.seal(Days::ALL, at("2026-03-02T00:30:00Z"), false).await.unwrap();
    assert_eq!(lake.seen().await, before);
    let seal = rows_of(&lake, "tables/fact_offers/date=2026-03-01/seal-0.parquet").await;
    assert_eq!(known(&seal), (8 * ids.len(), 8));
}

#[tokio::test]
async fn what_comes_late_is_the_next_seal() {
    let (lake, _) = lake_with(2).await;
    let maintainer = lake.maintainer(settings());
    maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    let late = lake.scraped(day(DAY), 7).await;
    lake.normalized(&[&late]).await;
    let before = lake.seen().await;
    let report = maintainer.seal(Days::ALL, at("2026-03-02T02:00:00Z"), false).await.unwrap();
    assert!(report.sealed.iter().all(|seal| seal.path.ends_with("seal-1.parquet") && seal.objects == 1));
    assert_eq!(lake.seen().await, before);
}

#[tokio::test]
async fn a_day_waits_for_raw_objects_that_are_not_normalized_until_the_lateness_has_passed() {
    let (lake, _) = lake_with(2).await;
    let dead = lake.scraped(day(DAY), 3).await;
    let maintainer = lake.maintainer(settings());
    let report = maintainer.seal(Days::ALL, at("2026-03-02T12:00:00Z"), false).await.unwrap();
    assert!(report.sealed.is_empty());
    assert!(report.waiting.iter().all(|day| day.missing == 1 && day.until == at("2026-03-04T00:00:00Z")));
    let report = maintainer.seal(Days::ALL, at("2026-03-04T00:00:00Z"), false).await.unwrap();
    assert_eq!(report.sealed.len(), 4);
    lake.normalized(&[&dead]).await;
    let report = maintainer.seal(Days::ALL, at("2026-03-04T01:00:00Z"), false).await.unwrap();
    assert_eq!(report.sealed.len(), 4, "and what was redriven is sealed too");
}

#[tokio::test]
async fn a_day_that_is_too_large_for_one_seal_gets_several_of_whole_raw_objects() {
    let (lake, _) = lake_with(5).await;
    let before = lake.seen().await;
    let maintainer = lake.maintainer(MaintenanceSettings { seal_rows: 17, ..settings() });
    let report = maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    let offers: Vec<u64> =
        report.sealed.iter().filter(|seal| seal.table == "fact_offers").map(|seal| seal.rows).collect();
    assert_eq!(offers, [16, 16, 8]);
    assert_eq!(lake.seen().await, before);
}

#[tokio::test]
async fn sealers_side_by_side_seal_every_object_once() {
    let (lake, _) = lake_with(6).await;
    let before = lake.seen().await;
    let sealers: Vec<_> =
        (0..4).map(|_| lake.maintainer(MaintenanceSettings { seal_rows: 20, ..settings() })).collect();
    let now = at("2026-03-02T01:00:00Z");
    let reports =
        futures::future::join_all(sealers.iter().map(|sealer| sealer.seal(Days::ALL, now, false))).await;
    let sealed: usize = reports
        .into_iter()
        .flat_map(|report| report.unwrap().sealed)
        .filter(|seal| seal.table == "fact_offers")
        .map(|seal| seal.objects)
        .sum();
    assert_eq!(sealed, 6);
    assert_eq!(lake.seen().await, before);
}

#[tokio::test]
async fn hot_files_become_one_and_its_inputs_go_after_the_grace_only() {
    let (lake, _) = lake_with(5).await;
    let before = lake.seen().await;
    let maintainer = lake.maintainer(settings());
    let merged = maintainer.merge(Days::ALL).await.unwrap();
    assert!(merged.iter().all(|day| day.files == 5) && merged.len() == 4, "{merged:?}");
    assert_eq!(lake.files("hot/fact_offers").await.len(), 6);
    assert_eq!(lake.seen().await, before);
    assert!(maintainer.merge(Days::ALL).await.unwrap().is_empty(), "nothing new to merge");

    let now = Utc::now();
    assert!(maintainer.collect(now, false).await.unwrap().is_empty(), "a reader may still use the inputs");
    let later = now + TimeDelta::hours(2);
    let would = maintainer.collect(later, true).await.unwrap();
    assert_eq!(lake.files("hot/fact_offers").await.len(), 6, "a dry run deletes nothing");
    let did = maintainer.collect(later, false).await.unwrap();
    assert!(would == did && did.len() == 20 && did.iter().all(|object| object.reason == Reason::Covered));
    assert_eq!(lake.files("hot/fact_offers").await.len(), 1);
    assert_eq!(lake.seen().await, before);

    // Sealed, the merged files go as well.
    maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    maintainer.collect(later, false).await.unwrap();
    assert!(lake.files("hot").await.is_empty());
    assert_eq!(lake.seen().await, before);
}

#[tokio::test]
async fn of_two_files_that_cover_the_same_one_stays_whoever_collects() {
    let (lake, ids) = lake_with(0).await;
    assert!(ids.is_empty());
    let (one, two) = (lake.scraped(day(DAY), 1).await, lake.scraped(day(DAY), 2).await);
    lake.normalized(&[&one, &two]).await;
    // The same raw objects from another batch, as a redelivery beside another object gives, then all covered.
    lake.normalized(&[&one]).await;
    lake.normalized(&[&two]).await;
    let before = lake.seen().await;
    let later = Utc::now() + TimeDelta::hours(2);
    let collectors: Vec<_> = (0..3).map(|_| lake.maintainer(settings())).collect();
    futures::future::join_all(collectors.iter().map(|collector| collector.collect(later, false))).await;
    assert_eq!(lake.files("hot/fact_offers").await.len(), 1);
    assert_eq!(lake.seen().await, before);
}

#[tokio::test]
async fn raw_objects_go_only_when_they_are_sealed_and_old_and_rows_when_they_are_old() {
    let (lake, _) = lake_with(2).await;
    let kept = Retention {
        raw: Some(TimeDelta::days(10)),
        tables: Some(TimeDelta::days(20)),
        replaced: TimeDelta::days(30),
    };
    let maintainer = lake.maintainer(MaintenanceSettings { retention: kept, ..settings() });
    let raw_is_old = at("2026-03-15T00:00:00Z");
    assert!(maintainer.collect(raw_is_old, false).await.unwrap().is_empty(), "not sealed");
    maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    let gone = maintainer.collect(raw_is_old, false).await.unwrap();
    assert!(gone.iter().all(|object| object.reason == Reason::RawRetention) && gone.len() == 2, "{gone:?}");
    assert_eq!(lake.files("tables/fact_offers").await.len(), 1);
    maintainer.collect(at("2026-03-25T00:00:00Z"), false).await.unwrap();
    assert!(lake.files("tables").await.is_empty() && lake.files("hot").await.is_empty());
}

#[tokio::test]
async fn a_replay_shows_what_differs_rewrites_the_seal_and_does_nothing_the_second_time() {
    let (lake, ids) = lake_with(3).await;
    let right = lake.seen().await;
    let maintainer = lake.maintainer(settings());
    maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    let seal = "tables/fact_offers/date=2026-03-01/seal-0.parquet";
    made_by_older_rules(&lake, seal, true).await;
    let wrong = lake.seen().await;
    assert_ne!(wrong, right);

    let now = Utc::now();
    let would = maintainer.replay(Days::ALL, None, now, true).await.unwrap();
    assert_eq!(lake.seen().await, wrong, "a dry run changes nothing");
    let [offers] = would.tables.as_slice() else { panic!("{would:?}") };
    assert_eq!((offers.difference.added, offers.difference.removed, offers.difference.changed), (1, 0, 23));
    let [price] = offers.difference.columns.as_slice() else { panic!("{offers:?}") };
    assert_eq!((price.column.as_str(), price.rows), ("price", 23));
    let example = &price.examples[0];
    assert_eq!(
        (example.old.as_deref(), example.new.as_deref()),
        (Some("560.00000000"), Some("280.00000000"))
    );

    // One raw object is lost: its rows stay what the older rules made of them.
    lake.store.delete(&Path::from(ids[1].key())).await.unwrap();
    let did = maintainer.replay(Days::ALL, None, now, false).await.unwrap();
    assert_eq!((did.read, did.carried_over.len()), (2, 1));
    assert_eq!(did.tables[0].rewritten, [seal]);
    let after = lake.seen().await;
    for ((table, id), rows) in &after {
        let expected = if *id == ids[1] { &wrong } else { &right };
        assert_eq!(Some(rows), expected.get(&(*table, id.clone())), "{table} {id}");
    }
    let kept = lake.files("replaced").await;
    assert!(
        kept.len() == 1 && kept[0].starts_with("replaced/fact_offers/date=2026-03-01/seal-0-"),
        "{kept:?}"
    );
    let again = maintainer.replay(Days::ALL, None, now, false).await.unwrap();
    assert!(again.tables.is_empty(), "{again:?}");

    assert!(
        maintainer
            .collect(now + TimeDelta::days(29), false)
            .await
            .unwrap()
            .iter()
            .all(|object| object.reason == Reason::Covered)
    );
    let gone = maintainer.collect(now + TimeDelta::days(31), false).await.unwrap();
    assert!(gone.iter().any(|object| object.reason == Reason::Replaced));
    assert!(lake.files("replaced").await.is_empty());
}

#[tokio::test]
async fn a_replay_of_another_source_or_another_day_touches_nothing() {
    let (lake, _) = lake_with(2).await;
    let maintainer = lake.maintainer(settings());
    maintainer.seal(Days::ALL, at("2026-03-02T01:00:00Z"), false).await.unwrap();
    made_by_older_rules(&lake, "tables/fact_offers/date=2026-03-01/seal-0.parquet", true).await;
    let now = Utc::now();
    for (days, source) in [(Days::only(day("2026-03-02")), None), (Days::ALL, Some("bybit_p2p"))] {
        let replayed = maintainer.replay(days, source, now, false).await.unwrap();
        assert!(replayed.tables.is_empty() && replayed.read == 0, "{replayed:?}");
    }
}
