//! Takes one person out of the lake: what payment providers said of them, verbatim and in rows.
//!
//! ```text
//! raw objects ─ a record names them ─► a tombstone in its place, under the same key
//!      └─► every hot file and seal with rows of such an object is written again, derived tables follow,
//!          replaced seals and kept answers with them are deleted
//! ```
//!
//! A record of several in one body (a line of CSV or JSON, an element of a list) is taken out alone, and its tombstone
//! says how many events it had, so that all others keep their ids; any other body goes whole. Whoever had read a raw
//! object before may still write its rows: a second pass, after the longest time that anybody may take, finds those.
//!
//! Market data is not looked at: venues show their advertisers to everybody by names that these chose.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cauce_model::RawId;
use cauce_normalize::{
    Erasure, Subject, TOMBSTONE, answers_to, erased, events, holds_answers, open, without_answers,
};
use cauce_protocols::{legacy, rates, venues};
use cauce_raw::{CAUCE, RawZone};
use cauce_tables::{CountedFile, Days, Input, Table, Zone, merge_for_seal, merge_hot};
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, path::Path};
use serde::Serialize;

use crate::{MaintainError, Maintainer, replay::Fresh};

/// What an erasure did, or would do. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Raw objects that were looked into.
    pub searched: u64,
    /// Raw objects in which somebody was found, and how many records of each are tombstones now.
    pub raw: BTreeMap<String, u64>,
    /// Raw objects of which others' records went with them, because their body has no lines or elements.
    pub whole_bodies: u64,
    /// Files of tables that were written again.
    pub rewritten: Vec<String>,
    /// Files that were deleted: superseded, replaced, or kept answers.
    pub deleted: Vec<String>,
    /// Derived tables that were made again.
    pub derived: Vec<String>,
    /// Raw objects that could not be read: nobody knows whom they name.
    pub unreadable: Vec<String>,
}

impl Maintainer {
    /// Takes whoever `subject` describes out of the lake.
    pub async fn erase(
        &self,
        subject: &Subject,
        now: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<Erased, MaintainError> {
        let mut done = Erased::default();
        let mut days: BTreeMap<NaiveDate, BTreeSet<RawId>> = BTreeMap::new();
        let objects: Vec<(RawId, ObjectMeta)> = self.raw.list(may_name_payers).try_collect().await?;
        for (id, meta) in objects {
            done.searched += 1;
            let lines = match self.raw.read(&id).await {
                Ok(lines) => lines,
                Err(error) => {
                    tracing::warn!(raw_id = %id, %error, "can't be searched");
                    done.unreadable.push(id.to_string());
                    continue;
                }
            };
            let Erasure { object, records, whole_bodies, unreadable } = erased(&id, &lines, subject);
            if unreadable > 0 {
                done.unreadable.push(id.to_string());
            }
            // What carries a tombstone already may still have rows that somebody wrote late.
            if records > 0 || has_tombstone(&lines) {
                days.entry(id.date()).or_default().insert(id.clone());
            }
            if records == 0 {
                continue;
            }
            done.raw.insert(id.to_string(), records);
            done.whole_bodies += whole_bodies;
            if !dry_run {
                self.replace(&meta, RawZone::compress(&object)?).await?;
                tracing::info!(raw_id = %id, records, "records were erased");
            }
        }
        if dry_run {
            return Ok(done);
        }
        self.erase_answers(&mut days, &mut done).await?;
        for (day, objects) in &days {
            self.rewrite_rows(*day, objects, &mut done).await?;
        }
        if !days.is_empty() {
            self.delete_all("results", &mut done).await?;
            let derived = self.derive(now).await?;
            done.derived.extend(derived.into_iter().map(|made| made.path));
        }
        Ok(done)
    }

    /// What a model said of an event that is gone goes with it, masked as it is; also what it said meanwhile.
    async fn erase_answers(
        &self,
        days: &mut BTreeMap<NaiveDate, BTreeSet<RawId>>,
        done: &mut Erased,
    ) -> Result<(), MaintainError> {
        let objects: Vec<(RawId, ObjectMeta)> = self.raw.list(holds_answers).try_collect().await?;
        for (id, meta) in objects {
            let Ok(object) = self.raw.read(&id).await else { continue };
            let mut is_gone = false;
            for (raw_id, raw_pos, record) in answers_to(&object) {
                let of_erased = days.get(&raw_id.date()).is_some_and(|objects| objects.contains(&raw_id));
                is_gone |= of_erased && !self.is_there(&raw_id, raw_pos, record).await?;
            }
            if is_gone {
                self.replace(&meta, RawZone::compress(&without_answers(&object))?).await?;
                *done.raw.entry(id.to_string()).or_default() += 1;
                days.entry(id.date()).or_default().insert(id);
            }
        }
        Ok(())
    }

    async fn is_there(&self, raw_id: &RawId, raw_pos: i32, record: i32) -> Result<bool, MaintainError> {
        let object = self.raw.read(raw_id).await?;
        let lines = open(&object);
        let envelope = lines.iter().find(|line| line.pos() == raw_pos).and_then(|line| line.envelope().ok());
        let all = envelope.map(|envelope| events(raw_id, raw_pos, envelope)).unwrap_or_default();
        Ok(all.iter().any(|event| event.record == record))
    }

    /// Writes every file anew that has rows of these objects.
    async fn rewrite_rows(
        &self,
        day: NaiveDate,
        objects: &BTreeSet<RawId>,
        done: &mut Erased,
    ) -> Result<(), MaintainError> {
        let mut read = Vec::new();
        for id in objects {
            read.push((id.clone(), self.raw.read(id).await?));
        }
        let fresh = Fresh::of(day, read, self.settings.thresholds).await?;
        for table in Table::ALL {
            let mut tries = 0;
            loop {
                match self.try_rewrite(table, day, objects, &fresh, done).await {
                    Err(error) if error.is_stale() && tries < Self::TRIES => tries += 1,
                    Err(error) => return Err(error),
                    Ok(()) => break,
                }
            }
            let day_of = format!("replaced/{table}/date={day}");
            // What a replay had replaced has rows of its time. All of the day: they say not whose.
            self.delete_all(&day_of, done).await?;
        }
        Ok(())
    }

    async fn try_rewrite(
        &self,
        table: Table,
        day: NaiveDate,
        objects: &BTreeSet<RawId>,
        fresh: &Fresh,
        done: &mut Erased,
    ) -> Result<(), MaintainError> {
        let made = fresh.planner.census(table, Days::only(day)).await?;
        let files = self.planner.census(table, Days::only(day)).await?;
        let has = |file: &&CountedFile| file.covers().iter().any(|object| objects.contains(&object.raw_id));
        let mut written = BTreeSet::new();
        for file in files.iter().filter(has) {
            // One that was just written over: it is as it should be.
            if written.contains(&file.meta.location) {
                continue;
            }
            let ours = |id: &RawId| objects.contains(id);
            let supplied: BTreeSet<RawId> =
                file.supplies().map(|object| object.raw_id.clone()).filter(|id| ours(id)).collect();
            let mut inputs: Vec<Input> = made
                .iter()
                .map(|made| Input::supplied_by(&fresh.planner, made, |id| supplied.contains(id)))
                .collect();
            inputs.push(Input::supplied_by(&self.planner, file, |id| !ours(id)));
            inputs.retain(|input| !input.objects().is_empty());
            let old = &file.meta.location;
            if file.zone == Zone::Sealed {
                let bytes = merge_for_seal(table, &inputs).await?.bytes;
                self.replace(&file.meta, bytes).await?;
                done.rewritten.push(old.to_string());
                continue;
            }
            // A hot file's name follows from what it covers: what readers take from it goes on under the name of that.
            if !inputs.is_empty() {
                let new = merge_hot(table, day, &inputs).await?;
                if new.path == *old {
                    self.replace(&file.meta, new.bytes).await?;
                    done.rewritten.push(old.to_string());
                    continue;
                }
                self.store.put(&new.path, new.bytes.into()).await?;
                done.rewritten.push(new.path.to_string());
                written.insert(new.path);
            }
            self.delete(old, done).await?;
        }
        Ok(())
    }

    async fn replace(&self, meta: &ObjectMeta, bytes: bytes::Bytes) -> Result<(), MaintainError> {
        let version = UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() };
        self.store.put_opts(&meta.location, bytes.into(), PutMode::Update(version).into()).await?;
        Ok(())
    }

    async fn delete_all(&self, folder: &str, done: &mut Erased) -> Result<(), MaintainError> {
        let store: &Arc<dyn ObjectStore> = &self.store;
        let found: Vec<ObjectMeta> = store.list(Some(&Path::from(folder))).try_collect().await?;
        for meta in &found {
            self.delete(&meta.location, done).await?;
        }
        Ok(())
    }

    async fn delete(&self, path: &Path, done: &mut Erased) -> Result<(), MaintainError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        done.deleted.push(path.to_string());
        Ok(())
    }
}

/// Whether a raw object may say who pays: whatever is of no venue, and not what Cauce says of itself.
fn may_name_payers(id: &RawId) -> bool {
    let of_market = venues::find(id.source()).is_some() || id.source() == legacy::SOURCE;
    let of_nobody = [CAUCE, rates::SOURCE].contains(&id.source());
    !of_market && !of_nobody
}

fn has_tombstone(lines: &[u8]) -> bool {
    lines.windows(TOMBSTONE.len()).any(|part| part == TOMBSTONE.as_bytes())
}
