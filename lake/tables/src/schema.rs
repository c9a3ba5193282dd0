//! Every table's columns. Columns are only ever added, at the end and nullable; integers are signed.

use std::{fmt, str::FromStr, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use cauce_model::{AMOUNT_PRECISION, AMOUNT_SCALE, BadValue, RATE_PRECISION, RATE_SCALE, RawId};
use cauce_normalize::{holds_answers, holds_events};
use cauce_protocols::rates;
use cauce_raw::kind;

/// An observation table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// One row per offer per snapshot.
    FactOffers,
    /// One row per snapshot.
    FactMarketDepth,
    /// One row per check per snapshot.
    OpsDataQuality,
    /// One row per record that broke a rule.
    Quarantine,
    /// One row per run that has ended.
    OpsBatchRuns,
    /// One row per request that failed.
    OpsExtractionErrors,
    /// One row per payment event observed.
    FactPaymentEvents,
    /// One row per day and currency that a source gave a rate of.
    FactFxRates,
    /// One row per fill, as each import gave it.
    TradeObservations,
    /// One row per account of an import.
    OpsAccountResults,
    /// One row per try to deliver a batch of trades.
    OpsDeliveries,
}

/// What run reports feed, in the order of writing.
const FED_BY_REPORTS: &[Table] = &[Table::Quarantine, Table::OpsExtractionErrors, Table::OpsBatchRuns];
/// What payment events feed, in the order of writing.
const FED_BY_EVENTS: &[Table] = &[Table::Quarantine, Table::FactPaymentEvents];
/// What rates of currencies feed, in the order of writing.
const FED_BY_RATES: &[Table] = &[Table::Quarantine, Table::FactFxRates];
/// What trades feed, in the order of writing.
const FED_BY_TRADES: &[Table] = &[Table::Quarantine, Table::TradeObservations];
/// What reports of imports feed, in the order of writing.
const FED_BY_IMPORTS: &[Table] = &[Table::Quarantine, Table::OpsAccountResults, Table::OpsBatchRuns];
/// What reports of deliveries feed, in the order of writing.
const FED_BY_DELIVERIES: &[Table] = &[Table::Quarantine, Table::OpsDeliveries, Table::OpsBatchRuns];
/// What everything else feeds, in the order of writing.
const FED_BY_PAGES: &[Table] =
    &[Table::Quarantine, Table::OpsDataQuality, Table::FactMarketDepth, Table::FactOffers];

mod trades;

pub(crate) use trades::{QUANTITY, fact_positions, fact_trade_stats, fact_trades};

/// `dec` of the data model.
pub(crate) const DEC: DataType = DataType::Decimal128(AMOUNT_PRECISION, AMOUNT_SCALE as i8);
/// `rate` of the data model.
pub(crate) const RATE: DataType = DataType::Decimal128(RATE_PRECISION, RATE_SCALE as i8);
/// A sum of `dec`.
pub(crate) const SUM: DataType = DataType::Decimal128(38, AMOUNT_SCALE as i8);
/// A sum of squares of `dec`.
pub(crate) const SUM_SQ: DataType = DataType::Decimal128(38, 2 * AMOUNT_SCALE as i8);

/// `ts` of the data model.
pub(crate) fn ts() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::FactOffers,
        Self::FactMarketDepth,
        Self::OpsDataQuality,
        Self::Quarantine,
        Self::OpsBatchRuns,
        Self::OpsExtractionErrors,
        Self::FactPaymentEvents,
        Self::FactFxRates,
        Self::TradeObservations,
        Self::OpsAccountResults,
        Self::OpsDeliveries,
    ];

    /// The table's name, as in folders and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::FactOffers => "fact_offers",
            Self::FactMarketDepth => "fact_market_depth",
            Self::OpsDataQuality => "ops_data_quality",
            Self::Quarantine => "quarantine",
            Self::OpsBatchRuns => "ops_batch_runs",
            Self::OpsExtractionErrors => "ops_extraction_errors",
            Self::FactPaymentEvents => "fact_payment_events",
            Self::FactFxRates => "fact_fx_rates",
            Self::TradeObservations => "trade_observations",
            Self::OpsAccountResults => "ops_account_results",
            Self::OpsDeliveries => "ops_deliveries",
        }
    }

    /// The tables that a raw object feeds. Each of them has a file that covers it, also where it gave no row. The
    /// last one is written last, so a raw object that it covers is covered everywhere.
    pub fn fed_by(raw: &RawId) -> &'static [Self] {
        match raw.kind() {
            kind::RUN_REPORT => FED_BY_REPORTS,
            kind::FORGED_EVENT => FED_BY_EVENTS,
            kind::TRADES => FED_BY_TRADES,
            kind::IMPORT_REPORT => FED_BY_IMPORTS,
            kind::DELIVERY_REPORT => FED_BY_DELIVERIES,
            _ if holds_events(raw) || holds_answers(raw) => FED_BY_EVENTS,
            _ if raw.source() == rates::SOURCE => FED_BY_RATES,
            _ => FED_BY_PAGES,
        }
    }

    /// Its place among the tables that an object feeds: the last of them is written last.
    pub fn written(self) -> usize {
        let fed = [
            FED_BY_REPORTS,
            FED_BY_IMPORTS,
            FED_BY_DELIVERIES,
            FED_BY_PAGES,
            FED_BY_EVENTS,
            FED_BY_RATES,
            FED_BY_TRADES,
        ];
        fed.iter().filter_map(|tables| tables.iter().position(|table| *table == self)).max().unwrap_or(0)
    }

    /// The columns of its files, without the partition column `date`.
    pub fn schema(self) -> SchemaRef {
        let mut fields = match self {
            Self::FactOffers => fact_offers(),
            Self::FactMarketDepth => fact_market_depth(),
            Self::OpsDataQuality => ops_data_quality(),
            Self::Quarantine => quarantine(),
            Self::OpsBatchRuns => ops_batch_runs(),
            Self::OpsExtractionErrors => ops_extraction_errors(),
            Self::FactPaymentEvents => fact_payment_events(),
            Self::FactFxRates => fact_fx_rates(),
            Self::TradeObservations => trades::observations(),
            Self::OpsAccountResults => trades::account_results(),
            Self::OpsDeliveries => trades::deliveries(),
        };
        fields.extend([
            required("raw_id", DataType::Utf8),
            required("raw_pos", DataType::Int32),
            required("normalizer_version", DataType::Int32),
            // When the lake had the raw object, by which `as of` asks. Rows of older versions don't say.
            optional("received_at", ts()),
        ]);
        Arc::new(Schema::new(fields))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|table| table.name() == text)
            .ok_or_else(|| BadValue::new("table", text, format!("is none of {}", names())))
    }
}

fn required(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn optional(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn market() -> [Field; 4] {
    ["venue", "crypto", "fiat", "trade_type"].map(|name| required(name, DataType::Utf8))
}

/// The list column's item, by the name that Parquet's own rules give it.
pub(crate) fn list_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

fn fact_offers() -> Vec<Field> {
    let mut fields = vec![
        optional("batch_id", DataType::Utf8),
        required("snapshot_id", DataType::Utf8),
        required("extraction_timestamp", ts()),
    ];
    fields.extend(market());
    fields.extend([
        required("maker_side", DataType::Utf8),
        required("offer_external_id", DataType::Utf8),
        required("advertiser_id", DataType::Utf8),
        required("advertiser_sk", DataType::Utf8),
        optional("nickname", DataType::Utf8),
        optional("user_grade", DataType::Int32),
        optional("registration_days", DataType::Int32),
        required("is_merchant", DataType::Boolean),
        required("price", DEC),
        optional("price_float_rate", RATE),
        required("available_amount", DEC),
        optional("tradable_quantity", DEC),
        required("min_limit", DEC),
        required("max_limit", DEC),
        optional("completion_rate", RATE),
        optional("positive_rate", RATE),
        optional("total_orders_count", DataType::Int32),
        optional("avg_response_time_seconds", DataType::Int32),
        optional("avg_completion_time_minutes", DataType::Int32),
        optional("payment_time_limit_minutes", DataType::Int32),
        required("payment_methods", DataType::List(list_item())),
        optional("terms_conditions", DataType::Utf8),
        required("is_available", DataType::Boolean),
        required("is_promoted", DataType::Boolean),
        required("rank", DataType::Int32),
    ]);
    fields
}

fn fact_market_depth() -> Vec<Field> {
    let mut fields = vec![
        optional("batch_id", DataType::Utf8),
        required("snapshot_id", DataType::Utf8),
        required("extraction_timestamp", ts()),
    ];
    fields.extend(market());
    fields.extend([
        required("total_offers_count", DataType::Int32),
        required("offers_announced", DataType::Int32),
        required("pages_announced", DataType::Int32),
        required("pages_received", DataType::Int32),
        required("is_complete", DataType::Boolean),
        required("total_available_volume", SUM),
        optional("weighted_avg_price", DEC),
        optional("median_price", DEC),
        optional("min_price", DEC),
        optional("max_price", DEC),
        optional("price_std_dev", DEC),
        required("sum_price", SUM),
        optional("sum_price_sq", SUM_SQ),
        required("top10_total_volume", SUM),
        optional("top10_avg_price", DEC),
        optional("merchant_best_price", DEC),
    ]);
    fields
}

fn ops_data_quality() -> Vec<Field> {
    let mut fields = vec![
        optional("batch_id", DataType::Utf8),
        required("snapshot_id", DataType::Utf8),
        required("check_timestamp", ts()),
    ];
    fields.extend(market());
    fields.extend([
        required("metric_name", DataType::Utf8),
        required("metric_value", DataType::Float64),
        required("threshold_value", DataType::Float64),
        required("passed", DataType::Boolean),
        required("details", DataType::Utf8),
    ]);
    fields
}

fn quarantine() -> Vec<Field> {
    vec![
        required("quarantined_at", ts()),
        required("source", DataType::Utf8),
        required("raw_key", DataType::Utf8),
        required("rule", DataType::Utf8),
        required("reason", DataType::Utf8),
        required("record", DataType::Utf8),
    ]
}

fn ops_batch_runs() -> Vec<Field> {
    vec![
        required("batch_id", DataType::Utf8),
        required("job", DataType::Utf8),
        required("batch_start_time", ts()),
        required("batch_end_time", ts()),
        required("status", DataType::Utf8),
        required("total_fiats_processed", DataType::Int32),
        required("total_markets", DataType::Int32),
        required("total_offers_extracted", DataType::Int64),
        required("total_offers_inserted", DataType::Int64),
        required("total_offers_updated", DataType::Int64),
        required("total_errors", DataType::Int32),
        required("error_summary", DataType::Utf8),
        required("execution_time_seconds", DataType::Float64),
        required("offers_announced", DataType::Int64),
        required("pages_announced", DataType::Int64),
        required("pages_received", DataType::Int64),
        required("markets_truncated", DataType::Int32),
        required("markets_empty", DataType::Int32),
        required("markets_failed", DataType::Int32),
        optional("trace_id", DataType::Utf8),
    ]
}

fn ops_extraction_errors() -> Vec<Field> {
    vec![
        required("batch_id", DataType::Utf8),
        required("error_timestamp", ts()),
        optional("venue", DataType::Utf8),
        optional("fiat_code", DataType::Utf8),
        optional("crypto_symbol", DataType::Utf8),
        optional("trade_type", DataType::Utf8),
        optional("page_number", DataType::Int32),
        optional("account_id", DataType::Utf8),
        required("error_type", DataType::Utf8),
        required("error_message", DataType::Utf8),
        required("retry_count", DataType::Int32),
        required("is_resolved", DataType::Boolean),
    ]
}

/// Ids, statuses and amounts of events; `received_at` stands among the columns that every table ends with.
fn fact_payment_events() -> Vec<Field> {
    vec![
        required("event_id", DataType::Utf8),
        required("provider", DataType::Utf8),
        optional("provider_event_id", DataType::Utf8),
        optional("provider_payment_id", DataType::Utf8),
        optional("provider_operation_id", DataType::Utf8),
        optional("provider_reference", DataType::Utf8),
        optional("merchant_id", DataType::Utf8),
        optional("merchant_name", DataType::Utf8),
        optional("country", DataType::Utf8),
        required("event_type", DataType::Utf8),
        required("status_category", DataType::Utf8),
        optional("failure_reason", DataType::Utf8),
        optional("provider_event_type", DataType::Utf8),
        required("provider_status", DataType::Utf8),
        optional("provider_code", DataType::Utf8),
        optional("provider_message", DataType::Utf8),
        optional("payment_method", DataType::Utf8),
        optional("card_brand", DataType::Utf8),
        optional("amount_minor", DataType::Int64),
        optional("currency", DataType::Utf8),
        optional("authorized_minor", DataType::Int64),
        optional("captured_minor", DataType::Int64),
        optional("refunded_minor", DataType::Int64),
        optional("disputed_minor", DataType::Int64),
        optional("occurred_at", ts()),
        optional("latency_ms", DataType::Int64),
        required("normalization_method", DataType::Utf8),
        required("confidence_score", RATE),
        required("signature", DataType::Utf8),
        required("identity", DataType::Utf8),
        required("metadata", DataType::Utf8),
        required("record", DataType::Int32),
        // Added later: rows of older versions don't say.
        optional("normalized_at", ts()),
        optional("attempts", DataType::Int32),
        optional("other_payment_ids", DataType::Utf8),
    ]
}

/// Units of a currency for one dollar of the United States.
fn fact_fx_rates() -> Vec<Field> {
    vec![
        required("rate_date", DataType::Date32),
        required("currency", DataType::Utf8),
        required("per_usd", DEC),
    ]
}

/// Payments: amounts in minor units of `currency`.
pub(crate) fn payments() -> Schema {
    Schema::new(vec![
        required("provider", DataType::Utf8),
        optional("provider_payment_id", DataType::Utf8),
        optional("provider_reference", DataType::Utf8),
        optional("merchant_id", DataType::Utf8),
        optional("country", DataType::Utf8),
        optional("payment_method", DataType::Utf8),
        optional("card_brand", DataType::Utf8),
        required("status_category", DataType::Utf8),
        optional("failure_reason", DataType::Utf8),
        optional("currency", DataType::Utf8),
        required("authorized_minor", DataType::Int64),
        required("captured_minor", DataType::Int64),
        required("refunded_minor", DataType::Int64),
        required("disputed_minor", DataType::Int64),
        required("first_event_at", ts()),
        required("last_event_at", ts()),
        required("events", DataType::Int32),
        optional("flags", DataType::Utf8),
        // Of the one event of a payment that has no id; and the day of the newest raw object with an event of it. Added
        // later, when the table came to have an object a day.
        optional("identity", DataType::Utf8),
        optional("last_day", DataType::Date32),
        // By commas: what else its events call it.
        optional("other_payment_ids", DataType::Utf8),
    ])
}

/// Versions of advertisers: each holds from its effective date until its expiration date, which it does not include.
pub(crate) fn dim_advertisers() -> Schema {
    Schema::new(vec![
        required("advertiser_sk", DataType::Utf8),
        required("venue", DataType::Utf8),
        required("advertiser_id", DataType::Utf8),
        optional("nickname", DataType::Utf8),
        required("is_merchant", DataType::Boolean),
        optional("registration_days", DataType::Int32),
        optional("user_grade", DataType::Int32),
        required("effective_date", ts()),
        optional("expiration_date", ts()),
        required("is_current", DataType::Boolean),
    ])
}

/// Changes of offers between snapshots of one market. `raw_id` and `raw_pos` are those of the snapshot in which the
/// change was seen.
pub(crate) fn fact_offer_changes() -> Schema {
    let mut fields = vec![
        required("snapshot_id", DataType::Utf8),
        required("changed_at", ts()),
        optional("previous_at", ts()),
    ];
    fields.extend(market());
    fields.extend([
        required("offer_external_id", DataType::Utf8),
        required("advertiser_id", DataType::Utf8),
        required("change", DataType::Utf8),
        optional("old_price", DEC),
        optional("new_price", DEC),
        optional("old_available_amount", DEC),
        optional("new_available_amount", DEC),
        required("raw_id", DataType::Utf8),
        required("raw_pos", DataType::Int32),
        required("normalizer_version", DataType::Int32),
    ]);
    Schema::new(fields)
}

/// The same columns as `ops_data_quality`.
pub(crate) fn ops_derived_quality() -> Schema {
    Table::OpsDataQuality.schema().as_ref().clone()
}
