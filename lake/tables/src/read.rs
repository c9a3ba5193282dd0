//! Columns and rows of a file that was planned.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, StringArray},
    compute::kernels::cmp::eq,
    datatypes::{DataType, Field, FieldRef, Schema},
};
use futures::TryStreamExt;
use parquet::{
    arrow::{
        ParquetRecordBatchStreamBuilder, ProjectionMask,
        arrow_reader::{
            ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, RowFilter,
        },
        async_reader::AsyncFileReader,
        parquet_to_arrow_schema,
    },
    errors::ParquetError,
};

use crate::{PlanError, PlannedFile, Planner, pages};

/// What is wanted of a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'w> {
    /// Columns. Older files may lack those that were added later.
    pub columns: &'w [&'w str],
    /// Those of them whose texts come again and again: they are read as dictionaries, without copying a text a row.
    pub repeated: &'w [&'w str],
    /// Only the rows in which text columns have these values. Of the other rows only these columns are decoded, and of
    /// pages without such rows nothing.
    pub values: &'w [(&'w str, &'w str)],
}

impl Planner {
    /// Rows decoded at a time.
    const BATCH: usize = 8_192;

    /// Reads some columns of what was planned of a file, in the file's order.
    pub async fn read(&self, planned: &PlannedFile, columns: &[&str]) -> Result<Vec<RecordBatch>, PlanError> {
        self.read_where(planned, Wanted { columns, ..Wanted::default() }).await
    }

    /// Reads what is wanted of what was planned of a file, in the file's order.
    pub async fn read_where(
        &self,
        planned: &PlannedFile,
        wanted: Wanted<'_>,
    ) -> Result<Vec<RecordBatch>, PlanError> {
        let read = self.read_rows(planned, wanted).await;
        read.map_err(|source| PlanError::File { path: planned.meta.location.clone(), source })
    }

    async fn read_rows(
        &self,
        planned: &PlannedFile,
        wanted: Wanted<'_>,
    ) -> Result<Vec<RecordBatch>, ParquetError> {
        let mut reader = self.reader(planned.meta.clone());
        let metadata = reader.get_metadata(None).await?;
        let parquet = metadata.file_metadata().schema_descr_ptr();
        let schema = parquet_to_arrow_schema(&parquet, None)?;
        let as_dictionary = |field: &FieldRef| {
            let name = field.name().as_str();
            let of_values = wanted.values.iter().any(|(filtered, _)| *filtered == name);
            match of_values || wanted.repeated.contains(&name) {
                true => Arc::new(dictionaries(field)),
                false => Arc::clone(field),
            }
        };
        let fields: Vec<FieldRef> = schema.fields().iter().map(as_dictionary).collect();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
        let metadata = ArrowReaderMetadata::try_new(metadata, options)?;
        let predicates = wanted.values.iter().map(|(name, value)| {
            let value = StringArray::new_scalar(*value);
            let is_equal = move |batch: RecordBatch| eq(batch.column(0), &value);
            let column = ProjectionMask::columns(&parquet, [*name]);
            Box::new(ArrowPredicateFn::new(column, is_equal)) as Box<dyn ArrowPredicate>
        });
        let candidates = pages::that_may_hold(metadata.metadata(), wanted.values);
        let selection = match (planned.rows.selection(), candidates) {
            (Some(taken), Some(candidates)) => Some(taken.intersection(&candidates)),
            (taken, candidates) => taken.or(candidates),
        };
        let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata)
            .with_batch_size(Self::BATCH)
            .with_projection(ProjectionMask::columns(&parquet, wanted.columns.iter().copied()))
            .with_row_filter(RowFilter::new(predicates.collect()));
        if let Some(rows) = selection {
            builder = builder.with_row_selection(rows);
        }
        builder.build()?.try_collect().await
    }
}

/// A column of texts, or of lists of them, as dictionaries.
fn dictionaries(field: &Field) -> Field {
    let of_text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    match field.data_type() {
        DataType::Utf8 => field.clone().with_data_type(of_text()),
        DataType::List(item) if *item.data_type() == DataType::Utf8 => {
            let item = item.as_ref().clone().with_data_type(of_text());
            field.clone().with_data_type(DataType::List(Arc::new(item)))
        }
        _ => field.clone(),
    }
}
