//! Files of brokers in, positions and figures out: fills per second of each step, on one core, and the peak of memory.
//!
//! Arguments: a folder for the lake, how many accounts, how many fills of each. The files are made as they are read, in the layout of Binance's
//! export of spot trades; every account buys and sells in turn, and partly, so that lots stay open and are closed in parts.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what it can't do"
)]

use std::{fs, path::Path, sync::Arc, time::Instant};

use cauce_importer::Importer;
use cauce_intake::Intake;
use cauce_maintain::{Accounts, Maintainer, MaintenanceSettings, Rebuild};
use cauce_model::Account;
use cauce_raw::{Durability, RawZone, open};
use cauce_tables::{DayBatch, Planner, write};
use chrono::{DateTime, TimeDelta, Utc};

/// As in the binaries.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fills of one file.
const FILE: usize = 10_000;
/// Files whose rows are one file of Parquet: a bundle's worth.
const BUNDLE: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let folder =
        arguments.next().unwrap_or_else(|| std::env::temp_dir().join("cauce-journal").display().to_string());
    let accounts: usize = arguments.next().map_or(1_000, |text| text.parse().unwrap());
    let fills: usize = arguments.next().map_or(10_000, |text| text.parse().unwrap());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&folder, accounts, fills));
}

async fn run(folder: &str, count: usize, fills: usize) {
    // As `cauce demo` writes: what a power cut takes is made again.
    let store = open(folder, Durability::Relaxed).unwrap();
    let (planner, raw) = (Planner::new(Arc::clone(&store)), RawZone::new(Arc::clone(&store)));
    let importer = Importer {
        intake: Intake::new(Arc::clone(&store)),
        raw: raw.clone(),
        planner: Planner::new(Arc::clone(&store)),
    };
    let total = (count * fills) as f64;
    let begin: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
    let accounts: Accounts = (0..count)
        .map(|number| Account::bare(format!("account-{number:04}").parse().unwrap()))
        .map(|account| (account.id.clone(), account))
        .collect();

    // Files are kept while nothing is in tables yet, so that what is measured is reading and keeping them.
    let (mut importing, mut bytes) = (0.0, 0);
    for (number, account) in accounts.values().enumerate() {
        for first in (0..fills).step_by(FILE) {
            let text = export(number, first, FILE.min(fills - first));
            bytes += text.len();
            let start = Instant::now();
            let name = format!("export-{first}.csv");
            importer.import_file(account, &name, text.as_bytes(), begin).await.unwrap();
            importing += start.elapsed().as_secs_f64();
        }
    }
    said("import: read, kept, counted", total, importing);

    let start = Instant::now();
    let mut ids: Vec<_> = raw.on(begin.date_naive()).await.unwrap().into_iter().map(|(id, _)| id).collect();
    ids.sort();
    for bundle in ids.chunks(BUNDLE) {
        let mut batch = DayBatch::new(begin.date_naive());
        for id in bundle {
            batch.read(id, &raw.read(id).await.unwrap());
        }
        for file in batch.finish().unwrap() {
            write(&store, &file).await.unwrap();
        }
    }
    said("normalize: raw objects to Parquet", total, start.elapsed().as_secs_f64());

    let maintainer = Maintainer::new(Arc::clone(&store), planner, MaintenanceSettings::default());
    let start = Instant::now();
    let made = maintainer.analyze(&accounts, Rebuild::Stale).await.unwrap();
    said(
        "analyze: each fill once, two ways of matching, figures, Parquet",
        total,
        start.elapsed().as_secs_f64(),
    );
    let positions: usize = made.iter().map(|object| object.rows).sum();
    println!("{} objects with {positions} rows; {:.0} MB of files", made.len(), bytes as f64 / 1e6);

    // A late trade of one account.
    let account = accounts.values().next().unwrap();
    let late = export(0, fills, 1);
    importer.import_file(account, "late.csv", late.as_bytes(), begin + TimeDelta::days(1)).await.unwrap();
    let day = (begin + TimeDelta::days(1)).date_naive();
    let mut batch = DayBatch::new(day);
    for (id, _) in raw.on(day).await.unwrap() {
        batch.read(&id, &raw.read(&id).await.unwrap());
    }
    for file in batch.finish().unwrap() {
        write(&store, &file).await.unwrap();
    }
    let start = Instant::now();
    let made = maintainer.analyze(&accounts, Rebuild::Stale).await.unwrap();
    println!("one late trade: {} objects made again in {:.3} s", made.len(), start.elapsed().as_secs_f64());
    println!("peak memory {:.0} MB", peak());
}

fn said(step: &str, fills: f64, seconds: f64) {
    println!("{step}: {:.0} fills/s ({seconds:.1} s)", fills / seconds);
}

/// An export of spot trades: numbers that no two fills share.
fn export(account: usize, first: usize, count: usize) -> String {
    let begin: DateTime<Utc> = "2024-03-01T00:00:00Z".parse().unwrap();
    let mut text = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n".to_owned();
    for number in first..first + count {
        let at = begin
            + TimeDelta::seconds(i64::try_from(number).unwrap() * 6_000 + i64::try_from(account).unwrap());
        let (base, price) = [("BTC", 60_000), ("ETH", 3_000), ("SOL", 150), ("XRP", 2)][number % 4];
        let side = if number / 4 % 3 == 2 { "SELL" } else { "BUY" };
        let quantity = format!("0.{:06}", 1_000 + number * 7 % 9_000);
        let price = format!("{}.{:02}", price + number % 97, number % 100);
        text.push_str(&format!(
            "{},{base}USDT,{side},{price},{quantity}{base},1USDT,0.01USDT\n",
            at.format("%Y-%m-%d %H:%M:%S")
        ));
    }
    text
}

/// The most memory that this process had, in MB, where the system says so.
fn peak() -> f64 {
    let status = fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
}
