use std::sync::Arc;

use cauce_ledger::{AccountBook, SqliteLedger};
use cauce_maintain::{Rebuild, sweep};
use cauce_model::Account;
use cauce_query::Lake;
use cauce_raw::{Durability, state_folder};
use cauce_simulator::{Simulator, SimulatorTransport, trades_export};
use cauce_sources::{Outcome, RunOptions, Scraper, SystemClock, VirtualClock};
use cauce_tables::{Days, Planner};
use cauce_world::{Config, World};
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Notify;

use crate::{Done, args::Demo, figures, lake_of, logging, serving, traces::Export};

/// Where the demo's lake is, unless said otherwise: not where the real one is.
const LAKE: &str = "./demo-lake";

/// Currencies of the demo; the first has BTC and ETH, too.
const MARKETS: &str = r#"
[lake]
url = "./demo-lake"
[[markets]]
venue = "binance_p2p"
asset = "USDT"
fiat = "VES"
[[markets]]
venue = "binance_p2p"
asset = "BTC"
fiat = "VES"
[[markets]]
venue = "binance_p2p"
asset = "ETH"
fiat = "VES"
[[markets]]
venue = "binance_p2p"
asset = "USDT"
fiat = "ARS"
[[markets]]
venue = "binance_p2p"
asset = "USDT"
fiat = "COP"
[[markets]]
venue = "binance_p2p"
asset = "USDT"
fiat = "BRL"
[[markets]]
venue = "binance_p2p"
asset = "USDT"
fiat = "USD"
[[markets]]
venue = "binance_p2p"
asset = "USDT"
fiat = "EUR"
"#;

/// The main job against a simulated venue: history first, through the same scraper and normalizer, then live.
pub(crate) async fn run(
    lake: Option<String>,
    config: Config,
    demo: &Demo,
    traces: Option<&Export>,
) -> anyhow::Result<Done> {
    let url = lake.unwrap_or_else(|| LAKE.to_owned());
    // The screen is for the progress and the way on; what happens is in the log file.
    logging::start("warn", state_folder(&url), traces)?;
    let schedule = config.schedule;
    let simulator = Arc::new(Simulator::new(demo.seed, Arc::new(SystemClock)));
    let (address, venue) = cauce_simulator::serve(simulator, ([127, 0, 0, 1], 0).into()).await?;
    let mut simulated = Config::parse(MARKETS)?.simulated(&format!("http://{address}"));
    simulated.schedule = schedule;
    let world = World::open(&url, simulated).await?;
    let lake = lake_of(&world);
    if demo.once {
        history(&url, &world, &lake, demo).await?;
        venue.abort();
        return Ok(Done::Whole);
    }
    let listener = serving::listen(demo.listen.listen).await?;
    let figures = figures::collect()?;
    let page = format!("http://{}/", listener.local_addr()?);
    println!("simulated venue at http://{address}; the page: {page}");
    let live = async {
        history(&url, &world, &lake, demo).await?;
        println!("\nThe history is made. Open {page}");
        // As this process was called, so that the lines can be pasted.
        let cauce = std::env::args().next().unwrap_or_else(|| "cauce".to_owned());
        println!(
            "Ask it:   {cauce} --lake {url} sql \"select venue, fiat, count(*) from fact_offers group by 1, 2\""
        );
        println!("Go live:  {cauce} up      (real venues; what cauce.example.toml says, or your cauce.toml)");
        println!("Stop:     Ctrl-C\n");
        let (scraper, worker) = (world.scraper(), world.worker());
        let (events, trades, analyzed) = (Notify::new(), Notify::new(), Notify::new());
        tokio::select! {
            ended = serving::schedule(&world, &scraper) => ended,
            ended = serving::normalize(&worker, &events, &trades) => ended,
            ended = serving::paying(&world, &lake, &events) => ended,
            ended = serving::analyzing(&world, &lake, &trades, &analyzed) => ended,
            ended = serving::taking_in(&world) => ended,
            ended = serving::sweeping(&world, &lake) => ended,
            ended = serving::maintaining(&world, &lake) => ended,
        }
    };
    tokio::select! {
        ended = live => ended?,
        ended = serving::api(&world, lake.clone(), listener, figures) => ended?,
        asked = serving::asked_to_stop() => asked?,
    }
    Ok(Done::Whole)
}

/// Makes what is missing of the history up to now. Its ledger is in memory: its slots and runs are of another time.
async fn history(url: &str, world: &World, lake: &Lake, demo: &Demo) -> anyhow::Result<()> {
    let interval = TimeDelta::from_std(world.config.schedule.scrape)?;
    let now = Utc::now();
    let wanted = now - TimeDelta::from_std(demo.history)?;
    // A history that was interrupted has raw objects that nobody waits for.
    sweep(&world.raw(), lake.planner(), &*world.queue, Days::ALL, TimeDelta::zero(), now).await?;
    world.worker().drain(|_| ()).await?;
    let first = lake.newest_snapshot().await?.map_or(wanted, |newest| (newest + interval).max(wanted));
    let clock = VirtualClock::at(first);
    let simulator = Arc::new(Simulator::new(demo.seed, Arc::new(clock.clone())));
    // What a seed makes again need not wait for the disk.
    let fast = World::open_with(url, world.config.clone(), Durability::Relaxed).await?;
    let scraper = Scraper {
        ledger: Arc::new(SqliteLedger::in_memory()?),
        clock: Arc::new(clock.clone()),
        transport: Arc::new(SimulatorTransport(simulator)),
        ..fast.scraper()
    };
    let (markets, worker) = (fast.config.markets(), fast.worker());
    let runs = u64::try_from((now - first).num_seconds() / interval.num_seconds().max(1)).unwrap_or(0);
    let bar = ProgressBar::new(runs).with_style(style()?).with_message("history");
    let runs_a_day = (TimeDelta::days(1).num_seconds() / interval.num_seconds().max(1)).max(1);
    let mut made = 0;
    let mut at = first;
    while at + interval <= now {
        clock.advance_to(at);
        let outcome = scraper.run(&markets, &RunOptions::default()).await?;
        anyhow::ensure!(matches!(outcome, Outcome::Done(_)), "another demo makes a history in this lake");
        at += interval;
        made += 1;
        bar.inc(1);
        if made % runs_a_day == 0 {
            worker.drain(|_| ()).await?;
        }
    }
    trades(world, &fast, demo.seed, (wanted, now)).await?;
    worker.drain(|_| ()).await?;
    let accounts = world.accounts().all().await?;
    world.maintainer(lake.planner().clone())?.analyze(&accounts, Rebuild::Stale).await?;
    bar.finish();
    Ok(())
}

/// Imports what an account traded on the days of the history that are over.
async fn trades(
    world: &World,
    fast: &World,
    seed: u64,
    (since, now): (DateTime<Utc>, DateTime<Utc>),
) -> anyhow::Result<()> {
    let mut account = Account::bare("demo-desk".parse()?);
    account.broker = Some("binance".to_owned());
    account.starting_balance = Some(50_000.into());
    AccountBook::put(&*world.ledger, &account).await?;
    let Some(yesterday) = now.date_naive().pred_opt() else { return Ok(()) };
    let export = trades_export(seed, since.date_naive(), yesterday);
    let importer = fast.importer(Planner::new(Arc::clone(&fast.store)));
    let tried = importer.try_file(&account, "trades.csv", export.as_bytes(), now).await?;
    if tried.new > 0 {
        importer.import_file(&account, "trades.csv", export.as_bytes(), now).await?;
    }
    Ok(())
}

pub(crate) fn style() -> anyhow::Result<ProgressStyle> {
    Ok(ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta} left")?)
}
