//! Rows in the formats that people take them away in.

use std::{io::Write, str::FromStr, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, RecordBatch},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    ipc::writer::StreamWriter,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};
use thiserror::Error;

use super::{csv, json_rows};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One array of objects; decimals as text.
    Json,
    /// An object on every line.
    Ndjson,
    /// A head, then a line per row.
    Csv,
    /// A file of Parquet.
    Parquet,
    /// A stream of Arrow's IPC.
    Arrow,
}

/// A name of no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is no format; there are json, ndjson, csv, parquet and arrow")]
pub struct BadFormat {
    text: String,
}

/// Rows that could not be written.
#[derive(Debug, Error)]
#[error(transparent)]
pub enum EncodeError {
    /// As Arrow.
    Arrow(#[from] ArrowError),
    /// As Parquet.
    Parquet(#[from] ParquetError),
    /// As CSV.
    Csv(#[from] csv::Error),
    /// As JSON.
    Json(#[from] serde_json::Error),
    /// Into memory, which has no errors of its own.
    Write(#[from] std::io::Error),
}

impl Format {
    /// All of them; the first is what one gets without asking.
    pub const ALL: [Self; 5] = [Self::Json, Self::Ndjson, Self::Csv, Self::Parquet, Self::Arrow];

    /// The name, which is also the extension of a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The media type as a header says it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            format => format.media_type(),
        }
    }

    /// Rows in this format. Batches of one answer have one schema; an answer without rows has its columns all the same.
    pub fn encode(self, batches: &[RecordBatch]) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        match self {
            Self::Json => serde_json::to_writer(&mut bytes, &json_rows(batches))?,
            Self::Ndjson => {
                for batch in batches {
                    for row in json_rows(std::slice::from_ref(batch)) {
                        serde_json::to_writer(&mut bytes, &row)?;
                        bytes.write_all(b"\n")?;
                    }
                }
            }
            Self::Csv => bytes = csv(batches)?,
            Self::Parquet => {
                let batches = plain(batches)?;
                if let Some(first) = batches.first() {
                    let mut writer =
                        ArrowWriter::try_new(&mut bytes, first.schema(), Some(parquet_properties()))?;
                    batches.iter().try_for_each(|batch| writer.write(batch))?;
                    writer.close()?;
                }
            }
            Self::Arrow => {
                let batches = plain(batches)?;
                if let Some(first) = batches.first() {
                    let mut writer = StreamWriter::try_new(&mut bytes, &first.schema())?;
                    batches.iter().try_for_each(|batch| writer.write(batch))?;
                    writer.finish()?;
                }
            }
        }
        Ok(bytes)
    }
}

impl FromStr for Format {
    type Err = BadFormat;

    fn from_str(text: &str) -> Result<Self, BadFormat> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| BadFormat { text: text.to_owned() })
    }
}

/// How Parquet is written.
pub(super) fn parquet_properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build()
}

/// The columns of rows that are not all known yet: text not as views; decimals as they are where they are wide.
pub(super) fn plain_schema(schema: &Schema) -> Schema {
    let kind = |kind: &DataType| match kind {
        DataType::Decimal256(..) => kind.clone(),
        other => narrower(other),
    };
    let field = |field: &arrow::datatypes::FieldRef| {
        Field::new(field.name(), kind(field.data_type()), field.is_nullable())
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

/// Rows with these columns.
pub(super) fn narrow_columns(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = Arc::new(plain_schema(&batch.schema()));
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| converted(column, field.data_type()));
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns)
}

/// Columns in types that every reader knows: text not as views, decimals of 128 bits where their values fit (DuckDB and
/// Spark read no wider ones).
fn plain(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let kinds: Vec<DataType> = (0..first.num_columns())
        .map(|column| {
            let kind = first.column(column).data_type();
            let narrow = narrower(kind);
            let fits = |batch: &RecordBatch| converted(batch.column(column), &narrow).is_ok();
            if batches.iter().all(fits) { narrow } else { kind.clone() }
        })
        .collect();
    let fields: Vec<Field> = (first.schema_ref().fields().iter().zip(&kinds))
        .map(|(field, kind)| Field::new(field.name(), kind.clone(), field.is_nullable()))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let of = |batch: &RecordBatch| {
        let columns = batch.columns().iter().zip(&kinds).map(|(column, kind)| converted(column, kind));
        RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)
    };
    batches.iter().map(of).collect()
}

fn narrower(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Decimal256(_, scale) => DataType::Decimal128(38, *scale),
        DataType::List(item) => {
            let item = Field::new(item.name(), narrower(item.data_type()), item.is_nullable());
            DataType::List(Arc::new(item))
        }
        other => other.clone(),
    }
}

/// An error where a value does not fit, and never a null in its place.
fn converted(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == kind {
        return Ok(Arc::clone(column));
    }
    cast_with_options(column, kind, &CastOptions { safe: false, ..CastOptions::default() })
}
