//! What runs for as long as the process: scheduler, normalizer, sweep, API.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use cauce_access::Gate;
use cauce_api::{
    Api, Door, Figures, Guard, Journal, Push, Serving, admin_routes, journal_routes, push_routes,
    query_routes, served,
};
use cauce_importer::Cycle;
use cauce_ledger::{Acquired, Lease};
use cauce_maintain::{Maintainer, Rebuild, SWEEP_AGE, Task, TaskError, sweep};
use cauce_model::{RunId, RunStatus};
use cauce_query::{Checks, Lake, Markets, Page, Period, QueryError, json_rows};
use cauce_queue::Queue;
use cauce_sources::{Outcome, RunOptions, Scraper};
use cauce_tables::{Days, Derived};
use cauce_telemetry::{MAINTENANCE_PIECES, RUNS};
use cauce_worker::Worker;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::{net::TcpListener, sync::Notify};

use cauce_world::World;

/// How long a queue that was empty is left alone.
const QUEUE_PAUSE: Duration = Duration::from_millis(500);

/// Makes a run at once and then one every interval, at whole multiples of it, so that restarts don't shift the times.
pub(crate) async fn schedule(world: &World, scraper: &Scraper) -> anyhow::Result<()> {
    let markets = world.config.markets();
    if markets.is_empty() {
        // Payments and what others push need none.
        tracing::warn!("no [[markets]] are configured, so nothing is scraped; cauce.example.toml shows some");
        return std::future::pending().await;
    }
    let interval = world.config.schedule.scrape;
    // Where runs are made, that none has completed is a figure, too.
    for status in [RunStatus::Completed, RunStatus::Partial, RunStatus::Failed] {
        RUNS.add([status.as_str()], 0);
    }
    loop {
        let next = match scraper.run(&markets, &RunOptions::default()).await {
            Ok(Outcome::Busy(lease)) => {
                tracing::warn!(run_id = %lease.owner, until = %lease.until, "another run is under way");
                (lease.until - Utc::now()).to_std().unwrap_or_default().min(interval)
            }
            Ok(_) => until_next(interval),
            Err(error) => {
                tracing::error!(%error, "run could not be made");
                until_next(interval)
            }
        };
        tokio::time::sleep(next).await;
    }
}

fn until_next(interval: Duration) -> Duration {
    let since_epoch = Duration::from_millis(u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0));
    let past = since_epoch.as_millis() % interval.as_millis().max(1);
    interval.saturating_sub(Duration::from_millis(u64::try_from(past).unwrap_or(0)))
}

/// Normalizes whatever comes; `events` hears of payment events, and `trades` of trades.
pub(crate) async fn normalize(worker: &Worker, events: &Notify, trades: &Notify) -> anyhow::Result<()> {
    loop {
        match worker.drain(|_| ()).await {
            Ok(drained) if drained.messages > 0 => {
                if drained.events > 0 {
                    events.notify_one();
                }
                if drained.trades > 0 {
                    trades.notify_one();
                }
                tracing::info!(
                    done = drained.done,
                    failed = drained.failed,
                    offers = drained.offers,
                    events = drained.events,
                    trades = drained.trades,
                    "normalized"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "normalizer"),
        }
        tokio::time::sleep(QUEUE_PAUSE).await;
    }
}

/// Puts events that no rule knows before the model, if one is configured.
pub(crate) async fn enriching(world: &World) -> anyhow::Result<()> {
    const PAUSE: Duration = Duration::from_secs(2);
    let Some(enricher) = world.enricher().await? else { return std::future::pending().await };
    loop {
        match enricher.batch().await {
            // More may wait.
            Ok(done) if done.answered + done.settled > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "model"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks what currencies are worth, if a service is configured.
pub(crate) async fn rating(world: &World) -> anyhow::Result<()> {
    if world.config.rates.url.is_none() {
        return std::future::pending().await;
    }
    loop {
        if let Err(error) = world.fetch_rates().await {
            tracing::error!(%error, "rates");
        }
        tokio::time::sleep(until_next(world.config.rates.every)).await;
    }
}

/// Takes over what the database of the system before has, if one is configured.
pub(crate) async fn polling(world: &World) -> anyhow::Result<()> {
    let Some(poller) = world.poller().await? else { return std::future::pending().await };
    loop {
        match poller.poll(None).await {
            Ok(polled) => {
                tracing::info!(stored = polled.stored, refused = polled.refused.len(), "database taken over");
            }
            Err(error) => tracing::error!(%error, "poller"),
        }
        tokio::time::sleep(until_next(world.config.poller.every)).await;
    }
}

/// Takes in what others put under `inbox/` of the lake. What can't be taken stays, and is said once.
pub(crate) async fn taking_in(world: &World) -> anyhow::Result<()> {
    const PAUSE: Duration = Duration::from_secs(5);
    // Whoever writes a file there may not be done with it.
    const SETTLED: TimeDelta = TimeDelta::seconds(2);
    if world.inbox.is_some() {
        return std::future::pending().await;
    }
    let intake = world.intake();
    let mut refused = HashSet::new();
    loop {
        match intake.waiting().await {
            Ok(waiting) => {
                for found in waiting.iter().filter(|found| Utc::now() - found.last_modified >= SETTLED) {
                    match intake.take(&found.location).await {
                        Ok(_) => {}
                        Err(error) if refused.insert(found.location.clone()) => {
                            tracing::warn!(place = %found.location, %error, "stays in the inbox");
                        }
                        Err(_) => {}
                    }
                }
            }
            Err(error) => tracing::error!(%error, "inbox"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes payments anew when there are new events of them: soon, and never for more than a tenth of the time.
pub(crate) async fn paying(world: &World, lake: &Lake, events: &Notify) -> anyhow::Result<()> {
    const SOON: Duration = Duration::from_secs(2);
    let maintainer = world.maintainer(lake.planner().clone())?;
    loop {
        events.notified().await;
        tokio::time::sleep(SOON).await;
        let begun = Instant::now();
        if let Err(error) = maintainer.rebuild(Derived::Payments, Rebuild::Stale, Utc::now()).await {
            tracing::error!(%error, "payments");
        }
        tokio::time::sleep(begun.elapsed() * 9).await;
    }
}

/// Asks the brokers of accounts for what they traded since, by the schedule.
pub(crate) async fn fetching(world: &World, lake: &Lake) -> anyhow::Result<()> {
    let (fetcher, accounts) = (world.fetcher(lake.planner().clone()), world.accounts());
    loop {
        tokio::time::sleep(until_next(world.config.schedule.fetch)).await;
        let until = Instant::now() + world.config.brokers.cycle_time;
        let cycle =
            async { anyhow::Ok(fetcher.cycle(accounts.all().await?.into_values().collect(), until).await?) };
        match cycle.await {
            Ok(Cycle::Ended(report)) if report.accounts.is_empty() => {}
            Ok(Cycle::Ended(report)) => {
                tracing::info!(accounts = report.accounts.len(), failed = report.failed(), "trades fetched");
            }
            Ok(Cycle::Busy(lease)) => {
                tracing::info!(owner = lease.owner, "trades are being fetched elsewhere")
            }
            Err(error) => tracing::error!(error = format!("{error:#}"), "fetching trades"),
        }
    }
}

/// Brings the journal up to date: soon after an import, and every so often for what else changed, such as rates.
/// What it made, `analyzed` hears of.
pub(crate) async fn analyzing(
    world: &World,
    lake: &Lake,
    trades: &Notify,
    analyzed: &Notify,
) -> anyhow::Result<()> {
    const SOON: Duration = Duration::from_secs(2);
    let (maintainer, accounts) = (world.maintainer(lake.planner().clone())?, world.accounts());
    loop {
        // None came: it is time all the same.
        let _ = tokio::time::timeout(until_next(world.config.schedule.analyze), trades.notified()).await;
        tokio::time::sleep(SOON).await;
        let begun = Instant::now();
        let analysis =
            async { anyhow::Ok(maintainer.analyze(&accounts.all().await?, Rebuild::Stale).await?) };
        match analysis.await {
            Ok(made) if !made.is_empty() => analyzed.notify_one(),
            Ok(_) => {}
            Err(error) => tracing::error!(error = format!("{error:#}"), "analysis"),
        }
        tokio::time::sleep(begun.elapsed() * 9).await;
    }
}

/// Delivers trades to other platforms, if any are configured: after an analysis, and every so often for what waits.
pub(crate) async fn delivering(world: &World, lake: &Lake, analyzed: &Notify) -> anyhow::Result<()> {
    if world.config.deliveries.is_empty() {
        return std::future::pending().await;
    }
    let deliverer = world.deliverer(lake.planner().clone());
    loop {
        let _ = tokio::time::timeout(until_next(world.config.schedule.deliver), analyzed.notified()).await;
        let until = Instant::now() + world.config.brokers.cycle_time;
        match deliverer.cycle(&world.sinks().await, until).await {
            Ok(cauce_deliver::Cycle::Ended(report)) if report.batches.is_empty() => {}
            Ok(cauce_deliver::Cycle::Ended(report)) => {
                tracing::info!(batches = report.batches.len(), failed = report.failed(), "trades delivered");
            }
            Ok(cauce_deliver::Cycle::Busy(lease)) => {
                tracing::info!(owner = lease.owner, "trades are being delivered elsewhere");
            }
            Err(error) => tracing::error!(%error, "delivering trades"),
        }
    }
}

/// Looks for raw objects that no file covers: at once on every day whose rows are kept, then every so often on the days that are not sealed
/// whatever happens.
pub(crate) async fn sweeping(world: &World, lake: &Lake) -> anyhow::Result<()> {
    let settings = world.config.maintenance()?;
    // Raw objects may be kept for longer than rows: those of days whose rows were let go are not missing.
    let first = settings.retention.tables.map(|kept| (Utc::now() - kept).date_naive());
    let (mut age, mut days) = (TimeDelta::zero(), Days { first, last: None });
    loop {
        let now = Utc::now();
        match sweep(&world.raw(), lake.planner(), &*world.queue, days, age, now).await {
            Ok(swept) => MAINTENANCE_PIECES.add([Task::Sweep.name()], swept.queued),
            Err(error) => tracing::error!(%error, "sweep"),
        }
        age = SWEEP_AGE;
        days = settings.swept_days(now);
        tokio::time::sleep(world.config.schedule.sweep).await;
    }
}

/// Merges the small files of open days, closes days that are over, deletes what nobody needs. Others may do the same in
/// the same lake: the lease saves them the work, and nothing depends on it.
pub(crate) async fn maintaining(world: &World, lake: &Lake) -> anyhow::Result<()> {
    let maintainer = world.maintainer(lake.planner().clone())?;
    let schedule = &world.config.schedule;
    let owner = RunId::starting(Utc::now()).to_string();
    let ttl = TimeDelta::from_std(schedule.merge)?;
    let (mut sealed_at, mut reported) = (None, HashSet::new());
    let freshness = maintainer.settings().quality.freshness;
    loop {
        let now = Utc::now();
        match Lease::acquire(&*world.ledger, "maintenance", &owner, ttl, now).await {
            Ok(Acquired::Yes) => {
                let seals = sealed_at
                    .is_none_or(|at| now - at >= ttl.max(TimeDelta::from_std(schedule.seal).unwrap_or(ttl)));
                if seals {
                    sealed_at = Some(now);
                }
                if let Err(error) = maintain_once(&maintainer, &*world.queue, seals).await {
                    tracing::error!(%error, "maintenance");
                }
                if let Err(error) = report_quality(lake, &mut reported, freshness, now).await {
                    tracing::error!(%error, "quality");
                }
            }
            Ok(Acquired::HeldBy(lease)) => tracing::debug!(owner = lease.owner, "others do the maintenance"),
            Err(error) => tracing::error!(%error, "maintenance"),
        }
        tokio::time::sleep(until_next(schedule.merge)).await;
    }
}

async fn maintain_once(maintainer: &Maintainer, queue: &dyn Queue, seals: bool) -> Result<(), TaskError> {
    let tasks: &[Task] = match seals {
        true => &[Task::Merge, Task::Derive, Task::Seal, Task::Collect],
        false => &[Task::Merge, Task::Derive],
    };
    for task in tasks {
        maintainer.perform(*task, queue, Utc::now()).await?;
    }
    Ok(())
}

/// Puts into the log which checks of the last day failed that were not `reported` yet, and which markets are silent.
async fn report_quality(
    lake: &Lake,
    reported: &mut HashSet<(String, String)>,
    freshness: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), QueryError> {
    const MOST: u32 = 1_000;
    let text = |row: &serde_json::Map<String, serde_json::Value>, name: &str| {
        row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let since = now - TimeDelta::days(1);
    let period = Period { since, until: now + TimeDelta::minutes(1) };
    let failed = Checks { markets: Markets::default(), period, passed: Some(false), metric: None };
    let failed = lake.list(&failed, &Page { limit: MOST, after: None }).await?;
    let before = std::mem::take(reported);
    for row in json_rows(&failed.rows) {
        let check = (text(&row, "snapshot_id"), text(&row, "metric_name"));
        let is_known = before.contains(&check);
        reported.insert(check);
        if is_known {
            continue;
        }
        let (metric, market) = (text(&row, "metric_name"), market_of(&row));
        let (value, threshold) = (row.get("metric_value"), row.get("threshold_value"));
        tracing::warn!(
            metric,
            market,
            ?value,
            ?threshold,
            at = text(&row, "check_timestamp"),
            "check failed"
        );
    }
    for row in lake.silent_markets(freshness, now).await? {
        let age_seconds = row.get("age_seconds").and_then(serde_json::Value::as_i64);
        tracing::warn!(market = market_of(&row), age_seconds, "no new snapshot");
    }
    Ok(())
}

fn market_of(row: &serde_json::Map<String, serde_json::Value>) -> String {
    let parts =
        ["venue", "asset", "fiat", "trade_type"].map(|name| row.get(name).and_then(|value| value.as_str()));
    parts.map(Option::unwrap_or_default).join(":")
}

/// Serves the API and the page until the process is told to stop.
pub(crate) async fn api(
    world: &World,
    lake: Lake,
    listener: TcpListener,
    figures: Figures,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let gate = Gate::new(Arc::clone(&world.ledger), world.config.access()?);
    let door = if address.ip().is_loopback() { Door::Loopback } else { Door::Outside };
    match gate.is_open().await? {
        true if door == Door::Outside => {
            anyhow::bail!(
                "{address} can be reached from outside, and there is no administrator: cauce user add first"
            )
        }
        true => tracing::warn!("whoever is on this machine is administrator, until `cauce user add`"),
        false => {}
    }
    let api = Api { figures: Some(figures), ..Api::new(world, lake)? };
    let push = Push::new(world, Push::LARGEST).await?;
    let journal = Journal::new(world, api.lake.planner().clone(), Push::LARGEST)?;
    let routes = query_routes(api.clone())
        .merge(admin_routes(api, gate.clone()))
        .merge(push_routes(push))
        .merge(journal_routes(journal));
    let serving = Serving::of(&world.config)?;
    let served = served(routes, Guard { gate, door }, &serving);
    axum::serve(listener, served.into_make_service_with_connect_info::<SocketAddr>()).await.context("API")
}

/// Takes the address, or says who may have it.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} can't be listened on; choose another with --listen 127.0.0.1:PORT")
    })
}

/// Returns when the process is asked to stop.
pub(crate) async fn asked_to_stop() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("stopping; what was under way goes on at the next start");
    Ok(())
}
