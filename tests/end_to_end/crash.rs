//! `cauce up` killed with SIGKILL at random moments of runs against the simulated venue: no raw object is lost, no row
//! is there twice, every run that died is closed as failed, and the lake equals one that was never disturbed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use cauce_ledger::{Jobs, Ledger, SqliteLedger};
use cauce_maintain::{Accounts, Maintainer, MaintenanceSettings, Rebuild, sweep};
use cauce_model::TradeType;
use cauce_queue::{Queue, QueueStats, SqliteQueue};
use cauce_tables::{Days, Derived, Table};
use chrono::{TimeDelta, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::support::{Process, TestLake, cauce, configure, eventually, free_port, market, run, sql, venue};

const KILLS: usize = 24;

fn raw_keys(lake: &Path) -> BTreeSet<PathBuf> {
    fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => walk(&entry.path(), found),
                _ => {
                    found.insert(entry.path());
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&lake.join("raw"), &mut found);
    found
}

fn up(folder: &Path) -> Command {
    cauce(folder, &["up", "--listen", &format!("127.0.0.1:{}", free_port())])
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_is_twice() {
    let (address, _simulator) = venue().await;
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let markets: Vec<_> = ["VES", "ARS", "COP"]
        .into_iter()
        .flat_map(|fiat| TradeType::ALL.map(|side| market("USDT", fiat, side)))
        .collect();
    let head =
        "[schedule]\nscrape = \"1s\"\nsweep = \"2s\"\n[limits]\nlease = \"600ms\"\nparallel_markets = 2\n";
    configure(folder.path(), &format!("http://{address}"), head, &markets);
    crate::support::import_trades(folder.path());

    let mut moments = StdRng::seed_from_u64(41);
    let mut seen = BTreeSet::new();
    let mut died_running = 0;
    let mut kills = 0;
    // A run is a small part of a second: on a busy machine it can take more kills until one hits it.
    while kills < KILLS || (died_running == 0 && kills < 10 * KILLS) {
        kills += 1;
        let process = Process::start(&mut up(folder.path()));
        // The moment of the kill is the point of the test: anywhere from starting up to the second run.
        tokio::time::sleep(Duration::from_millis(moments.random_range(100..1_900))).await;
        process.kill();
        if let Ok(ledger) = SqliteLedger::open(&lake.join(".cauce/ledger.sqlite")) {
            died_running += usize::from(!Jobs::all(&ledger).await.unwrap().is_empty());
        }
        let now = raw_keys(&lake);
        assert!(now.is_superset(&seen), "raw objects that were there are gone");
        seen = now;
    }
    assert!(died_running > 0, "no kill hit a run: {} raw objects", seen.len());

    let last = Process::start(&mut up(folder.path()));
    let ledger = SqliteLedger::open(&lake.join(".cauce/ledger.sqlite")).unwrap();
    let newest = seen.len();
    eventually("dead runs are closed and new ones are made", Duration::from_secs(60), async || {
        let dead = Jobs::all(&ledger).await.unwrap().iter().any(|job| job.alive_until < Utc::now());
        (!dead && raw_keys(&lake).len() > newest + 3).then_some(())
    })
    .await;
    last.kill();
    finish(folder.path(), &lake, &ledger).await;

    let failed = sql(folder.path(), "SELECT batch_id FROM ops_batch_runs WHERE status = 'failed'");
    assert!(!failed.is_empty(), "the runs that died are closed as failed");
    let orphans = "SELECT count(*) AS n FROM fact_market_depth d
                   WHERE NOT EXISTS (SELECT 1 FROM ops_batch_runs r WHERE r.batch_id = d.batch_id)";
    assert_eq!(sql(folder.path(), orphans)[0]["n"], 0, "every snapshot's run is closed");
    let twice =
        "SELECT count(*) - count(DISTINCT concat(snapshot_id, offer_external_id)) AS n FROM fact_offers";
    assert_eq!(sql(folder.path(), twice)[0]["n"], 0, "no offer twice in a snapshot");
    let positions = "SELECT count(*) AS n FROM fact_positions WHERE method = 'fifo'";
    assert_equals_undisturbed(folder.path(), &lake).await;
    assert_eq!(sql(folder.path(), positions)[0]["n"], 1, "what was imported is analyzed, and once");
}

/// Closes what is still open and drains the queue.
async fn finish(folder: &Path, lake: &Path, ledger: &SqliteLedger) {
    eventually("the last run's lease is over", Duration::from_secs(20), async || {
        let alive = Jobs::all(ledger).await.unwrap().iter().any(|job| job.alive_until >= Utc::now());
        (!alive).then_some(())
    })
    .await;
    // One more run closes the one that the last kill hit, as soon as the lease of that one is over.
    eventually("a run is made", Duration::from_secs(20), async || {
        cauce(folder, &["scrape"]).output().unwrap().status.success().then_some(())
    })
    .await;
    let queue = SqliteQueue::open(&lake.join(".cauce/queue.sqlite")).unwrap();
    let store = cauce_raw::open(lake.to_str().unwrap(), cauce_raw::Durability::Full).unwrap();
    let planner = cauce_tables::Planner::new(std::sync::Arc::clone(&store));
    let raw = cauce_raw::RawZone::new(store);
    sweep(&raw, &planner, &queue, Days::ALL, TimeDelta::zero(), Utc::now()).await.unwrap();
    // Waits, too, for what killed processes had taken from the queue.
    run(folder, &["normalize"]);
    assert_eq!(queue.stats().await.unwrap(), QueueStats::default());
    let swept = sweep(&raw, &planner, &queue, Days::ALL, TimeDelta::zero(), Utc::now()).await.unwrap();
    assert_eq!(swept.queued, 0, "every raw object is covered");
    assert_eq!(ledger.list("job/").await.unwrap().len(), 0, "no run is left open");
}

/// The same raw objects in a lake that one process normalizes in one go give the same rows in every table.
pub(crate) async fn assert_equals_undisturbed(folder: &Path, lake: &Path) {
    let calm = TestLake::new();
    for key in raw_keys(lake) {
        let target = calm.path().join(key.strip_prefix(lake).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&key, &target).unwrap();
    }
    let calm_lake = calm.lake();
    sweep(&calm.raw(), calm_lake.planner(), &*calm.queue, Days::ALL, TimeDelta::zero(), Utc::now())
        .await
        .unwrap();
    calm.worker().drain(|_| ()).await.unwrap();
    // What is derived follows, whenever it was made before.
    let settings = MaintenanceSettings::default();
    let maintainer = Maintainer::new(Arc::clone(&calm.store), calm_lake.planner().clone(), settings);
    maintainer.derive(Utc::now()).await.unwrap();
    maintainer.analyze(&Accounts::new(), Rebuild::Stale).await.unwrap();
    for table in Derived::ALL {
        run(folder, &["rebuild", table.name(), "--stale"]);
    }
    for table in Table::ALL.map(Table::name).into_iter().chain(Derived::ALL.map(Derived::name)) {
        let rows = format!("SELECT * FROM {table}");
        let mut disturbed: Vec<String> =
            sql(folder, &rows).into_iter().map(|row| serde_json::Value::Object(row).to_string()).collect();
        let answer = calm_lake.sql(&rows).await.unwrap();
        // Through text, as the others came: a number that is no decimal may lose its last bit there.
        let text = serde_json::to_vec(&cauce_query::json_rows(&answer)).unwrap();
        let expected: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
        let mut expected: Vec<String> = expected.into_iter().map(|row| row.to_string()).collect();
        disturbed.sort();
        expected.sort();
        let other = disturbed.iter().zip(&expected).find(|(found, expected)| found != expected);
        assert!(
            disturbed == expected,
            "{table}: {} rows, {} expected; the first that differs, and what is expected: {other:#?}",
            disturbed.len(),
            expected.len()
        );
        // Where nobody pays, in no currency, nobody trades, and nothing is out of order.
        let may_be_empty = [
            Table::Quarantine.name(),
            Table::FactPaymentEvents.name(),
            Table::FactFxRates.name(),
            Derived::Payments.name(),
            Table::TradeObservations.name(),
            Table::OpsAccountResults.name(),
            Table::OpsDeliveries.name(),
            Derived::FactTrades.name(),
            Derived::FactPositions.name(),
            Derived::FactTradeStats.name(),
        ];
        assert!(may_be_empty.contains(&table) || !expected.is_empty(), "{table} has rows to compare");
    }
}
