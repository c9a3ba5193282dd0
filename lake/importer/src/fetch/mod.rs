//! Trades that are fetched: brokers are asked for what their accounts traded since they were asked last.
//!
//! ```text
//! accounts, longest not asked first ─► side by side, each on its own ─► raw objects, cursor ─► result
//!                                            │                                                   │
//!                              key revoked: paused                             one report of the cycle
//! ```
//!
//! A cursor is noted when what it stands for is kept: who dies between the two asks for the same again, and it is the same
//! trade. An account that hangs costs its own time only, and the cycle ends when its time is over: what is left is asked first
//! in the next one.

mod account;
mod tally;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use account::AccountFetch;
use async_trait::async_trait;
use cauce_ledger::{Acquired, Fetched, Lease, Ledger, LedgerError, Pause};
use cauce_model::{Account, AccountId, AccountResult, AccountStatus, Fetching, ImportReport, RunId};
use cauce_protocols::brokers::Login;
use cauce_sources::{HttpAnswer, Transport};
use cauce_tables::Observations;
use cauce_telemetry::{ACCOUNT_IMPORTS, ACCOUNT_IMPORTS_MOSTLY_FAILED};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use tally::Tally;
use thiserror::Error;
use tokio::sync::{Mutex, OnceCell};

use crate::{ImportError, Importer, report};

/// Why a cycle can't be: of one account it would be its result.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The ledger is gone.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is there can't be read, or the report not be kept.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// Whoever knows what accounts sign in with.
#[async_trait]
pub trait Logins: std::fmt::Debug + Send + Sync {
    /// What an account signs in with. An error says what is wrong with where it should be.
    async fn login(&self, fetching: &Fetching) -> Result<Login, String>;
}

/// Where a broker's server is, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// For one request, from connecting to the last byte.
    pub timeout: Duration,
    /// What it may be asked in a minute, by everybody here, in its own measure.
    pub weight_per_minute: u32,
}

/// How brokers are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// By the names of connectors.
    pub servers: BTreeMap<String, ServerSettings>,
    /// Accounts that are asked side by side.
    pub at_once: usize,
    /// For one account in one cycle.
    pub account_time: Duration,
    /// Tries of one request, the first included.
    pub tries: u32,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { servers: BTreeMap::new(), at_once: 16, account_time: Duration::from_secs(120), tries: 3 }
    }
}

/// Fetches trades into one lake.
#[derive(Debug, Clone)]
pub struct Fetcher {
    /// Keeps them.
    pub importer: Importer,
    /// Knows where to go on, and who is paused.
    pub ledger: Arc<dyn Ledger>,
    /// The way to brokers.
    pub transport: Arc<dyn Transport>,
    /// What accounts sign in with.
    pub logins: Arc<dyn Logins>,
    /// How they are asked.
    pub settings: FetchSettings,
}

/// What became of a cycle.
#[derive(Debug, Clone)]
pub enum Cycle {
    /// Another one is under way.
    Busy(Lease),
    /// It ended, with what its report says.
    Ended(ImportReport),
}

/// What all accounts of a cycle share.
#[derive(Default)]
struct Shared {
    /// Answers that are the same for every account, by their addresses.
    common: Mutex<HashMap<String, Arc<OnceCell<HttpAnswer>>>>,
    /// Servers that want to be left alone, and until when.
    alone: std::sync::Mutex<HashMap<&'static str, Instant>>,
}

impl Shared {
    fn leave_alone(&self, server: &'static str, wait: Duration) {
        let until = Instant::now() + wait;
        let mut alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        alone.entry(server).and_modify(|known| *known = until.max(*known)).or_insert(until);
    }

    fn is_left_alone(&self, server: &str) -> bool {
        let alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        alone.get(server).is_some_and(|until| Instant::now() < *until)
    }
}

/// What an account's turn came to.
struct Outcome {
    result: AccountResult,
    tally: Tally,
}

impl Fetcher {
    /// Who has it is at work; nobody else begins.
    const LEASE: &'static str = "journal/fetch";
    /// Fills of a cycle that are held in memory before they are compared with what is known.
    const MOST_HELD: usize = 100_000;
    /// For reading what was known before.
    const COUNTING: Duration = Duration::from_secs(20);

    /// Asks for the trades of these accounts, as far as they are fetched and enabled; begins none after `until`, and ends by
    /// then. Its report is kept if there was an account to ask.
    pub async fn cycle(&self, accounts: Vec<Account>, until: Instant) -> Result<Cycle, FetchError> {
        let (run_id, started_at) = (RunId::starting(Utc::now()), Utc::now());
        let owner = run_id.to_string();
        // Some more than its time: it may still be writing.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_secs(30);
        let ttl = TimeDelta::from_std(left).unwrap_or(TimeDelta::MAX);
        if let Acquired::HeldBy(lease) =
            Lease::acquire(&*self.ledger, Self::LEASE, &owner, ttl, started_at).await?
        {
            return Ok(Cycle::Busy(lease));
        }
        let cycle = self.reported(accounts, run_id, started_at, until).await;
        Lease::release(&*self.ledger, Self::LEASE, &owner).await?;
        cycle
    }

    async fn reported(
        &self,
        accounts: Vec<Account>,
        run_id: RunId,
        started_at: DateTime<Utc>,
        until: Instant,
    ) -> Result<Cycle, FetchError> {
        let mut accounts = self.ask(accounts, run_id, until).await?;
        accounts.sort_by(|left, right| left.account_id.cmp(&right.account_id));
        let report = ImportReport {
            run_id,
            started_at,
            ended_at: Utc::now().max(started_at),
            accounts,
            trace_id: cauce_telemetry::trace_id(run_id.as_u128()),
        };
        if !report.accounts.is_empty() {
            report::put(&self.importer.raw, &report).await?;
            tell(&report);
        }
        Ok(Cycle::Ended(report))
    }

    async fn ask(
        &self,
        accounts: Vec<Account>,
        run_id: RunId,
        until: Instant,
    ) -> Result<Vec<AccountResult>, FetchError> {
        let paused: HashMap<AccountId, Pause> = Pause::all(&*self.ledger)
            .await?
            .into_iter()
            .map(|pause| (pause.account_id.clone(), pause))
            .collect();
        let known: HashMap<AccountId, Fetched> = Fetched::all(&*self.ledger)
            .await?
            .into_iter()
            .map(|fetched| (fetched.account_id.clone(), fetched))
            .collect();
        let mut results = Vec::new();
        let mut asked = Vec::new();
        for account in accounts.into_iter().filter(|account| account.enabled) {
            let Some(fetching) = account.fetch.clone() else { continue };
            match paused.get(&account.id) {
                Some(pause) => {
                    let why = format!("paused since {}: {}", pause.since, pause.reason);
                    results.push(not_asked(&account.id, why));
                }
                None => asked.push((account.id, fetching)),
            }
        }
        // Who was not asked for longest comes first, so that nobody is always too late.
        asked.sort_by_key(|(id, _)| known.get(id).map(|fetched| fetched.at));
        let shared = Shared::default();
        let turns = asked.iter().map(|(id, fetching)| AccountFetch {
            fetcher: self,
            id,
            fetching,
            known: known.get(id),
            run_id,
            until,
            shared: &shared,
        });
        // Collected first: as a stream of borrows its futures could not be sent.
        let turns: Vec<_> = turns.map(AccountFetch::run).collect();
        let mut ended = stream::iter(turns).buffer_unordered(self.settings.at_once.max(1));
        let (mut held, mut fills) = (Vec::new(), 0);
        while let Some(outcome) = ended.next().await {
            fills += outcome.tally.told();
            held.push(outcome);
            if fills >= Self::MOST_HELD {
                results.extend(self.counted(std::mem::take(&mut held)).await);
                fills = 0;
            }
        }
        results.extend(self.counted(held).await);
        Ok(results)
    }

    /// The results, with how many of the fills are new. Where it can't be said in time what was known, all count as new: the trades
    /// themselves are kept, and each is one.
    async fn counted(&self, outcomes: Vec<Outcome>) -> Vec<AccountResult> {
        let with_fills = outcomes.iter().filter(|outcome| outcome.tally.told() > 0);
        let ids = with_fills.map(|outcome| outcome.result.account_id.clone()).collect();
        let mut known = match tokio::time::timeout(Self::COUNTING, self.importer.known(ids)).await {
            Ok(Ok(known)) => known,
            Ok(Err(error)) => {
                tracing::warn!(%error, "what was known can't be read; all that was fetched counts as new");
                Observations::new()
            }
            Err(_) => {
                tracing::warn!("it took too long to read what was known; all that was fetched counts as new");
                Observations::new()
            }
        };
        let result = |Outcome { mut result, tally }| {
            let known = known.remove(&result.account_id).unwrap_or_default();
            tally.count_into(&mut result, known);
            result
        };
        outcomes.into_iter().map(result).collect()
    }
}

/// The result of an account that had no turn.
fn not_asked(id: &AccountId, why: String) -> AccountResult {
    AccountResult {
        account_id: id.clone(),
        status: AccountStatus::Skipped,
        trades: 0,
        duplicates: 0,
        rejected: 0,
        skipped: 0,
        error: Some(why),
        duration_ms: 0,
    }
}

/// Says what happened to whoever watches.
fn tell(report: &ImportReport) {
    for result in &report.accounts {
        ACCOUNT_IMPORTS.add([result.status.as_str()], 1);
        let (account, error) = (&result.account_id, result.error.as_deref().unwrap_or_default());
        if result.status == AccountStatus::Failed {
            tracing::warn!(%account, error, "trades of the account could not be fetched");
        }
    }
    let asked = report.accounts.iter().filter(|account| account.status != AccountStatus::Skipped).count();
    if report.failed() * 2 > asked {
        ACCOUNT_IMPORTS_MOSTLY_FAILED.count(1);
        tracing::error!(failed = report.failed(), asked, "more than half of the accounts failed");
    }
}
