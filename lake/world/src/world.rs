use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cauce_enrich::{Enricher, MOST_RECEIPTS, ModelSettings};
use cauce_intake::{EventIndex, Intake};
use cauce_ledger::{Ledger, LedgerError, MeteredLedger, SqliteLedger};
use cauce_maintain::Maintainer;
use cauce_model::RawId;
use cauce_poller::{Poller, PollerSettings};
use cauce_queue::{MAX_RECEIPTS, Queue, QueueError, QueueListener, SqliteQueue};
use cauce_raw::{Durability, Links, MeteredStore, NotifyingStore, OpenError, RawZone, open, state_folder};
use cauce_sources::{HttpTransport, RatesError, Scraper, SystemClock, fetch_rates};
use cauce_tables::Planner;
use cauce_worker::{Worker, WorkerSettings};
use chrono::Utc;
use object_store::ObjectStore;
use thiserror::Error;

use crate::{Config, ConfigError};

/// Why the parts can't be put together.
#[derive(Debug, Error)]
pub enum WorldError {
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The lake can't be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The ledger can't be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The queue can't be opened.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The configuration names a place on AWS, and this build can't reach it.
    #[error("{name} = '{value}' needs a build with the feature aws")]
    NoAws {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// There are no new rates.
    #[error(transparent)]
    Rates(#[from] RatesError),
    /// A secret is not where the configuration says.
    #[error("the secret {place} can't be had: {why}")]
    Secret {
        /// Where it was looked for.
        place: String,
        /// What was said there.
        why: String,
    },
    /// A function lacks a variable of its environment.
    #[error("the environment has no {name}; the template sets it")]
    NoVariable {
        /// Which.
        name: &'static str,
    },
    /// The configuration in the lake can't be read.
    #[error("configuration {key} in the lake can't be read; put it there, or let CAUCE_CONFIG be empty")]
    ConfigObject {
        /// Its key.
        key: String,
        /// What the store said.
        source: object_store::Error,
    },
}

/// Everything that the library needs of its surroundings.
#[derive(Debug, Clone)]
pub struct World {
    /// The configuration that chose the rest.
    pub config: Config,
    /// The lake's store. Where no bucket raises events it raises one for every raw object.
    pub store: Arc<dyn ObjectStore>,
    /// The operational store.
    pub ledger: Arc<dyn Ledger>,
    /// From the raw zone to the normalizer.
    pub queue: Arc<dyn Queue>,
    /// From the inbox to the intake, where a bucket raises events for it.
    pub inbox: Option<Arc<dyn Queue>>,
    /// From the normalizer to the model, where one is asked about events that no rule knows.
    pub unread: Option<Arc<dyn Queue>>,
    /// Links for what is too large for a request, where the lake is a bucket.
    pub links: Option<Arc<dyn Links>>,
    /// It is a function on an emulator of AWS: nobody from outside can ask.
    pub is_emulated: bool,
}

/// Where a lake keeps what is not the lake; none for one in memory.
pub fn state_of(url: &str, config: &Config) -> Option<PathBuf> {
    state_folder(url).or_else(|| url.starts_with("s3://").then(|| config.lake.state.clone()))
}

/// The object store at an address.
pub async fn open_store(url: &str, durability: Durability) -> Result<Arc<dyn ObjectStore>, OpenError> {
    Ok(Opened::at(url, durability).await?.store)
}

/// A store, and links into it where it can give some.
struct Opened {
    store: Arc<dyn ObjectStore>,
    links: Option<Arc<dyn Links>>,
}

impl Opened {
    #[cfg_attr(
        not(feature = "aws"),
        expect(clippy::unused_async, reason = "the other build asks for credentials")
    )]
    async fn at(url: &str, durability: Durability) -> Result<Self, OpenError> {
        #[cfg(feature = "aws")]
        if url.starts_with("s3://") {
            let (store, links) = cauce_raw::open_s3_with_links(url, &cauce_raw::aws::connect().await)?;
            return Ok(Self { store, links: Some(Arc::new(links)) });
        }
        Ok(Self { store: open(url, durability)?, links: None })
    }
}

impl World {
    /// The world that `config` chooses around the lake at `url`.
    pub async fn open(url: &str, config: Config) -> Result<Self, WorldError> {
        Self::open_with(url, config, Durability::Full).await
    }

    /// The same, with the durability of a lake in a directory.
    pub async fn open_with(url: &str, config: Config, durability: Durability) -> Result<Self, WorldError> {
        Self::around(Opened::at(url, durability).await?, url, config).await
    }

    async fn around(opened: Opened, url: &str, config: Config) -> Result<Self, WorldError> {
        let Opened { store: plain, links } = opened;
        let plain: Arc<dyn ObjectStore> = Arc::new(MeteredStore::new(plain));
        let state = state_of(url, &config);
        let ledger = match &config.aws.ledger_table {
            Some(table) => remote::ledger(table).await?,
            None => local_ledger(state.as_deref())?,
        };
        let ledger: Arc<dyn Ledger> = Arc::new(MeteredLedger::new(ledger));
        if let (Some(queue), Some(dead)) = (&config.aws.queue_url, &config.aws.dead_letter_url) {
            // Its messages are the bucket's own events.
            let queue = remote::queue(queue, dead, Arc::clone(&ledger)).await?;
            let (inbox, inbox_dead) = (&config.aws.inbox_queue_url, &config.aws.inbox_dead_letter_url);
            let inbox = match (inbox, inbox_dead) {
                (Some(queue), Some(dead)) => Some(remote::queue(queue, dead, Arc::clone(&ledger)).await?),
                _ => None,
            };
            let (unread, unread_dead) = (&config.aws.unread_queue_url, &config.aws.unread_dead_letter_url);
            let unread = match (unread, unread_dead) {
                (Some(queue), Some(dead)) if config.model.is_on() => {
                    Some(remote::queue(queue, dead, Arc::clone(&ledger)).await?)
                }
                _ => None,
            };
            return Ok(Self {
                config,
                store: plain,
                ledger,
                queue,
                inbox,
                unread,
                links,
                is_emulated: false,
            });
        }
        let queue = local_queue(state.as_deref(), "queue.sqlite", MAX_RECEIPTS)?;
        let unread = match config.model.is_on() {
            true => Some(local_queue(state.as_deref(), "unread.sqlite", MOST_RECEIPTS)?),
            false => None,
        };
        let listener = Arc::new(QueueListener::new(Arc::clone(&queue)));
        let store: Arc<dyn ObjectStore> = Arc::new(NotifyingStore::new(plain, listener));
        // Nobody would hear of what comes by a link.
        Ok(Self { config, store, ledger, queue, inbox: None, unread, links: None, is_emulated: false })
    }

    /// The raw zone.
    pub fn raw(&self) -> RawZone {
        RawZone::new(Arc::clone(&self.store))
    }

    /// What asks venues.
    pub fn scraper(&self) -> Scraper {
        Scraper {
            ledger: Arc::clone(&self.ledger),
            raw: self.raw(),
            clock: Arc::new(SystemClock),
            transport: Arc::new(HttpTransport::new()),
            settings: self.config.scraper(),
        }
    }

    /// What seals, merges and collects; `planner` keeps the footers that it reads.
    pub fn maintainer(&self, planner: Planner) -> Result<Maintainer, WorldError> {
        Ok(Maintainer::new(Arc::clone(&self.store), planner, self.config.maintenance()?))
    }

    /// What keeps what others bring.
    pub fn intake(&self) -> Intake {
        Intake::new(Arc::clone(&self.store)).reading_by_rules(self.config.payments.rules)
    }

    /// What asks the model about events that no rule knows; none where no model is configured.
    pub async fn enricher(&self) -> Result<Option<Enricher>, WorldError> {
        let model = &self.config.model;
        let (Some(queue), Some(key)) = (&self.unread, &model.key) else { return Ok(None) };
        let key = self.reveal(key).await?;
        Ok(Some(Enricher {
            queue: Arc::clone(queue),
            raw: self.raw(),
            index: EventIndex::new(Arc::clone(&self.ledger)),
            transport: Arc::new(HttpTransport::new()),
            settings: ModelSettings::new(&model.url, &model.name, key),
        }))
    }

    /// Asks the configured service what currencies are worth, and keeps its answer; none where none is configured.
    pub async fn fetch_rates(&self) -> Result<Option<RawId>, WorldError> {
        let Some(url) = &self.config.rates.url else { return Ok(None) };
        let url = self.reveal(url).await?;
        Ok(Some(fetch_rates(&self.raw(), &HttpTransport::new(), &url, Utc::now()).await?))
    }

    /// What takes over the database of the system before; none where none is configured.
    pub async fn poller(&self) -> Result<Option<Poller>, WorldError> {
        let section = &self.config.poller;
        let Some(url) = &section.url else { return Ok(None) };
        let settings = PollerSettings {
            url: self.reveal(url).await?,
            table: section.table.clone(),
            batch: section.batch.max(1),
        };
        Ok(Some(Poller { intake: self.intake(), settings }))
    }

    /// What normalizes.
    pub fn worker(&self) -> Worker {
        Worker {
            queue: Arc::clone(&self.queue),
            store: Arc::clone(&self.store),
            unread: self.unread.clone(),
            settings: WorkerSettings { thresholds: self.config.thresholds(), ..WorkerSettings::default() },
        }
    }
}

fn local_ledger(state: Option<&Path>) -> Result<Arc<dyn Ledger>, WorldError> {
    Ok(Arc::new(match state {
        Some(folder) => SqliteLedger::open(&folder.join("ledger.sqlite"))?,
        None => SqliteLedger::in_memory()?,
    }))
}

fn local_queue(state: Option<&Path>, name: &str, receipts: u32) -> Result<Arc<dyn Queue>, WorldError> {
    let queue = match state {
        Some(folder) => SqliteQueue::open(&folder.join(name))?,
        None => SqliteQueue::in_memory()?,
    };
    Ok(Arc::new(queue.giving_up_after(receipts)))
}

#[cfg(feature = "aws")]
mod remote {
    use cauce_ledger::DynamoLedger;
    use cauce_queue::SqsQueue;
    use cauce_raw::aws::connect;
    use object_store::{ObjectStoreExt, path::Path};

    use super::{Arc, Config, Durability, Ledger, Opened, Queue, World, WorldError};

    pub(super) async fn ledger(table: &str) -> Result<Arc<dyn Ledger>, WorldError> {
        let client = aws_sdk_dynamodb::Client::new(&connect().await);
        Ok(Arc::new(DynamoLedger::new(client, table)))
    }

    pub(super) async fn queue(
        url: &str,
        dead: &str,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Arc<dyn Queue>, WorldError> {
        let client = aws_sdk_sqs::Client::new(&connect().await);
        Ok(Arc::new(SqsQueue::new(client, url, dead, ledger)))
    }

    fn variable(name: &'static str) -> Result<String, WorldError> {
        std::env::var(name).map_err(|_| WorldError::NoVariable { name })
    }

    impl World {
        /// The world of a function: places from the environment (`CAUCE_LAKE`, `CAUCE_LEDGER_TABLE`,
        /// `CAUCE_QUEUE_URL`, `CAUCE_DEAD_LETTER_URL`, the same of `CAUCE_INBOX_…` and `CAUCE_UNREAD_…`), who may ask
        /// (`CAUCE_PUBLIC_MARKET`, `CAUCE_OIDC_ISSUER`, `CAUCE_OIDC_AUDIENCE`) beside what the configuration says, all else
        /// from the object in the lake that `CAUCE_CONFIG` names, or from the example where it names none. It is read
        /// once, when the process starts.
        pub async fn from_environment() -> Result<Self, WorldError> {
            let lake = variable("CAUCE_LAKE")?;
            let opened = Opened::at(&lake, Durability::Full).await?;
            let mut config = match std::env::var("CAUCE_CONFIG").ok().filter(|key| !key.is_empty()) {
                None => Config::example()?,
                Some(key) => {
                    let unread = |source| WorldError::ConfigObject { key: key.clone(), source };
                    let found = opened.store.get(&Path::from(key.as_str())).await.map_err(unread)?;
                    let bytes = found.bytes().await.map_err(unread)?;
                    let text = String::from_utf8_lossy(&bytes);
                    Config::parse(&text).map_err(|error| error.at(format!("{lake}/{key}")))?
                }
            };
            config.aws.ledger_table = Some(variable("CAUCE_LEDGER_TABLE")?);
            config.aws.queue_url = Some(variable("CAUCE_QUEUE_URL")?);
            config.aws.dead_letter_url = Some(variable("CAUCE_DEAD_LETTER_URL")?);
            config.aws.inbox_queue_url = Some(variable("CAUCE_INBOX_QUEUE_URL")?);
            config.aws.inbox_dead_letter_url = Some(variable("CAUCE_INBOX_DEAD_LETTER_URL")?);
            config.aws.unread_queue_url = Some(variable("CAUCE_UNREAD_QUEUE_URL")?);
            config.aws.unread_dead_letter_url = Some(variable("CAUCE_UNREAD_DEAD_LETTER_URL")?);
            config.lake.url = lake.clone();
            let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            config.api.public_market |= set("CAUCE_PUBLIC_MARKET").is_some_and(|value| value == "true");
            if let (Some(issuer), Some(audience)) = (set("CAUCE_OIDC_ISSUER"), set("CAUCE_OIDC_AUDIENCE")) {
                config.set_issuer(issuer, audience)?;
            }
            let is_emulated = set("CAUCE_EMULATED").is_some_and(|value| value == "true");
            Ok(Self { is_emulated, ..Self::around(opened, &lake, config).await? })
        }
    }
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "as the other one")]
mod remote {
    use super::{Arc, Ledger, Queue, WorldError};

    pub(super) async fn ledger(table: &str) -> Result<Arc<dyn Ledger>, WorldError> {
        Err(WorldError::NoAws { name: "aws.ledger_table", value: table.to_owned() })
    }

    pub(super) async fn queue(url: &str, _: &str, _: Arc<dyn Ledger>) -> Result<Arc<dyn Queue>, WorldError> {
        Err(WorldError::NoAws { name: "aws.queue_url", value: url.to_owned() })
    }
}
