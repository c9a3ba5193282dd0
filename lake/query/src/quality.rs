//! What the checks say: those that failed, and the markets that fell silent.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{
    Lake, QueryError,
    history::{literal, quoted},
    json_rows,
};

/// Which checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityQuery {
    /// From this moment on.
    pub since: DateTime<Utc>,
    /// Only those that passed, or only those that did not.
    pub passed: Option<bool>,
    /// One metric, such as `price_anomaly`.
    pub metric: Option<String>,
    /// Rows at most.
    pub limit: u32,
}

impl Lake {
    /// Checks, newest first.
    pub async fn checks(&self, query: &QualityQuery) -> Result<Vec<Map<String, Value>>, QueryError> {
        let mut conditions = vec![format!("check_timestamp >= {}", literal(query.since))];
        conditions.extend(query.passed.map(|passed| format!("passed = {passed}")));
        conditions.extend(query.metric.as_ref().map(|metric| format!("metric_name = {}", quoted(metric))));
        let sql = format!(
            "SELECT check_timestamp, venue, crypto AS asset, fiat, trade_type, metric_name, metric_value,
                    threshold_value, passed, details, snapshot_id, batch_id, raw_id
             FROM ops_data_quality WHERE {}
             ORDER BY check_timestamp DESC, venue, crypto, fiat, trade_type, metric_name LIMIT {}",
            conditions.join(" AND "),
            query.limit,
        );
        let mut rows = json_rows(&self.sql(&sql).await?);
        for row in &mut rows {
            // JSON in a column is JSON in the answer.
            if let Some(details) = row.get_mut("details")
                && let Some(parsed) = details.as_str().and_then(|text| serde_json::from_str(text).ok())
            {
                *details = parsed;
            }
        }
        Ok(rows)
    }

    /// Markets whose newest snapshot is older than `freshness`: no check of a snapshot can say so, because there is no
    /// snapshot. Those that have been silent for a week are not asked for any more.
    pub async fn silent_markets(
        &self,
        freshness: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Vec<Map<String, Value>>, QueryError> {
        let sql = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, last_seen,
                    CAST(extract(epoch FROM {now} - last_seen) AS BIGINT) AS age_seconds
             FROM (SELECT venue, crypto, fiat, trade_type, max(extraction_timestamp) AS last_seen
                   FROM fact_market_depth WHERE extraction_timestamp >= {week}
                   GROUP BY venue, crypto, fiat, trade_type)
             WHERE last_seen < {bound} ORDER BY last_seen",
            now = literal(now),
            week = literal(now - TimeDelta::days(7)),
            bound = literal(now - freshness),
        );
        Ok(json_rows(&self.sql(&sql).await?))
    }
}
