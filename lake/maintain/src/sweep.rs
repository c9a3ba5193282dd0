//! Finds raw objects that no file covers, and puts their messages into the queue again. This is what makes a lost
//! event, or a lost queue, harmless.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

use cauce_model::RawId;
use cauce_queue::{Queue, QueueError, RawCreated};
use cauce_raw::{RawError, RawZone};
use cauce_tables::{Days, PlanError, Planner, Table};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use thiserror::Error;

/// Why a sweep failed. Nothing is harmed by it; the next one goes on.
#[derive(Debug, Error)]
pub enum SweepError {
    /// Raw objects can't be listed.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// Files can't be listed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Swept {
    /// Raw objects looked at.
    pub objects: u64,
    /// Those that no file covers, and that have a message now.
    pub queued: u64,
}

/// Looks at the raw objects of `days` that are older than `age`: younger ones may still be
/// on their way. Objects that were given up as dead letters are left to whoever redrives them.
pub async fn sweep(
    raw: &RawZone,
    planner: &Planner,
    queue: &dyn Queue,
    days: Days,
    age: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Swept, SweepError> {
    let mut dead = BTreeSet::new();
    for letter in queue.dead_letters().await? {
        dead.extend(RawCreated::parse(&letter.body).into_iter().flatten());
    }
    // Raw is listed first: what is written between the two listings is young, or covered.
    let mut by_table: BTreeMap<Table, Vec<RawId>> = BTreeMap::new();
    let mut swept = Swept::default();
    // A few days are listed one by one, so that a sweep does not cost more with every month that is kept.
    let objects = match days.few() {
        Some(days) => {
            let each = stream::iter(days).then(|day| raw.on(day));
            each.map_ok(|objects| stream::iter(objects).map(Ok)).try_flatten().boxed()
        }
        None => raw.list(move |id| days.contains(id.date())),
    };
    let mut objects = pin!(objects);
    while let Some((id, meta)) = objects.try_next().await? {
        swept.objects += 1;
        if now - meta.last_modified >= age && !dead.contains(&id) {
            by_table.entry(last_table(&id)).or_default().push(id);
        }
    }
    for (table, ids) in by_table {
        let files = planner.census(table, days).await?;
        let covered: BTreeSet<&RawId> =
            files.iter().flat_map(|file| file.covers()).map(|object| &object.raw_id).collect();
        for id in ids.iter().filter(|id| !covered.contains(*id)) {
            queue.send(&RawCreated::of(id).body()).await?;
            swept.queued += 1;
        }
    }
    if swept.queued > 0 {
        tracing::info!(
            queued = swept.queued,
            objects = swept.objects,
            "sweep found raw objects that no file covers"
        );
    }
    Ok(swept)
}

/// The table whose file is written last: if it covers an object, all do.
fn last_table(id: &RawId) -> Table {
    Table::fed_by(id).last().copied().unwrap_or(Table::Quarantine)
}
