use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use arrow::array::RecordBatch;
use cauce_tables::{Derived, EventFigures, PaymentFigures, PlanError, Planner, Table};
use chrono::{DateTime, Utc};
use datafusion::{
    catalog::MemTable,
    common::DataFusionError,
    execution::{
        SessionStateDefaults, context::SQLOptions, disk_manager::DiskManagerBuilder,
        memory_pool::FairSpillPool, object_store::ObjectStoreUrl, runtime_env::RuntimeEnvBuilder,
        session_state::SessionStateBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};
use object_store::ObjectStore;
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::{
    as_of::{AdvertisersAsOf, received_by},
    dimensions,
    files::FileCache,
    functions,
    history::{PassingFile, SnapshotsFile},
    provider::{Kind, LakeTable, STORE_URL},
    views,
};

/// Why a query failed.
#[derive(Debug, Error)]
pub enum QueryError {
    /// What the asker can mend: syntax, names, types, a statement that is not allowed.
    #[error("{0}")]
    Refused(String),
    /// All queries of the process together need more memory than they may have.
    #[error("there is not enough memory for it now ({0}); ask for less, or again in a moment")]
    NoMemory(String),
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
            | DataFusionError::NotImplemented(_) => Self::Refused(error.strip_backtrace()),
            DataFusionError::ResourcesExhausted(why) => {
                Self::NoMemory(why.lines().next().unwrap_or(why).to_owned())
            }
            _ => Self::Failed(Box::new(error)),
        }
    }
}

/// A lake to ask. Cheap to clone; keeps the footers, and what price histories and figures of payments need of the files,
/// that were read.
#[derive(Clone)]
pub struct Lake {
    context: Arc<OnceCell<SessionContext>>,
    planner: Planner,
    snapshots: FileCache<SnapshotsFile>,
    passing: FileCache<PassingFile>,
    paid: FileCache<PaymentFigures>,
    said: FileCache<EventFigures>,
    store: Arc<dyn ObjectStore>,
    as_of: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Statements that only read.
pub(crate) static READING: LazyLock<SQLOptions> = LazyLock::new(|| {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
});

impl Lake {
    /// Memory that the queries of one process share; what needs more spills to disk or is refused.
    const MEMORY: usize = 2 << 30;
    /// Tries of a query whose files went away under it.
    const TRIES: usize = 3;

    /// The lake in `store`. Nothing is read before something is asked.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self::at(store, None)
    }

    /// The lake in `store` as it was known at a time: with what it had received by then, which is the present of its
    /// views. Tables derived from all that is known now are not in it.
    pub fn as_of(store: Arc<dyn ObjectStore>, time: DateTime<Utc>) -> Self {
        Self::at(store, Some(time))
    }

    fn at(store: Arc<dyn ObjectStore>, as_of: Option<DateTime<Utc>>) -> Self {
        let planner = Planner::new(Arc::clone(&store));
        Self {
            context: Arc::default(),
            snapshots: FileCache::new(planner.clone()),
            passing: FileCache::new(planner.clone()),
            paid: FileCache::new(planner.clone()),
            said: FileCache::new(planner.clone()),
            planner,
            store,
            as_of,
        }
    }

    /// Tables and views for SQL, made when they are asked for first: price histories don't need them.
    pub(crate) async fn context(&self) -> Result<&SessionContext, QueryError> {
        self.context.get_or_try_init(|| Box::pin(self.make_context())).await
    }

    async fn make_context(&self) -> Result<SessionContext, QueryError> {
        let as_of = self.as_of;
        let config = SessionConfig::new()
            .with_information_schema(true)
            .with_collect_statistics(false)
            .set_bool("datafusion.sql_parser.enable_ident_normalization", true)
            .set_str("datafusion.execution.time_zone", "UTC");
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(Self::MEMORY)))
            .with_disk_manager_builder(DiskManagerBuilder::default())
            .build_arc()?;
        // Functions and operators, and no formats of files: whoever asks can't read or write any, and they are not linked.
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_expr_planners(SessionStateDefaults::default_expr_planners())
            .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
            .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
            .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
            .with_window_functions(SessionStateDefaults::default_window_functions())
            .build();
        let context = SessionContext::new_with_state(state);
        context.register_object_store(ObjectStoreUrl::parse(STORE_URL)?.as_ref(), Arc::clone(&self.store));
        context.register_udf(functions::price_mean());
        context.register_udf(functions::price_std_dev());
        context.register_udf(functions::usd_value());
        let provider = |kind| Arc::new(LakeTable::new(kind, self.planner.clone()));
        for table in Table::ALL {
            // Checks of single snapshots and those against others are one table to whoever asks.
            let name = if table == Table::OpsDataQuality { views::SNAPSHOT_CHECKS } else { table.name() };
            let rows = provider(Kind::Observed(table));
            match as_of {
                Some(time) => context.register_table(name, Arc::new(received_by(rows, time)?))?,
                None => context.register_table(name, rows)?,
            };
        }
        if as_of.is_none() {
            let advertisers = provider(Kind::Derived(Derived::DimAdvertisers));
            context.register_udtf("advertisers_as_of", Arc::new(AdvertisersAsOf(advertisers)));
            for table in Derived::ALL {
                context.register_table(table.name(), provider(Kind::Derived(table)))?;
            }
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
        for (name, sql) in as_of.map_or_else(views::all, views::as_of) {
            context.sql(&format!("CREATE VIEW {name} AS {sql}")).await?;
        }
        Ok(context)
    }

    /// Answers a query that only reads. Statements that change anything are refused.
    pub async fn sql(&self, query: &str) -> Result<Vec<RecordBatch>, QueryError> {
        let mut tries = 1;
        loop {
            let frame = self.context().await?.sql_with_options(query, *READING).await;
            let frame = frame.map_err(|error| self.explained(query, error))?;
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

    /// A name that is not there as of a time, because it is of now, is worth a word.
    fn explained(&self, query: &str, error: DataFusionError) -> QueryError {
        let derived = Derived::ALL.into_iter().find(|table| query.contains(table.name()));
        match (self.as_of, derived) {
            (Some(_), Some(table)) => QueryError::Refused(format!(
                "{table} is derived from all that is known now and has no as of; ask the tables of observations"
            )),
            _ => error.into(),
        }
    }

    pub(crate) fn known_at(&self) -> Option<DateTime<Utc>> {
        self.as_of
    }

    pub(crate) fn snapshots(&self) -> &FileCache<SnapshotsFile> {
        &self.snapshots
    }

    pub(crate) fn passing(&self) -> &FileCache<PassingFile> {
        &self.passing
    }

    pub(crate) fn paid(&self) -> &FileCache<PaymentFigures> {
        &self.paid
    }

    pub(crate) fn said(&self) -> &FileCache<EventFigures> {
        &self.said
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
