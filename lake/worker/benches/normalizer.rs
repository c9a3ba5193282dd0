//! Raw zstd in, Parquet out, on one core: MB of JSON per second.
//!
//! Arguments: the folder for raw and Parquet files, and how many megabytes of JSON to make. The raw objects stay in
//! the folder, so that scripts/bench_normalizer.py runs DuckDB over the same bytes.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what it can't do"
)]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Instant};

use cauce_ledger::SqliteLedger;
use cauce_model::{Market, RawId, TradeType};
use cauce_normalize::{normalize, open};
use cauce_raw::{RawZone, kind};
use cauce_simulator::{Simulator, SimulatorTransport, pairs};
use cauce_sources::{RunOptions, Scraper, ScraperSettings, VenueSettings, VirtualClock};
use cauce_tables::DayBatch;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{ObjectStore, memory::InMemory};

/// As in the binaries.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a bundle, as the worker's.
const BUNDLE: usize = 128 << 20;
/// The best of so many passes counts: the others had company on the machine.
const PASSES: usize = 5;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let folder =
        arguments.next().unwrap_or_else(|| std::env::temp_dir().join("cauce-bench").display().to_string());
    let megabytes: usize = arguments.next().map_or(350, |text| text.parse().unwrap());
    let folder = Path::new(&folder);
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("raw")).unwrap();
    fs::create_dir_all(folder.join("hot")).unwrap();
    let objects = make(folder, megabytes << 20);
    let stored: usize = objects.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut best = f64::INFINITY;
    let (mut json, mut offers, mut steps) = (0, 0, Steps::default());
    for _ in 0..PASSES {
        let start = Instant::now();
        let this;
        (json, offers, this) = pass(folder, &objects);
        let seconds = start.elapsed().as_secs_f64();
        if seconds < best {
            (best, steps) = (seconds, this);
        }
    }
    let rate = json as f64 / 1e6 / best;
    println!(
        "{} raw objects, {:.1} MB stored, {:.1} MB of JSON",
        objects.len(),
        stored as f64 / 1e6,
        json as f64 / 1e6
    );
    let share = |step: f64| (step * 100.0 / steps.total()).round();
    println!(
        "share of a pass: zstd {}%, lines {}%, pages to records {}%, columns {}%, parquet {}%",
        share(steps.decompress),
        share(steps.lines),
        share(steps.records),
        share(steps.columns),
        share(steps.files)
    );
    println!("normalizer: {offers} offers, {best:.3} s, {rate:.0} MB/s of JSON");
}

/// The steps of a pass, in seconds: where the time goes.
#[derive(Default)]
struct Steps {
    decompress: f64,
    lines: f64,
    records: f64,
    columns: f64,
    files: f64,
}

impl Steps {
    fn total(&self) -> f64 {
        self.decompress + self.lines + self.records + self.columns + self.files
    }
}

fn timed<T>(step: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    *step += start.elapsed().as_secs_f64();
    done
}

/// One pass over everything: bundles in, files out.
fn pass(folder: &Path, objects: &[(RawId, Vec<u8>)]) -> (usize, u64, Steps) {
    let (mut json, mut offers, mut in_bundle) = (0, 0, 0);
    let mut steps = Steps::default();
    let mut days: BTreeMap<_, DayBatch> = BTreeMap::new();
    for (id, stored) in objects {
        let lines = timed(&mut steps.decompress, || RawZone::decompress(id, stored).unwrap());
        (json, in_bundle) = (json + lines.len(), in_bundle + lines.len());
        let lines = timed(&mut steps.lines, || open(&lines));
        let normalized = timed(&mut steps.records, || normalize(id, &lines));
        let first = lines.first().and_then(|line| line.envelope().ok()).map(|envelope| envelope.fetched_at);
        timed(&mut steps.columns, || {
            days.entry(id.date()).or_insert_with(|| DayBatch::new(id.date())).add(id, first, &normalized);
            drop(normalized);
        });
        timed(&mut steps.lines, || drop(lines));
        if in_bundle >= BUNDLE {
            offers += timed(&mut steps.files, || write(folder, std::mem::take(&mut days)));
            in_bundle = 0;
        }
    }
    offers += timed(&mut steps.files, || write(folder, days));
    (json, offers, steps)
}

fn write(folder: &Path, days: BTreeMap<chrono::NaiveDate, DayBatch>) -> u64 {
    let mut offers = 0;
    for day in days.into_values() {
        offers += u64::from(day.offers());
        for file in day.finish().unwrap() {
            fs::write(folder.join("hot").join(format!("{}.parquet", file.table)), &file.bytes).unwrap();
        }
    }
    offers
}

/// Scrapes the simulated venue every ten minutes until there is enough.
fn make(folder: &Path, wanted: usize) -> Vec<(RawId, Vec<u8>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let clock = VirtualClock::at(start);
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let venue = VenueSettings {
            min_interval: std::time::Duration::ZERO,
            ..VenueSettings::at("http://simulated")
        };
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
        let markets: Vec<Market> = pairs()
            .iter()
            .flat_map(|pair| {
                TradeType::ALL.map(|trade_type| Market {
                    venue: "binance_p2p".parse().unwrap(),
                    asset: pair.asset.parse().unwrap(),
                    fiat: pair.fiat.parse().unwrap(),
                    trade_type,
                })
            })
            .collect();
        let (mut size, mut run) = (0, 0);
        while size < wanted {
            clock.advance_to(start + chrono::TimeDelta::minutes(10 * run));
            scraper.run(&markets, &RunOptions::default()).await.unwrap();
            run += 1;
            size = 1_900 * 900 * usize::try_from(run).unwrap();
        }
        let found = scraper.raw.list(|id| id.kind() == kind::MARKET_SNAPSHOT);
        let mut ids: Vec<RawId> = found.map_ok(|(id, _)| id).try_collect().await.unwrap();
        ids.sort();
        let mut objects = Vec::new();
        for (number, id) in ids.into_iter().enumerate() {
            let bytes = scraper.raw.get(&id).await.unwrap().to_vec();
            fs::write(folder.join(format!("raw/{number:05}.ndjson.zst")), &bytes).unwrap();
            objects.push((id, bytes));
        }
        objects
    })
}
