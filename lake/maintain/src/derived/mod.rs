//! Derived tables: each a function of the observations, made again where these have changed.
//!
//! An object says in its footer which days it was made from, and which files these had (`Inputs`). A pass compares
//! that with the files of now and makes again what is no longer true. The object is replaced only if nobody has
//! replaced it meanwhile; who is second leaves it: what is still stale then, the next pass finds.

mod advertisers;
mod days;
mod offer_changes;
mod payments;
mod quality;
mod trades;

use std::collections::{BTreeMap, BTreeSet};

use arrow::{array::RecordBatch, error::ArrowError};
use bytes::Bytes;
use cauce_tables::{Days, Derived, Inputs, Parts, PlanError, PlannedFile, WriteError};
use chrono::{DateTime, NaiveDate, Utc};
use days::DayFiles;
use object_store::{ObjectMeta, ObjectStoreExt, PutMode, PutResult, UpdateVersion, path::Path};
pub use quality::QualitySettings;
use serde::{Serialize, de::DeserializeOwned};
pub use trades::Accounts;

use crate::{MaintainError, Maintainer, collect::first_kept};

/// An object of a derived table that was made, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// The table.
    pub table: &'static str,
    /// The object.
    pub path: String,
    /// Its rows.
    pub rows: usize,
}

/// Which objects of a derived table are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// Those whose inputs have changed.
    Stale,
    /// All.
    All,
}

/// What a partition is made into, and from what.
struct Made {
    rows: RecordBatch,
    days: BTreeMap<NaiveDate, Option<String>>,
}

impl Maintainer {
    /// Brings every derived table up to date, but for the journal, which [`Maintainer::analyze`] makes.
    pub async fn derive(&self, now: DateTime<Utc>) -> Result<Vec<Rebuilt>, MaintainError> {
        let mut rebuilt = Vec::new();
        for table in Derived::ALL.into_iter().filter(|table| table.parts() != Parts::Accounts) {
            rebuilt.extend(self.rebuild(table, Rebuild::Stale, now).await?);
        }
        Ok(rebuilt)
    }

    /// Makes a derived table, or what is stale of it. Nothing of the journal: that takes accounts.
    pub async fn rebuild(
        &self,
        table: Derived,
        which: Rebuild,
        now: DateTime<Utc>,
    ) -> Result<Vec<Rebuilt>, MaintainError> {
        let mut tries = 0;
        let mut rebuilt = Vec::new();
        loop {
            match self.try_rebuild(table, which, now, &mut rebuilt).await {
                Err(error) if error.is_stale() && tries < Self::TRIES => tries += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(rebuilt),
            }
        }
    }

    async fn try_rebuild(
        &self,
        table: Derived,
        which: Rebuild,
        now: DateTime<Utc>,
        rebuilt: &mut Vec<Rebuilt>,
    ) -> Result<(), MaintainError> {
        match table {
            Derived::Payments => return payments::rebuild(self, which, now, rebuilt).await,
            Derived::FactTrades | Derived::FactPositions | Derived::FactTradeStats => return Ok(()),
            Derived::DimAdvertisers | Derived::FactOfferChanges | Derived::OpsDerivedQuality => {}
        }
        // Days before are about to go, one table after the other: what is derived takes them for gone.
        let first = self.settings.retention.tables.map(|kept| first_kept(now, kept));
        let observed = DayFiles::list(&self.planner, table, first).await?;
        let rules = self.rules_of(table);
        let mut existing: BTreeMap<NaiveDate, PlannedFile> = BTreeMap::new();
        for file in self.planner.derived(table, Days::ALL).await? {
            existing.insert(file.date, file);
        }
        let partitions: BTreeSet<NaiveDate> = match table.by_day() {
            true => observed.days().collect(),
            // Without observations there is nothing to make; what had been made from some stays.
            false => observed.days().next().map(|_| NaiveDate::default()).into_iter().collect(),
        };
        for day in partitions {
            let path = table.path(day).to_string();
            if rebuilt.iter().any(|done| done.path == path) {
                continue;
            }
            let before = existing.get(&day);
            let inputs = match before {
                Some(file) if which == Rebuild::Stale => self.planner.inputs(&file.meta).await?,
                _ => None,
            };
            let inputs = inputs.filter(|inputs| inputs.rules == rules);
            if inputs.as_ref().is_some_and(|inputs| observed.are(table, &inputs.days)) {
                continue;
            }
            let made = match table {
                Derived::DimAdvertisers => {
                    let before = before.map(|file| (file, inputs.as_ref()));
                    advertisers::make(&self.planner, &observed, before).await?
                }
                Derived::FactOfferChanges => offer_changes::make(&self.planner, &observed, day).await?,
                // Made above; and by `analyze`.
                Derived::Payments
                | Derived::FactTrades
                | Derived::FactPositions
                | Derived::FactTradeStats => continue,
                Derived::OpsDerivedQuality => {
                    quality::make(&self.planner, &observed, day, &self.settings.quality).await?
                }
            };
            let rows = made.rows.num_rows();
            let inputs = Inputs { rules: rules.clone(), days: made.days };
            let before = before.map(|file| &file.meta);
            if self.put_derived(table, day, &made.rows, &inputs, before).await?.is_some() {
                tracing::info!(%table, path, rows, "derived");
                rebuilt.push(Rebuilt { table: table.name(), path, rows });
            }
        }
        Ok(())
    }

    /// The rules of a table as text: objects made by others are stale.
    fn rules_of(&self, table: Derived) -> String {
        match table {
            Derived::DimAdvertisers => advertisers::RULES.to_owned(),
            Derived::FactOfferChanges => offer_changes::RULES.to_owned(),
            Derived::Payments => payments::RULES.to_owned(),
            Derived::OpsDerivedQuality => quality::rules(&self.settings.quality),
            Derived::FactTrades | Derived::FactPositions | Derived::FactTradeStats => String::new(),
        }
    }

    /// Puts an object in place of the one that was there; none if another was put there meanwhile.
    async fn put_derived(
        &self,
        table: Derived,
        day: NaiveDate,
        rows: &RecordBatch,
        inputs: &Inputs,
        before: Option<&ObjectMeta>,
    ) -> Result<Option<ObjectMeta>, MaintainError> {
        self.put_object(table.path(day), table.encode(rows, inputs)?, before).await
    }

    /// Puts an object at a place, in place of the one that was there; none if another was put there meanwhile.
    async fn put_object(
        &self,
        location: Path,
        bytes: Bytes,
        before: Option<&ObjectMeta>,
    ) -> Result<Option<ObjectMeta>, MaintainError> {
        let size = bytes.len() as u64;
        let before =
            before.map(|meta| UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() });
        fail::fail_point!("derive.before_put");
        let put = self.put_if(&location, bytes, before).await?;
        Ok(put.map(|UpdateVersion { e_tag, version }| ObjectMeta {
            location,
            last_modified: Utc::now(),
            size,
            e_tag,
            version,
        }))
    }

    /// What the last pass noted at a place, and the version of that. What can't be read is as good as nothing: all is looked at
    /// again.
    async fn noted<T: DeserializeOwned>(
        &self,
        place: &str,
    ) -> Result<(Option<T>, Option<UpdateVersion>), MaintainError> {
        let read = match self.store.get(&Path::from(place)).await {
            Ok(read) => read,
            Err(object_store::Error::NotFound { .. }) => return Ok((None, None)),
            Err(error) => return Err(error.into()),
        };
        let ObjectMeta { e_tag, version, .. } = read.meta.clone();
        Ok((serde_json::from_slice(&read.bytes().await?).ok(), Some(UpdateVersion { e_tag, version })))
    }

    /// Notes something in place of that version of it; none if another pass was first.
    async fn note<T: Serialize + Sync>(
        &self,
        place: &str,
        noted: &T,
        before: Option<UpdateVersion>,
    ) -> Result<Option<UpdateVersion>, MaintainError> {
        let bytes = serde_json::to_vec(noted).map_err(WriteError::from)?;
        self.put_if(&Path::from(place), bytes.into(), before).await
    }

    /// Puts an object in place of that version of it, or where there was none; none if that is not so any more.
    async fn put_if(
        &self,
        location: &Path,
        bytes: Bytes,
        before: Option<UpdateVersion>,
    ) -> Result<Option<UpdateVersion>, MaintainError> {
        let mode = before.map_or(PutMode::Create, PutMode::Update);
        match self.store.put_opts(location, bytes.into(), mode.into()).await {
            Ok(PutResult { e_tag, version }) => Ok(Some(UpdateVersion { e_tag, version })),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. }
                | object_store::Error::NotFound { .. },
            ) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Columns of `file` that are not what they should be.
fn broken(file: &PlannedFile) -> impl Fn(ArrowError) -> MaintainError {
    let path = file.meta.location.clone();
    move |source| PlanError::File { path: path.clone(), source: source.into() }.into()
}

/// Rows of a derived table from its columns.
fn batch(table: Derived, columns: Vec<arrow::array::ArrayRef>) -> Result<RecordBatch, MaintainError> {
    RecordBatch::try_new(table.schema(), columns)
        .map_err(|source| WriteError::Derived { table, source }.into())
}
