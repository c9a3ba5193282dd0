use cauce_queue::Queue;
use cauce_tables::Days;
use cauce_telemetry::{MAINTENANCE_DURATION, MAINTENANCE_PIECES};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{MaintainError, Maintainer, SweepError, sweep};

/// Raw objects younger than this may still be on their way through the queue.
pub const SWEEP_AGE: TimeDelta = TimeDelta::minutes(10);

/// The same on AWS: longer than the three loans after which the template's queue gives a message up.
const SWEEP_AGE_ON_AWS: TimeDelta = TimeDelta::minutes(45);

/// A piece of maintenance, as a schedule names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Find raw objects that were lost on the way, on the days that are not sealed whatever happens.
    Sweep,
    /// The same on every day: what was imported under old days, or given up and forgotten.
    SweepAll,
    /// Keep the hot files of open days few.
    Merge,
    /// Bring derived tables up to date.
    Derive,
    /// Close days that are over.
    Seal,
    /// Delete what others cover.
    Collect,
}

/// Why a task stopped. The next one goes on.
#[derive(Debug, Error)]
pub enum TaskError {
    /// It is about files.
    #[error(transparent)]
    Maintain(#[from] MaintainError),
    /// It is about raw objects or messages.
    #[error(transparent)]
    Sweep(#[from] SweepError),
}

impl Task {
    /// The task's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::SweepAll => "sweep_all",
            Self::Merge => "merge",
            Self::Derive => "derive",
            Self::Seal => "seal",
            Self::Collect => "collect",
        }
    }
}

impl Maintainer {
    /// Sweeps unless messages wait: they may be of the very objects that are missing, and SQS would take them twice.
    async fn sweep_quiet(
        &self,
        queue: &dyn Queue,
        days: Days,
        now: DateTime<Utc>,
    ) -> Result<u64, SweepError> {
        let waiting = queue.stats().await?.waiting;
        if waiting > 0 {
            tracing::info!(waiting, "not swept: what waits comes first");
            return Ok(0);
        }
        Ok(sweep(&self.raw, &self.planner, queue, days, SWEEP_AGE_ON_AWS, now).await?.queued)
    }

    /// Performs a task on all days that it may concern. Answers how many files or messages it wrote or deleted.
    pub async fn perform(&self, task: Task, queue: &dyn Queue, now: DateTime<Utc>) -> Result<u64, TaskError> {
        let begun = std::time::Instant::now();
        let count = match task {
            Task::Sweep | Task::SweepAll => {
                let kept = self.settings.retention.tables.map(|kept| (now - kept).date_naive());
                let days = match task {
                    Task::Sweep => self.settings.swept_days(now),
                    _ => Days { first: kept, last: None },
                };
                self.sweep_quiet(queue, days, now).await?
            }
            Task::Merge => self.merge(Days::ALL).await?.len() as u64,
            Task::Derive => self.derive(now).await?.len() as u64,
            Task::Seal => self.seal(Days::ALL, now, false).await?.sealed.len() as u64,
            Task::Collect => self.collect(now, false).await?.len() as u64,
        };
        MAINTENANCE_PIECES.add([task.name()], count);
        MAINTENANCE_DURATION.record([task.name()], begun.elapsed().as_secs_f64());
        Ok(count)
    }
}
