//! Accounts at brokers: those of the configuration, and those that were made since.

use std::sync::Arc;

use async_trait::async_trait;
use cauce_deliver::{Deliverer, Sinks};
use cauce_importer::{Fetcher, Importer, Logins};
use cauce_ledger::{AccountBook, Ledger, LedgerError};
use cauce_maintain::Accounts;
use cauce_model::{Account, AccountId, Fetching, SecretPlace};
use cauce_protocols::brokers::Login;
use cauce_sources::HttpTransport;
use cauce_tables::Planner;

use crate::{Secret, World, WorldError};

/// Keys of accounts, looked up where accounts say, each time: who changes one starts nothing anew.
#[derive(Debug)]
struct Keys;

#[async_trait]
impl Logins for Keys {
    async fn login(&self, fetching: &Fetching) -> Result<Login, String> {
        Ok(Login { key: had(&fetching.key).await?, secret: had(&fetching.secret).await? })
    }
}

/// The secret at a place, as it is now. An error says what is wrong there.
async fn had(place: &SecretPlace) -> Result<String, String> {
    let secret = Secret::at(place.clone())?;
    World::revealed(&secret).await.map_err(|error: WorldError| error.to_string())
}

/// Where accounts are.
#[derive(Debug, Clone)]
pub struct KnownAccounts {
    configured: Arc<Accounts>,
    ledger: Arc<dyn Ledger>,
}

impl KnownAccounts {
    /// All of them. What the configuration says of one goes before what the ledger does.
    pub async fn all(&self) -> Result<Accounts, LedgerError> {
        let made = AccountBook::all(&*self.ledger).await?;
        let mut accounts: Accounts = made.into_iter().map(|account| (account.id.clone(), account)).collect();
        accounts.extend(self.configured.iter().map(|(id, account)| (id.clone(), account.clone())));
        Ok(accounts)
    }

    /// One of them.
    pub async fn get(&self, id: &AccountId) -> Result<Option<Account>, LedgerError> {
        match self.configured.get(id) {
            Some(account) => Ok(Some(account.clone())),
            None => AccountBook::get(&*self.ledger, id).await,
        }
    }

    /// Whether the configuration has it, which alone can change it then.
    pub fn is_configured(&self, id: &AccountId) -> bool {
        self.configured.contains_key(id)
    }
}

impl World {
    /// Accounts at brokers.
    pub fn accounts(&self) -> KnownAccounts {
        let configured = self.config.accounts.iter().map(|account| (account.id.clone(), account.clone()));
        KnownAccounts { configured: Arc::new(configured.collect()), ledger: Arc::clone(&self.ledger) }
    }

    /// What asks brokers for trades; `planner` keeps the footers that it reads.
    pub fn fetcher(&self, planner: Planner) -> Fetcher {
        Fetcher {
            importer: self.importer(planner),
            ledger: Arc::clone(&self.ledger),
            transport: Arc::new(HttpTransport::new()),
            logins: Arc::new(Keys),
            settings: self.config.brokers.settings(),
        }
    }

    /// What delivers trades; `planner` keeps the footers that it reads.
    pub fn deliverer(&self, planner: Planner) -> Deliverer {
        Deliverer {
            store: Arc::clone(&self.store),
            planner,
            raw: self.raw(),
            ledger: Arc::clone(&self.ledger),
            transport: Arc::new(HttpTransport::new()),
        }
    }

    /// Where trades are delivered to.
    pub async fn sinks(&self) -> Sinks {
        let mut sinks = Sinks::new();
        for section in &self.config.deliveries {
            let sink = had(&section.key).await.map(|key| section.sink(&key));
            sinks.insert(section.name.to_string(), sink);
        }
        sinks
    }

    /// What imports trades; `planner` keeps the footers that it reads.
    pub fn importer(&self, planner: Planner) -> Importer {
        Importer { intake: self.intake(), raw: self.raw(), planner }
    }
}
