use cauce_queue::Queue;
use cauce_tables::Days;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{MaintainError, Maintainer, SweepError, sweep};

/// Raw objects younger than this may still be on their way through the queue.
pub const SWEEP_AGE: TimeDelta = TimeDelta::minutes(10);

/// A piece of maintenance, as a schedule names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Find raw objects that were lost on the way.
    Sweep,
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
            Self::Merge => "merge",
            Self::Derive => "derive",
            Self::Seal => "seal",
            Self::Collect => "collect",
        }
    }
}

impl Maintainer {
    /// Performs a task on all days that it may concern. Answers how many files or messages it wrote or deleted.
    pub async fn perform(&self, task: Task, queue: &dyn Queue, now: DateTime<Utc>) -> Result<u64, TaskError> {
        let begun = std::time::Instant::now();
        let count = match task {
            Task::Sweep => {
                let days = self.settings.swept_days(now);
                sweep(&self.raw, &self.planner, queue, days, SWEEP_AGE, now).await?.queued
            }
            Task::Merge => self.merge(Days::ALL).await?.len() as u64,
            Task::Derive => self.derive(now).await?.len() as u64,
            Task::Seal => self.seal(Days::ALL, now, false).await?.sealed.len() as u64,
            Task::Collect => self.collect(now, false).await?.len() as u64,
        };
        let labels = [("task", task.name())];
        metrics::counter!("maintenance_pieces_total", &labels).increment(count);
        metrics::histogram!("maintenance_duration_seconds", &labels).record(begun.elapsed().as_secs_f64());
        Ok(count)
    }
}
