//! Files of older versions. Columns are only ever added, and nullable: an older file has none of the newer ones.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions, new_null_array},
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
};

/// Rows of a file with all columns that its table has now: those that it lacks are null.
pub(crate) fn with_all_columns(rows: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let theirs = rows.schema();
    if theirs.fields().len() == schema.fields().len() {
        return Ok(rows);
    }
    let (fields, columns): (Vec<_>, Vec<_>) = schema
        .fields()
        .iter()
        .map(|field| match theirs.index_of(field.name()) {
            Ok(place) => (Arc::clone(&theirs.fields()[place]), Arc::clone(rows.column(place))),
            Err(_) => (Arc::clone(field), new_null_array(field.data_type(), rows.num_rows())),
        })
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}
