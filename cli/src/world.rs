//! The adapters that a configuration chooses, put together.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
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

impl World {
    pub(crate) fn open(url: &str, config: Config) -> anyhow::Result<Self> {
        Self::open_with(url, config, Durability::Full)
    }

    pub(crate) fn open_with(url: &str, config: Config, durability: Durability) -> anyhow::Result<Self> {
        let plain = open(url, durability)?;
        let state: Option<PathBuf> = state_folder(url);
        let (ledger, queue): (Arc<dyn Ledger>, Arc<dyn Queue>) = match &state {
            Some(folder) => (
                Arc::new(SqliteLedger::open(&folder.join("ledger.sqlite"))?),
                Arc::new(SqliteQueue::open(&folder.join("queue.sqlite"))?),
            ),
            None => (Arc::new(SqliteLedger::in_memory()?), Arc::new(SqliteQueue::in_memory()?)),
        };
        let listener = Arc::new(QueueListener::new(Arc::clone(&queue)));
        let store: Arc<dyn ObjectStore> = Arc::new(NotifyingStore::new(plain, listener));
        Ok(Self { config, store, ledger, queue })
    }

    pub(crate) fn raw(&self) -> RawZone {
        RawZone::new(Arc::clone(&self.store))
    }

    pub(crate) async fn lake(&self) -> anyhow::Result<Lake> {
        Lake::open(Arc::clone(&self.store)).await.context("lake")
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
