//! Derived tables: what they say, and that they say the same whatever came late, twice, sealed or replayed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use std::collections::BTreeMap;

use cauce_maintain::{MaintenanceSettings, QualitySettings, Rebuild, Retention};
use cauce_tables::{Days, Derived, Table, write};
use chrono::{TimeDelta, Utc};
use common::{TestAd, TestLake, at, day, made_by_older_rules};
use object_store::{ObjectStoreExt, path::Path};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

fn ad(id: u32, price: u32, available: u32) -> TestAd {
    TestAd { id, price, available, nickname: format!("maker {id}") }
}

async fn take(lake: &TestLake, time: &str, ads: &[TestAd], announced: usize) {
    let id = lake.shown(at(time), ads, announced).await;
    lake.normalized(&[&id]).await;
}

async fn derive(lake: &TestLake) {
    lake.maintainer(MaintenanceSettings::default()).derive(Utc::now()).await.unwrap();
}

/// Time, offer, change, old and new price, when it was seen before.
async fn changes(lake: &TestLake) -> Vec<[String; 6]> {
    derive(lake).await;
    let rows = lake.derived(Derived::FactOfferChanges).await;
    let columns = ["changed_at", "offer_external_id", "change", "old_price", "new_price", "previous_at"];
    let short = |text: &str| match text.split_once('T') {
        Some((_, time)) => time.trim_end_matches('Z').to_owned(),
        None => text.trim_end_matches(".00000000").to_owned(),
    };
    rows.iter().map(|row| columns.map(|column| short(&row[column]))).collect()
}

#[tokio::test]
async fn an_offer_appears_is_repriced_is_resized_and_vanishes_only_from_a_complete_snapshot() {
    let lake = TestLake::new();
    take(&lake, "2026-03-01T10:00:00Z", &[ad(1, 100, 5), ad(2, 200, 5)], 2).await;
    take(&lake, "2026-03-01T10:10:00Z", &[ad(1, 101, 4), ad(3, 300, 5)], 3).await;
    take(&lake, "2026-03-01T10:20:00Z", &[ad(1, 101, 4), ad(3, 300, 5)], 2).await;
    take(&lake, "2026-03-01T10:30:00Z", &[], 0).await;
    let row = |row: [&str; 6]| row.map(str::to_owned);
    let expected = [
        row(["10:00:00", "1", "appeared", "null", "100", "null"]),
        row(["10:00:00", "2", "appeared", "null", "200", "null"]),
        row(["10:10:00", "1", "repriced", "100", "101", "10:00:00"]),
        row(["10:10:00", "1", "resized", "100", "101", "10:00:00"]),
        row(["10:10:00", "3", "appeared", "null", "300", "10:00:00"]),
        // Of three offers two came at 10:10: that the second was gone is known since 10:20.
        row(["10:20:00", "2", "vanished", "200", "null", "10:00:00"]),
        row(["10:30:00", "1", "vanished", "101", "null", "10:20:00"]),
        row(["10:30:00", "3", "vanished", "300", "null", "10:20:00"]),
    ];
    assert_eq!(changes(&lake).await, expected);
}

#[tokio::test]
async fn a_day_goes_on_from_the_days_before_it_as_far_as_the_last_complete_snapshot() {
    let lake = TestLake::new();
    take(&lake, "2026-03-01T10:00:00Z", &[ad(1, 100, 5), ad(2, 200, 5)], 2).await;
    // Nothing on the second, and on the third an incomplete snapshot first.
    take(&lake, "2026-03-03T00:10:00Z", &[ad(2, 200, 5)], 2).await;
    take(&lake, "2026-03-04T00:10:00Z", &[ad(2, 201, 5)], 1).await;
    let seen = changes(&lake).await;
    let kinds: Vec<_> = seen.iter().map(|row| (row[1].as_str(), row[2].as_str(), row[0].as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("1", "appeared", "10:00:00"),
            ("2", "appeared", "10:00:00"),
            ("2", "repriced", "00:10:00"),
            ("1", "vanished", "00:10:00"),
        ]
    );
    // What comes late between them is found: the first offer was seen repriced on the second day.
    take(&lake, "2026-03-02T12:00:00Z", &[ad(1, 150, 5), ad(2, 200, 5)], 2).await;
    let seen = changes(&lake).await;
    assert!(seen.iter().any(|row| row[1] == "1" && row[2] == "repriced" && row[4] == "150"), "{seen:?}");
    let gone = seen.iter().find(|row| row[2] == "vanished").unwrap();
    assert_eq!((gone[3].as_str(), gone[5].as_str()), ("150", "12:00:00"));
}

#[tokio::test]
async fn an_advertiser_is_known_as_it_was_at_each_time_also_when_it_comes_late() {
    let lake = TestLake::new();
    let named = |nickname: &str| TestAd { nickname: nickname.to_owned(), ..ad(1, 100, 5) };
    take(&lake, "2026-03-01T10:00:00Z", &[named("first")], 1).await;
    take(&lake, "2026-03-02T10:00:00Z", &[named("first")], 1).await;
    take(&lake, "2026-03-04T10:00:00Z", &[named("last")], 1).await;
    let versions = async || {
        derive(&lake).await;
        let rows = lake.derived(Derived::DimAdvertisers).await;
        let columns = ["nickname", "effective_date", "expiration_date", "is_current"];
        rows.iter().map(|row| columns.map(|column| row[column].clone()).join(" ")).collect::<Vec<_>>()
    };
    let (first, last) = ("2026-03-01T10:00:00Z", "2026-03-04T10:00:00Z");
    assert_eq!(versions().await, [format!("first {first} {last} false"), format!("last {last} null true")]);
    take(&lake, "2026-03-03T10:00:00Z", &[named("between")], 1).await;
    let late = "2026-03-03T10:00:00Z";
    assert_eq!(
        versions().await,
        [
            format!("first {first} {late} false"),
            format!("between {late} {last} false"),
            format!("last {last} null true"),
        ]
    );
}

#[tokio::test]
async fn a_price_far_from_the_day_before_is_an_anomaly_and_a_late_snapshot_is_not_fresh() {
    let lake = TestLake::new();
    for number in 0..20 {
        let time = at("2026-03-01T23:00:00Z") + TimeDelta::minutes(10 * number);
        let price = if number == 18 { 400 } else { 280 + u32::try_from(number % 3).unwrap() };
        let id = lake.shown(time, &[ad(1, price, 5)], 1).await;
        // One snapshot is missing, so the one after it comes 20 minutes after the one before.
        if number != 15 {
            lake.normalized(&[&id]).await;
        }
    }
    derive(&lake).await;
    let failed = async || {
        let rows = lake.derived(Derived::OpsDerivedQuality).await;
        let failed = rows.iter().filter(|row| row["passed"] == "false");
        failed.map(|row| format!("{} {}", row["check_timestamp"], row["metric_name"])).collect::<Vec<_>>()
    };
    let (late, strange) = ("2026-03-02T01:40:00Z freshness", "2026-03-02T02:00:00Z price_anomaly");
    assert_eq!(failed().await, [late, strange]);
    let rows = lake.derived(Derived::OpsDerivedQuality).await;
    let judged = rows.iter().filter(|row| row["metric_name"] == "price_anomaly").count();
    assert_eq!(judged, 19 - 12, "the first 12 snapshots have too few before them");
    // Other bounds make the table anew.
    let quality = QualitySettings { freshness: TimeDelta::minutes(20), ..QualitySettings::default() };
    let settings = MaintenanceSettings { quality, ..MaintenanceSettings::default() };
    lake.maintainer(settings).derive(Utc::now()).await.unwrap();
    assert_eq!(failed().await, [strange]);
}

#[tokio::test]
async fn what_has_not_changed_is_not_made_again() {
    let lake = TestLake::new();
    take(&lake, "2026-03-01T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    take(&lake, "2026-03-20T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    let maintainer = lake.maintainer(MaintenanceSettings::default());
    assert_eq!(
        maintainer.derive(Utc::now()).await.unwrap().len(),
        5,
        "two days of two tables, and the dimension"
    );
    assert_eq!(maintainer.derive(Utc::now()).await.unwrap(), []);
    take(&lake, "2026-03-20T10:10:00Z", &[ad(1, 101, 5)], 1).await;
    let made: Vec<_> =
        maintainer.derive(Utc::now()).await.unwrap().into_iter().map(|made| made.path).collect();
    assert_eq!(
        made,
        [
            "tables/dim_advertisers/part-0.parquet",
            "tables/fact_offer_changes/date=2026-03-20/part-0.parquet",
            "tables/ops_derived_quality/date=2026-03-20/part-0.parquet",
        ]
    );
    let again = maintainer.rebuild(Derived::FactOfferChanges, Rebuild::All, Utc::now()).await.unwrap();
    assert_eq!(again.len(), 2);
}

type Tables = BTreeMap<Derived, Vec<BTreeMap<String, String>>>;

async fn tables(lake: &TestLake) -> Tables {
    let mut tables = Tables::new();
    for table in Derived::ALL {
        tables.insert(table, lake.derived(table).await);
    }
    tables
}

/// Raw objects arrive in any order, days are merged, sealed, made of other rows and replayed in between, and after
/// each step the tables follow: in the end they are what is made at once from all of it.
#[tokio::test]
async fn whatever_the_order_of_arrival_the_tables_are_those_made_at_once() {
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let (lake, at_once) = (TestLake::new(), TestLake::new());
        let mut ids = Vec::new();
        for number in 0..24 {
            let taken = at("2026-03-01T04:00:00Z") + TimeDelta::hours(5 * number);
            let mut ads = Vec::new();
            for id in 0..6_u32 {
                if random.random_bool(0.7) {
                    ads.push(TestAd {
                        id,
                        price: random.random_range(100..103),
                        available: random.random_range(1..3),
                        nickname: format!("name {}", random.random_range(0..2)),
                    });
                }
            }
            let announced = ads.len() + usize::from(random.random_bool(0.3)) * 3;
            let id = lake.shown(taken, &ads, announced).await;
            let path = Path::from(id.key());
            let bytes = lake.store.get(&path).await.unwrap().bytes().await.unwrap();
            at_once.store.put(&path, bytes.into()).await.unwrap();
            ids.push(id);
        }
        let mut arriving = ids.clone();
        arriving.shuffle(&mut random);
        let maintainer =
            lake.maintainer(MaintenanceSettings { lateness: TimeDelta::zero(), ..Default::default() });
        for id in &arriving {
            lake.normalized(&[id]).await;
            match random.random_range(0..6) {
                0 => drop(maintainer.merge(Days::ALL).await.unwrap()),
                1 => drop(maintainer.seal(Days::ALL, Utc::now(), false).await.unwrap()),
                2 => {
                    for path in lake.files("tables/fact_offers").await.into_iter().take(1) {
                        made_by_older_rules(&lake, &path, true).await;
                    }
                    drop(maintainer.derive(Utc::now()).await.unwrap());
                    drop(maintainer.replay(Days::ALL, None, Utc::now(), false).await.unwrap());
                }
                3 => drop(maintainer.derive(Utc::now()).await.unwrap()),
                _ => {}
            }
        }
        maintainer.replay(Days::ALL, None, Utc::now(), false).await.unwrap();
        maintainer.derive(Utc::now()).await.unwrap();
        for id in &ids {
            at_once.normalized(&[id]).await;
        }
        derive(&at_once).await;
        let (found, expected) = (tables(&lake).await, tables(&at_once).await);
        for table in Derived::ALL {
            assert_eq!(found[&table], expected[&table], "{table}, seed {seed}");
        }
        assert!(expected[&Derived::FactOfferChanges].iter().any(|row| row["change"] == "vanished"));
        assert_eq!(lake.files("tables/dim_advertisers").await.len(), 1);
    }
}

#[tokio::test]
async fn two_at_once_leave_one_right_table() {
    let lake = TestLake::new();
    for number in 0..6 {
        let taken = at("2026-03-01T10:00:00Z") + TimeDelta::hours(12 * number);
        let id = lake.shown(taken, &[ad(1, 100 + u32::try_from(number).unwrap(), 5)], 1).await;
        lake.normalized(&[&id]).await;
        let (one, two) = (lake.maintainer(Default::default()), lake.maintainer(Default::default()));
        tokio::try_join!(one.derive(Utc::now()), two.derive(Utc::now())).unwrap();
    }
    derive(&lake).await;
    let made = tables(&lake).await;
    for table in Derived::ALL {
        lake.maintainer(Default::default()).rebuild(table, Rebuild::All, Utc::now()).await.unwrap();
    }
    assert_eq!(tables(&lake).await, made);
    assert_eq!(made[&Derived::FactOfferChanges].len(), 6);
    assert_eq!(lake.files(&format!("tables/fact_offer_changes/date={}", day("2026-03-01"))).await.len(), 1);
}

#[tokio::test]
async fn days_that_the_retention_lets_go_take_their_derived_rows_along_and_change_no_others() {
    let lake = TestLake::new();
    take(&lake, "2026-03-01T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    take(&lake, "2026-03-02T10:00:00Z", &[ad(1, 101, 5)], 1).await;
    derive(&lake).await;
    let before = tables(&lake).await;
    let now = at("2026-03-31T12:00:00Z");
    let retention =
        Retention { tables: Some(TimeDelta::days(29)), ..MaintenanceSettings::default().retention };
    let maintainer = lake.maintainer(MaintenanceSettings { retention, ..Default::default() });
    maintainer.collect(now, false).await.unwrap();
    assert_eq!(lake.files("hot/fact_offers").await.len(), 1, "one of two days is left");
    assert_eq!(maintainer.derive(now).await.unwrap(), [], "nothing that is left has changed");
    let after = tables(&lake).await;
    assert_eq!(after[&Derived::DimAdvertisers], before[&Derived::DimAdvertisers]);
    assert_eq!(after[&Derived::FactOfferChanges], before[&Derived::FactOfferChanges][1..]);
}

#[tokio::test]
async fn two_versions_of_an_advertiser_at_every_moment_are_one() {
    let lake = TestLake::new();
    let named = |id, nickname: &str| TestAd { nickname: nickname.to_owned(), ..ad(id, 100, 5) };
    for time in ["2026-03-01T10:00:00Z", "2026-03-01T10:10:00Z", "2026-03-02T10:00:00Z"] {
        take(&lake, time, &[named(1, "one"), named(101, "other")], 2).await;
        derive(&lake).await;
        let rows = lake.derived(Derived::DimAdvertisers).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0]["effective_date"], "2026-03-01T10:00:00Z");
    }
}

#[tokio::test]
async fn a_snapshot_without_its_offers_yet_says_nothing_about_them() {
    let lake = TestLake::new();
    take(&lake, "2026-03-01T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    let id = lake.shown(at("2026-03-01T10:10:00Z"), &[ad(1, 100, 5)], 1).await;
    let files = lake.hot_files(&[&id]).await;
    for file in files.iter().filter(|file| file.table != Table::FactOffers) {
        write(&lake.store, file).await.unwrap();
    }
    assert_eq!(changes(&lake).await.len(), 1, "it appeared, and has not vanished");
}

#[tokio::test]
async fn days_before_the_retention_change_nothing_and_a_rebuild_keeps_what_they_had_shown() {
    let lake = TestLake::new();
    let named = |nickname: &str| TestAd { nickname: nickname.to_owned(), ..ad(1, 100, 5) };
    take(&lake, "2026-03-01T10:00:00Z", &[named("first")], 1).await;
    take(&lake, "2026-03-10T10:00:00Z", &[named("second")], 1).await;
    derive(&lake).await;
    let before = tables(&lake).await;
    let now = at("2026-03-31T12:00:00Z");
    let retention =
        Retention { tables: Some(TimeDelta::days(25)), ..MaintenanceSettings::default().retention };
    let maintainer = lake.maintainer(MaintenanceSettings { retention, ..Default::default() });
    maintainer.collect(now, false).await.unwrap();
    take(&lake, "2026-02-01T10:00:00Z", &[named("late")], 1).await;
    assert_eq!(maintainer.derive(now).await.unwrap(), []);
    maintainer.rebuild(Derived::DimAdvertisers, Rebuild::All, now).await.unwrap();
    assert_eq!(tables(&lake).await[&Derived::DimAdvertisers], before[&Derived::DimAdvertisers]);
}

#[tokio::test]
async fn after_days_of_silence_the_first_snapshot_is_not_fresh() {
    let lake = TestLake::new();
    take(&lake, "2026-03-01T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    take(&lake, "2026-03-04T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    take(&lake, "2026-03-20T10:00:00Z", &[ad(1, 100, 5)], 1).await;
    derive(&lake).await;
    let rows = lake.derived(Derived::OpsDerivedQuality).await;
    let values: Vec<_> = rows.iter().map(|row| row["metric_value"].as_str()).collect();
    assert_eq!(values, ["259200.0"], "three days; and after more than a week nothing is said");
}
