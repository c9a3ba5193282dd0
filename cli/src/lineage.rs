//! From rows to the bytes that they came from.

use anyhow::Context;
use cauce_model::RawId;
use cauce_normalize::origin;
use cauce_query::{Interval, Lake, json_rows};
use cauce_raw::{RawZone, Request};
use cauce_tables::{Derived, Table};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// Where one row came from.
#[derive(Debug, Serialize)]
pub(crate) struct Trace {
    /// The raw object's key.
    pub(crate) raw_key: String,
    /// The line in it.
    pub(crate) raw_pos: i32,
    /// The rules that made the row.
    pub(crate) normalizer_version: i64,
    /// When the bytes were obtained.
    pub(crate) fetched_at: DateTime<Utc>,
    /// What was asked, where it was asked over HTTP.
    pub(crate) request: Option<Request>,
    /// The record, verbatim: the offer's part of the page for an offer, the whole body for anything else.
    pub(crate) record: String,
}

/// What can be traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traced {
    /// Rows of a table.
    Rows(&'static str),
    /// Buckets of a price history, of this width: they come from snapshots.
    Buckets(Interval),
}

impl Traced {
    /// A table's name, or `price_history`.
    pub(crate) fn parse(name: &str, interval: Interval) -> anyhow::Result<Self> {
        match name {
            "price_history" => Ok(Self::Buckets(interval)),
            "fact_offer_changes" | "ops_derived_quality" => Ok(Self::Rows(name.parse::<Derived>()?.name())),
            table => {
                let table: Table = table.parse().with_context(
                    || "or fact_offer_changes, ops_derived_quality; or price_history, for its buckets",
                )?;
                Ok(Self::Rows(table.name()))
            }
        }
    }

    fn query(self, filter: &str, limit: u32) -> String {
        let has_offers = matches!(self, Self::Rows("fact_offers" | "fact_offer_changes"));
        let offer = if has_offers { "offer_external_id" } else { "NULL" };
        let rows = match self {
            Self::Rows(table) => table.to_owned(),
            Self::Buckets(interval) => interval.snapshots_by_bucket(),
        };
        format!(
            "SELECT raw_id, raw_pos, normalizer_version, {offer} AS offer FROM {rows} WHERE {filter} LIMIT {limit}"
        )
    }
}

/// Traces the rows or buckets that fit `filter`, an SQL condition.
pub(crate) async fn trace(
    lake: &Lake,
    raw: &RawZone,
    traced: Traced,
    filter: &str,
    limit: u32,
) -> anyhow::Result<Vec<Trace>> {
    let sql = traced.query(filter, limit);
    let mut traces = Vec::new();
    for row in json_rows(&lake.sql(&sql).await?) {
        let whole = |name: &str| row.get(name).and_then(Value::as_i64).unwrap_or_default();
        let id: RawId = row.get("raw_id").and_then(Value::as_str).unwrap_or_default().parse()?;
        let raw_pos = i32::try_from(whole("raw_pos"))?;
        let object = raw.read(&id).await.with_context(|| format!("raw object of the row: {}", id.key()))?;
        let origin = origin(&id, &object, raw_pos, row.get("offer").and_then(Value::as_str))?;
        traces.push(Trace {
            raw_key: id.key(),
            raw_pos,
            normalizer_version: whole("normalizer_version"),
            fetched_at: origin.fetched_at,
            request: origin.request,
            record: origin.record,
        });
    }
    Ok(traces)
}
