//! What keeps the lake's promises between the events: the sweep finds what was lost on the way, the merger keeps hot
//! files few, the sealer closes days, the collector deletes what others cover, the replay reads raw objects again with
//! newer rules, derived tables follow the observations. Each can die anywhere, and two of each can run at once: readers see every raw object once throughout
//! (`docs/protocol.md` says why).

mod collect;
mod derived;
mod diff;
mod erase;
mod export;
mod merge;
mod replay;
mod seal;
mod settings;
mod sweep;
mod task;

use std::sync::Arc;

use cauce_raw::{RawError, RawZone};
use cauce_tables::{MergeError, PlanError, Planner, WriteError};
pub use collect::{Collected, Reason};
pub use derived::{Accounts, QualitySettings, Rebuild, Rebuilt};
pub use diff::{Change, ColumnChange, Difference};
pub use erase::Erased;
pub use export::{ExportError, Exported, export};
pub use merge::MergedDay;
use object_store::ObjectStore;
pub use replay::{Replayed, ReplayedTable};
pub use seal::{SealReport, Sealed, Waiting};
pub use settings::{MaintenanceSettings, Retention};
pub use sweep::{SweepError, Swept, sweep};
pub use task::{SWEEP_AGE, Task, TaskError};
use thiserror::Error;

/// Why maintenance stopped. Nothing is harmed by it; the next one goes on.
#[derive(Debug, Error)]
pub enum MaintainError {
    /// Files can't be listed, or what they cover can't be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Files can't be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A file can't be made or stored.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Raw objects can't be listed or read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// Rows can't be compared or put together.
    #[error("rows of {table}: {source}")]
    Rows {
        /// The table.
        table: cauce_tables::Table,
        /// What Arrow said.
        source: arrow::error::ArrowError,
    },
    /// Others changed the same files again and again.
    #[error("{what} is changed by others all the time; gave up after {tries} tries, the next run goes on")]
    Contended {
        /// What was to be written.
        what: String,
        /// How often it was tried.
        tries: u32,
    },
    /// What would have been written does not cover what it has to. Nothing was written.
    #[error(
        "{what} would cover {found} raw objects instead of {expected}; nothing was written, please report this"
    )]
    Coverage {
        /// What was to be written.
        what: String,
        /// Raw objects that it has to cover.
        expected: usize,
        /// Raw objects that it would have covered.
        found: usize,
    },
}

impl MaintainError {
    /// Whether planning again helps: a file that was planned is not there any more, or has changed.
    fn is_stale(&self) -> bool {
        let gone = |error: &object_store::Error| {
            matches!(error, object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. })
        };
        match self {
            Self::Plan(error) => error.vanished(),
            Self::Merge(error) => error.vanished(),
            Self::Store(error) => gone(error),
            _ => false,
        }
    }
}

/// Maintenance of one lake.
#[derive(Debug, Clone)]
pub struct Maintainer {
    store: Arc<dyn ObjectStore>,
    raw: RawZone,
    planner: Planner,
    settings: MaintenanceSettings,
}

impl Maintainer {
    /// Tries of what others may have made stale, or may have been first with.
    const TRIES: u32 = 10;

    /// Maintenance of the lake in `store`.
    pub fn new(store: Arc<dyn ObjectStore>, planner: Planner, settings: MaintenanceSettings) -> Self {
        Self { raw: RawZone::new(Arc::clone(&store)), store, planner, settings }
    }

    /// The settings.
    pub fn settings(&self) -> &MaintenanceSettings {
        &self.settings
    }
}
