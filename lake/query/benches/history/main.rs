//! A lake of generated data, sealed, and what it costs to ask it: bytes per row, the sealer's rate and memory, price
//! histories warm and by a process of their own, calls to the store as the lake grows, and the time from a fetch to an
//! answer that has it. `scripts/bench_lake.py` asks DuckDB and Polars the same of the same files.
//!
//! `history make DIR [--days 30] [--every 10m] [--all] [--open]` · `history ask DIR [--days 30] [--once]` ·
//! `history grow DIR --days N` · `history visible`. Without a command: make and ask.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what it can't do"
)]

mod counting;
mod generated;

use std::{sync::Arc, time::Instant};

use cauce_maintain::{Maintainer, MaintenanceSettings};
use cauce_model::{Amount, TradeType};
use cauce_query::{HistoryFilter, HistoryQuery, Lake, json_rows};
use cauce_raw::{Durability, open};
use cauce_tables::{Days, Table};
use chrono::{NaiveDate, TimeDelta, Utc};
use counting::CountingStore;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, path::Path};

const REPEATS: usize = 15;

/// What was asked for on the command line.
struct Asked {
    command: String,
    folder: String,
    days: i64,
    every: TimeDelta,
    all: bool,
    once: bool,
    open: bool,
}

impl Asked {
    fn read() -> Self {
        let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
        let option = |name: &str| {
            words.iter().position(|word| word == name).and_then(|place| words.get(place + 1)).cloned()
        };
        let flag = |name: &str| words.iter().any(|word| word == name);
        let values: Vec<String> = ["--days", "--every"].iter().filter_map(|name| option(name)).collect();
        let mut plain =
            words.iter().filter(|word| !word.starts_with("--") && !values.contains(word)).cloned();
        let minutes = option("--every").map_or(10, |text| text.trim_end_matches('m').parse().unwrap());
        Self {
            command: plain.next().unwrap_or_else(|| "all".to_owned()),
            folder: plain
                .next()
                .unwrap_or_else(|| std::env::temp_dir().join("cauce-history").display().to_string()),
            days: option("--days").map_or(30, |text| text.parse().unwrap()),
            every: TimeDelta::minutes(minutes),
            all: flag("--all"),
            once: flag("--once"),
            open: flag("--open"),
        }
    }
}

#[tokio::main]
async fn main() {
    let asked = Asked::read();
    match asked.command.as_str() {
        "make" => make(&asked).await,
        "ask" => ask(&asked).await,
        "grow" => grow(&asked).await,
        "visible" => generated::visible().await,
        _ => {
            make(&asked).await;
            ask(&asked).await;
        }
    }
}

/// Makes and seals the lake, as far as that is not done. With `--open` the last day stays as it is.
async fn make(asked: &Asked) {
    let store = open(&asked.folder, Durability::Relaxed).unwrap();
    let lake = Lake::new(Arc::clone(&store));
    if count(&lake, "fact_market_depth").await == 0 {
        let begin = Instant::now();
        generated::scrape(Arc::clone(&store), asked.days, asked.every, asked.all).await;
        println!("made in {:.0} s", begin.elapsed().as_secs_f64());
    }
    let rows = count(&lake, "fact_offers").await;
    let maintainer =
        Maintainer::new(Arc::clone(&store), lake.planner().clone(), MaintenanceSettings::default());
    reset_peak_memory();
    let before = peak_memory();
    let begin = Instant::now();
    let last = generated::start().date_naive() + TimeDelta::days(asked.days - 1 - i64::from(asked.open));
    let days = Days { first: None, last: Some(last) };
    maintainer.merge(Days::only(last + TimeDelta::days(1))).await.unwrap();
    let sealed = maintainer.seal(days, Utc::now(), false).await.unwrap().sealed;
    let seconds = begin.elapsed().as_secs_f64();
    if !sealed.is_empty() {
        let rows: u64 = sealed.iter().map(|seal| seal.rows).sum();
        let largest = sealed.iter().map(|seal| seal.rows).max().unwrap_or(0);
        println!(
            "sealed {rows} rows in {seconds:.1} s: {:.0} rows/s; largest seal {largest} rows; memory {} MB before, {} MB peak",
            rows as f64 / seconds,
            before >> 10,
            peak_memory() >> 10
        );
    }
    // As it is an hour later: what the seals cover is gone.
    maintainer.collect(Utc::now() + TimeDelta::hours(2), false).await.unwrap();
    for table in [Table::FactOffers, Table::FactMarketDepth] {
        let folder = Path::from(format!("tables/{table}"));
        let files: Vec<ObjectMeta> = store.list(Some(&folder)).try_collect().await.unwrap();
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        let rows = count(&lake, table.name()).await;
        println!("{table}: {rows} rows, {bytes} bytes, {:.1} bytes a row", bytes as f64 / rows as f64);
    }
    println!("{rows} offers, {} days", asked.days);
}

fn question(days: i64, filtered: bool) -> HistoryQuery {
    let filter = match filtered {
        false => HistoryFilter::default(),
        true => HistoryFilter {
            payment_method: Some("PagoMovil".to_owned()),
            amount: Some(Amount::parse("amount", "9000").unwrap()),
            ..HistoryFilter::default()
        },
    };
    HistoryQuery {
        as_of: None,
        venue: None,
        asset: "USDT".parse().unwrap(),
        fiat: "VES".parse().unwrap(),
        trade_type: Some(TradeType::Buy),
        interval: "1h".parse().unwrap(),
        since: generated::start(),
        until: generated::start() + TimeDelta::days(days),
        filter,
    }
}

/// Price histories over 1, 7 and all days; with `--once` one of all days, for a process of its own.
async fn ask(asked: &Asked) {
    let store = open(&asked.folder, Durability::Relaxed).unwrap();
    if asked.once {
        let lake = Lake::new(store);
        let history = lake.price_history(&question(asked.days, true)).await.unwrap();
        println!("{} buckets", history.buckets.len());
        return;
    }
    let counting = Arc::new(CountingStore::new(store));
    for filtered in [false, true] {
        for days in [1, 7, asked.days] {
            let lake = Lake::new(Arc::clone(&counting) as Arc<dyn ObjectStore>);
            counting.take();
            let begin = Instant::now();
            let history = lake.price_history(&question(days, filtered)).await.unwrap();
            let first = begin.elapsed().as_secs_f64() * 1e3;
            assert_eq!(history.buckets.len(), usize::try_from(days * 24).unwrap());
            let first_calls = counting.take();
            let warm = median_ms(&lake, &question(days, filtered)).await;
            let calls = counting.take().each(REPEATS);
            let name = if filtered { "method and amount" } else { "unfiltered" };
            let offers: i64 = history.buckets.iter().filter_map(|row| row["count"].as_i64()).sum();
            println!(
                "{name}, {days} days: warm {warm:.1} ms ({calls}); first {first:.1} ms ({first_calls}); {offers} offers"
            );
        }
    }
}

async fn median_ms(lake: &Lake, question: &HistoryQuery) -> f64 {
    let mut times = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let begin = Instant::now();
        lake.price_history(question).await.unwrap();
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

/// Puts the lake's sealed days under other days until there are so many of them, by hard links: files that a question
/// for one day has to leave alone. Then asks for one day.
async fn grow(asked: &Asked) {
    let root = std::path::Path::new(&asked.folder);
    for table in [Table::FactOffers, Table::FactMarketDepth] {
        let tables = root.join("tables").join(table.name());
        let date = |number: i64| generated::start().date_naive() + TimeDelta::days(number);
        let folder = |day: NaiveDate| tables.join(format!("date={day}"));
        let own = (0..).take_while(|number| folder(date(*number)).is_dir()).count() as i64;
        for number in 0..asked.days {
            // Days before the first: the one that is asked for is the last of many.
            let (from, to) = (folder(date(number % own)), folder(date(-1 - number)));
            std::fs::create_dir_all(&to).unwrap();
            for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
                let target = to.join(file.file_name());
                if !target.exists() {
                    std::fs::hard_link(file.path(), target).unwrap();
                }
            }
        }
    }
    let counting = Arc::new(CountingStore::new(open(&asked.folder, Durability::Relaxed).unwrap()));
    let lake = Lake::new(Arc::clone(&counting) as Arc<dyn ObjectStore>);
    let days = lake.planner().sealed_days(Table::FactOffers).await.unwrap().len();
    for filtered in [false, true] {
        lake.price_history(&question(1, filtered)).await.unwrap();
        counting.take();
        let warm = median_ms(&lake, &question(1, filtered)).await;
        let calls = counting.take().each(REPEATS);
        let name = if filtered { "method and amount" } else { "unfiltered" };
        println!("{days} days of rows: one day, {name}: warm {warm:.1} ms ({calls})");
    }
}

async fn count(lake: &Lake, table: &str) -> i64 {
    let rows = json_rows(&lake.sql(&format!("SELECT count(*) AS n FROM {table}")).await.unwrap());
    rows[0]["n"].as_i64().unwrap()
}

/// Most memory that the process has had, in KiB, since the mark was last reset.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn reset_peak_memory() {
    // Linux only; elsewhere the peak is that of the whole process.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}
