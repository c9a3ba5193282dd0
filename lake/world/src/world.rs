//! The adapters that a configuration chooses, put together.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cauce_ledger::{Ledger, SqliteLedger};
use cauce_maintain::Maintainer;
use cauce_query::Lake;
use cauce_queue::{Queue, QueueListener, SqliteQueue};
use cauce_raw::{Durability, NotifyingStore, RawZone, open, state_folder};
use cauce_sources::{HttpTransport, Scraper, SystemClock};
use cauce_worker::{Worker, WorkerSettings};
use object_store::ObjectStore;

use crate::config::Config;

/// Everything that a command needs.
pub(crate) struct World {
    pub(crate) config: Config,
    /// The lake's store; raises an event for every raw object.
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) queue: Arc<dyn Queue>,
}

/// Where a lake keeps what is not the lake; none for one in memory.
pub(crate) fn state_of(url: &str, config: &Config) -> Option<PathBuf> {
    state_folder(url).or_else(|| url.starts_with("s3://").then(|| config.lake.state.clone()))
}

/// The object store at an address.
pub(crate) async fn open_store(url: &str, durability: Durability) -> anyhow::Result<Arc<dyn ObjectStore>> {
    #[cfg(feature = "aws")]
    if url.starts_with("s3://") {
        return Ok(cauce_raw::open_s3(url, &cauce_raw::aws::connect().await)?);
    }
    Ok(open(url, durability)?)
}

impl World {
    pub(crate) async fn open(url: &str, config: Config) -> anyhow::Result<Self> {
        Self::open_with(url, config, Durability::Full).await
    }

    pub(crate) async fn open_with(url: &str, config: Config, durability: Durability) -> anyhow::Result<Self> {
        let plain = open_store(url, durability).await?;
        let state = state_of(url, &config);
        let ledger = match &config.aws.ledger_table {
            Some(table) => remote::ledger(table).await?,
            None => local_ledger(state.as_deref())?,
        };
        if let (Some(queue), Some(dead)) = (&config.aws.queue_url, &config.aws.dead_letter_url) {
            // Its messages are the bucket's own events.
            let queue = remote::queue(queue, dead, Arc::clone(&ledger)).await?;
            return Ok(Self { config, store: plain, ledger, queue });
        }
        let queue = local_queue(state.as_deref())?;
        let listener = Arc::new(QueueListener::new(Arc::clone(&queue)));
        let store: Arc<dyn ObjectStore> = Arc::new(NotifyingStore::new(plain, listener));
        Ok(Self { config, store, ledger, queue })
    }

    pub(crate) fn raw(&self) -> RawZone {
        RawZone::new(Arc::clone(&self.store))
    }

    pub(crate) fn lake(&self) -> Lake {
        Lake::new(Arc::clone(&self.store))
    }

    pub(crate) fn scraper(&self) -> anyhow::Result<Scraper> {
        Ok(Scraper {
            ledger: Arc::clone(&self.ledger),
            raw: self.raw(),
            clock: Arc::new(SystemClock),
            transport: Arc::new(HttpTransport::new()?),
            settings: self.config.scraper(),
        })
    }

    pub(crate) fn maintainer(&self, lake: &Lake) -> anyhow::Result<Maintainer> {
        let settings = self.config.maintenance()?;
        Ok(Maintainer::new(Arc::clone(&self.store), lake.planner().clone(), settings))
    }

    pub(crate) fn worker(&self) -> Worker {
        Worker {
            queue: Arc::clone(&self.queue),
            store: Arc::clone(&self.store),
            settings: WorkerSettings {
                thresholds: self.config.quality.thresholds(),
                ..WorkerSettings::default()
            },
        }
    }
}

fn local_ledger(state: Option<&Path>) -> anyhow::Result<Arc<dyn Ledger>> {
    Ok(Arc::new(match state {
        Some(folder) => SqliteLedger::open(&folder.join("ledger.sqlite"))?,
        None => SqliteLedger::in_memory()?,
    }))
}

fn local_queue(state: Option<&Path>) -> anyhow::Result<Arc<dyn Queue>> {
    Ok(Arc::new(match state {
        Some(folder) => SqliteQueue::open(&folder.join("queue.sqlite"))?,
        None => SqliteQueue::in_memory()?,
    }))
}

#[cfg(feature = "aws")]
mod remote {
    use cauce_ledger::DynamoLedger;
    use cauce_queue::SqsQueue;
    use cauce_raw::aws::connect;

    use super::{Arc, Ledger, Queue};

    pub(super) async fn ledger(table: &str) -> anyhow::Result<Arc<dyn Ledger>> {
        let client = aws_sdk_dynamodb::Client::new(&connect().await);
        Ok(Arc::new(DynamoLedger::new(client, table)))
    }

    pub(super) async fn queue(
        url: &str,
        dead: &str,
        ledger: Arc<dyn Ledger>,
    ) -> anyhow::Result<Arc<dyn Queue>> {
        let client = aws_sdk_sqs::Client::new(&connect().await);
        Ok(Arc::new(SqsQueue::new(client, url, dead, ledger)))
    }
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "as the other one")]
mod remote {
    use super::{Arc, Ledger, Queue};

    pub(super) async fn ledger(table: &str) -> anyhow::Result<Arc<dyn Ledger>> {
        anyhow::bail!("aws.ledger_table = '{table}' needs a build with the feature aws")
    }

    pub(super) async fn queue(url: &str, _: &str, _: Arc<dyn Ledger>) -> anyhow::Result<Arc<dyn Queue>> {
        anyhow::bail!("aws.queue_url = '{url}' needs a build with the feature aws")
    }
}
