//! A lake of payment events, and what it costs to make and ask it: events a second through the rules and into hot files,
//! through the seals, into `payments` (all, and after one more day), and how payments went, first and again.
//!
//! `payments make DIR [--events 5000000] [--days 30]` · `payments derive DIR` · `payments ask DIR`. Without a command: all.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what it can't do"
)]

mod generated;

use std::{sync::Arc, time::Instant};

use cauce_maintain::{Maintainer, MaintenanceSettings, Rebuild};
use cauce_query::{Lake, PaymentsQuestion, json_rows};
use cauce_raw::{Durability, open};
use cauce_tables::{Days, Derived};
use chrono::{TimeDelta, Utc};
use object_store::ObjectStore;

/// Answers of each question; the first of them with a lake that has just been opened.
const REPEATS: usize = 9;

struct Asked {
    command: String,
    folder: String,
    events: u64,
    days: u64,
}

impl Asked {
    fn read() -> Self {
        let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
        let option = |name: &str| {
            words.iter().position(|word| word == name).and_then(|place| words.get(place + 1)?.parse().ok())
        };
        let plain: Vec<&String> = words.iter().take_while(|word| !word.starts_with("--")).collect();
        let folder = || std::env::temp_dir().join("cauce-payments").display().to_string();
        Self {
            command: plain.first().map_or("all", |word| word).to_owned(),
            folder: plain.get(1).map_or_else(folder, |word| (*word).clone()),
            events: option("--events").unwrap_or(5_000_000),
            days: option("--days").unwrap_or(30),
        }
    }
}

#[tokio::main]
async fn main() {
    let asked = Asked::read();
    if ["all", "make"].contains(&asked.command.as_str()) {
        make(&asked).await;
    }
    if asked.command != "ask" {
        derive(&asked).await;
    }
    if asked.command != "make" {
        ask(&asked).await;
    }
}

async fn make(asked: &Asked) {
    let store = open(&asked.folder, Durability::Relaxed).unwrap();
    let lake = Lake::new(Arc::clone(&store));
    let maintainer =
        Maintainer::new(Arc::clone(&store), lake.planner().clone(), MaintenanceSettings::default());
    let a_day = asked.events / asked.days;
    let begin = Instant::now();
    for day in 0..asked.days {
        generated::bring(&store, day, 0, a_day).await;
    }
    rate("normalized and written", a_day * asked.days, begin);

    let last = generated::day(asked.days - 1);
    let begin = Instant::now();
    for day in 0..asked.days {
        maintainer.merge(Days::only(generated::day(day))).await.unwrap();
    }
    let days = Days { first: None, last: Some(last - TimeDelta::days(1)) };
    let sealed = maintainer.seal(days, Utc::now(), false).await.unwrap().sealed;
    rate("merged and sealed", sealed.iter().map(|seal| seal.rows).sum(), begin);
    maintainer.collect(Utc::now() + TimeDelta::hours(2), false).await.unwrap();
}

async fn derive(asked: &Asked) {
    let store = open(&asked.folder, Durability::Relaxed).unwrap();
    let lake = Lake::new(Arc::clone(&store));
    let maintainer =
        Maintainer::new(Arc::clone(&store), lake.planner().clone(), MaintenanceSettings::default());
    let a_day = asked.events / asked.days;
    reset_peak_memory();
    let (begin, before) = (Instant::now(), peak_memory());
    maintainer.rebuild(Derived::Payments, Rebuild::All, Utc::now()).await.unwrap();
    rate("made into payments", a_day * asked.days, begin);
    println!("  memory {} MB before, {} MB at most", before >> 10, peak_memory() >> 10);

    // A quarter of an hour of events more, some of them of payments of the weeks before.
    generated::bring(&store, asked.days - 1, Utc::now().timestamp() as u64 % 15 + 1, a_day / 96).await;
    reset_peak_memory();
    let (begin, before) = (Instant::now(), peak_memory());
    let made = maintainer.rebuild(Derived::Payments, Rebuild::Stale, Utc::now()).await.unwrap();
    println!(
        "after {} more: {} of {} objects in {:.2} s, memory {} MB before, {} MB at most",
        a_day / 96,
        made.len(),
        asked.days,
        begin.elapsed().as_secs_f64(),
        before >> 10,
        peak_memory() >> 10
    );
}

fn rate(what: &str, rows: u64, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: {rows} in {seconds:.1} s, {:.0}/s", rows as f64 / seconds);
}

async fn ask(asked: &Asked) {
    let store = open(&asked.folder, Durability::Relaxed).unwrap();
    let counts = "SELECT (SELECT count(*) FROM fact_payment_events) AS events, (SELECT count(*) FROM payments) AS payments";
    let counts = json_rows(&Lake::new(Arc::clone(&store)).sql(counts).await.unwrap());
    println!("{} events, {} payments", counts[0]["events"], counts[0]["payments"]);
    let all = PaymentsQuestion {
        first: generated::day(0),
        last: generated::day(asked.days - 1),
        provider: None,
        country: None,
        merchant_id: None,
        payment_method: None,
        currency: None,
    };
    let week = PaymentsQuestion { first: all.last - TimeDelta::days(6), ..all.clone() };
    let stripe = PaymentsQuestion { provider: Some("stripe".to_owned()), ..all.clone() };
    let filtered = PaymentsQuestion { country: Some("BR".to_owned()), ..all.clone() };
    for (what, question) in
        [("30 days", all), ("7 days", week), ("one provider", stripe), ("a country", filtered)]
    {
        timed(what, &store, async |lake: &Lake| lake.payment_metrics(&question).await.unwrap().all.payments)
            .await;
    }
    let now = generated::day(asked.days - 1).and_hms_opt(14, 5, 0).unwrap().and_utc();
    timed("anomalies", &store, async |lake: &Lake| lake.payment_anomalies(now).await.unwrap().len() as u64)
        .await;
}

/// The first answer of a lake that was just opened, three times, and answers after it.
async fn timed(what: &str, store: &Arc<dyn ObjectStore>, ask: impl AsyncFn(&Lake) -> u64) {
    let (mut first, mut again, mut answer) = (Vec::new(), Vec::new(), 0);
    for _ in 0..3 {
        let lake = Lake::new(Arc::clone(store));
        let begin = Instant::now();
        answer = ask(&lake).await;
        first.push(begin.elapsed().as_secs_f64() * 1e3);
        for _ in 0..REPEATS / 3 {
            let begin = Instant::now();
            ask(&lake).await;
            again.push(begin.elapsed().as_secs_f64() * 1e3);
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!("{what}: {answer}; first {:.0} ms, again {:.1} ms", median(&mut first), median(&mut again));
}

/// Peak memory of the process since it was last reset, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn reset_peak_memory() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}
