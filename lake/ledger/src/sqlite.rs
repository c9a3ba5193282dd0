//! The embedded ledger: one SQLite file, or memory for tests and generated histories.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Item, Ledger, LedgerError};

/// A ledger in a SQLite file. Several processes may share the file.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    connection: Arc<Mutex<Connection>>,
    place: Arc<str>,
}

impl SqliteLedger {
    /// How long a writer waits for another process's transaction.
    const BUSY: Duration = Duration::from_secs(10);

    /// Opens the ledger in `file`, made if missing.
    pub fn open(file: &Path) -> Result<Self, LedgerError> {
        let place = file.display().to_string();
        let prepare = || -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let connection = Connection::open(file)?;
            connection.busy_timeout(Self::BUSY)?;
            // FULL: what the ledger has promised (a lease, a closed run) survives a power cut.
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
            Ok(connection)
        };
        let connection = prepare().map_err(|source| LedgerError::Store { place: place.clone(), source })?;
        Self::with(connection, place)
    }

    /// A ledger in memory, gone with its last clone.
    pub fn in_memory() -> Result<Self, LedgerError> {
        let place = ":memory:".to_owned();
        let connection = Connection::open_in_memory()
            .map_err(|source| LedgerError::Store { place: place.clone(), source: source.into() })?;
        Self::with(connection, place)
    }

    fn with(connection: Connection, place: String) -> Result<Self, LedgerError> {
        let this = Self { connection: Arc::new(Mutex::new(connection)), place: place.into() };
        this.sql(|db| {
            db.execute_batch(
                "CREATE TABLE IF NOT EXISTS item (
                     key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL
                 ) STRICT, WITHOUT ROWID;",
            )
        })?;
        Ok(this)
    }

    /// Statements here touch one item by its key: microseconds in the page cache, so they stay on the caller's thread.
    fn sql<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        // A panic while holding the lock leaves no half-done statement behind: SQLite rolled it back.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection)
            .map_err(|source| LedgerError::Store { place: self.place.to_string(), source: source.into() })
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn get(&self, key: &str) -> Result<Option<Item>, LedgerError> {
        self.sql(|db| {
            let mut query = db.prepare_cached("SELECT value, version FROM item WHERE key = ?1")?;
            query.query_row([key], |row| Ok(Item { value: row.get(0)?, version: row.get(1)? })).optional()
        })
    }

    async fn put_if(&self, key: &str, value: &str, expected: Option<i64>) -> Result<bool, LedgerError> {
        self.sql(|db| {
            let changed = match expected {
                None => db
                    .prepare_cached("INSERT INTO item VALUES (?1, ?2, 1) ON CONFLICT DO NOTHING")?
                    .execute(params![key, value])?,
                Some(version) => db
                    .prepare_cached(
                        "UPDATE item SET value = ?2, version = version + 1 WHERE key = ?1 AND version = ?3",
                    )?
                    .execute(params![key, value, version])?,
            };
            Ok(changed == 1)
        })
    }

    async fn delete_if(&self, key: &str, expected: i64) -> Result<bool, LedgerError> {
        self.sql(|db| {
            let mut delete = db.prepare_cached("DELETE FROM item WHERE key = ?1 AND version = ?2")?;
            Ok(delete.execute(params![key, expected])? == 1)
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Item)>, LedgerError> {
        self.sql(|db| {
            let mut query = db.prepare_cached(
                "SELECT key, value, version FROM item WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
            )?;
            let rows = query.query_map([prefix], |row| {
                Ok((row.get(0)?, Item { value: row.get(1)?, version: row.get(2)? }))
            })?;
            rows.collect()
        })
    }
}
