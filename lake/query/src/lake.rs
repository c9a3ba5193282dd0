use std::{collections::HashMap, sync::Arc};

use arrow::array::RecordBatch;
use cauce_tables::{Derived, PlanError, Planner, Table};
use datafusion::{
    catalog::MemTable,
    common::DataFusionError,
    execution::{
        context::SQLOptions, disk_manager::DiskManagerBuilder, memory_pool::FairSpillPool,
        object_store::ObjectStoreUrl, runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};
use object_store::ObjectStore;
use thiserror::Error;

use crate::{
    as_of::AdvertisersAsOf,
    dimensions, functions,
    history::SnapshotCache,
    provider::{Kind, LakeTable, STORE_URL},
    views,
};

/// Why a query failed.
#[derive(Debug, Error)]
pub enum QueryError {
    /// What the asker can mend: syntax, names, types, a statement that is not allowed.
    #[error("{0}")]
    Refused(String),
    /// What the asker can't.
    #[error("query failed: {0}")]
    Failed(#[source] Box<DataFusionError>),
}

impl From<PlanError> for QueryError {
    fn from(error: PlanError) -> Self {
        Self::Failed(Box::new(DataFusionError::External(Box::new(error))))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::ResourcesExhausted(_) => Self::Refused(error.strip_backtrace()),
            _ => Self::Failed(Box::new(error)),
        }
    }
}

/// A lake to ask. Cheap to clone; keeps footers, and snapshots' figures, that were read.
#[derive(Clone)]
pub struct Lake {
    context: SessionContext,
    planner: Planner,
    snapshots: SnapshotCache,
    store: Arc<dyn ObjectStore>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Lake {
    /// Memory that the queries of one process share; what needs more spills to disk or is refused.
    const MEMORY: usize = 2 << 30;
    /// Tries of a query whose files went away under it.
    const TRIES: usize = 3;

    /// Opens the lake in `store`.
    pub async fn open(store: Arc<dyn ObjectStore>) -> Result<Self, QueryError> {
        let config = SessionConfig::new()
            .with_information_schema(true)
            .with_collect_statistics(false)
            .set_bool("datafusion.sql_parser.enable_ident_normalization", true)
            .set_str("datafusion.execution.time_zone", "UTC");
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(Self::MEMORY)))
            .with_disk_manager_builder(DiskManagerBuilder::default())
            .build_arc()?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        context.register_object_store(ObjectStoreUrl::parse(STORE_URL)?.as_ref(), Arc::clone(&store));
        context.register_udf(functions::price_mean());
        context.register_udf(functions::price_std_dev());
        let planner = Planner::new(Arc::clone(&store));
        let provider = |kind| Arc::new(LakeTable::new(kind, planner.clone()));
        for table in Table::ALL {
            // Checks of single snapshots and those against others are one table to whoever asks.
            let name = if table == Table::OpsDataQuality { views::SNAPSHOT_CHECKS } else { table.name() };
            context.register_table(name, provider(Kind::Observed(table)))?;
        }
        let advertisers = provider(Kind::Derived(Derived::DimAdvertisers));
        context.register_udtf("advertisers_as_of", Arc::new(AdvertisersAsOf(advertisers)));
        for table in Derived::ALL {
            context.register_table(table.name(), provider(Kind::Derived(table)))?;
        }
        let seeds = HashMap::from([
            ("seed_cryptocurrencies", dimensions::cryptocurrencies()),
            ("seed_fiat_currencies", dimensions::fiat_currencies()),
            ("seed_payment_methods", dimensions::payment_methods()),
        ]);
        for (name, rows) in seeds {
            let rows = rows.map_err(DataFusionError::from)?;
            context.register_table(name, Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))?;
        }
        for (name, sql) in views::all() {
            context.sql(&format!("CREATE VIEW {name} AS {sql}")).await?;
        }
        let snapshots = SnapshotCache::new(planner.clone());
        Ok(Self { context, planner, snapshots, store })
    }

    /// Answers a query that only reads. Statements that change anything are refused.
    pub async fn sql(&self, query: &str) -> Result<Vec<RecordBatch>, QueryError> {
        let reading =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let mut tries = 1;
        loop {
            let frame = self.context.sql_with_options(query, reading).await?;
            let schema = Arc::clone(frame.schema().inner());
            match frame.collect().await {
                // Columns without rows are an answer too.
                Ok(batches) if batches.is_empty() => return Ok(vec![RecordBatch::new_empty(schema)]),
                Ok(batches) => return Ok(batches),
                Err(error) if tries < Self::TRIES && is_stale(&error) => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) fn snapshots(&self) -> &SnapshotCache {
        &self.snapshots
    }

    /// The planner, which knows every file that was read.
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// The object store behind the lake.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }
}

/// Whether a file went away, or was replaced, between planning and reading: the plan is old, so plan again.
fn is_stale(error: &DataFusionError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(store) = found.downcast_ref::<object_store::Error>() {
            return matches!(
                store,
                object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. }
            );
        }
        cause = found.source();
    }
    false
}
