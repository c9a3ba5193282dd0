//! `[brokers]`: how brokers are asked for the trades of accounts. What is not said is as in the connector, or in
//! [`FetchSettings`].

use std::{collections::BTreeMap, time::Duration};

use cauce_importer::{FetchSettings, ServerSettings};
use cauce_protocols::brokers::{connectors, find_connector};
use serde::Deserialize;

use super::{
    ConfigError,
    sections::{duration, optional_duration},
};

/// `[brokers]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokersSection {
    at_once: usize,
    #[serde(deserialize_with = "duration")]
    account_time: Duration,
    /// For one cycle.
    #[serde(deserialize_with = "duration")]
    pub cycle_time: Duration,
    tries: u32,
    servers: BTreeMap<String, ServerSection>,
}

/// `[brokers.servers.NAME]`, by the name of a connector.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerSection {
    base_url: Option<String>,
    #[serde(deserialize_with = "optional_duration")]
    timeout: Option<Duration>,
    weight_per_minute: Option<u32>,
}

impl Default for BrokersSection {
    fn default() -> Self {
        let FetchSettings { at_once, account_time, tries, .. } = FetchSettings::default();
        let cycle_time = Duration::from_secs(600);
        Self { at_once, account_time, cycle_time, tries, servers: BTreeMap::new() }
    }
}

impl BrokersSection {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (name, server) in &self.servers {
            ConfigError::unless(find_connector(name).is_some(), || {
                let known: Vec<&str> = connectors().iter().map(|connector| connector.name()).collect();
                format!("brokers.servers.{name}: there is no such connector; there are {}", known.join(", "))
            })?;
            let url = server.base_url.as_deref().unwrap_or("https://");
            ConfigError::unless(url.starts_with("https://") || url.starts_with("http://127.0.0.1:"), || {
                format!(
                    "base_url '{url}' of brokers.servers.{name} does not begin with https://: keys are sent there"
                )
            })?;
        }
        ConfigError::unless(self.tries > 0, || "brokers.tries = 0 would never ask".to_owned())
    }

    /// How brokers are asked: every connector has a server, with its own settings or the defaults.
    pub fn settings(&self) -> FetchSettings {
        let server = |connector: &&'static dyn cauce_protocols::brokers::Connector| {
            let section = self.servers.get(connector.name()).cloned().unwrap_or_default();
            let base_url = section.base_url.unwrap_or_else(|| connector.base_url().to_owned());
            let settings = ServerSettings {
                base_url: base_url.trim_end_matches('/').to_owned(),
                timeout: section.timeout.unwrap_or(Duration::from_secs(15)),
                // A fifth is left to whoever else asks from this address.
                weight_per_minute: section.weight_per_minute.unwrap_or(connector.weight_per_minute() / 5 * 4),
            };
            (connector.name().to_owned(), settings)
        };
        FetchSettings {
            servers: connectors().iter().map(server).collect(),
            at_once: self.at_once.max(1),
            account_time: self.account_time,
            tries: self.tries,
        }
    }
}
