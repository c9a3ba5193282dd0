//! Named reports: what the API and the page show.

use cauce_model::{Asset, Fiat, RunId, TradeType, Venue};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Lake, QueryError, history::quoted, json_rows};

/// A row as JSON.
type Row = Map<String, Value>;

/// Which markets' newest snapshots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LatestQuery {
    /// One venue, or all.
    pub venue: Option<Venue>,
    /// One asset, or all.
    pub asset: Option<Asset>,
    /// One currency, or all.
    pub fiat: Option<Fiat>,
    /// One side, or both.
    pub trade_type: Option<TradeType>,
}

impl LatestQuery {
    fn conditions(&self, alias: &str) -> String {
        let conditions = [
            self.venue.as_ref().map(|venue| format!("{alias}.venue = {}", quoted(venue.as_str()))),
            self.asset.as_ref().map(|asset| format!("{alias}.crypto = {}", quoted(asset.as_str()))),
            self.fiat.as_ref().map(|fiat| format!("{alias}.fiat = {}", quoted(fiat.as_str()))),
            self.trade_type.map(|side| format!("{alias}.trade_type = {}", quoted(side.as_str()))),
        ];
        let given: Vec<String> = conditions.into_iter().flatten().collect();
        if given.is_empty() { "true".to_owned() } else { given.join(" AND ") }
    }
}

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

    /// Every market that has been seen, with its newest snapshot's time and size.
    pub async fn markets(&self) -> Result<Vec<Row>, QueryError> {
        self.rows(
            "SELECT venue, crypto AS asset, fiat, trade_type, min(extraction_timestamp) AS first_seen,
                    max(extraction_timestamp) AS last_seen, count(*) AS snapshots,
                    last_value(total_offers_count ORDER BY extraction_timestamp) AS offers
             FROM fact_market_depth GROUP BY venue, crypto, fiat, trade_type
             ORDER BY venue, crypto DESC, fiat, trade_type",
        )
        .await
    }

    /// Newest snapshots, at most 15 minutes old, each with its figures, its age and its offers in the venue's order.
    pub async fn latest(&self, query: &LatestQuery) -> Result<Vec<Row>, QueryError> {
        let snapshots = format!(
            "SELECT s.venue, s.crypto AS asset, s.fiat, s.trade_type, s.snapshot_id, s.batch_id,
                    s.extraction_timestamp AS taken_at,
                    CAST(extract(epoch FROM now() - s.extraction_timestamp) AS BIGINT) AS age_seconds,
                    s.total_offers_count, s.offers_announced, s.pages_announced, s.pages_received, s.is_complete,
                    s.total_available_volume, s.weighted_avg_price, s.median_price, s.min_price, s.max_price,
                    s.price_std_dev, s.top10_total_volume, s.top10_avg_price, s.merchant_best_price
             FROM latest_snapshots s WHERE {} ORDER BY s.venue, s.crypto DESC, s.fiat, s.trade_type",
            query.conditions("s"),
        );
        let offers = format!(
            "SELECT o.snapshot_id, o.rank, o.offer_external_id, o.advertiser_id, o.nickname, o.is_merchant, o.price,
                    o.available_amount, o.tradable_quantity, o.min_limit, o.max_limit, o.completion_rate,
                    o.positive_rate, o.total_orders_count, o.payment_time_limit_minutes, o.payment_methods,
                    o.terms_conditions, o.is_available, o.is_promoted
             FROM latest_market_state o WHERE {} ORDER BY o.snapshot_id, o.rank",
            query.conditions("o"),
        );
        let (mut snapshots, offers) = (self.rows(&snapshots).await?, self.rows(&offers).await?);
        for snapshot in &mut snapshots {
            let id = snapshot.get("snapshot_id").cloned();
            let mine = offers.iter().filter(|offer| offer.get("snapshot_id") == id.as_ref());
            let offers: Vec<Value> = mine.map(|offer| Value::Object(without(offer, "snapshot_id"))).collect();
            snapshot.insert("offers".to_owned(), Value::Array(offers));
        }
        Ok(snapshots)
    }

    /// Runs that have ended, newest first.
    pub async fn runs(&self, limit: u32) -> Result<Vec<Row>, QueryError> {
        self.rows(&format!("SELECT * FROM ops_batch_runs ORDER BY batch_start_time DESC LIMIT {limit}")).await
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

    /// When the newest snapshot of any market was taken.
    pub async fn newest_snapshot(&self) -> Result<Option<DateTime<Utc>>, QueryError> {
        let rows = self.rows("SELECT max(extraction_timestamp) AS newest FROM fact_market_depth").await?;
        let newest = rows.first().and_then(|row| row.get("newest")?.as_str());
        Ok(newest.and_then(|text| text.parse().ok()))
    }

    /// The monitoring summary.
    pub async fn summary(&self) -> Result<Summary, QueryError> {
        let last = "SELECT max(batch_end_time) AS at FROM ops_batch_runs WHERE status = 'completed'";
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

fn without(row: &Row, name: &str) -> Row {
    row.iter().filter(|(key, _)| *key != name).map(|(key, value)| (key.clone(), value.clone())).collect()
}
