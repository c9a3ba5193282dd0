//! Keeps hot files few: those of a day become one. The result is just another hot file; the collector deletes its
//! inputs when nobody can be reading them any more.

use cauce_tables::{CountedFile, Days, Input, Table, Zone, merge_hot, merged_path, write};
use chrono::NaiveDate;
use serde::Serialize;

use crate::{MaintainError, Maintainer};

/// A merged hot file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedDay {
    /// The table.
    pub table: &'static str,
    /// The day.
    pub date: NaiveDate,
    /// The new file.
    pub path: String,
    /// Files that went into it.
    pub files: usize,
    /// Rows in it.
    pub rows: usize,
}

impl Maintainer {
    /// Merges the hot files of every day that has more than one.
    pub async fn merge(&self, days: Days) -> Result<Vec<MergedDay>, MaintainError> {
        let mut merged = Vec::new();
        for table in Table::ALL {
            for date in self.planner.unsealed_days(table).await? {
                if days.contains(date) {
                    merged.extend(self.merge_day(table, date).await?);
                }
            }
        }
        Ok(merged)
    }

    async fn merge_day(&self, table: Table, date: NaiveDate) -> Result<Option<MergedDay>, MaintainError> {
        for _ in 0..Self::TRIES {
            match self.try_merge(table, date).await {
                Err(error) if error.is_stale() => {}
                done => return done,
            }
        }
        Err(MaintainError::Contended { what: format!("{table} of {date}"), tries: Self::TRIES })
    }

    async fn try_merge(&self, table: Table, date: NaiveDate) -> Result<Option<MergedDay>, MaintainError> {
        let files = self.planner.census(table, Days::only(date)).await?;
        let hot = |file: &&CountedFile| file.zone == Zone::Hot;
        let whole = |file| Input::supplied_by(&self.planner, file, |_| true);
        let inputs: Vec<Input> =
            files.iter().filter(hot).map(whole).filter(|input| !input.objects().is_empty()).collect();
        let path = merged_path(table, date, &inputs);
        // One file is merged already; and one that covers all may share its readers with those that it covers.
        if inputs.len() < 2 || files.iter().any(|file| file.meta.location == path) {
            return Ok(None);
        }
        let file = merge_hot(table, date, &inputs).await?;
        fail::fail_point!("merge.before_put");
        write(&self.store, &file).await?;
        fail::fail_point!("merge.after_put");
        let (path, files) = (file.path.to_string(), inputs.len());
        tracing::debug!(%table, %date, path, files, rows = file.rows, "merged hot files");
        Ok(Some(MergedDay { table: table.name(), date, path, files, rows: file.rows }))
    }
}
