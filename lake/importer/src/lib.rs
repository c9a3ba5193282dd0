//! Trades on their way into the lake.
//!
//! ```text
//! file of a broker ─ read ─► rows ─ beside what is known ─► new · duplicate · skipped · error
//!                                                             │ not for a dry run
//!                                                             ▼
//!                                        raw object of the account, and a report of the import
//! ```
//!
//! A file is read before it is kept, by the very rules that the normalizer reads it by after, so that a dry run says what an
//! import will do, row by row. What has no layout is refused, and nothing of it is kept; a row that can't be read stops no
//! other, and is quarantined.

mod fetch;
mod file;
mod report;

use std::{collections::BTreeSet, sync::Arc};

use cauce_intake::{Intake, IntakeError};
use cauce_model::AccountId;
use cauce_raw::{RawError, RawZone};
use cauce_tables::{Days, Observations, PlanError, Planner, Table};
pub use fetch::{Cycle, FetchError, FetchSettings, Fetcher, Logins, ServerSettings};
pub use file::{FileRow, Imported, RowStatus, Tried};
use thiserror::Error;

/// Why trades are not imported. Nothing was kept.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Nothing in the file can be read.
    #[error("{name}: {why}; nothing was kept")]
    Unreadable {
        /// The file.
        name: String,
        /// Why not.
        why: String,
    },
    /// What is known of the account can't be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It can't be kept.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// Its report can't be kept.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// It can't be written down.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// Imports trades into one lake.
#[derive(Debug, Clone)]
pub struct Importer {
    /// Keeps files.
    pub intake: Intake,
    /// Keeps reports.
    pub raw: RawZone,
    /// Reads what is known.
    pub planner: Planner,
}

impl Importer {
    /// What is known of several accounts, read at once.
    async fn known(&self, accounts: BTreeSet<AccountId>) -> Result<Observations, ImportError> {
        let mut known = Observations::new();
        if accounts.is_empty() {
            return Ok(known);
        }
        let accounts = Arc::new(accounts);
        for file in &self.planner.plan(Table::TradeObservations, Days::ALL).await? {
            self.planner.add_observations(file, &accounts, &mut known).await?;
        }
        Ok(known)
    }
}
