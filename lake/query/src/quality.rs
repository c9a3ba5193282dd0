//! When each market was last heard of, and which fell silent.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{Lake, QueryError, history::literal, json_rows};

impl Lake {
    /// Markets whose newest snapshot is older than `freshness`: no check of a snapshot can say so, because there is no
    /// snapshot. Those that have been silent for a week are not asked for any more.
    pub async fn silent_markets(
        &self,
        freshness: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Vec<Map<String, Value>>, QueryError> {
        self.last_seen(now, now - freshness).await
    }

    /// Markets that the last week has heard of, with the time of their newest snapshot.
    pub async fn heard_of(&self, now: DateTime<Utc>) -> Result<Vec<Map<String, Value>>, QueryError> {
        self.last_seen(now, now + TimeDelta::days(1)).await
    }

    async fn last_seen(
        &self,
        now: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> Result<Vec<Map<String, Value>>, QueryError> {
        let sql = format!(
            "SELECT venue, crypto AS asset, fiat, trade_type, last_seen,
                    CAST(extract(epoch FROM {now} - last_seen) AS BIGINT) AS age_seconds
             FROM (SELECT venue, crypto, fiat, trade_type, max(extraction_timestamp) AS last_seen
                   FROM fact_market_depth WHERE extraction_timestamp >= {week}
                   GROUP BY venue, crypto, fiat, trade_type)
             WHERE last_seen < {before} ORDER BY last_seen",
            now = literal(now),
            week = literal(now - TimeDelta::days(7)),
            before = literal(before),
        );
        Ok(json_rows(&self.sql(&sql).await?))
    }
}
