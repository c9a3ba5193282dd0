//! Records become Arrow columns, directly from the page that they borrow from.

mod deliveries;
mod ops;
mod p2p;
mod payments;
mod rates;
mod trades;

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, ListBuilder,
        RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
    },
    error::ArrowError,
};
use cauce_model::{Market, RawId};
use chrono::{DateTime, Utc};
pub(crate) use deliveries::DeliveryRows;
pub(crate) use ops::{BatchRunRows, ErrorRows, QualityRows, QuarantineRows};
pub(crate) use p2p::{DepthRows, OfferRows};
pub(crate) use payments::PaymentEventRows;
pub(crate) use rates::RateRows;
pub(crate) use trades::{AccountResultRows, TradeRows};

use crate::{
    Table,
    schema::{list_item, ts},
};

/// Where rows come from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'r> {
    pub(crate) raw: &'r RawId,
    pub(crate) received_at: Option<DateTime<Utc>>,
}

/// The columns that every table ends with.
pub(crate) struct Lineage {
    raw_id: StringBuilder,
    raw_pos: Int32Builder,
    version: Int32Builder,
    received: TimestampMicrosecondBuilder,
}

impl Lineage {
    fn new() -> Self {
        Self {
            raw_id: StringBuilder::new(),
            raw_pos: Int32Builder::new(),
            version: Int32Builder::new(),
            received: times(),
        }
    }

    fn push(&mut self, origin: Origin<'_>, raw_pos: i32) {
        self.raw_id.append_value(origin.raw.as_str());
        self.raw_pos.append_value(raw_pos);
        self.version.append_value(cauce_normalize::VERSION);
        self.received.append_option(origin.received_at.map(micros));
    }

    fn finish(&mut self) -> [ArrayRef; 4] {
        [done(&mut self.raw_id), done(&mut self.raw_pos), done(&mut self.version), done(&mut self.received)]
    }
}

/// The columns of a market.
struct MarketColumns([StringBuilder; 4]);

impl MarketColumns {
    fn new() -> Self {
        Self(std::array::from_fn(|_| StringBuilder::new()))
    }

    fn push(&mut self, market: &Market) {
        let parts =
            [market.venue.as_str(), market.asset.as_str(), market.fiat.as_str(), market.trade_type.as_str()];
        for (column, part) in self.0.iter_mut().zip(parts) {
            column.append_value(part);
        }
    }

    fn finish(&mut self) -> [ArrayRef; 4] {
        self.0.each_mut().map(done)
    }
}

fn decimals(kind: arrow::datatypes::DataType) -> Decimal128Builder {
    Decimal128Builder::new().with_data_type(kind)
}

fn times() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_data_type(ts())
}

fn lists() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new()).with_field(list_item())
}

fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

fn done(builder: &mut impl arrow::array::ArrayBuilder) -> ArrayRef {
    builder.finish()
}

/// Puts columns together; their order is the schema's, which `RecordBatch` checks.
fn batch(table: Table, columns: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_new(table.schema(), columns)
}

/// Builders used by the tables of this folder, by what they hold.
mod kinds {
    pub(super) type Text = super::StringBuilder;
    pub(super) type Whole = super::Int32Builder;
    pub(super) type Long = super::Int64Builder;
    pub(super) type Share = super::Float64Builder;
    pub(super) type Flag = super::BooleanBuilder;
    pub(super) type Decimal = super::Decimal128Builder;
    pub(super) type Time = super::TimestampMicrosecondBuilder;
    pub(super) type Texts = super::ListBuilder<super::StringBuilder>;
}
