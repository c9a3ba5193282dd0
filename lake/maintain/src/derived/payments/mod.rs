//! `payments`: what became of each payment, from all events of it (`cauce_model::PaymentState`).
//!
//! Ids that are of one payment (`links`) are put together: it is called as its first event calls it.
//!
//! An object a day: the payments of which the first event stands in a raw object of that day, so that what comes today changes
//! today's object and those of the few payments that are still being talked about. An event that names no payment is one of
//! its own. A pass looks which days have other files than the last pass saw, makes the payments again that have or had an
//! event there, and leaves all others. When an event turns up that is older than a payment's first, the payment moves to the
//! object of that day: it is taken out of the one before it is put into the other, so that it may be missing for a moment
//! and is not there twice; but for ids that turn out to be of two payments, whose later one is put before the earlier is
//! written anew.
//!
//! What the last pass saw stands in an object of its own. A pass reads that first, then lists the table, then the events. Before
//! it changes anything it takes the days that it reads out of there, and only the last of all puts them in: if it dies on its
//! way, or another is at work, those days are looked at again.

mod events;
mod keys;
mod links;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::array::RecordBatch;
use cauce_model::RunId;
use cauce_tables::{Days, Derived, Inputs, PlannedFile};
use chrono::{DateTime, NaiveDate, Utc};
use events::Events;
use keys::Keys;
use object_store::{ObjectStoreExt, UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};

use super::{DayFiles, Rebuild, Rebuilt};
use crate::{MaintainError, Maintainer, collect::first_kept};

/// The version of these rules.
pub(super) const RULES: &str = "5";
/// What the last pass saw. Readers of folders pass over names that begin so.
const SEEN: &str = "tables/payments/_inputs.json";
/// Bytes of events, and payments, that are worked on at a time: about a million of either.
const SLICE_BYTES: u64 = 64 << 20;
const SLICE_PAYMENTS: usize = 500_000;

/// The table as it was before it had an object a day.
const BEFORE: &str = "tables/payments/part-0.parquet";

/// What passes have seen.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    #[serde(flatten)]
    inputs: Inputs,
    /// Who wrote it: two that say the same are two.
    pass: RunId,
}

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
    let pass = RunId::starting(now);
    let (seen, version) = maintainer.noted::<Seen>(SEEN).await?;
    let listed = maintainer.planner.derived(Derived::Payments, Days::ALL).await?;
    let mut partitions: Partitions = listed.into_iter().map(|file| (file.date, file)).collect();
    let first = maintainer.settings.retention.tables.map(|kept| first_kept(now, kept));
    let observed = DayFiles::list(&maintainer.planner, Derived::Payments, first).await?;
    let seen = seen.filter(|seen| seen.inputs.rules == RULES);
    let changed = match which {
        Rebuild::Stale => seen.as_ref().map(|seen| observed.changed(&seen.inputs.days)),
        Rebuild::All => None,
    };
    // Without observations there is nothing to make; what had been made from some stays.
    if observed.days().next().is_none() || changed.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(());
    }
    let events = Events::of(&maintainer.planner, &observed).await?;
    let plan = match changed {
        Some(changed) => some(&events, &partitions, changed).await?,
        None => all(&observed, &partitions),
    };
    let mut known = seen.map(|seen| seen.inputs.days).unwrap_or_default();
    known.retain(|day, _| !plan.days.contains(day));
    if version.is_none() {
        // Nobody has made an object a day yet. Whoever reads the folder would read both.
        match maintainer.store.delete(&Path::from(BEFORE)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Some(marked) = note(maintainer, known, pass, version).await? else {
        tracing::info!("others make the payments");
        return Ok(());
    };
    for number in 0..plan.slices {
        let slice = plan.keys.slice(&events.links, number, plan.slices);
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
                return forget(maintainer, &plan.days, pass).await;
            };
            let path = file.meta.location.to_string();
            tracing::info!(path, rows = rows.num_rows(), "derived");
            partitions.insert(day, file);
            rebuilt.retain(|done| done.path != path);
            rebuilt.push(Rebuilt { table: Derived::Payments.name(), path, rows: rows.num_rows() });
        }
    }
    fail::fail_point!("payments.before_note");
    if note(maintainer, observed.states(), pass, Some(marked)).await?.is_none() {
        return forget(maintainer, &plan.days, pass).await;
    }
    Ok(())
}

/// Another pass was at work at the same time: what either has seen of these days may not be what stands there now.
async fn forget(
    maintainer: &Maintainer,
    days: &BTreeSet<NaiveDate>,
    pass: RunId,
) -> Result<(), MaintainError> {
    for _ in 0..=Maintainer::TRIES {
        let (seen, version) = maintainer.noted::<Seen>(SEEN).await?;
        let mut known = seen.map(|seen| seen.inputs.days).unwrap_or_default();
        known.retain(|day, _| !days.contains(day));
        if note(maintainer, known, pass, version).await?.is_some() {
            return Ok(());
        }
    }
    tracing::warn!(
        "what was seen of payments changes all the time; cauce rebuild payments makes all of them"
    );
    Ok(())
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
    days.extend(events.answered_on());
    let mut draw_in = |day: NaiveDate, last: NaiveDate| {
        holding.insert(day);
        days.extend(events.days_between(day, last));
    };
    // What is not drawn in by its days may be by its ids. Nearly all rows have one id, and draw in no others by it.
    let (mut single, mut several) = (Vec::new(), Vec::new());
    for (day, file) in partitions {
        for (of_row, last) in rows::spans(events.planner, file).await? {
            let of_row: Vec<_> = of_row.into_iter().map(|key| events.links.key(key)).collect();
            let had_one = changed.range(*day..=last.max(*day)).next().is_some();
            match of_row.as_slice() {
                _ if had_one => {
                    keys.extend(of_row);
                    draw_in(*day, last);
                }
                [key] => single.push((*key, *day, last)),
                _ => several.push((of_row, *day, last)),
            }
        }
    }
    // A row may hold what are several payments now, and several rows what is one: until no more are drawn in.
    loop {
        let known = several.len();
        several.retain(|(of_row, day, last)| {
            let is_drawn_in = of_row.iter().any(|key| keys.contains(key));
            if is_drawn_in {
                keys.extend(of_row);
                draw_in(*day, *last);
            }
            !is_drawn_in
        });
        if several.len() == known {
            break;
        }
    }
    for (_, day, last) in single.into_iter().filter(|(key, ..)| keys.contains(key)) {
        draw_in(day, last);
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

/// Notes what was seen in place of what was noted before; none where another pass was first.
async fn note(
    maintainer: &Maintainer,
    days: BTreeMap<NaiveDate, Option<String>>,
    pass: RunId,
    version: Option<UpdateVersion>,
) -> Result<Option<UpdateVersion>, MaintainError> {
    let seen = Seen { inputs: Inputs { rules: RULES.to_owned(), days }, pass };
    maintainer.note(SEEN, &seen, version).await
}
