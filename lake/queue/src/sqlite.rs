//! The embedded queue: one SQLite file, shared by processes, durable across a kill.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use crate::{Attempt, DeadLetter, Delivery, MAX_RECEIPTS, NO_WORD, Queue, QueueError, QueueStats};

/// Where a queue takes its time from; tests set it.
type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A queue in a SQLite file.
#[derive(Clone)]
pub struct SqliteQueue {
    connection: Arc<Mutex<Connection>>,
    place: Arc<str>,
    now: Now,
    most: u32,
}

impl std::fmt::Debug for SqliteQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteQueue").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A message that is already waiting is not put in a second time: the sweep may name an object that the store's event
/// has named too. While it is handed out it counts as waiting.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS message (
        id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, visible_at INTEGER NOT NULL,
        receipts INTEGER NOT NULL DEFAULT 0, receipt TEXT, died_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS message_body ON message (body) WHERE died_at IS NULL;
    CREATE INDEX IF NOT EXISTS message_visible ON message (visible_at, id) WHERE died_at IS NULL;
    CREATE TABLE IF NOT EXISTS attempt (
        message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE, receipt TEXT NOT NULL PRIMARY KEY,
        at INTEGER NOT NULL, reason TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS attempt_message ON attempt (message, at);";

impl SqliteQueue {
    /// How long a writer waits for another process's transaction.
    const BUSY: Duration = Duration::from_secs(10);

    /// Opens the queue in `file`, made if missing.
    pub fn open(file: &Path) -> Result<Self, QueueError> {
        let place = file.display().to_string();
        let prepare = || -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let connection = Connection::open(file)?;
            connection.busy_timeout(Self::BUSY)?;
            // NORMAL: survives a kill. A power cut may lose the last messages; the sweep finds their objects.
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
            Ok(connection)
        };
        let connection = prepare().map_err(|source| QueueError { place: place.clone(), source })?;
        Self::with(connection, place)
    }

    /// A queue in memory, gone with its last clone.
    pub fn in_memory() -> Result<Self, QueueError> {
        let place = ":memory:".to_owned();
        let connection = Connection::open_in_memory()
            .map_err(|source| QueueError { place: place.clone(), source: source.into() })?;
        Self::with(connection, place)
    }

    /// The same queue, which gives a message up after so many receipts.
    pub fn giving_up_after(mut self, receipts: u32) -> Self {
        self.most = receipts;
        self
    }

    /// The same queue with another clock.
    pub fn with_clock(mut self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
    }

    fn with(connection: Connection, place: String) -> Result<Self, QueueError> {
        let this = Self {
            connection: Arc::new(Mutex::new(connection)),
            place: place.into(),
            now: Arc::new(Utc::now),
            most: MAX_RECEIPTS,
        };
        this.sql(|db| {
            db.execute_batch("PRAGMA foreign_keys = ON;")?;
            db.execute_batch(SCHEMA)
        })?;
        Ok(this)
    }

    fn sql<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, QueueError> {
        // A panic while holding the lock leaves no half-done transaction behind: SQLite rolled it back.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection)
            .map_err(|source| QueueError { place: self.place.to_string(), source: source.into() })
    }

    /// A transaction that takes the write lock at once, so that two receivers never pick the same message.
    fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        self.sql(|db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    fn micros_now(&self) -> i64 {
        (self.now)().timestamp_micros()
    }
}

fn after(now: i64, wait: Duration) -> i64 {
    now.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::microseconds(micros)
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, body: &str) -> Result<(), QueueError> {
        let now = self.micros_now();
        self.sql(|db| {
            db.prepare_cached(
                "INSERT INTO message (body, visible_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![body, now])?;
            Ok(())
        })
    }

    async fn receive(&self, max: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError> {
        let now = self.micros_now();
        self.transaction(|db| {
            db.prepare_cached(
                "UPDATE message SET died_at = ?1, receipt = NULL
                 WHERE died_at IS NULL AND visible_at <= ?1 AND receipts >= ?2",
            )?
            .execute(params![now, self.most])?;
            let mut due = db.prepare_cached(
                "SELECT id, body, receipts FROM message
                 WHERE died_at IS NULL AND visible_at <= ?1 ORDER BY visible_at, id LIMIT ?2",
            )?;
            let rows = due.query_map(params![now, max], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let found: Vec<(i64, String, u32)> = rows.collect::<rusqlite::Result<_>>()?;
            let mut lend = db.prepare_cached(
                "UPDATE message SET receipt = ?2, receipts = receipts + 1, visible_at = ?3 WHERE id = ?1",
            )?;
            let mut note =
                db.prepare_cached("INSERT INTO attempt (message, receipt, at) VALUES (?1, ?2, ?3)")?;
            let mut deliveries = Vec::with_capacity(found.len());
            for (id, body, receipts) in found {
                let receipt = Uuid::now_v7().to_string();
                lend.execute(params![id, receipt, after(now, visibility)])?;
                note.execute(params![id, receipt, now])?;
                deliveries.push(Delivery { id: id.to_string(), receipt, receipts: receipts + 1, body });
            }
            Ok(deliveries)
        })
    }

    async fn acknowledge(&self, delivery: &Delivery) -> Result<bool, QueueError> {
        self.sql(|db| {
            let mut done = db.prepare_cached("DELETE FROM message WHERE id = ?1 AND receipt = ?2")?;
            Ok(done.execute(params![delivery.id, delivery.receipt])? == 1)
        })
    }

    async fn fail(&self, delivery: &Delivery, reason: &str, retry_in: Duration) -> Result<(), QueueError> {
        let visible_at = after(self.micros_now(), retry_in);
        self.transaction(|db| {
            db.prepare_cached("UPDATE attempt SET reason = ?2 WHERE receipt = ?1")?
                .execute(params![delivery.receipt, reason])?;
            db.prepare_cached("UPDATE message SET visible_at = ?3 WHERE id = ?1 AND receipt = ?2")?
                .execute(params![delivery.id, delivery.receipt, visible_at])?;
            Ok(())
        })
    }

    async fn release(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let now = self.micros_now();
        self.transaction(|db| {
            let mut back = db.prepare_cached(
                "UPDATE message SET visible_at = ?3, receipts = receipts - 1, receipt = NULL
                 WHERE id = ?1 AND receipt = ?2",
            )?;
            if back.execute(params![delivery.id, delivery.receipt, now])? == 1 {
                db.prepare_cached("DELETE FROM attempt WHERE receipt = ?1")?.execute([&delivery.receipt])?;
            }
            Ok(())
        })
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError> {
        let visible_at = after(self.micros_now(), visibility);
        self.sql(|db| {
            let mut more =
                db.prepare_cached("UPDATE message SET visible_at = ?3 WHERE id = ?1 AND receipt = ?2")?;
            Ok(more.execute(params![delivery.id, delivery.receipt, visible_at])? == 1)
        })
    }

    async fn stats(&self) -> Result<QueueStats, QueueError> {
        let now = self.micros_now();
        self.sql(|db| {
            let mut count = db.prepare_cached(
                "SELECT count(*) FILTER (WHERE died_at IS NULL AND visible_at <= ?1 AND receipts < ?2),
                        count(*) FILTER (WHERE died_at IS NULL AND visible_at > ?1),
                        count(*) FILTER (WHERE died_at IS NOT NULL OR (visible_at <= ?1 AND receipts >= ?2))
                 FROM message",
            )?;
            count.query_row(params![now, self.most], |row| {
                Ok(QueueStats { waiting: row.get(0)?, in_flight: row.get(1)?, dead: row.get(2)? })
            })
        })
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let now = self.micros_now();
        self.sql(|db| {
            // A message whose last loan has run out is dead, whether or not a receiver has come by to say so.
            let mut dead = db.prepare_cached(
                "SELECT id, body, coalesce(died_at, visible_at) FROM message
                 WHERE died_at IS NOT NULL OR (visible_at <= ?1 AND receipts >= ?2) ORDER BY id",
            )?;
            let rows =
                dead.query_map(params![now, self.most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let found: Vec<(i64, String, i64)> = rows.collect::<rusqlite::Result<_>>()?;
            let mut tries =
                db.prepare_cached("SELECT at, reason FROM attempt WHERE message = ?1 ORDER BY at, receipt")?;
            let mut letters = Vec::with_capacity(found.len());
            for (id, body, died_at) in found {
                let attempts = tries
                    .query_map([id], |row| {
                        let reason: Option<String> = row.get(1)?;
                        Ok(Attempt {
                            at: Some(time(row.get(0)?)),
                            reason: reason.unwrap_or_else(|| NO_WORD.to_owned()),
                        })
                    })?
                    .collect::<rusqlite::Result<_>>()?;
                letters.push(DeadLetter { id: id.to_string(), body, died_at: Some(time(died_at)), attempts });
            }
            Ok(letters)
        })
    }

    async fn redrive(&self, ids: Option<&[String]>) -> Result<u64, QueueError> {
        let letters = self.dead_letters().await?;
        let wanted = |id: &&String| ids.is_none_or(|ids| ids.contains(id));
        let now = self.micros_now();
        self.transaction(|db| {
            let mut redriven = 0;
            for id in letters.iter().map(|letter| &letter.id).filter(wanted) {
                db.execute("DELETE FROM attempt WHERE message = ?1", [id])?;
                let body: Option<String> = db
                    .query_row("DELETE FROM message WHERE id = ?1 RETURNING body", [id], |row| row.get(0))
                    .optional()?;
                let Some(body) = body else { continue };
                db.execute(
                    "INSERT INTO message (body, visible_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![body, now],
                )?;
                redriven += 1;
            }
            Ok(redriven)
        })
    }
}
