//! The order of rows in every file, hot and sealed: by market and time where rows have them, and by raw object.
//!
//! All files have one order, so that files are merged by reading each from its beginning, whatever their size.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::{partition, take},
    error::ArrowError,
    row::{OwnedRow, RowConverter, SortField},
};

use crate::Table;

impl Table {
    /// The columns that rows are ordered by. Rows that agree in all of them stay in the order of their raw object.
    pub fn order(self) -> &'static [&'static str] {
        match self {
            Self::FactOffers | Self::FactMarketDepth => {
                &["venue", "crypto", "fiat", "trade_type", "extraction_timestamp", "raw_id"]
            }
            Self::OpsDataQuality => &["venue", "crypto", "fiat", "trade_type", "check_timestamp", "raw_id"],
            Self::FactPaymentEvents => &["provider", "raw_id"],
            Self::FactFxRates => &["rate_date", "raw_id"],
            Self::TradeObservations => &["account_id", "raw_id"],
            Self::OpsAccountResults
            | Self::OpsDeliveries
            | Self::Quarantine
            | Self::OpsBatchRuns
            | Self::OpsExtractionErrors => &["raw_id"],
        }
    }
}

impl Table {
    /// The columns that tell rows apart which agree in the columns of the order.
    pub fn identity(self) -> &'static [&'static str] {
        match self {
            Self::FactOffers => &["snapshot_id", "offer_external_id"],
            Self::FactMarketDepth => &["snapshot_id"],
            Self::OpsDataQuality => &["snapshot_id", "metric_name"],
            Self::Quarantine => &["raw_pos", "record"],
            Self::OpsBatchRuns => &["batch_id"],
            Self::FactPaymentEvents => &["event_id"],
            Self::FactFxRates => &["raw_pos", "currency"],
            Self::TradeObservations => &["raw_pos", "record", "part"],
            Self::OpsAccountResults => &["account_id"],
            Self::OpsDeliveries => &["delivery_id"],
            Self::OpsExtractionErrors => {
                &["error_timestamp", "venue", "fiat_code", "crypto_symbol", "trade_type", "page_number"]
            }
        }
    }
}

/// Rows that follow each other and agree in the columns of the order, so also in their raw object.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) key: OwnedRow,
    pub(crate) rows: Range<usize>,
    pub(crate) raw_id: String,
}

/// Takes batches of one table apart into runs.
#[derive(Debug)]
pub(crate) struct Runs {
    columns: &'static [&'static str],
    converter: RowConverter,
}

impl Runs {
    pub(crate) fn of(table: Table) -> Result<Self, ArrowError> {
        let schema = table.schema();
        let field = |name: &&str| Ok(SortField::new(schema.field_with_name(name)?.data_type().clone()));
        let fields = table.order().iter().map(field).collect::<Result<_, ArrowError>>()?;
        Ok(Self { columns: table.order(), converter: RowConverter::new(fields)? })
    }

    pub(crate) fn split(&self, batch: &RecordBatch) -> Result<Vec<Run>, ArrowError> {
        let column = |name: &&str| {
            let missing = || ArrowError::SchemaError(format!("column {name} is missing"));
            batch.column_by_name(name).map(Arc::clone).ok_or_else(missing)
        };
        let columns = self.columns.iter().map(column).collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let ranges = partition(&columns)?.ranges();
        let firsts: arrow::array::UInt64Array = ranges.iter().map(|range| range.start as u64).collect();
        let firsts = columns
            .iter()
            .map(|column| take(column, &firsts, None))
            .collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let keys = self.converter.convert_columns(&firsts)?;
        let raw_ids = firsts.last().and_then(|column| column.as_string_opt::<i32>());
        let raw_ids = raw_ids.ok_or_else(|| ArrowError::SchemaError("raw_id is not text".to_owned()))?;
        let run = |(index, rows)| {
            let raw_id = if raw_ids.is_null(index) { "" } else { raw_ids.value(index) };
            Run { key: keys.row(index).owned(), rows, raw_id: raw_id.to_owned() }
        };
        Ok(ranges.into_iter().enumerate().map(run).collect())
    }
}
