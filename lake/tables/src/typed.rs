//! Columns of a batch by name and type: what was read, or an error that names the column.

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray},
    datatypes::{ArrowPrimitiveType, Decimal128Type, Int32Type, TimestampMicrosecondType},
    error::ArrowError,
};

/// Columns of one batch.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'b>(pub &'b RecordBatch);

impl<'b> Columns<'b> {
    fn of(&self, name: &str) -> Result<&'b ArrayRef, ArrowError> {
        self.0.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
    }

    fn other_type(name: &str) -> ArrowError {
        ArrowError::SchemaError(format!("column {name} is of another type"))
    }

    /// Numbers and times.
    pub fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'b PrimitiveArray<T>, ArrowError> {
        self.of(name)?.as_primitive_opt::<T>().ok_or_else(|| Self::other_type(name))
    }

    /// Text.
    pub fn text(&self, name: &str) -> Result<&'b StringArray, ArrowError> {
        self.of(name)?.as_string_opt().ok_or_else(|| Self::other_type(name))
    }

    /// Decimals, in units of their last digit.
    pub fn decimals(&self, name: &str) -> Result<&'b PrimitiveArray<Decimal128Type>, ArrowError> {
        self.primitive(name)
    }

    /// Whole numbers.
    pub fn whole(&self, name: &str) -> Result<&'b PrimitiveArray<Int32Type>, ArrowError> {
        self.primitive(name)
    }

    /// Times in microseconds since 1970.
    pub fn times(&self, name: &str) -> Result<&'b PrimitiveArray<TimestampMicrosecondType>, ArrowError> {
        self.primitive(name)
    }

    /// Venue, asset, currency and side.
    pub fn market(&self) -> Result<[&'b StringArray; 4], ArrowError> {
        Ok([self.text("venue")?, self.text("crypto")?, self.text("fiat")?, self.text("trade_type")?])
    }

    /// Yes or no.
    pub fn flags(&self, name: &str) -> Result<&'b BooleanArray, ArrowError> {
        self.of(name)?.as_boolean_opt().ok_or_else(|| Self::other_type(name))
    }
}

/// A value, or none.
pub fn value<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

/// A text, or none.
pub fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}
