use cauce_model::RunId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Ledger, LedgerError, read, read_all, remove, update};

/// A run under way. It is here while it runs, and in the lake's `ops_batch_runs` once it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The run.
    pub run_id: RunId,
    /// Which job: `p2p_scrape` …
    pub job: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// Markets that it was to ask.
    pub markets: u32,
    /// Alive until then, unless it says so again. Later than that it counts as dead.
    pub alive_until: DateTime<Utc>,
}

/// Runs under way.
#[derive(Debug, Clone, Copy)]
pub struct Jobs;

impl Jobs {
    const PREFIX: &'static str = "job/";

    fn key(run_id: RunId) -> String {
        format!("{}{run_id}", Self::PREFIX)
    }

    /// Notes that a run starts.
    pub async fn start(ledger: &dyn Ledger, job: &Job) -> Result<(), LedgerError> {
        update(ledger, &Self::key(job.run_id), |_: Option<Job>| (Some(job.clone()), ())).await
    }

    /// The run says that it lives. Answers whether it is still counted among the living; a run that was closed by
    /// another must stop.
    pub async fn beat(
        ledger: &dyn Ledger,
        run_id: RunId,
        ttl: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        update(ledger, &Self::key(run_id), |job: Option<Job>| match job {
            Some(job) => (Some(Job { alive_until: now + ttl, ..job }), true),
            None => (None, false),
        })
        .await
    }

    /// Notes that a run has ended: its report is in the lake.
    pub async fn end(ledger: &dyn Ledger, run_id: RunId) -> Result<(), LedgerError> {
        remove(ledger, &Self::key(run_id)).await?;
        Ok(())
    }

    /// The run, if it is under way.
    pub async fn get(ledger: &dyn Ledger, run_id: RunId) -> Result<Option<Job>, LedgerError> {
        read(ledger, &Self::key(run_id)).await
    }

    /// All runs that have started and not ended, in the order of their start.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<Job>, LedgerError> {
        read_all(ledger, Self::PREFIX).await
    }
}
