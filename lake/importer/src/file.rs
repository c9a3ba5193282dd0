//! A file of trades: tried, and imported.

use std::time::Instant;

use cauce_intake::BroughtTrades;
use cauce_journal::{Observation, new_among};
use cauce_model::{Account, AccountResult, AccountStatus, Fee, Fill, ImportReport, RawId, RunId, Side};
use cauce_normalize::{TradeObservation, Trades, VERSION, WhyNone, trades};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{ImportError, Importer, report};

/// What a row of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// A fill that the lake does not have.
    New,
    /// A fill that it has.
    Duplicate,
    /// Recognised, and no trade.
    Skipped,
    /// It should be a trade, and can't be read.
    Error,
}

/// A row of a file, and what an import makes of it. A row with two fills, which is a position that the broker reports whole,
/// is there twice.
#[derive(Debug, Clone, Serialize)]
pub struct FileRow {
    /// Its line, or its place among the records, from 1.
    pub row: i32,
    /// What it is.
    pub status: RowStatus,
    /// Why it is skipped, or can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was traded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Bought or sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub quantity: Option<Decimal>,
    /// Of one.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub price: Option<Decimal>,
    /// When, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executed_at: Option<DateTime<Utc>>,
    /// What it cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// The broker's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The row as it stands there, of those that are no trades.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl FileRow {
    fn of_fill(row: i32, fill: &Fill, is_new: bool) -> Self {
        Self {
            row,
            status: if is_new { RowStatus::New } else { RowStatus::Duplicate },
            reason: None,
            symbol: Some(fill.symbol.clone()),
            side: Some(fill.side),
            quantity: Some(fill.quantity),
            price: Some(fill.price),
            executed_at: Some(fill.executed_at),
            fees: fill.fees.clone(),
            external_id: fill.external_id.clone(),
            text: None,
        }
    }

    fn of_other(row: i32, status: RowStatus, reason: String, text: String) -> Self {
        let none = (None, None, None, None, None, None);
        let (symbol, side, quantity, price, executed_at, external_id) = none;
        let (reason, text, fees) = (Some(reason), Some(text), Vec::new());
        Self { row, status, reason, symbol, side, quantity, price, executed_at, fees, external_id, text }
    }
}

/// What an import of a file would do.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The layout that it was recognised as.
    pub layout: &'static str,
    /// What that is, for people.
    pub title: &'static str,
    /// Fills that the lake does not have.
    pub new: u32,
    /// Fills that it has.
    pub duplicates: u32,
    /// Rows that are recognised, and no trades.
    pub skipped: u32,
    /// Rows that can't be read.
    pub errors: u32,
    /// Every row, in the order of the file.
    pub rows: Vec<FileRow>,
}

/// What an import of a file did.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// The file, as it is kept.
    pub raw_id: RawId,
    /// Whether the lake has it for the first time.
    pub is_new: bool,
    /// The run, whose report says the same.
    pub run_id: RunId,
    /// What it says.
    #[serde(flatten)]
    pub tried: Tried,
}

impl Importer {
    /// What an import of a file would do. Nothing is kept.
    pub async fn try_file(
        &self,
        account: &Account,
        name: &str,
        bytes: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Tried, ImportError> {
        Ok(self.read(account, name, bytes, now).await?.0)
    }

    /// Imports a file: keeps it verbatim, and a report of what is in it. Its fills are in the lake when it is normalized.
    pub async fn import_file(
        &self,
        account: &Account,
        name: &str,
        bytes: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Imported, ImportError> {
        let begun = Instant::now();
        let (tried, brought) = self.read(account, name, bytes, now).await?;
        let kept = self.intake.keep_trades(&brought).await?;
        let run_id = RunId::starting(now);
        let status = if tried.errors == 0 { AccountStatus::Imported } else { AccountStatus::Partial };
        let error = (tried.errors > 0).then(|| format!("{name}: {} rows can't be read", tried.errors));
        let result = AccountResult {
            account_id: account.id.clone(),
            status,
            trades: tried.new,
            duplicates: tried.duplicates,
            rejected: tried.errors,
            skipped: tried.skipped,
            error,
            duration_ms: u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX),
        };
        let report = ImportReport {
            run_id,
            started_at: now,
            ended_at: Utc::now().max(now),
            accounts: vec![result],
            trace_id: None,
        };
        report::put(&self.raw, &report).await?;
        tracing::info!(account = %account.id, raw_id = %kept.id, new = tried.new, errors = tried.errors, "imported");
        Ok(Imported { raw_id: kept.id, is_new: kept.is_new, run_id, tried })
    }

    async fn read<'b>(
        &self,
        account: &'b Account,
        name: &'b str,
        bytes: &'b [u8],
        now: DateTime<Utc>,
    ) -> Result<(Tried, BroughtTrades<'b>), ImportError> {
        let source =
            cauce_normalize::TradeSource { account: account.id.clone(), files: account.files.clone() };
        let brought = BroughtTrades {
            account: &account.id,
            name,
            header: serde_json::to_string(&source)?,
            fetched_at: now,
            bytes,
        };
        let (raw_id, envelope) = brought.as_kept()?;
        let unreadable = |why: String| ImportError::Unreadable { name: name.to_owned(), why };
        let read = trades(0, &envelope).map_err(unreadable)?;
        let observations: Vec<Observation> = observations(read.fills.iter().cloned(), &raw_id, now).collect();
        let known = self.planner.observations_of(&account.id).await?;
        let is_new = new_among(known, &observations);
        Ok((tried(&read, &is_new), brought))
    }
}

/// Fills of a raw object, as the lake will have them.
pub(crate) fn observations(
    fills: impl IntoIterator<Item = TradeObservation>,
    raw_id: &RawId,
    at: DateTime<Utc>,
) -> impl Iterator<Item = Observation> {
    fills.into_iter().map(move |told| Observation {
        fill: told.fill,
        broker: told.broker,
        layout: told.layout,
        raw_id: raw_id.clone(),
        raw_pos: told.raw_pos,
        place: (told.record, told.part),
        source_hash: told.source_hash,
        received_at: Some(at),
        version: VERSION,
    })
}

fn tried(read: &Trades, is_new: &[bool]) -> Tried {
    let fills = read.fills.iter().zip(is_new);
    let mut rows: Vec<FileRow> =
        fills.map(|(told, is_new)| FileRow::of_fill(told.record, &told.fill, *is_new)).collect();
    rows.extend(read.others.iter().map(|other| {
        let (status, reason) = match &other.why {
            WhyNone::Skipped(kind, reason) => (RowStatus::Skipped, format!("{kind}: {reason}")),
            WhyNone::Broken(_, reason) => (RowStatus::Error, reason.clone()),
        };
        FileRow::of_other(other.record, status, reason, other.text.clone())
    }));
    rows.sort_by_key(|row| row.row);
    let count =
        |status| u32::try_from(rows.iter().filter(|row| row.status == status).count()).unwrap_or(u32::MAX);
    Tried {
        layout: read.layout.name,
        title: read.layout.title,
        new: count(RowStatus::New),
        duplicates: count(RowStatus::Duplicate),
        skipped: count(RowStatus::Skipped),
        errors: count(RowStatus::Error),
        rows,
    }
}
