//! Named reports: what the API and the page show.

mod anomalies;
mod arbitrage;
mod books;
mod lists;
mod payments;
mod spread;
mod trades;

use std::collections::BTreeSet;

pub use anomalies::{Judged, Measure};
pub(crate) use books::{BY_PRICE, decimal};
pub use books::{Markets, Now, Takeable};
use cauce_model::{EventId, Money, NormalizationMethod, RunId};
use chrono::{DateTime, NaiveDate, Utc};
pub use lists::{Advertisers, Checks, Errors, List, OfferChanges, PaymentEvents, Period, Runs, Snapshots};
pub use payments::{
    Counted, Hour, InCurrency, Latency, Named, Outcomes, PaymentMetrics, PaymentsQuestion, ProviderOutcomes,
};
use serde::Serialize;
use serde_json::{Map, Value};
pub use spread::SpreadQuery;
pub use trades::{AccountResults, AccountWindow, Positions, TradeFigures, Trades, Window};

use crate::{Lake, QueryError, functions, history::quoted, json_rows};

/// A row as JSON.
type Row = Map<String, Value>;

/// `GET /admin/monitoring/summary`. The names are other people's; they do not change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// When the last run ended that asked every market in full; RFC 3339, null if there was none.
    pub last_successful_run: Option<String>,
    /// Requests of the last 24 hours that failed and that no later try mended.
    pub error_count_last_24h: i64,
    /// Offers seen in the last 24 hours, by pair and side.
    pub offers_last_24h: Vec<SummaryRow>,
}

/// One line of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryRow {
    /// What is traded.
    pub asset: String,
    /// What pays for it.
    pub fiat: String,
    /// The taker's side.
    pub trade_type: String,
    /// Offers, each counted in every snapshot that it was in.
    pub count: i64,
    /// Those of them that could be taken.
    pub available: i64,
    /// Their mean price, a decimal as a string.
    pub avg_price: Option<String>,
}

impl Lake {
    async fn rows(&self, sql: &str) -> Result<Vec<Row>, QueryError> {
        Ok(json_rows(&self.sql(sql).await?))
    }

    /// One run that has ended, with its errors and its snapshots; none if there is no such run.
    pub async fn run(&self, run_id: RunId) -> Result<Option<Row>, QueryError> {
        // The id of a run of another system does not say its day.
        let day = run_id.day().map(|day| format!("AND date = DATE '{day}'")).unwrap_or_default();
        let sql = format!("SELECT * FROM ops_batch_runs WHERE batch_id = '{run_id}' {day}");
        let Some(mut run) = self.rows(&sql).await?.into_iter().next() else { return Ok(None) };
        let errors = format!(
            "SELECT * FROM ops_extraction_errors WHERE batch_id = '{run_id}' {day} ORDER BY error_timestamp"
        );
        // A run may go on after midnight.
        let days = run_id.day().map(|day| {
            format!("AND date >= DATE '{day}' AND date <= DATE '{}'", day.succ_opt().unwrap_or(day))
        });
        let snapshots = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, snapshot_id, extraction_timestamp, total_offers_count,
                    offers_announced, pages_announced, pages_received, is_complete, raw_id
             FROM fact_market_depth
             WHERE batch_id = '{run_id}' {} ORDER BY extraction_timestamp",
            days.unwrap_or_default(),
        );
        let list = |rows: Vec<Row>| Value::Array(rows.into_iter().map(Value::Object).collect());
        run.insert("errors".to_owned(), list(self.rows(&errors).await?));
        run.insert("snapshots".to_owned(), list(self.rows(&snapshots).await?));
        Ok(Some(run))
    }

    /// A payment event's row of `fact_payment_events`: in the words of rules, else as it was received. What a model said of it
    /// is a row of another day; the ledger knows where.
    pub async fn payment_event(&self, id: &EventId) -> Result<Option<Row>, QueryError> {
        // Its id says its day; from there on the rows of its raw object lie together.
        let sql = format!(
            "SELECT * FROM fact_payment_events WHERE event_id = '{id}' AND date = DATE '{}'
             AND normalization_method IN ('{}', '{}')",
            id.date(),
            NormalizationMethod::RuleBased,
            NormalizationMethod::None,
        );
        Ok(self.rows(&sql).await?.into_iter().next())
    }

    /// What became of a payment, by any of its ids, with all its events in the order in which they happened; none if nothing
    /// is known of it.
    pub async fn payment(&self, provider: &str, payment_id: &str) -> Result<Option<Row>, QueryError> {
        let state = self.payment_state(provider, payment_id).await?;
        let text = |name: &str| state.as_ref()?.get(name)?.as_str();
        let mut ids = BTreeSet::from([payment_id]);
        ids.extend(text("provider_payment_id"));
        ids.extend(text("other_payment_ids").into_iter().flat_map(|ids| ids.split(',')));
        let ids: Vec<String> = ids.into_iter().map(quoted).collect();
        let events = format!(
            "SELECT coalesce(occurred_at, received_at) AS happened_at, * FROM payment_events
             WHERE provider = {} AND provider_payment_id IN ({})
             ORDER BY happened_at, received_at, event_id LIMIT 1000",
            quoted(provider),
            ids.join(", ")
        );
        let events = self.rows(&events).await?;
        if events.is_empty() {
            return Ok(None);
        }
        let mut payment = Row::new();
        // It is made after its events, so it may not be there yet.
        payment.insert("payment".to_owned(), state.map_or(Value::Null, Value::Object));
        let events = events.into_iter().map(|mut event| {
            // JSON in a column is JSON in the answer.
            if let Some(metadata) = event.get("metadata").and_then(Value::as_str) {
                let parsed = serde_json::from_str(metadata).unwrap_or(Value::Null);
                event.insert("metadata".to_owned(), parsed);
            }
            Value::Object(event)
        });
        payment.insert("events".to_owned(), events.collect());
        Ok(Some(payment))
    }

    /// A payment's row. It is called by one of its ids; by another it is looked for in all rows.
    async fn payment_state(&self, provider: &str, payment_id: &str) -> Result<Option<Row>, QueryError> {
        let of_provider = format!("SELECT * FROM payments_in_usd WHERE provider = {}", quoted(provider));
        let called = format!("{of_provider} AND provider_payment_id = {}", quoted(payment_id));
        if let Some(row) = self.rows(&called).await?.into_iter().next() {
            return Ok(Some(row));
        }
        let listed = quoted(&format!(",{payment_id},"));
        let also = format!("{of_provider} AND contains(concat(',', other_payment_ids, ','), {listed})");
        Ok(self.rows(&also).await?.into_iter().next())
    }

    /// Whether there is any event of a provider.
    pub async fn has_provider(&self, provider: &str) -> Result<bool, QueryError> {
        let sql = format!("SELECT 1 FROM fact_payment_events WHERE provider = {} LIMIT 1", quoted(provider));
        Ok(!self.rows(&sql).await?.is_empty())
    }

    /// What an amount was worth on a day in dollars, a decimal as text, and the day of the rate; none where none is known.
    pub async fn worth_on(
        &self,
        money: Money,
        day: NaiveDate,
    ) -> Result<Option<(String, Option<String>)>, QueryError> {
        let (minor, currency) = (money.minor, money.currency.code());
        if currency == "USD" {
            let usd = functions::in_dollars(minor, currency, None);
            return Ok(usd.map(|units| (functions::decimal_text(units), None)));
        }
        let sql = format!(
            "SELECT usd_value(CAST({minor} AS BIGINT), currency, per_usd) AS usd, rate_date FROM daily_fx_rates
             WHERE currency = '{currency}' AND day = DATE '{day}'"
        );
        let found = self.rows(&sql).await?.into_iter().next();
        let text = |row: &Row, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(found.and_then(|row| Some((text(&row, "usd")?, text(&row, "rate_date")))))
    }

    /// When the newest snapshot of any market was taken.
    pub async fn newest_snapshot(&self) -> Result<Option<DateTime<Utc>>, QueryError> {
        let rows = self.rows("SELECT max(extraction_timestamp) AS newest FROM fact_market_depth").await?;
        let newest = rows.first().and_then(|row| row.get("newest")?.as_str());
        Ok(newest.and_then(|text| text.parse().ok()))
    }

    /// The monitoring summary.
    pub async fn summary(&self) -> Result<Summary, QueryError> {
        let last = "SELECT max(batch_end_time) AS at FROM ops_batch_runs
                    WHERE status = 'completed' AND job NOT IN ('trade_import', 'trade_delivery')";
        let errors = "SELECT count(*) AS n FROM ops_extraction_errors
                      WHERE NOT is_resolved AND error_timestamp >= now() - INTERVAL '24 hours'
                        AND date >= CAST(now() - INTERVAL '48 hours' AS DATE)";
        let offers = "SELECT * FROM run_stats ORDER BY asset, fiat, trade_type";
        let first = |rows: Vec<Row>, name: &str| rows.first().and_then(|row| row.get(name)).cloned();
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let whole = |value: Option<Value>| value.and_then(|value| value.as_i64()).unwrap_or(0);
        let last_successful_run = text(first(self.rows(last).await?, "at"));
        let error_count_last_24h = whole(first(self.rows(errors).await?, "n"));
        let line = |mut row: Row| SummaryRow {
            asset: text(row.remove("asset")).unwrap_or_default(),
            fiat: text(row.remove("fiat")).unwrap_or_default(),
            trade_type: text(row.remove("trade_type")).unwrap_or_default(),
            count: whole(row.remove("count")),
            available: whole(row.remove("available")),
            avg_price: text(row.remove("avg_price")),
        };
        let offers_last_24h = self.rows(offers).await?.into_iter().map(line).collect();
        Ok(Summary { last_successful_run, error_count_last_24h, offers_last_24h })
    }
}
