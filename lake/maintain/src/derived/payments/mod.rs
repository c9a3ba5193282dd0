//! `payments`: what became of each payment, from all events of it (`cauce_model::PaymentState`).
//!
//! An object a day: the payments of which the first event stands in a raw object of that day, so that what comes today changes
//! today's object and those of the few payments that are still being talked about. An event that names no payment is one of
//! its own. A pass looks which days have other files than the last pass saw, makes the payments again that have or had an
//! event there, and leaves all others. When an event turns up that is older than a payment's first, the payment moves to the
//! object of that day: it is taken out of the one before it is put into the other, so that it may be missing for a moment
//! and is never there twice.
//!
//! What the last pass saw stands in an object of its own, written last. A pass reads that first, then lists the table, then the
//! events: whoever writes after it listed makes its puts fail, and who wrote before had no newer events than it has.

mod events;
mod keys;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::array::RecordBatch;
use cauce_tables::{Days, Derived, Inputs, PlannedFile};
use chrono::{DateTime, NaiveDate, Utc};
use events::Events;
use keys::Keys;
use object_store::{ObjectMeta, ObjectStoreExt, PutMode, UpdateVersion, path::Path};

use super::{DayFiles, Rebuild, Rebuilt};
use crate::{MaintainError, Maintainer, collect::first_kept};

/// The version of these rules.
pub(super) const RULES: &str = "3";
/// What the last pass saw. Readers of folders pass over names that begin so.
const SEEN: &str = "tables/payments/_inputs.json";
/// Bytes of events, and payments, that are worked on at a time: about a million of either.
const SLICE_BYTES: u64 = 64 << 20;
const SLICE_PAYMENTS: usize = 500_000;

/// The objects of the table by day, as they were listed or as this pass wrote them.
type Partitions = BTreeMap<NaiveDate, PlannedFile>;

/// Which payments are made again, and what that reads.
struct Plan {
    keys: Keys,
    /// Days whose events are read.
    days: BTreeSet<NaiveDate>,
    /// Objects of the table that hold some of these payments.
    holding: BTreeSet<NaiveDate>,
    slices: u64,
}

/// Makes the table, or what is stale of it; gives way to whoever makes it at the same time.
pub(super) async fn rebuild(
    maintainer: &Maintainer,
    which: Rebuild,
    now: DateTime<Utc>,
    rebuilt: &mut Vec<Rebuilt>,
) -> Result<(), MaintainError> {
    let (seen, version) = last_pass(maintainer).await?;
    let listed = maintainer.planner.derived(Derived::Payments, Days::ALL).await?;
    let mut partitions: Partitions = listed.into_iter().map(|file| (file.date, file)).collect();
    let first = maintainer.settings.retention.tables.map(|kept| first_kept(now, kept));
    let observed = DayFiles::list(&maintainer.planner, Derived::Payments, first).await?;
    let seen = seen.filter(|seen| seen.rules == RULES && which == Rebuild::Stale);
    let changed = seen.map(|seen| observed.changed(&seen.days));
    // Without observations there is nothing to make; what had been made from some stays.
    if observed.days().next().is_none() || changed.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(());
    }
    let events = Events::of(&maintainer.planner, &observed).await?;
    let plan = match changed {
        Some(changed) => some(&events, &partitions, changed).await?,
        None => all(&observed, &partitions),
    };
    for number in 0..plan.slices {
        let slice = plan.keys.slice(number, plan.slices);
        let made = events.payments(&plan.days, &slice).await?;
        let days: BTreeSet<NaiveDate> = plan.holding.iter().chain(made.keys()).copied().collect();
        // The last day first: payments move to days before.
        for day in days.into_iter().rev() {
            let new = made.get(&day).cloned().unwrap_or_else(rows::none);
            let before = partitions.get(&day);
            let Some(rows) = rows::replaced(&maintainer.planner, before, &slice, new).await? else {
                continue;
            };
            let Some(file) = put(maintainer, day, &rows, before).await? else {
                tracing::info!(%day, "others make the payments");
                return Ok(());
            };
            let path = file.meta.location.to_string();
            tracing::info!(path, rows = rows.num_rows(), "derived");
            partitions.insert(day, file);
            rebuilt.retain(|done| done.path != path);
            rebuilt.push(Rebuilt { table: Derived::Payments.name(), path, rows: rows.num_rows() });
        }
    }
    note(maintainer, &Inputs { rules: RULES.to_owned(), days: observed.states() }, version).await
}

/// Every payment. So many at a time that they fit.
fn all(observed: &DayFiles, partitions: &Partitions) -> Plan {
    Plan {
        keys: Keys::All,
        days: observed.days().collect(),
        holding: partitions.keys().copied().collect(),
        slices: observed.bytes() / SLICE_BYTES + 1,
    }
}

/// The payments that have an event on days that changed, or had one.
async fn some(
    events: &Events<'_>,
    partitions: &Partitions,
    changed: BTreeSet<NaiveDate>,
) -> Result<Plan, MaintainError> {
    let mut keys = events.keys(&changed).await?;
    let (mut days, mut holding) = (changed.clone(), BTreeSet::new());
    for (day, file) in partitions {
        for (key, last) in rows::spans(events.planner, file).await? {
            let had_one = changed.range(*day..=last.max(*day)).next().is_some();
            if had_one || keys.contains(&key) {
                keys.insert(key);
                holding.insert(*day);
                days.extend(events.days_between(*day, last));
            }
        }
    }
    let slices = (keys.len() / SLICE_PAYMENTS + 1) as u64;
    Ok(Plan { keys: Keys::Some(Arc::new(keys)), days, holding, slices })
}

/// Puts a day's object in place of the one that was listed; none if another was put there meanwhile.
async fn put(
    maintainer: &Maintainer,
    day: NaiveDate,
    rows: &RecordBatch,
    before: Option<&PlannedFile>,
) -> Result<Option<PlannedFile>, MaintainError> {
    // Which days they were made from is said once, for all objects.
    let inputs = Inputs { rules: RULES.to_owned(), days: BTreeMap::new() };
    let meta =
        maintainer.put_derived(Derived::Payments, day, rows, &inputs, before.map(|file| &file.meta)).await?;
    Ok(meta.map(|meta| PlannedFile::whole(meta, day)))
}

async fn last_pass(
    maintainer: &Maintainer,
) -> Result<(Option<Inputs>, Option<UpdateVersion>), MaintainError> {
    let read = match maintainer.store.get(&Path::from(SEEN)).await {
        Ok(read) => read,
        Err(object_store::Error::NotFound { .. }) => return Ok((None, None)),
        Err(error) => return Err(error.into()),
    };
    let ObjectMeta { e_tag, version, .. } = read.meta.clone();
    // What can't be read is as good as nothing: all is made again.
    let seen = serde_json::from_slice(&read.bytes().await?).ok();
    Ok((seen, Some(UpdateVersion { e_tag, version })))
}

/// Notes what was seen. Where another pass was first, the next one finds what that had not seen.
async fn note(
    maintainer: &Maintainer,
    seen: &Inputs,
    version: Option<UpdateVersion>,
) -> Result<(), MaintainError> {
    let bytes = serde_json::to_vec(seen).map_err(cauce_tables::WriteError::from)?;
    fail::fail_point!("payments.before_note");
    let mode = version.map_or(PutMode::Create, PutMode::Update);
    match maintainer.store.put_opts(&Path::from(SEEN), bytes.into(), mode.into()).await {
        Ok(_)
        | Err(
            object_store::Error::AlreadyExists { .. }
            | object_store::Error::Precondition { .. }
            | object_store::Error::NotFound { .. },
        ) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
