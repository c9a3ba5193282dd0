//! A run: every market asked, what came kept, and a report that closes it.

use std::{collections::BTreeMap, fmt, future, sync::Arc, time::Duration};

use cauce_ledger::{Acquired, Job, Jobs, Lease, Ledger, LedgerError, update};
use cauce_model::{Market, MarketResult, MarketStatus, RequestError, RunId, RunReport, Venue};
use cauce_protocols::venues::{self, VenueProtocol};
use cauce_raw::{Put, RawError, RawZone};
use cauce_telemetry::{
    EXTRACTION_ERRORS, PRICE_UPDATES, RUN_DURATION, RUNS, SNAPSHOT_COMPLETENESS, follow, trace_id,
};
use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use thiserror::Error;
use tracing::Instrument;

use crate::{
    Clock, Transport, VenueSettings,
    bundler::Bundler,
    fetcher::{Fetcher, delta},
    pages::{self, MarketPages},
    report::{close_dead_runs, put_report},
};

/// The name of the job in reports, and of its lease.
const JOB: &str = "p2p_scrape";

/// Why a run could not be made, or not be closed. What it had stored by then is used all the same, and a later run
/// closes it as failed.
#[derive(Debug, Error)]
pub enum ScrapeError {
    /// The ledger is gone.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The report could not be stored.
    #[error("run report: {0}")]
    Raw(#[from] RawError),
    /// The report could not be written as JSON.
    #[error("run report: {0}")]
    Report(#[from] serde_json::Error),
    /// What stands in the report's place is no envelope.
    #[error("run report: {0}")]
    Envelope(String),
    /// No protocol speaks with this venue.
    #[error("venue '{venue}' is not known; known are {}", known())]
    UnknownVenue {
        /// The venue.
        venue: Venue,
    },
    /// The venue has no settings.
    #[error("venue '{venue}' is not configured; add [venues.{venue}] to cauce.toml")]
    NotConfigured {
        /// The venue.
        venue: Venue,
    },
}

fn known() -> String {
    venues::all().iter().map(|venue| venue.name()).collect::<Vec<_>>().join(", ")
}

/// Limits of the engine.
#[derive(Debug, Clone)]
pub struct ScraperSettings {
    /// Markets asked side by side.
    pub parallel_markets: usize,
    /// How long a run counts as alive after its last sign of life. A run that died blocks the next this long.
    pub lease: Duration,
    /// How long a run may take; markets that were not asked by then are reported so.
    pub run_timeout: Duration,
    /// How each venue is asked.
    pub venues: BTreeMap<Venue, VenueSettings>,
}

impl Default for ScraperSettings {
    fn default() -> Self {
        Self {
            parallel_markets: 4,
            lease: Duration::from_secs(15),
            run_timeout: Duration::from_secs(540),
            venues: BTreeMap::new(),
        }
    }
}

/// Hears of every market as it ends: how many have, of how many.
pub type Progress = Arc<dyn Fn(usize, usize, &MarketResult) + Send + Sync>;

/// How one run is made.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// Runs of one schedule never overlap. A run by hand of a few markets is its own schedule of one.
    pub by_hand: bool,
    /// The run's id, where whoever asks for it has to know it before it ends; a new one otherwise.
    pub run_id: Option<RunId>,
    /// Which schedule, where there are several: each has its own lease and its own turn of markets.
    pub schedule: Option<String>,
    /// When the run has to have ended, where that is before its own time-out: a function's deadline.
    pub until: Option<DateTime<Utc>>,
    /// The trace in which the run happens, for whoever follows it from its schedule to its rows.
    pub trace_id: Option<String>,
    /// Who hears of the progress.
    pub progress: Option<Progress>,
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("by_hand", &self.by_hand)
            .field("schedule", &self.schedule)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl RunOptions {
    /// A run by hand.
    pub fn by_hand() -> Self {
        Self { by_hand: true, ..Self::default() }
    }

    /// The name of the schedule's lease and cursor.
    fn schedule(&self) -> String {
        self.schedule.as_ref().map_or_else(|| JOB.to_owned(), |schedule| format!("{JOB}/{schedule}"))
    }
}

/// What came of asking for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was made.
    Done(RunReport),
    /// Another run of the schedule is under way.
    Busy(Lease),
    /// It was made, and closed by another while it went on: it had shown no sign of life for too long. What it
    /// stored is used.
    Overtaken(RunId),
}

/// The pulling engine.
#[derive(Debug, Clone)]
pub struct Scraper {
    /// Leases, slots, breakers, cursor and running jobs.
    pub ledger: Arc<dyn Ledger>,
    /// Where everything goes.
    pub raw: RawZone,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Its way out.
    pub transport: Arc<dyn Transport>,
    /// Its limits.
    pub settings: ScraperSettings,
}

impl Scraper {
    /// Makes one run over `markets`. Runs that died before are closed first.
    pub async fn run(&self, markets: &[Market], options: &RunOptions) -> Result<Outcome, ScrapeError> {
        for market in markets {
            self.venue(&market.venue)?;
        }
        let started_at = self.clock.now();
        let run_id = options.run_id.unwrap_or_else(|| RunId::starting(started_at));
        let owner = run_id.to_string();
        let (ttl, schedule) = (delta(self.settings.lease), options.schedule());
        if !options.by_hand
            && let Acquired::HeldBy(lease) =
                Lease::acquire(&*self.ledger, &schedule, &owner, ttl, started_at).await?
        {
            return Ok(Outcome::Busy(lease));
        }
        close_dead_runs(&*self.ledger, &self.raw, started_at).await?;
        let count = u32::try_from(markets.len()).unwrap_or(u32::MAX);
        let job =
            Job { run_id, job: JOB.to_owned(), started_at, markets: count, alive_until: started_at + ttl };
        Jobs::start(&*self.ledger, &job).await?;
        tracing::info!(%run_id, markets = markets.len(), "run started");
        let span = tracing::info_span!("run", %run_id, markets = markets.len());
        follow(&span, run_id.as_u128());
        let made = tokio::select! {
            made = self.make(run_id, started_at, markets, options).instrument(span) => made,
            lost = self.keep_alive(run_id, options) => match lost {
                Ok(()) => Ok(Outcome::Overtaken(run_id)),
                Err(error) => Err(error.into()),
            },
        };
        if !options.by_hand {
            Lease::release(&*self.ledger, &schedule, &owner).await?;
        }
        made
    }

    fn venue(&self, venue: &Venue) -> Result<(&'static dyn VenueProtocol, &VenueSettings), ScrapeError> {
        let protocol =
            venues::find(venue.as_str()).ok_or_else(|| ScrapeError::UnknownVenue { venue: venue.clone() })?;
        let settings = self.settings.venues.get(venue);
        Ok((protocol, settings.ok_or_else(|| ScrapeError::NotConfigured { venue: venue.clone() })?))
    }

    /// Says that the run lives until it is dropped; ends when the run has been closed by another.
    async fn keep_alive(&self, run_id: RunId, options: &RunOptions) -> Result<(), LedgerError> {
        let ttl = delta(self.settings.lease);
        loop {
            tokio::time::sleep(self.settings.lease / 3).await;
            let now = self.clock.now();
            if !Jobs::beat(&*self.ledger, run_id, ttl, now).await? {
                tracing::warn!(%run_id, "run was closed by another; it stops");
                return Ok(());
            }
            if !options.by_hand {
                Lease::acquire(&*self.ledger, &options.schedule(), &run_id.to_string(), ttl, now).await?;
            }
        }
    }

    async fn make(
        &self,
        run_id: RunId,
        started_at: DateTime<Utc>,
        markets: &[Market],
        options: &RunOptions,
    ) -> Result<Outcome, ScrapeError> {
        let mut bundler = Bundler::new(&self.raw, run_id);
        let time_out = started_at + delta(self.settings.run_timeout);
        let deadline = Some(options.until.map_or(time_out, |until| until.min(time_out)));
        let order = self.rotated(markets, options).await?;
        // Boxed: the compiler can't see through a stream of these futures that they may change threads.
        let turn = |market| self.turn(run_id, deadline, market).boxed();
        let mut turned =
            stream::iter(order).map(turn).buffer_unordered(self.settings.parallel_markets.max(1));
        let mut ended = 0;
        loop {
            let pages = tokio::select! {
                pages = turned.try_next() => pages?,
                () = self.until(bundler.due()) => {
                    bundler.flush_old(self.clock.now()).await;
                    continue;
                }
            };
            let Some(pages) = pages else { break };
            ended += 1;
            note_market(run_id, &pages);
            if let Some(progress) = &options.progress {
                progress(ended, markets.len(), &pages.result);
            }
            bundler.take(pages, self.clock.now()).await?;
        }
        drop(turned);
        bundler.flush(self.clock.now()).await;
        let report = RunReport {
            run_id,
            job: JOB.to_owned(),
            started_at,
            ended_at: self.clock.now(),
            status: RunReport::status_of(&bundler.results),
            markets: bundler.results,
            errors: bundler.errors,
            trace_id: options.trace_id.clone().or_else(|| trace_id(run_id.as_u128())),
        };
        self.close(report).await
    }

    async fn turn(
        &self,
        run_id: RunId,
        deadline: Option<DateTime<Utc>>,
        market: Market,
    ) -> Result<MarketPages, ScrapeError> {
        let (venue, settings) = self.venue(&market.venue)?;
        let (ledger, clock, transport) = (&*self.ledger, &self.clock, &*self.transport);
        let fetcher = Fetcher { ledger, clock, transport, venue, settings, deadline };
        let span = tracing::info_span!("market", %market);
        Ok(pages::turn(fetcher, run_id, &market).instrument(span).await?)
    }

    /// A moment of real time, for what waits beside the requests; never comes on a clock that stands still.
    async fn until(&self, due: Option<DateTime<Utc>>) {
        match due.and_then(|due| (due - self.clock.now()).to_std().ok()) {
            Some(wait) => tokio::time::sleep(wait).await,
            None if due.is_some() => {}
            None => future::pending().await,
        }
    }

    /// Each run starts one market further on, so that what comes last when time is short is another one each time.
    async fn rotated(&self, markets: &[Market], options: &RunOptions) -> Result<Vec<Market>, LedgerError> {
        let mut order = markets.to_vec();
        if !options.by_hand && !order.is_empty() {
            let next =
                |cursor: Option<u64>| (Some(cursor.map_or(0, |cursor| cursor.wrapping_add(1))), cursor);
            let cursor = update(&*self.ledger, &format!("cursor/{}", options.schedule()), next).await?;
            let start = cursor.map_or(0, |cursor| cursor.wrapping_add(1));
            let length = order.len() as u64;
            order.rotate_left(usize::try_from(start % length).unwrap_or(0));
        }
        Ok(order)
    }

    async fn close(&self, report: RunReport) -> Result<Outcome, ScrapeError> {
        let run_id = report.run_id;
        let put = put_report(&self.raw, &report).await?;
        Jobs::end(&*self.ledger, run_id).await?;
        if put == Put::AlreadyThere {
            tracing::warn!(%run_id, "run was closed by another before it ended");
            return Ok(Outcome::Overtaken(run_id));
        }
        let unresolved = report.unresolved().count();
        let (status, offers) = (report.status.as_str(), report.offers_received());
        let seconds = (report.ended_at - report.started_at).num_milliseconds() as f64 / 1_000.0;
        tracing::info!(%run_id, status, offers, errors = unresolved, seconds, "run ended");
        RUNS.add([status], 1);
        PRICE_UPDATES.count(offers);
        EXTRACTION_ERRORS.count(unresolved as u64);
        RUN_DURATION.note(seconds);
        Ok(Outcome::Done(report))
    }
}

fn note_market(run_id: RunId, pages: &MarketPages) {
    let MarketResult { market, status, offers_received, offers_announced, .. } = &pages.result;
    if *offers_announced > 0 {
        let ratio = f64::from(*offers_received) / f64::from(*offers_announced);
        SNAPSHOT_COMPLETENESS.record([market.venue.to_string()], ratio.min(1.0));
    }
    match status {
        MarketStatus::Complete | MarketStatus::Empty => {
            tracing::debug!(%run_id, %market, offers_received, "market complete");
        }
        MarketStatus::Truncated | MarketStatus::Failed => {
            tracing::warn!(%run_id, %market, ?status, offers_received, offers_announced, "market incomplete");
        }
    }
    for error in &pages.errors {
        let RequestError { page, error_type, message, retries, resolved, .. } = error;
        tracing::warn!(%run_id, %market, page, %error_type, message, retries, resolved, "request failed");
    }
}
