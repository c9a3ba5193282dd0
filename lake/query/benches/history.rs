//! Price history of one market over days of generated data: milliseconds, warm.
//!
//! Arguments: the folder of the lake (made if missing, kept for the next time), and how many days.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what it can't do"
)]

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use cauce_ledger::SqliteLedger;
use cauce_maintain::{Maintainer, MaintenanceSettings};
use cauce_model::{Amount, Market, TradeType};
use cauce_query::{HistoryFilter, HistoryQuery, Lake, json_rows};
use cauce_queue::{QueueListener, SqliteQueue};
use cauce_raw::{Durability, NotifyingStore, RawZone, open};
use cauce_simulator::{Simulator, SimulatorTransport, pairs};
use cauce_sources::{RunOptions, Scraper, ScraperSettings, VenueSettings, VirtualClock};
use cauce_tables::Days;
use cauce_worker::{Worker, WorkerSettings};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectStore;

const REPEATS: usize = 25;

fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let folder =
        arguments.next().unwrap_or_else(|| std::env::temp_dir().join("cauce-history").display().to_string());
    let days: i64 = arguments.next().map_or(30, |text| text.parse().unwrap());
    let plain = open(&folder, Durability::Relaxed).unwrap();
    let lake = Lake::open(Arc::clone(&plain)).await.unwrap();
    if count(&lake, "fact_market_depth").await == 0 {
        make(Arc::clone(&plain), days).await;
    }
    let maintainer = Maintainer::new(plain, lake.planner().clone(), MaintenanceSettings::default());
    maintainer.seal(Days::ALL, Utc::now(), false).await.unwrap();
    let (offers, snapshots) = (count(&lake, "fact_offers").await, count(&lake, "fact_market_depth").await);
    println!("{offers} offers, {snapshots} snapshots, {days} days");
    let amount = Some(Amount::parse("amount", "9000").unwrap());
    let method = Some("PagoMovil".to_owned());
    let filtered = HistoryFilter { payment_method: method, amount, ..HistoryFilter::default() };
    for (name, filter) in [("unfiltered", HistoryFilter::default()), ("method and amount", filtered)] {
        let query = HistoryQuery {
            venue: None,
            asset: "USDT".parse().unwrap(),
            fiat: "VES".parse().unwrap(),
            trade_type: Some(TradeType::Buy),
            interval: "1h".parse().unwrap(),
            since: start(),
            until: start() + TimeDelta::days(days),
            filter,
        };
        let mut times = Vec::new();
        for _ in 0..REPEATS {
            let begin = Instant::now();
            let history = lake.price_history(&query).await.unwrap();
            times.push(begin.elapsed().as_secs_f64() * 1e3);
            assert_eq!(history.buckets.len(), usize::try_from(days * 24).unwrap());
        }
        let cold = times[0];
        times.sort_by(f64::total_cmp);
        println!("{name}: first {cold:.1} ms, median of {REPEATS} {:.1} ms", times[REPEATS / 2]);
    }
}

async fn count(lake: &Lake, table: &str) -> i64 {
    let rows = json_rows(&lake.sql(&format!("SELECT count(*) AS n FROM {table}")).await.unwrap());
    rows[0]["n"].as_i64().unwrap()
}

/// Both sides of USDT in every currency, every ten minutes; normalized day by day.
async fn make(plain: Arc<dyn ObjectStore>, days: i64) {
    let queue = Arc::new(SqliteQueue::in_memory().unwrap());
    let listener = Arc::new(QueueListener::new(Arc::clone(&queue) as _));
    let store: Arc<dyn ObjectStore> = Arc::new(NotifyingStore::new(plain, listener));
    let clock = VirtualClock::at(start());
    let venue =
        VenueSettings { min_interval: std::time::Duration::ZERO, ..VenueSettings::at("http://simulated") };
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
    let worker = Worker { queue, store, settings: WorkerSettings::default() };
    let both = |fiat: &str| {
        TradeType::ALL.map(|trade_type| Market {
            venue: "binance_p2p".parse().unwrap(),
            asset: "USDT".parse().unwrap(),
            fiat: fiat.parse().unwrap(),
            trade_type,
        })
    };
    let markets: Vec<Market> =
        pairs().iter().filter(|pair| pair.asset == "USDT").flat_map(|pair| both(pair.fiat)).collect();
    for run in 0..days * 144 {
        clock.advance_to(start() + TimeDelta::minutes(10 * run));
        scraper.run(&markets, &RunOptions::default()).await.unwrap();
        if run % 144 == 143 {
            worker.drain(|_| ()).await.unwrap();
        }
    }
}
