//! `cauce.toml`. Unknown keys are refused, with the line.

mod deliver;
mod fetch;
mod payments;
mod providers;
mod secrets;
mod sections;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use cauce_access::AccessSettings;
use cauce_maintain::MaintenanceSettings;
use cauce_model::{Account, Fees, Market, Venue};
use cauce_normalize::Thresholds;
use cauce_protocols::{brokers, venues};
use cauce_sources::ScraperSettings;
use chrono::TimeDelta;
use deliver::SinkSection;
use fetch::BrokersSection;
pub use payments::{ModelSection, PaymentsSection, PollerSection, RatesSection};
pub use providers::{ProviderSection, Providers};
pub use secrets::{Secret, Secrets};
pub use sections::{ApiSection, AwsSection, LakeSection, Limits, Schedule, SqlSection, TelemetrySection};
use sections::{
    AuthSection, FeesSection, MaintenanceSection, MarketSection, QualitySection, RetentionSection,
    VenueSection,
};
use serde::Deserialize;
use thiserror::Error;

/// The group of markets that say none.
pub const DEFAULT_GROUP: &str = "default";

/// Why a configuration is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("configuration {} can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that holds what another variant says.
    #[error("configuration {place}: {source}")]
    In {
        /// Where it stands.
        place: String,
        /// What is wrong.
        source: Box<ConfigError>,
    },
    /// It is not TOML, or has a key that is not known, or a value of another kind.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A value that can't be.
    #[error("{0}")]
    Wrong(String),
    /// A time that is longer than times here can be.
    #[error("a duration is out of range: {0}")]
    Duration(#[from] chrono::OutOfRangeError),
}

impl ConfigError {
    /// The same, with where it stands.
    pub(crate) fn at(self, place: impl std::fmt::Display) -> Self {
        Self::In { place: place.to_string(), source: Box::new(self) }
    }

    fn unless(right: bool, words: impl FnOnce() -> String) -> Result<(), Self> {
        if right { Ok(()) } else { Err(Self::Wrong(words())) }
    }
}

/// What holds without a file, and what a new file starts from.
const EXAMPLE: &str = include_str!("../../../../cauce.example.toml");

/// All that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the lake is.
    #[serde(default)]
    pub lake: LakeSection,
    /// Ledger and queue, where they are on AWS.
    #[serde(default)]
    pub aws: AwsSection,
    /// What one process does when.
    #[serde(default)]
    pub schedule: Schedule,
    /// Limits of runs.
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    maintenance: MaintenanceSection,
    #[serde(default)]
    retention: RetentionSection,
    #[serde(default)]
    quality: QualitySection,
    /// What is served.
    #[serde(default)]
    pub api: ApiSection,
    /// What who asks in SQL may use.
    #[serde(default)]
    pub sql: SqlSection,
    /// Who hears what this process does.
    #[serde(default)]
    pub telemetry: TelemetrySection,
    /// How webhooks of payment providers are verified.
    #[serde(default)]
    pub providers: Providers,
    /// How payment events are read.
    #[serde(default)]
    pub payments: PaymentsSection,
    /// Who is asked about events that no rule knows.
    #[serde(default)]
    pub model: ModelSection,
    /// Who says what currencies are worth.
    #[serde(default)]
    pub rates: RatesSection,
    /// The database of the system before.
    #[serde(default)]
    pub poller: PollerSection,
    #[serde(default)]
    auth: AuthSection,
    #[serde(default)]
    fees: FeesSection,
    #[serde(default)]
    venues: BTreeMap<Venue, VenueSection>,
    #[serde(default)]
    markets: Vec<MarketSection>,
    /// Brokers that are asked for trades.
    #[serde(default)]
    pub brokers: BrokersSection,
    /// Accounts at brokers.
    #[serde(default)]
    pub accounts: Vec<Account>,
    /// Platforms that trades are delivered to.
    #[serde(default)]
    pub deliveries: Vec<SinkSection>,
}

impl Config {
    /// Reads `path`; without one `./cauce.toml` if it is there; else the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new("cauce.toml"));
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).map_err(|error| error.at(file.display())),
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Self::example(),
            Err(source) => Err(ConfigError::Unreadable { path: file.to_owned(), source }),
        }
    }

    /// What holds without a configuration: `cauce.example.toml`.
    pub fn example() -> Result<Self, ConfigError> {
        Self::parse(EXAMPLE)
    }

    /// Reads a configuration.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)?;
        let switch = |name| payments::switch(name).map_err(ConfigError::Wrong);
        config.payments.rules = switch("ENABLE_RULE_BASED_NORMALIZATION")?.unwrap_or(config.payments.rules);
        config.model.enabled = switch("ENABLE_AI_NORMALIZATION")?.unwrap_or(config.model.enabled);
        for venue in config.markets.iter().map(|market| &market.venue).chain(config.venues.keys()) {
            let known = || venues::all().iter().map(|venue| venue.name()).collect::<Vec<_>>().join(", ");
            ConfigError::unless(venues::find(venue.as_str()).is_some(), || {
                format!("venue '{venue}' is not known; known are {}", known())
            })?;
        }
        config.quality.check()?;
        config.fees.fees()?;
        config.access()?;
        let together = config.aws.queue_url.is_some() == config.aws.dead_letter_url.is_some();
        ConfigError::unless(together, || {
            "aws.queue_url and aws.dead_letter_url are said together".to_owned()
        })?;
        let otlp = config.telemetry.otlp.as_deref().unwrap_or("http://");
        ConfigError::unless(otlp.starts_with("http://") || otlp.starts_with("https://"), || {
            format!("telemetry.otlp '{otlp}' does not begin with http:// or https://")
        })?;
        for venue in config.venues.values() {
            let url = venue.base_url.as_deref().unwrap_or("https://");
            let right = url.starts_with("https://") || url.starts_with("http://");
            ConfigError::unless(right, || {
                format!("base_url '{url}' does not begin with https:// or http://")
            })?;
            let asks = venue.tries != Some(0);
            ConfigError::unless(asks, || "tries = 0 would never ask; use 1 for a single try".to_owned())?;
        }
        config.brokers.check()?;
        deliver::check(&config.deliveries)?;
        let mut ids = BTreeSet::new();
        for account in &config.accounts {
            let id = &account.id;
            ConfigError::unless(ids.insert(id), || format!("the account '{id}' is there twice"))?;
            brokers::check(account).map_err(|why| ConfigError::Wrong(format!("account '{id}': {why}")))?;
        }
        Ok(config)
    }

    /// Who may ask, and how often.
    pub fn access(&self) -> Result<AccessSettings, ConfigError> {
        self.auth.settings(self.api.public_market)
    }

    /// Takes tokens of this issuer, where the configuration names none.
    pub fn set_issuer(&mut self, issuer: String, audience: String) -> Result<(), ConfigError> {
        self.auth.set_issuer(issuer, audience);
        self.access().map(|_| ())
    }

    /// Every market, each once, in the order of the file.
    pub fn markets(&self) -> Vec<Market> {
        self.markets_where(|_| true)
    }

    /// The markets of a group, each once, in the order of the file.
    pub fn markets_in(&self, group: &str) -> Vec<Market> {
        self.markets_where(|section| section.group == group)
    }

    fn markets_where(&self, wanted: impl Fn(&MarketSection) -> bool) -> Vec<Market> {
        let mut seen = BTreeSet::new();
        let of = |section: &MarketSection| {
            let MarketSection { venue, asset, fiat, sides, .. } = section.clone();
            sides.into_iter().map(move |trade_type| Market {
                venue: venue.clone(),
                asset: asset.clone(),
                fiat: fiat.clone(),
                trade_type,
            })
        };
        self.markets
            .iter()
            .filter(|section| wanted(section))
            .flat_map(of)
            .filter(|market| seen.insert(market.clone()))
            .collect()
    }

    /// What trading costs beside the price.
    pub fn fees(&self) -> Result<Fees, ConfigError> {
        self.fees.fees()
    }

    /// Bounds of the checks of single snapshots.
    pub fn thresholds(&self) -> Thresholds {
        self.quality.thresholds()
    }

    /// How the engine works: every known venue has settings, its own or the defaults.
    pub fn scraper(&self) -> ScraperSettings {
        let mut settings = ScraperSettings {
            parallel_markets: self.limits.parallel_markets,
            lease: self.limits.lease,
            run_timeout: self.limits.run_timeout,
            venues: BTreeMap::new(),
        };
        for protocol in venues::all() {
            let Ok(name) = protocol.name().parse::<Venue>() else { continue };
            let section = self.venues.get(&name).cloned().unwrap_or_default();
            settings.venues.insert(name, section.over(protocol.base_url()));
        }
        settings
    }

    /// When maintenance does what.
    pub fn maintenance(&self) -> Result<MaintenanceSettings, ConfigError> {
        let mut settings = MaintenanceSettings::default();
        let times = [
            (&mut settings.settle, self.maintenance.settle),
            (&mut settings.lateness, self.maintenance.lateness),
            (&mut settings.grace, self.maintenance.grace),
            (&mut settings.retention.replaced, self.retention.replaced),
        ];
        for (setting, said) in times {
            if let Some(said) = said {
                *setting = TimeDelta::from_std(said)?;
            }
        }
        settings.retention.raw = self.retention.raw.map(TimeDelta::from_std).transpose()?;
        settings.retention.tables = self.retention.tables.map(TimeDelta::from_std).transpose()?;
        settings.quality = self.quality.settings()?;
        settings.thresholds = self.quality.thresholds();
        settings.seal_rows = self.maintenance.seal_rows.unwrap_or(settings.seal_rows);
        Ok(settings)
    }

    /// The same with every venue at another place, and without waiting between requests.
    pub fn simulated(mut self, base_url: &str) -> Self {
        for protocol in venues::all() {
            if let Ok(name) = protocol.name().parse::<Venue>() {
                let section = self.venues.entry(name).or_default();
                section.base_url = Some(base_url.to_owned());
                section.min_interval_ms = Some(20);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use cauce_sources::VenueSettings;

    use super::*;

    #[test]
    fn the_example_is_the_default() {
        let config = Config::parse(EXAMPLE).unwrap();
        assert_eq!(config.markets().len(), 8);
        let venue: Venue = "binance_p2p".parse().unwrap();
        let settings = config.scraper().venues.remove(&venue).unwrap();
        assert_eq!(settings, VenueSettings::at("https://p2p.binance.com"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = Config::parse("[schedule]\nscrape = \"10m\"\nscarpe = \"5m\"\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("scarpe"), "{error}");
    }

    #[test]
    fn values_are_parsed_where_they_stand() {
        for (text, word) in [
            ("[schedule]\nscrape = \"ten\"", "no duration"),
            ("[[markets]]\nvenue = \"binance_p2p\"\nasset = \"usdt\"\nfiat = \"VES\"", "A-Z"),
            (
                "[[markets]]\nvenue = \"bitcoin_bazaar\"\nasset = \"USDT\"\nfiat = \"VES\"",
                "known are binance_p2p",
            ),
            ("[venues.binance_p2p]\nbase_url = \"p2p.binance.com\"", "https://"),
            ("[quality]\ncompleteness = 95", "quality.completeness is a share"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn groups_part_the_markets() {
        let market = |fiat: &str, group: &str| {
            format!("[[markets]]\nvenue = \"binance_p2p\"\nasset = \"USDT\"\nfiat = \"{fiat}\"\n{group}\n")
        };
        let text = market("VES", "") + &market("ARS", "group = \"south\"");
        let config = Config::parse(&text).unwrap();
        let fiats =
            |markets: Vec<Market>| markets.iter().map(|market| market.fiat.to_string()).collect::<Vec<_>>();
        assert_eq!(fiats(config.markets_in(DEFAULT_GROUP)), ["VES", "VES"]);
        assert_eq!(fiats(config.markets_in("south")), ["ARS", "ARS"]);
        assert_eq!(config.markets().len(), 4);
    }

    #[test]
    fn a_market_named_twice_is_asked_once() {
        let market = "[[markets]]\nvenue = \"binance_p2p\"\nasset = \"USDT\"\nfiat = \"VES\"\n";
        assert_eq!(Config::parse(&market.repeat(2)).unwrap().markets().len(), 2, "both sides, once");
    }
}
