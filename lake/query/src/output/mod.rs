//! Answers as text: one array of objects, a table for people, CSV.

mod format;
mod streaming;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Date32Type, Decimal128Type, Decimal256Type, Float64Type, Schema, TimeUnit},
    error::ArrowError,
    util::{display::ArrayFormatter, pretty::pretty_format_batches},
};
use chrono::{DateTime, SecondsFormat, TimeDelta};
pub use format::{BadFormat, EncodeError, Format};
use serde_json::{Map, Value};
pub use streaming::Streaming;

/// Rows as JSON objects, columns in their order. Decimals are strings, so that no reader rounds them; times are
/// RFC 3339 in UTC; lists are arrays.
pub fn json_rows(batches: &[RecordBatch]) -> Vec<Map<String, Value>> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let start = rows.len();
        rows.resize_with(start + batch.num_rows(), Map::new);
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            for (index, row) in rows[start..].iter_mut().enumerate() {
                row.insert(field.name().clone(), value(column.as_ref(), index));
            }
        }
    }
    rows
}

fn value(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Utf8View => column.as_string_view().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Decimal256(..) => column.as_primitive::<Decimal256Type>().value_as_string(row).into(),
        DataType::Date32 => {
            let days = TimeDelta::days(i64::from(column.as_primitive::<Date32Type>().value(row)));
            (chrono::NaiveDate::default() + days).to_string().into()
        }
        DataType::Timestamp(unit, zone) => time(column, row, *unit, zone.is_some()),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|index| value(items.as_ref(), index)).collect()
        }
        kind if kind.is_integer() => match shown(column, row).parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => shown(column, row).into(),
        },
        _ => shown(column, row).into(),
    }
}

fn shown(column: &dyn Array, row: usize) -> String {
    let formatter = ArrayFormatter::try_new(column, &Default::default());
    formatter.map(|formatter| formatter.value(row).to_string()).unwrap_or_default()
}

fn time(column: &dyn Array, row: usize, unit: TimeUnit, zoned: bool) -> Value {
    use arrow::datatypes::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    };
    let time = match unit {
        TimeUnit::Second => {
            DateTime::from_timestamp(column.as_primitive::<TimestampSecondType>().value(row), 0)
        }
        TimeUnit::Millisecond => {
            DateTime::from_timestamp_millis(column.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            DateTime::from_timestamp_micros(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            Some(DateTime::from_timestamp_nanos(column.as_primitive::<TimestampNanosecondType>().value(row)))
        }
    };
    let text = time.map(|time| match zoned {
        true => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        false => time.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
    });
    text.map_or(Value::Null, Value::String)
}

/// Rows as a table for people.
pub fn table(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    Ok(pretty_format_batches(batches)?.to_string())
}

/// Rows as CSV with a head. Lists are JSON in one field; null is an empty field.
pub fn csv(batches: &[RecordBatch]) -> Result<Vec<u8>, csv::Error> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let mut bytes = csv_head(&first.schema())?;
    for batch in batches {
        bytes.append(&mut csv_rows(batch)?);
    }
    Ok(bytes)
}

fn csv_head(schema: &Schema) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(schema.fields().iter().map(|field| field.name()))?;
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

fn csv_rows(batch: &RecordBatch) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in json_rows(std::slice::from_ref(batch)) {
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writer.write_record(row.values().map(cell))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}
