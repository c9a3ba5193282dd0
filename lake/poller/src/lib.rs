//! The events that the system before keeps in PostgreSQL: a table `raw_transactions` with `id`, `data` (JSONB of any shape),
//! `merchant`, `transactional_id`, `processed` and `created_at`.
//!
//! ```text
//! BEGIN ─ SELECT … FOR UPDATE SKIP LOCKED ─ each row kept as a raw object ─ UPDATE processed ─ COMMIT
//! ```
//!
//! Rows are locked while they are kept, so two pollers share the work and never a row. Only what is stored is marked: who
//! dies before the commit has marked nothing, and keeps the same objects again under the same names. A row that can't be
//! kept stays as it is, and the others go on.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Instant};

use cauce_intake::{Brought, Intake, IntakeError};
use cauce_normalize::EVENTS;
use chrono::{DateTime, NaiveDateTime, Utc};
use futures::{StreamExt, stream};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;
use tokio_postgres::{Client, Row, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Which table, and how it is read.
#[derive(Clone)]
pub struct PollerSettings {
    /// `postgres://user:password@host/database`.
    pub url: String,
    /// The table, with its schema or without.
    pub table: String,
    /// Rows of one transaction.
    pub batch: u32,
}

impl fmt::Debug for PollerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollerSettings")
            .field("table", &self.table)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

/// Why a look ended early. What was marked before is stored; the rest waits for the next look.
#[derive(Debug, Error)]
pub enum PollError {
    /// The database can't be asked.
    #[error("PostgreSQL: {}", said(.0))]
    Database(#[from] tokio_postgres::Error),
    /// The lake's store failed: all rows would fail.
    #[error("the lake can't store: {0}")]
    Store(IntakeError),
    /// TLS can't be set up.
    #[error("TLS to PostgreSQL: {0}")]
    Tls(#[from] rustls::Error),
}

/// What PostgreSQL says, with the cause below it.
fn said(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// What a look did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Polled {
    /// Rows that are stored and marked.
    pub stored: u64,
    /// Of them those that were stored before.
    pub known: u64,
    /// Rows that could not be kept: their ids and why. They are not marked.
    pub refused: Vec<(String, String)>,
    /// There may be more: it ran out of time.
    pub goes_on: bool,
}

/// Takes over what is there.
#[derive(Debug, Clone)]
pub struct Poller {
    /// Keeps what is found.
    pub intake: Intake,
    /// Where it is found.
    pub settings: PollerSettings,
}

/// A row on its way.
struct Found {
    partition: String,
    place: String,
    id: String,
    obtained: DateTime<Utc>,
    body: Result<Vec<u8>, String>,
}

impl Poller {
    /// Objects that are stored side by side.
    const AT_ONCE: usize = 16;

    /// Takes over all rows that are not processed, batch by batch; begins none after `until`.
    pub async fn poll(&self, until: Option<Instant>) -> Result<Polled, PollError> {
        let mut client = self.connect().await?;
        let mut polled = Polled::default();
        loop {
            if until.is_some_and(|until| Instant::now() >= until) {
                polled.goes_on = true;
                return Ok(polled);
            }
            let before = polled.clone();
            let found = self.batch(&mut client, &mut polled).await?;
            tracing::info!(found, stored = polled.stored, refused = polled.refused.len(), "batch taken over");
            // Others may hold the rest; what they leave, the next look takes.
            if found == 0 || polled == before {
                return Ok(polled);
            }
        }
    }

    async fn connect(&self) -> Result<Client, PollError> {
        let mut roots = RootCertStore::empty();
        // A machine without certificates can still ask without TLS, where the address says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (client, connection) =
            tokio_postgres::connect(&self.settings.url, MakeRustlsConnect::new(config)).await?;
        // It ends with the client, or with the database; the next question says so.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "connection to PostgreSQL ended");
            }
        });
        // Times without a zone are UTC, whatever the server's is: a row keeps its day, and so its object.
        client.batch_execute("SET TIME ZONE 'UTC'").await?;
        Ok(client)
    }

    /// One transaction. Answers how many rows there were.
    async fn batch(&self, client: &mut Client, polled: &mut Polled) -> Result<usize, PollError> {
        let table = quoted(&self.settings.table);
        let transaction = client.transaction().await?;
        let refused: Vec<&str> = polled.refused.iter().map(|(id, _)| id.as_str()).collect();
        // As text, whatever their types are; a place in the file stays while its row is locked.
        let sql = format!(
            "SELECT ctid::text, id::text, data::text, merchant::text, transactional_id::text,
                    CASE WHEN isfinite(created_at) THEN created_at::timestamptz END, tableoid::text
             FROM {table} WHERE processed IS NOT TRUE AND NOT (id::text = ANY($1))
             ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED"
        );
        let rows = transaction.query(&sql, &[&refused, &i64::from(self.settings.batch)]).await?;
        let count = rows.len();
        let found: Vec<Found> = rows.iter().map(found).collect::<Result<_, _>>()?;
        // Collected first: as a stream of borrows its futures could not be sent.
        let keeping: Vec<_> = found.iter().map(|row| self.keep(row)).collect();
        let kept: Vec<_> = stream::iter(keeping).buffered(Self::AT_ONCE).collect().await;
        // A place is one in its partition.
        let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let (mut stored, mut known, mut refused) = (0, 0, Vec::new());
        for (row, kept) in found.iter().zip(kept) {
            match kept {
                Ok(is_new) => {
                    places.entry(&row.partition).or_default().push(row.place.as_str());
                    stored += 1;
                    known += u64::from(!is_new);
                }
                // Nothing could be stored, so nothing is said of the row.
                Err(Refused::Store(error)) => return Err(PollError::Store(error)),
                Err(Refused::Row(why)) => {
                    tracing::warn!(id = row.id, why, "row can't be taken over");
                    refused.push((row.id.clone(), why));
                }
            }
        }
        for (partition, places) in &places {
            mark(&transaction, &table, partition, places).await?;
        }
        transaction.commit().await?;
        polled.stored += stored;
        polled.known += known;
        polled.refused.extend(refused);
        Ok(count)
    }

    async fn keep(&self, row: &Found) -> Result<bool, Refused> {
        let bytes = row.body.as_ref().map_err(|why| Refused::Row(why.clone()))?;
        let name = format!("raw_transactions-{}", row.id);
        // By the time that the row has: taken over again, it is the same object.
        let brought = Brought { source: EVENTS, name: Some(&name), fetched_at: row.obtained, bytes };
        match self.intake.keep(&brought).await {
            Ok(kept) => Ok(kept.is_new),
            Err(error @ IntakeError::Raw(_)) => Err(Refused::Store(error)),
            Err(error) => Err(Refused::Row(error.to_string())),
        }
    }
}

enum Refused {
    Row(String),
    Store(IntakeError),
}

async fn mark(
    transaction: &Transaction<'_>,
    table: &str,
    partition: &str,
    places: &[&str],
) -> Result<(), PollError> {
    let sql = format!(
        "UPDATE {table} SET processed = true
         WHERE tableoid = $1::text::oid AND ctid = ANY($2::text[]::tid[])"
    );
    transaction.execute(&sql, &[&partition, &places]).await?;
    Ok(())
}

fn found(row: &Row) -> Result<Found, tokio_postgres::Error> {
    let text = |index: usize| row.try_get::<_, Option<String>>(index);
    let (data, merchant, reference) = (text(2)?, text(3)?, text(4)?);
    let created_at: Option<DateTime<Utc>> = row.try_get(5)?;
    Ok(Found {
        partition: text(6)?.unwrap_or_default(),
        place: text(0)?.unwrap_or_default(),
        id: text(1)?.unwrap_or_default(),
        // A row that does not say when it was made is of no day; it gets one that stays.
        obtained: created_at.unwrap_or_else(|| NaiveDateTime::default().and_utc()),
        body: body(data, merchant, reference),
    })
}

/// The row as it is kept: the event as it stands there, and what the columns beside it say.
fn body(
    data: Option<String>,
    merchant: Option<String>,
    transactional_id: Option<String>,
) -> Result<Vec<u8>, String> {
    let data = data.filter(|data| !matches!(data.as_str(), "null" | "\"\""));
    let data = data.ok_or("its data is null or empty")?;
    #[derive(Serialize)]
    struct Kept {
        #[serde(skip_serializing_if = "Option::is_none")]
        merchant: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        transactional_id: Option<String>,
        raw_event: Box<RawValue>,
    }
    // The column is JSONB, so this is JSON; numbers stay as PostgreSQL writes them.
    let raw_event = RawValue::from_string(data).map_err(|error| error.to_string())?;
    let kept = Kept { merchant, transactional_id, raw_event };
    serde_json::to_vec(&kept).map_err(|error| error.to_string())
}

/// A table's name as SQL: each of its parts in quotes.
fn quoted(table: &str) -> String {
    let part = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    table.split('.').map(part).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_as_it_stands_there() {
        let kept = |data: &str| {
            body(Some(data.to_owned()), Some("Shop".to_owned()), None)
                .map(|bytes| String::from_utf8(bytes).unwrap_or_default())
        };
        assert_eq!(
            kept(r#"{"amount": 10.10, "id": 12345678901234567890}"#).unwrap(),
            r#"{"merchant":"Shop","raw_event":{"amount": 10.10, "id": 12345678901234567890}}"#
        );
        assert_eq!(kept(r#""<xml/>""#).unwrap(), r#"{"merchant":"Shop","raw_event":"<xml/>"}"#);
        assert!(kept("null").is_err() && kept(r#""""#).is_err());
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("old.raw_transactions"), r#""old"."raw_transactions""#);
        assert_eq!(quoted(r#"x"; DROP TABLE y; --"#), r#""x""; DROP TABLE y; --""#);
    }
}
