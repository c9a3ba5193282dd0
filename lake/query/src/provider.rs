//! A lake's table for DataFusion: one scan over the files that the planner chose.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use cauce_model::AccountId;
use cauce_tables::{Derived, Parts, PlanError, PlannedFile, Planner, Table, Zone};
use chrono::NaiveDate;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{DataFusionError, Result, ScalarValue},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{
            FileGroup, FileScanConfigBuilder, ParquetSource,
            parquet::{ParquetFileReaderFactory, ParquetRowSelection},
        },
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    execution::object_store::ObjectStoreUrl,
    logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType},
    physical_plan::{ExecutionPlan, empty::EmptyExec, metrics::ExecutionPlanMetricsSet},
};
use parquet::arrow::async_reader::AsyncFileReader;

use crate::days;

/// Where DataFusion finds the lake's store.
pub(crate) const STORE_URL: &str = "lake://store/";

/// The partition column.
const DATE: &str = "date";

/// What a table's rows are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// What was observed.
    Observed(Table),
    /// What follows from it.
    Derived(Derived),
}

impl Kind {
    fn schema(self) -> SchemaRef {
        match self {
            Self::Observed(table) => table.schema(),
            Self::Derived(table) => table.schema(),
        }
    }

    fn by_day(self) -> bool {
        match self {
            Self::Observed(_) => true,
            Self::Derived(table) => table.by_day(),
        }
    }

    async fn plan(
        self,
        planner: &Planner,
        filters: &[Expr],
    ) -> std::result::Result<Vec<PlannedFile>, PlanError> {
        match self {
            Self::Observed(table) => planner.plan(table, days::wanted(self, filters)).await,
            Self::Derived(table) => match account(filters) {
                Some(account) if table.parts() == Parts::Accounts => {
                    Ok(planner.derived_of(table, &account).await?.into_iter().collect())
                }
                _ => planner.derived(table, days::wanted(self, filters)).await,
            },
        }
    }
}

/// The one account that filters leave, if they do: then only its object is read.
fn account(filters: &[Expr]) -> Option<AccountId> {
    let of = |filter: &Expr| {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
        let (column, value) = match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _))
            | (Expr::Literal(value, _), Expr::Column(column)) => (column, value),
            _ => return None,
        };
        let id = value.try_as_str().flatten().filter(|_| column.name() == "account_id")?;
        id.parse().ok()
    };
    filters.iter().find_map(of)
}

/// One table.
#[derive(Debug)]
pub(crate) struct LakeTable {
    kind: Kind,
    planner: Planner,
    files: SchemaRef,
    schema: SchemaRef,
}

impl LakeTable {
    pub(crate) fn new(kind: Kind, planner: Planner) -> Self {
        let files = as_views(&kind.schema());
        let mut fields = files.fields().to_vec();
        if kind.by_day() {
            fields.push(date_field());
        }
        Self { kind, planner, files, schema: Arc::new(Schema::new(fields)) }
    }

    fn scan_of(
        &self,
        state: &dyn Session,
        files: &[PlannedFile],
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partition = if self.kind.by_day() { vec![date_field()] } else { Vec::new() };
        let reader = PinnedReaders(self.planner.clone());
        // Rows are filtered while decoding where files are large and sorted. In small hot files that costs more than
        // it saves; their statistics still skip row groups and pages.
        let sealed = files.iter().any(|file| file.zone == Zone::Sealed);
        let source = ParquetSource::new(
            TableSchema::builder(Arc::clone(&self.files)).with_table_partition_cols(partition).build(),
        )
        .with_parquet_file_reader_factory(Arc::new(reader))
        .with_pushdown_filters(sealed)
        .with_reorder_filters(sealed)
        .with_enable_page_index(true)
        .with_bloom_filter_on_read(false);
        let groups = groups(files, self.kind, state.config().target_partitions());
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE_URL)?, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Scans read exactly what was planned: a seal that a replay has replaced since is an error, upon which the query is
/// planned again, and never a mixture of two files.
#[derive(Debug)]
struct PinnedReaders(Planner);

impl ParquetFileReaderFactory for PinnedReaders {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        Ok(Box::new(self.0.reader(file.object_meta)))
    }
}

fn date_field() -> FieldRef {
    Arc::new(Field::new(DATE, DataType::Date32, false))
}

/// Strings as views: read without copying.
fn as_views(schema: &Schema) -> SchemaRef {
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        DataType::List(item) if item.data_type() == &DataType::Utf8 => {
            let item = Arc::new(item.as_ref().clone().with_data_type(DataType::Utf8View));
            Arc::new(field.as_ref().clone().with_data_type(DataType::List(item)))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(view).collect::<Vec<_>>()))
}

/// Neighbouring days in one group, about the same number of bytes in each.
fn groups(files: &[PlannedFile], kind: Kind, partitions: usize) -> Vec<FileGroup> {
    let total: u64 = files.iter().map(|file| file.meta.size).sum();
    let share = total.div_ceil(partitions.max(1) as u64).max(1);
    let mut groups: Vec<Vec<PartitionedFile>> = Vec::new();
    let mut filled = share;
    for file in files {
        if filled >= share {
            groups.push(Vec::new());
            filled = 0;
        }
        filled += file.meta.size;
        if let Some(group) = groups.last_mut() {
            group.push(partitioned(file, kind));
        }
    }
    groups.into_iter().map(FileGroup::new).collect()
}

fn partitioned(file: &PlannedFile, kind: Kind) -> PartitionedFile {
    let days = (file.date - NaiveDate::default()).num_days();
    let date = ScalarValue::Date32(i32::try_from(days).ok());
    let partition = if kind.by_day() { vec![date] } else { Vec::new() };
    let whole = PartitionedFile::new_from_meta(file.meta.clone()).with_partition_values(partition);
    match file.rows.selection() {
        None => whole,
        Some(rows) => whole.with_extension(ParquetRowSelection::new(rows)),
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Inexact: days are pruned here, the rest is pushed further down, and what may be left is filtered above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let external = |error| DataFusionError::External(Box::new(error));
        let files = self.kind.plan(&self.planner, filters).await.map_err(external)?;
        if files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        // A limit may only cut the scan short if no filter stands above it.
        self.scan_of(state, &files, projection, limit.filter(|_| filters.is_empty()))
    }
}
