//! The export of the warehouse that Cauce replaces: offers and runs, as CSV with a head (`docs/legacy-import.md`).
//!
//! - One line is one offer of one batch, or one batch. The offers of one batch and market are one snapshot.
//! - Times are RFC 3339 or PostgreSQL's (`2024-05-01 10:00:03.12+00`); a time without a zone is UTC.
//! - Rates are shares from 0 to 1. Lists are JSON, PostgreSQL's `{a,b}`, or `a;b`.
//! - What the venue had announced was not kept by every version of the old system; where the export does not say
//!   (`offers_announced`), nobody knows whether a snapshot is complete.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use cauce_model::{
    Amount, BadValue, Market, Offer, Price, Rate, Rule, RunId, RunStatus, RunTotals, TradeType,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use csv::StringRecord;

use crate::{
    Drift,
    venues::{Page, PageReader, Record, Unreadable, rule_of},
};

/// The source of such files, in keys and in `raw_id`: their rows can be told from others by it.
pub const SOURCE: &str = "legacy_warehouse";

/// The job of its runs.
pub const JOB: &str = "legacy_p2p_scrape";

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A line per offer.
    Offers,
    /// A line per batch.
    Runs,
}

const OFFERS: [&str; 12] = [
    "batch_id",
    "extraction_timestamp",
    "venue",
    "crypto",
    "fiat",
    "trade_type",
    "offer_external_id",
    "advertiser_id",
    "price",
    "available_amount",
    "min_limit",
    "max_limit",
];
const OFFERS_ALSO: [&str; 16] = [
    "nickname",
    "user_grade",
    "registration_days",
    "is_merchant",
    "price_float_rate",
    "tradable_quantity",
    "completion_rate",
    "positive_rate",
    "total_orders_count",
    "avg_response_time_seconds",
    "avg_completion_time_minutes",
    "payment_time_limit_minutes",
    "payment_methods",
    "terms_conditions",
    "is_available",
    "offers_announced",
];
const RUNS: [&str; 4] = ["batch_id", "batch_start_time", "batch_end_time", "status"];
const RUNS_ALSO: [&str; 7] = [
    "total_fiats_processed",
    "total_markets",
    "total_offers_extracted",
    "total_offers_inserted",
    "total_offers_updated",
    "total_errors",
    "error_summary",
];

static KNOWN: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| OFFERS.iter().chain(&OFFERS_ALSO).chain(&RUNS).chain(&RUNS_ALSO).copied().collect());

impl Layout {
    /// Recognizes a file by its head.
    pub fn of(head: &StringRecord) -> Result<Self, BadValue> {
        let has = |name: &&str| head.iter().any(|column| column.trim() == *name);
        let missing = |names: &[&'static str]| names.iter().copied().find(|name| !has(name));
        match (missing(&OFFERS), missing(&RUNS)) {
            (None, _) => Ok(Self::Offers),
            (_, None) => Ok(Self::Runs),
            (Some(offers), Some(runs)) => {
                let head = head.iter().collect::<Vec<_>>().join(",");
                let reason = format!(
                    "is neither offers (no column {offers}) nor runs (no column {runs}); see docs/legacy-import.md"
                );
                Err(BadValue::new("head", &head, reason))
            }
        }
    }

    /// The name of the layout, as in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offers => "offers",
            Self::Runs => "runs",
        }
    }
}

/// A line with the names of its columns.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    head: &'r StringRecord,
    fields: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// A line under its head.
    pub fn new(head: &'r StringRecord, fields: &'r StringRecord) -> Self {
        Self { head, fields }
    }

    /// What stands in a column; none where there is nothing, or no such column.
    fn get(&self, name: &str) -> Option<&'r str> {
        let place = self.head.iter().position(|column| column.trim() == name)?;
        self.fields.get(place).map(str::trim).filter(|text| !text.is_empty() && *text != "\\N")
    }

    fn required(&self, name: &'static str) -> Result<&'r str, BadValue> {
        self.get(name).ok_or_else(|| BadValue::new(name, "", "is missing"))
    }

    /// The batch, as the old system named it.
    pub fn batch(&self) -> Result<&'r str, BadValue> {
        self.required("batch_id")
    }

    /// The market of an offer.
    pub fn market(&self) -> Result<Market, BadValue> {
        Ok(Market {
            venue: self.required("venue")?.parse()?,
            asset: self.required("crypto")?.parse()?,
            fiat: self.required("fiat")?.parse()?,
            trade_type: self.required("trade_type")?.parse()?,
        })
    }

    /// When an offer was seen, or a batch began: its day is the day that the rows are kept under.
    pub fn time(&self, layout: Layout) -> Result<DateTime<Utc>, BadValue> {
        match layout {
            Layout::Offers => time("extraction_timestamp", self.required("extraction_timestamp")?),
            Layout::Runs => time("batch_start_time", self.required("batch_start_time")?),
        }
    }
}

/// The id that a batch of the old system has in the lake: the same in offers and runs.
pub fn run_id(batch: &str) -> RunId {
    RunId::imported(SOURCE, batch)
}

fn time(field: &'static str, text: &str) -> Result<DateTime<Utc>, BadValue> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    // PostgreSQL writes +00 and +05:30.
    for format in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Ok(time.to_utc());
        }
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(time.and_utc());
        }
    }
    Err(BadValue::new(field, text, "is no time such as 2024-05-01 10:00:00+00"))
}

fn yes(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "t" | "true" | "1" | "yes" | "y")
}

fn list(text: &str) -> Vec<Cow<'static, str>> {
    if let Ok(items) = serde_json::from_str::<Vec<Option<String>>>(text) {
        return items.into_iter().flatten().map(Cow::Owned).collect();
    }
    let (inner, separator) = match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(inner) => (inner, b','),
        None => (text, b';'),
    };
    // PostgreSQL quotes items as CSV does.
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .escape(Some(b'\\'))
        .from_reader(inner.as_bytes());
    let first = reader.records().next().and_then(Result::ok).unwrap_or_default();
    first
        .iter()
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| Cow::Owned(item.to_owned()))
        .collect()
}

/// Reads bodies of offers.
#[derive(Debug)]
pub struct Offers;

impl PageReader for Offers {
    fn page_size(&self) -> u32 {
        // A snapshot is one body, whatever its size.
        u32::MAX
    }

    fn read<'a>(&self, body: &'a [u8], drift: &mut Drift) -> Result<Page<'a>, Unreadable> {
        let (head, lines) = lines(body)?;
        for column in head.iter().filter(|column| !KNOWN.contains(column.trim())) {
            drift.unknown(column.trim().to_owned(), 1);
        }
        let mut announced = None;
        let mut records = Vec::with_capacity(lines.len());
        for (fields, text) in &lines {
            let row = Row::new(&head, fields);
            announced = announced.max(row.get("offers_announced").and_then(|text| text.parse().ok()));
            records.push(match offer(&row) {
                Ok((asset, fiat, offer)) => Record::Offer { asset, fiat, offer },
                Err((rule, reason)) => Record::Reject { rule, reason, record: Cow::Owned(text.clone()) },
            });
        }
        Ok(Page { announced, records })
    }

    fn verbatim<'a>(&self, body: &'a [u8], index: usize) -> Cow<'a, str> {
        let found = lines(body)
            .ok()
            .and_then(|(_, mut lines)| (index < lines.len()).then(|| lines.swap_remove(index).1));
        Cow::Owned(found.unwrap_or_default())
    }

    fn knows_completeness(&self) -> bool {
        false
    }
}

/// The head of a body, and its lines with their text.
type Lines = (StringRecord, Vec<(StringRecord, String)>);

fn lines(body: &[u8]) -> Result<Lines, Unreadable> {
    let unreadable = |error: csv::Error| Unreadable { rule: Rule::UnknownShape, reason: error.to_string() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body);
    let head = reader.headers().map_err(unreadable)?.clone();
    let mut lines = Vec::new();
    let mut start = usize::try_from(reader.position().byte()).unwrap_or(0);
    let mut fields = StringRecord::new();
    while reader.read_record(&mut fields).map_err(unreadable)? {
        let end = usize::try_from(reader.position().byte()).unwrap_or(body.len()).min(body.len());
        let text = String::from_utf8_lossy(body.get(start..end).unwrap_or_default()).trim_end().to_owned();
        lines.push((fields.clone(), text));
        start = end;
    }
    Ok((head, lines))
}

type Broken = (Rule, String);

fn offer(row: &Row<'_>) -> Result<(Cow<'static, str>, Cow<'static, str>, Offer<'static>), Broken> {
    let owned = |text: &str| Cow::Owned(text.to_owned());
    let required = |name| row.required(name).map_err(|error| (Rule::MissingField, error.to_string()));
    let id = |name| row.required(name).map_err(|error| (Rule::MissingId, error.to_string()));
    let amount = |name| {
        let text = required(name)?;
        Amount::parse(name, text).map_err(|error| (rule_of(text, Rule::NegativeAmount), error.to_string()))
    };
    let whole = |name| row.get(name).and_then(|text| text.parse().ok());
    let rate = |name| row.get(name).and_then(|text| Rate::parse(name, text).ok());
    let trade_type: TradeType =
        required("trade_type")?.parse().map_err(|error: BadValue| (Rule::UnknownSide, error.to_string()))?;
    let price = required("price")?;
    let price = Price::parse("price", price)
        .map_err(|error| (rule_of(price, Rule::PriceNotPositive), error.to_string()))?;
    let (min_limit, max_limit) = (amount("min_limit")?, amount("max_limit")?);
    if min_limit > max_limit {
        return Err((Rule::MinAboveMax, format!("min_limit {min_limit} > max_limit {max_limit}")));
    }
    let offer = Offer {
        raw_pos: 0,
        rank: 0,
        id: owned(id("offer_external_id")?),
        maker_side: trade_type.maker(),
        advertiser_id: owned(id("advertiser_id")?),
        nickname: row.get("nickname").map(owned),
        user_grade: whole("user_grade"),
        registration_days: whole("registration_days"),
        is_merchant: row.get("is_merchant").is_some_and(yes),
        price,
        price_float_rate: rate("price_float_rate"),
        available: amount("available_amount")?,
        tradable: row.get("tradable_quantity").and_then(|text| Amount::parse("tradable_quantity", text).ok()),
        min_limit,
        max_limit,
        completion_rate: rate("completion_rate"),
        positive_rate: rate("positive_rate"),
        orders_count: whole("total_orders_count"),
        avg_response_time_seconds: whole("avg_response_time_seconds"),
        avg_completion_time_minutes: whole("avg_completion_time_minutes"),
        payment_time_limit_minutes: whole("payment_time_limit_minutes"),
        payment_methods: row.get("payment_methods").map(list).unwrap_or_default(),
        terms: row.get("terms_conditions").map(owned),
        is_available: row.get("is_available").is_none_or(yes),
        is_promoted: false,
    };
    Ok((owned(required("crypto")?), owned(required("fiat")?), offer))
}

/// A batch of a body of runs, or what is wrong with its line.
pub type ReadRun = Result<RunTotals, (Rule, String, String)>;

/// Reads a body of runs.
pub fn runs(body: &[u8]) -> Result<Vec<ReadRun>, Unreadable> {
    let (head, lines) = lines(body)?;
    let one = |(fields, text): &(StringRecord, String)| {
        run(&Row::new(&head, fields)).map_err(|error| (Rule::UnknownShape, error.to_string(), text.clone()))
    };
    Ok(lines.iter().map(one).collect())
}

fn run(row: &Row<'_>) -> Result<RunTotals, BadValue> {
    let started_at = row.time(Layout::Runs)?;
    let ended_at = time("batch_end_time", row.required("batch_end_time")?)?;
    let status = row.required("status")?.to_ascii_lowercase();
    let count = |name: &'static str| match row.get(name) {
        None => Ok(0),
        Some(text) => text.parse::<i64>().map_err(|error| BadValue::new(name, text, error.to_string())),
    };
    let extracted = count("total_offers_extracted")?;
    Ok(RunTotals {
        run_id: run_id(row.batch()?),
        job: JOB.to_owned(),
        started_at,
        ended_at,
        status: match status.as_str() {
            "success" | "succeeded" => RunStatus::Completed,
            "error" => RunStatus::Failed,
            other => other.parse::<RunStatus>()?,
        },
        fiats: count("total_fiats_processed")?,
        markets: count("total_markets")?,
        offers_extracted: extracted,
        offers_inserted: row
            .get("total_offers_inserted")
            .map_or(Ok(extracted), |_| count("total_offers_inserted"))?,
        offers_updated: count("total_offers_updated")?,
        errors: count("total_errors")?,
        // Whatever the old system wrote, it stands in a column of JSON.
        error_summary: match row.get("error_summary") {
            None => "{}".to_owned(),
            Some(text) if serde_json::from_str::<serde_json::Value>(text).is_ok() => text.to_owned(),
            Some(text) => serde_json::json!({ "text": text }).to_string(),
        },
        offers_announced: 0,
        pages_announced: 0,
        pages_received: 0,
        markets_truncated: 0,
        markets_empty: 0,
        markets_failed: 0,
        trace_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_postgres_and_of_rfc_3339() {
        let expected: DateTime<Utc> = "2024-05-01T10:00:03.120Z".parse().unwrap();
        for text in [
            "2024-05-01T10:00:03.12Z",
            "2024-05-01 10:00:03.12+00",
            "2024-05-01 10:00:03.12",
            "2024-05-01 06:00:03.12-04",
            "2024-05-01 15:30:03.12+05:30",
        ] {
            assert_eq!(time("t", text).unwrap(), expected, "{text}");
        }
        assert!(time("t", "01/05/2024").is_err());
    }

    #[test]
    fn lists_in_three_writings() {
        for text in [r#"["Banesco","Pago Movil"]"#, r#"{Banesco,"Pago Movil"}"#, "Banesco; Pago Movil"] {
            assert_eq!(list(text), ["Banesco", "Pago Movil"], "{text}");
        }
        assert!(list("{}").is_empty());
    }

    #[test]
    fn an_unknown_head_is_refused_with_what_is_missing() {
        let head = StringRecord::from(vec!["batch_id", "price"]);
        let error = Layout::of(&head).unwrap_err().to_string();
        assert!(error.contains("extraction_timestamp") && error.contains("batch_start_time"), "{error}");
    }
}
