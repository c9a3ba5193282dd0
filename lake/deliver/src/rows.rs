//! Trades as they are delivered.

use arrow::{
    array::{Array, RecordBatch},
    datatypes::{Decimal128Type, Int32Type},
};
use cauce_model::{AccountId, Fill};
use cauce_tables::{Derived, PlannedFile, Planner, typed::Columns};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::DeliverError;

/// One trade, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// What it is known by there.
    pub(crate) trade_id: String,
    /// What tells it and all that is said of it.
    pub(crate) hash: String,
    /// What is sent.
    pub(crate) json: Value,
}

const TEXTS: [&str; 15] = [
    "broker",
    "trade_external_id",
    "order_id",
    "position_id",
    "symbol",
    "base",
    "quote",
    "side",
    "effect",
    "fee_asset",
    "pnl_currency",
    "source_time_zone",
    "market",
    "position_side",
    "broker_account",
];
const NUMBERS: [&str; 7] = ["quantity", "price", "multiplier", "fee", "swap", "taxes", "reported_pnl"];

/// Trades of an account's object that are wanted, in its order, so many at most; and whether these were all.
pub(crate) async fn of(
    planner: &Planner,
    account: &AccountId,
    file: &PlannedFile,
    is_wanted: impl Fn(&Row) -> bool,
    most: usize,
) -> Result<(Vec<Row>, bool), DeliverError> {
    let schema = Derived::FactTrades.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut rows = Vec::new();
    for batch in planner.read(file, &columns).await? {
        for row in 0..batch.num_rows() {
            // One at a time: as JSON all of an account may be gigabytes.
            let row = one(&batch, row, account)?;
            if !is_wanted(&row) {
                continue;
            }
            if rows.len() >= most {
                return Ok((rows, false));
            }
            rows.push(row);
        }
    }
    Ok((rows, true))
}

fn one(batch: &RecordBatch, row: usize, account: &AccountId) -> Result<Row, DeliverError> {
    let columns = Columns(batch);
    let mut json = Map::new();
    json.insert("account_id".to_owned(), json!(account));
    for name in TEXTS {
        let column = columns.text(name)?;
        json.insert(
            name.to_owned(),
            if column.is_null(row) { Value::Null } else { json!(column.value(row)) },
        );
    }
    for name in NUMBERS {
        let column = columns.primitive::<Decimal128Type>(name)?;
        // As text: readers of JSON make floating-point numbers of the others.
        let number =
            (!column.is_null(row)).then(|| Fill::of_units(column.value(row)).normalize().to_string());
        json.insert(name.to_owned(), json!(number));
    }
    let more = columns.text("more_fees")?;
    let more: Value = match more.is_null(row) {
        true => Value::Null,
        false => serde_json::from_str(more.value(row))?,
    };
    json.insert("more_fees".to_owned(), more);
    let at = columns.times("executed_at")?.value(row);
    let at = DateTime::from_timestamp_micros(at).unwrap_or_default();
    json.insert("executed_at".to_owned(), json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
    for name in ["is_inverse", "is_date_only"] {
        json.insert(name.to_owned(), json!(columns.flags(name)?.value(row)));
    }
    let occurrence = columns.primitive::<Int32Type>("occurrence")?.value(row);
    json.insert("occurrence".to_owned(), json!(occurrence));
    // What the same fill has whichever import told of it: ids and fees may come later.
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let symbol: String =
        text("symbol").chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    let identity = [
        account.to_string(),
        symbol,
        text("side"),
        text("quantity"),
        text("price"),
        at.timestamp().to_string(),
        occurrence.to_string(),
    ];
    let trade_id = hash(identity.join("\n").as_bytes());
    let mut whole = Map::new();
    whole.insert("trade_id".to_owned(), json!(trade_id));
    whole.extend(json);
    let json = Value::Object(whole);
    Ok(Row { trade_id, hash: hash(json.to_string().as_bytes()), json })
}

/// Enough of a hash that no two of a platform's trades share one.
pub(crate) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}
