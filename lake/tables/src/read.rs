//! Columns and rows of a file that was planned.

use std::sync::Arc;

use arrow::{
    array::{BooleanArray, RecordBatch, Scalar, StringArray},
    compute::{and, kernels::cmp::eq},
    datatypes::{DataType, Field, FieldRef, Schema},
    error::ArrowError,
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

/// Says of some rows which are wanted.
pub type Passes = dyn Fn(&RecordBatch) -> Result<BooleanArray, ArrowError> + Send + Sync;

/// A condition on rows.
#[derive(Clone)]
pub struct RowTest<'w> {
    /// The columns that it looks at. The others are decoded only of rows that pass.
    pub columns: &'w [&'w str],
    /// Which rows pass.
    pub passes: Arc<Passes>,
}

impl std::fmt::Debug for RowTest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowTest").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// What is wanted of a file.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'w> {
    /// Columns. Older files may lack those that were added later.
    pub columns: &'w [&'w str],
    /// Those of them whose texts come again and again: they are read as dictionaries, without copying a text a row.
    pub repeated: &'w [&'w str],
    /// Only the rows in which text columns have these values. Of the other rows only these columns are decoded, and of
    /// pages without such rows nothing.
    pub values: &'w [(&'w str, &'w str)],
    /// And of those only the rows that pass.
    pub test: Option<RowTest<'w>>,
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
        let mut batches = Vec::new();
        let keep = |batch: &RecordBatch| {
            batches.push(batch.clone());
            Ok(())
        };
        self.read_each(planned, wanted, keep).await?;
        Ok(batches)
    }

    /// The same, a batch at a time: what one was decoded into is there for the next.
    pub async fn read_each(
        &self,
        planned: &PlannedFile,
        wanted: Wanted<'_>,
        take: impl FnMut(&RecordBatch) -> Result<(), ArrowError>,
    ) -> Result<(), PlanError> {
        let read = self.read_rows(planned, wanted, take).await;
        read.map_err(|source| PlanError::File { path: planned.meta.location.clone(), source })
    }

    async fn read_rows(
        &self,
        planned: &PlannedFile,
        wanted: Wanted<'_>,
        mut take: impl FnMut(&RecordBatch) -> Result<(), ArrowError>,
    ) -> Result<(), ParquetError> {
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
        // Together: a condition by itself would cost a fetch by itself.
        let values = (!wanted.values.is_empty()).then(|| {
            let columns = ProjectionMask::columns(&parquet, wanted.values.iter().map(|(name, _)| *name));
            let values: Vec<_> = wanted
                .values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), StringArray::new_scalar(*value)))
                .collect();
            let are_equal = move |batch: RecordBatch| all_equal(&batch, &values);
            Box::new(ArrowPredicateFn::new(columns, are_equal)) as Box<dyn ArrowPredicate>
        });
        let test = wanted.test.map(|RowTest { columns, passes }| {
            let columns = ProjectionMask::columns(&parquet, columns.iter().copied());
            Box::new(ArrowPredicateFn::new(columns, move |batch| passes(&batch))) as Box<dyn ArrowPredicate>
        });
        let predicates = values.into_iter().chain(test);
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
        let mut batches = builder.build()?;
        while let Some(batch) = batches.try_next().await? {
            take(&batch)?;
        }
        Ok(())
    }
}

/// Which rows have these texts in these columns.
fn all_equal(
    batch: &RecordBatch,
    values: &[(String, Scalar<StringArray>)],
) -> Result<BooleanArray, ArrowError> {
    let mut all: Option<BooleanArray> = None;
    for (name, value) in values {
        let column = batch.column_by_name(name);
        let column = column.ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))?;
        let equal = eq(column, value)?;
        all = Some(match all {
            Some(before) => and(&before, &equal)?,
            None => equal,
        });
    }
    Ok(all.unwrap_or_else(|| vec![true; batch.num_rows()].into()))
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
