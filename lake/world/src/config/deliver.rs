//! `[[deliveries]]`: platforms that trades are delivered to.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cauce_deliver::{KeyHeader, Sink};
use cauce_model::{AccountId, SecretPlace};
use serde::Deserialize;

use super::{ConfigError, sections::optional_duration};

/// One of `[[deliveries]]`. What is not said is as in [`Sink::at`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSection {
    /// Its name here.
    pub name: AccountId,
    url: String,
    /// Where its key is.
    pub key: SecretPlace,
    #[serde(default)]
    header: KeyHeader,
    accounts: Option<BTreeSet<AccountId>>,
    batch: Option<usize>,
    failures: Option<u32>,
    #[serde(default, deserialize_with = "optional_duration")]
    timeout: Option<Duration>,
}

impl SinkSection {
    /// The platform, with its key.
    pub fn sink(&self, key: &str) -> Sink {
        let sink = Sink::at(self.name.as_str(), &self.url, key);
        Sink {
            header: self.header,
            accounts: self.accounts.clone(),
            batch: self.batch.unwrap_or(sink.batch),
            failures: self.failures.unwrap_or(sink.failures),
            timeout: self.timeout.unwrap_or(sink.timeout),
            ..sink
        }
    }
}

pub(super) fn check(sections: &[SinkSection]) -> Result<(), ConfigError> {
    let mut names = BTreeMap::new();
    for SinkSection { name, url, batch, failures, .. } in sections {
        let twice = names.insert(name, ()).is_some();
        ConfigError::unless(!twice, || format!("deliveries.{name} is there twice"))?;
        ConfigError::unless(url.starts_with("https://") || url.starts_with("http://127.0.0.1:"), || {
            format!("url '{url}' of deliveries.{name} does not begin with https://: a key is sent there")
        })?;
        let fits = batch.is_none_or(|batch| (1..=Sink::MOST_TRADES).contains(&batch));
        ConfigError::unless(fits, || {
            format!("batch of deliveries.{name} is not between 1 and {}", Sink::MOST_TRADES)
        })?;
        ConfigError::unless(*failures != Some(0), || {
            format!("failures = 0 of deliveries.{name} would set aside what was never tried")
        })?;
    }
    Ok(())
}
