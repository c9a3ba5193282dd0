//! Closes days: what the hot zone holds of a day goes, sorted, into one file that is written once.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use cauce_model::RawId;
use cauce_tables::{CountedFile, Days, Input, Table, Zone, merge_for_seal};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use object_store::{PutMode, path::Path};
use serde::Serialize;

use crate::{MaintainError, Maintainer};

/// A seal that was written, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sealed {
    /// The table.
    pub table: &'static str,
    /// The day.
    pub date: NaiveDate,
    /// Its file.
    pub path: String,
    /// Raw objects in it.
    pub objects: usize,
    /// Rows in it.
    pub rows: u64,
}

/// A day that is left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The table.
    pub table: &'static str,
    /// The day.
    pub date: NaiveDate,
    /// Raw objects of the day that are not normalized yet.
    pub missing: usize,
    /// When it is sealed without them.
    pub until: DateTime<Utc>,
}

/// What a pass of the sealer did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SealReport {
    /// Seals written.
    pub sealed: Vec<Sealed>,
    /// Days left open.
    pub waiting: Vec<Waiting>,
}

/// What is to be sealed of a day.
enum Next {
    Nothing,
    Wait(Waiting),
    Seal { path: Path, inputs: Vec<Input> },
}

impl Maintainer {
    /// Seals what can be sealed of the days wanted. With `dry_run` it only says what it would do.
    pub async fn seal(
        &self,
        days: Days,
        now: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<SealReport, MaintainError> {
        let mut report = SealReport::default();
        let mut raw: BTreeMap<NaiveDate, Vec<RawId>> = BTreeMap::new();
        for table in Table::ALL {
            let unsealed = self.planner.unsealed_days(table).await?;
            for date in unsealed.into_iter().filter(|date| days.contains(*date)) {
                if now < end_of(date) + self.settings.settle {
                    continue;
                }
                let expected = match raw.entry(date) {
                    Entry::Occupied(listed) => listed.into_mut(),
                    Entry::Vacant(unlisted) => {
                        let ids = self.raw.on(date).await?.into_iter().map(|(id, _)| id);
                        unlisted.insert(ids.collect())
                    }
                };
                self.seal_day(table, date, expected, now, dry_run, &mut report).await?;
            }
        }
        Ok(report)
    }

    /// Seals one day of one table, in as many seals as its rows need.
    async fn seal_day(
        &self,
        table: Table,
        date: NaiveDate,
        expected: &[RawId],
        now: DateTime<Utc>,
        dry_run: bool,
        report: &mut SealReport,
    ) -> Result<(), MaintainError> {
        let mut tries = 0;
        while tries < Self::TRIES {
            let files = match self.planner.census(table, Days::only(date)).await {
                Err(error) if error.vanished() => {
                    tries += 1;
                    continue;
                }
                files => files?,
            };
            let (path, inputs) = match self.next(table, date, &files, expected, now) {
                Next::Nothing => return Ok(()),
                Next::Wait(waiting) => {
                    report.waiting.push(waiting);
                    return Ok(());
                }
                Next::Seal { path, inputs } => (path, inputs),
            };
            let objects = inputs.iter().map(|input| input.objects().len()).sum();
            let rows = inputs.iter().map(Input::rows).sum();
            let sealed = Sealed { table: table.name(), date, path: path.to_string(), objects, rows };
            if dry_run {
                report.sealed.push(sealed);
                return Ok(());
            }
            match self.put_seal(table, &path, &inputs).await {
                Ok(true) => {
                    tracing::info!(%table, %date, path = %path, rows, objects, "sealed");
                    report.sealed.push(sealed);
                }
                // Another sealer was first, or took the same name: what is left to do is seen from its seal.
                Ok(false) => tries += 1,
                Err(error) if error.is_stale() => tries += 1,
                Err(error) => return Err(error),
            }
        }
        Err(MaintainError::Contended { what: format!("{table} of {date}"), tries })
    }

    fn next(
        &self,
        table: Table,
        date: NaiveDate,
        files: &[CountedFile],
        expected: &[RawId],
        now: DateTime<Utc>,
    ) -> Next {
        let hot = || files.iter().filter(|file| file.zone == Zone::Hot);
        let mut left: Vec<(&RawId, u32)> =
            hot().flat_map(CountedFile::supplies).map(|object| (&object.raw_id, object.count)).collect();
        if left.is_empty() {
            return Next::Nothing;
        }
        let covered: BTreeSet<&RawId> =
            files.iter().flat_map(CountedFile::covers).map(|object| &object.raw_id).collect();
        let feeds = |id: &&RawId| Table::fed_by(id).contains(&table);
        let missing = expected.iter().filter(feeds).filter(|id| !covered.contains(id)).count();
        let until = end_of(date) + self.settings.lateness;
        if missing > 0 && now < until {
            return Next::Wait(Waiting { table: table.name(), date, missing, until });
        }
        // Whole raw objects, in the order of their ids, which is that of time, until the seal is full.
        left.sort();
        let mut rows = 0;
        let mut chosen = BTreeSet::new();
        for (id, count) in left {
            rows += u64::from(count);
            if rows > self.settings.seal_rows && !chosen.is_empty() {
                break;
            }
            chosen.insert(id);
        }
        let of = |file| Input::supplied_by(&self.planner, file, |id| chosen.contains(id));
        let inputs = hot().map(of).filter(|input| !input.objects().is_empty()).collect();
        let highest = files.iter().filter_map(|file| seal_number(&file.meta.location)).max();
        let number = highest.map_or(0, |highest| highest + 1);
        let path = Path::from(format!("tables/{table}/date={date}/seal-{number}.parquet"));
        Next::Seal { path, inputs }
    }

    /// Writes a seal; false if there is one of that name.
    async fn put_seal(&self, table: Table, path: &Path, inputs: &[Input]) -> Result<bool, MaintainError> {
        let merged = merge_for_seal(table, inputs).await?;
        let wanted: BTreeSet<&RawId> =
            inputs.iter().flat_map(Input::objects).map(|object| &object.raw_id).collect();
        let found: BTreeSet<&RawId> = merged.cover.objects.iter().map(|object| &object.raw_id).collect();
        if wanted != found {
            let what = path.to_string();
            return Err(MaintainError::Coverage { what, expected: wanted.len(), found: found.len() });
        }
        fail::fail_point!("seal.before_put");
        let put = self.store.put_opts(path, merged.bytes.into(), PutMode::Create.into()).await;
        fail::fail_point!("seal.after_put");
        match put {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn end_of(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1)
}

/// The number of `…/seal-7.parquet`.
fn seal_number(path: &Path) -> Option<u32> {
    path.filename()?.strip_prefix("seal-")?.strip_suffix(".parquet")?.parse().ok()
}
