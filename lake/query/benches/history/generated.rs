//! Data of the simulated venue, through the scraper and the normalizer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cauce_ledger::SqliteLedger;
use cauce_model::{Market, TradeType};
use cauce_query::{Lake, json_rows};
use cauce_queue::{QueueListener, SqliteQueue};
use cauce_raw::{Durability, NotifyingStore, RawZone, open};
use cauce_simulator::{Simulator, SimulatorTransport, pairs};
use cauce_sources::{Outcome, RunOptions, Scraper, ScraperSettings, VenueSettings, VirtualClock};
use cauce_worker::{Worker, WorkerSettings};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectStore;

/// The first moment.
pub(crate) fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

/// A simulated venue and what scrapes it into a store.
struct Mill {
    clock: VirtualClock,
    scraper: Scraper,
    worker: Worker,
}

impl Mill {
    fn new(plain: Arc<dyn ObjectStore>) -> Self {
        let queue = Arc::new(SqliteQueue::in_memory().unwrap());
        let listener = Arc::new(QueueListener::new(Arc::clone(&queue) as _));
        let store: Arc<dyn ObjectStore> = Arc::new(NotifyingStore::new(plain, listener));
        let clock = VirtualClock::at(start());
        let venue = VenueSettings { min_interval: Duration::ZERO, ..VenueSettings::at("http://simulated") };
        let scraper = Scraper {
            ledger: Arc::new(SqliteLedger::in_memory().unwrap()),
            raw: RawZone::new(Arc::clone(&store)),
            clock: Arc::new(clock.clone()),
            transport: Arc::new(SimulatorTransport(Arc::new(Simulator::new(7, Arc::new(clock.clone()))))),
            settings: ScraperSettings {
                venues: BTreeMap::from([("binance_p2p".parse().unwrap(), venue)]),
                ..ScraperSettings::default()
            },
        };
        Self {
            clock,
            scraper,
            worker: Worker { queue, store, unread: None, settings: WorkerSettings::default() },
        }
    }
}

/// Both sides of USDT in every currency, or of every pair; normalized day by day.
fn markets(all: bool) -> Vec<Market> {
    let market = |asset: &str, fiat: &str| {
        TradeType::ALL.map(|trade_type| Market {
            venue: "binance_p2p".parse().unwrap(),
            asset: asset.parse().unwrap(),
            fiat: fiat.parse().unwrap(),
            trade_type,
        })
    };
    let wanted = pairs().into_iter().filter(|pair| all || pair.asset == "USDT");
    wanted.flat_map(|pair| market(pair.asset, pair.fiat)).collect()
}

/// Scrapes and normalizes so many days.
pub(crate) async fn scrape(plain: Arc<dyn ObjectStore>, days: i64, every: TimeDelta, all: bool) {
    let mill = Mill::new(plain);
    let markets = markets(all);
    let runs = TimeDelta::days(1).num_minutes() / every.num_minutes();
    for run in 0..days * runs {
        mill.clock.advance_to(start() + every * i32::try_from(run).unwrap());
        mill.scraper.run(&markets, &RunOptions::default()).await.unwrap();
        if run % runs == runs - 1 {
            mill.worker.drain(|_| ()).await.unwrap();
        }
    }
}

/// From the end of a run to its rows in an answer, with the normalizer waiting as `cauce up` has it wait.
pub(crate) async fn visible() {
    const RUNS: i32 = 101;
    const QUEUE_PAUSE: Duration = Duration::from_millis(500);
    let folder = std::env::temp_dir().join(format!("cauce-visible-{}", std::process::id()));
    let plain = open(folder.to_str().unwrap(), Durability::Full).unwrap();
    let mill = Mill::new(Arc::clone(&plain));
    let lake = Lake::new(plain);
    let worker = mill.worker.clone();
    let normalizer = tokio::spawn(async move {
        loop {
            worker.drain(|_| ()).await.unwrap();
            tokio::time::sleep(QUEUE_PAUSE).await;
        }
    });
    let markets = markets(false);
    let mut times = Vec::new();
    for number in 0..RUNS {
        mill.clock.advance_to(start() + TimeDelta::minutes(10) * number);
        // Runs come at any moment of the normalizer's pause.
        tokio::time::sleep(QUEUE_PAUSE * (u32::try_from(number * 37 % 101).unwrap()) / 101).await;
        let Outcome::Done(report) = mill.scraper.run(&markets, &RunOptions::default()).await.unwrap() else {
            continue;
        };
        let fetched = Instant::now();
        let sql = format!("SELECT count(*) AS n FROM fact_offers WHERE batch_id = '{}'", report.run_id);
        let expected = i64::try_from(report.offers_received()).unwrap();
        while json_rows(&lake.sql(&sql).await.unwrap())[0]["n"].as_i64().unwrap() < expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        times.push(fetched.elapsed().as_secs_f64() * 1e3);
    }
    normalizer.abort();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("from the end of a run to its rows in an answer: median {:.0} ms, p99 {:.0} ms", at(50), at(99));
    drop(std::fs::remove_dir_all(folder));
}
