//! Long lists, page by page: changes of offers, advertisers, checks, runs, errors.

use cauce_model::RunStatus;
use cauce_tables::{Days, Derived, Table};
use chrono::{DateTime, Utc};

use super::Markets;
use crate::{
    Lake, Page, Paged, QueryError, Reads,
    history::{literal, quoted},
    keyset::{self, Key},
};

/// A question for a long list: it can say what it reads, and the rows.
pub trait List: std::fmt::Debug + Send + Sync {
    /// What the answer is made from.
    fn reads(&self) -> Vec<Reads>;

    #[doc(hidden)]
    fn rows(&self) -> String;

    #[doc(hidden)]
    fn keys(&self) -> &'static [KeyOf];
}

/// A column that a list is ordered by.
#[derive(Debug, Clone, Copy)]
pub struct KeyOf(pub(super) Key);

pub(super) const fn newest(name: &'static str) -> KeyOf {
    KeyOf(Key::newest(name))
}

pub(super) const fn text(name: &'static str) -> KeyOf {
    KeyOf(Key::text(name))
}

impl Lake {
    /// One page of a list.
    pub async fn list(&self, list: &dyn List, page: &Page) -> Result<Paged, QueryError> {
        let keys: Vec<Key> = list.keys().iter().map(|key| key.0).collect();
        let sql = keyset::query(&list.rows(), &keys, page)?;
        Ok(keyset::page(self.sql(&sql).await?, &keys, page.limit))
    }
}

/// From a moment on, before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// From this moment on.
    pub since: DateTime<Utc>,
    /// Before this moment.
    pub until: DateTime<Utc>,
}

impl Period {
    pub(super) fn condition(&self, column: &str) -> String {
        format!("{column} >= {} AND {column} < {}", literal(self.since), literal(self.until))
    }

    /// The days of what happened in it.
    pub fn days(&self) -> Days {
        Days { first: Some(self.since.date_naive()), last: Some(self.until.date_naive()) }
    }
}

/// What happened to offers, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferChanges {
    /// Of these markets.
    pub markets: Markets,
    /// When.
    pub period: Period,
    /// `appeared`, `repriced`, `resized` or `vanished`; none for all.
    pub change: Option<String>,
    /// Of one offer.
    pub offer_external_id: Option<String>,
    /// Of one advertiser.
    pub advertiser_id: Option<String>,
}

impl List for OfferChanges {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Derived(Derived::FactOfferChanges, self.period.days())]
    }

    fn rows(&self) -> String {
        let mut conditions = vec![self.period.condition("changed_at"), self.markets.conditions()];
        conditions.extend(self.change.as_ref().map(|change| format!("change = {}", quoted(change))));
        conditions
            .extend(self.offer_external_id.as_ref().map(|id| format!("offer_external_id = {}", quoted(id))));
        conditions.extend(self.advertiser_id.as_ref().map(|id| format!("advertiser_id = {}", quoted(id))));
        format!(
            "SELECT changed_at, previous_at, venue, crypto AS asset, fiat, trade_type, offer_external_id, advertiser_id,
                    change, old_price, new_price, old_available_amount, new_available_amount, snapshot_id, raw_id,
                    raw_pos
             FROM fact_offer_changes WHERE {}",
            conditions.join(" AND ")
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("changed_at"), text("snapshot_id"), text("offer_external_id"), text("change")] }
    }
}

/// Snapshots of markets, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshots {
    /// Of these markets.
    pub markets: Markets,
    /// When.
    pub period: Period,
}

impl List for Snapshots {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Observed(Table::FactMarketDepth, self.period.days())]
    }

    fn rows(&self) -> String {
        format!(
            "SELECT extraction_timestamp AS taken_at, venue, crypto AS asset, fiat, trade_type, total_offers_count,
                    offers_announced, is_complete, total_available_volume, weighted_avg_price, median_price, min_price,
                    max_price, snapshot_id, batch_id, raw_id, raw_pos
             FROM fact_market_depth WHERE {} AND {}",
            self.period.condition("extraction_timestamp"),
            self.markets.conditions()
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("taken_at"), text("snapshot_id")] }
    }
}

/// Advertisers, as they are now or in all their versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisers {
    /// Of one venue.
    pub venue: Option<cauce_model::Venue>,
    /// One advertiser.
    pub advertiser_id: Option<String>,
    /// Those whose nickname contains this text, in any case.
    pub nickname: Option<String>,
    /// Merchants only.
    pub merchants_only: bool,
    /// Only what is true now, and not what was.
    pub current_only: bool,
}

impl List for Advertisers {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Derived(Derived::DimAdvertisers, Days::ALL)]
    }

    fn rows(&self) -> String {
        let conditions = [
            self.venue.as_ref().map(|venue| format!("venue = {}", quoted(venue.as_str()))),
            self.advertiser_id.as_ref().map(|id| format!("advertiser_id = {}", quoted(id))),
            // By position and not by LIKE, so that no character of the text means something.
            self.nickname
                .as_ref()
                .map(|text| format!("strpos(lower(nickname), lower({})) > 0", quoted(text))),
            self.merchants_only.then(|| "is_merchant".to_owned()),
            self.current_only.then(|| "is_current".to_owned()),
        ];
        let conditions: Vec<String> = conditions.into_iter().flatten().collect();
        format!(
            "SELECT venue, advertiser_id, effective_date, expiration_date, is_current, nickname, is_merchant,
                    registration_days, user_grade, advertiser_sk
             FROM dim_advertisers WHERE {}",
            if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") }
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[text("venue"), text("advertiser_id"), newest("effective_date")] }
    }
}

/// Requests that failed, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    /// Of these markets.
    pub markets: Markets,
    /// When.
    pub period: Period,
    /// Only those that a later try mended, or only those that none did.
    pub resolved: Option<bool>,
}

impl List for Errors {
    fn reads(&self) -> Vec<Reads> {
        // A run that began on the day before may have had them.
        let days = Days { first: self.period.since.date_naive().pred_opt(), ..self.period.days() };
        vec![Reads::Observed(Table::OpsExtractionErrors, days)]
    }

    fn rows(&self) -> String {
        let mut conditions = vec![self.period.condition("error_timestamp")];
        conditions
            .extend(self.period.since.date_naive().pred_opt().map(|day| format!("date >= DATE '{day}'")));
        conditions.extend(self.resolved.map(|resolved| format!("is_resolved = {resolved}")));
        format!(
            "SELECT error_timestamp, venue, crypto AS asset, fiat, trade_type, page_number, error_type, error_message,
                    retry_count, is_resolved, batch_id, raw_id, raw_pos
             FROM (SELECT *, crypto_symbol AS crypto, fiat_code AS fiat FROM ops_extraction_errors WHERE {})
             WHERE {}",
            conditions.join(" AND "),
            self.markets.conditions(),
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const {
            &[
                newest("error_timestamp"),
                text("raw_id"),
                KeyOf(Key::text("asset").or("''")),
                KeyOf(Key::text("fiat").or("''")),
                KeyOf(Key::text("trade_type").or("''")),
                KeyOf(Key::text("page_number").number().or("-1")),
                KeyOf(Key::text("retry_count").number()),
            ]
        }
    }
}

/// Payment events, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvents {
    /// When they happened, or else were received.
    pub period: Period,
    /// Of one provider.
    pub provider: Option<String>,
    /// Of one status.
    pub status: Option<String>,
    /// Of one payment, by the provider's id of it.
    pub payment_id: Option<String>,
    /// With this reference of the merchant.
    pub reference: Option<String>,
}

impl List for PaymentEvents {
    fn reads(&self) -> Vec<Reads> {
        // They were not obtained before they happened, but for clocks that disagree.
        let days = Days { first: self.period.since.date_naive().pred_opt(), last: None };
        vec![Reads::Observed(Table::FactPaymentEvents, days), Reads::Observed(Table::FactFxRates, Days::ALL)]
    }

    fn rows(&self) -> String {
        let mut conditions = vec![self.period.condition("coalesce(occurred_at, received_at)")];
        conditions
            .extend(self.period.since.date_naive().pred_opt().map(|day| format!("date >= DATE '{day}'")));
        let named = [
            ("provider", &self.provider),
            ("status_category", &self.status),
            ("provider_payment_id", &self.payment_id),
            ("provider_reference", &self.reference),
        ];
        for (column, wanted) in named {
            conditions.extend(wanted.as_ref().map(|value| format!("{column} = {}", quoted(value))));
        }
        format!(
            "SELECT coalesce(occurred_at, received_at) AS happened_at, event_id, provider, provider_payment_id,
                    provider_reference, event_type, status_category, failure_reason, provider_status, provider_code,
                    provider_message, payment_method, country, merchant_id, amount_minor, currency, amount_usd,
                    normalization_method, confidence_score, signature, received_at
             FROM payment_events WHERE {}",
            conditions.join(" AND ")
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("happened_at"), text("event_id")] }
    }
}

/// Runs that have ended, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    /// Those that started from this moment on.
    pub since: Option<DateTime<Utc>>,
    /// How they ended; none for all.
    pub status: Option<RunStatus>,
}

impl List for Runs {
    fn reads(&self) -> Vec<Reads> {
        let days = Days { first: self.since.map(|since| since.date_naive()), last: None };
        vec![Reads::Observed(Table::OpsBatchRuns, days)]
    }

    fn rows(&self) -> String {
        let since = self.since.map(|since| format!("batch_start_time >= {}", literal(since)));
        let status = self.status.map(|status| format!("status = {}", quoted(status.as_str())));
        let conditions: Vec<String> = [since, status].into_iter().flatten().collect();
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        format!(
            "SELECT batch_id, job, batch_start_time, batch_end_time, status, total_markets, total_fiats_processed,
                    total_offers_extracted, total_offers_inserted, total_offers_updated, total_errors, error_summary,
                    execution_time_seconds, offers_announced, pages_announced, pages_received, markets_truncated,
                    markets_empty, markets_failed, trace_id, raw_id, raw_pos
             FROM ops_batch_runs WHERE {conditions}"
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("batch_start_time"), text("batch_id")] }
    }
}

/// Checks of snapshots, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// Of these markets.
    pub markets: Markets,
    /// When.
    pub period: Period,
    /// Only those that passed, or only those that did not.
    pub passed: Option<bool>,
    /// One metric, such as `price_anomaly`.
    pub metric: Option<String>,
}

impl List for Checks {
    fn reads(&self) -> Vec<Reads> {
        let days = self.period.days();
        vec![Reads::Observed(Table::OpsDataQuality, days), Reads::Derived(Derived::OpsDerivedQuality, days)]
    }

    fn rows(&self) -> String {
        let mut conditions = vec![self.period.condition("check_timestamp"), self.markets.conditions()];
        conditions.extend(self.passed.map(|passed| format!("passed = {passed}")));
        conditions.extend(self.metric.as_ref().map(|metric| format!("metric_name = {}", quoted(metric))));
        format!(
            "SELECT check_timestamp, venue, crypto AS asset, fiat, trade_type, metric_name, metric_value,
                    threshold_value, passed, details, snapshot_id, batch_id, raw_id
             FROM ops_data_quality WHERE {}",
            conditions.join(" AND ")
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("check_timestamp"), text("snapshot_id"), text("metric_name")] }
    }
}
