//! `cauce.toml`. Unknown keys are refused, with the line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use cauce_maintain::{MaintenanceSettings, QualitySettings};
use cauce_model::{Asset, Fiat, Market, TradeType, Venue};
use cauce_normalize::Thresholds;
use cauce_protocols::venues;
use cauce_sources::{ScraperSettings, VenueSettings};
use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};
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
const EXAMPLE: &str = include_str!("../../../cauce.example.toml");

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
    #[serde(default)]
    venues: BTreeMap<Venue, VenueSection>,
    #[serde(default)]
    markets: Vec<MarketSection>,
}

/// `[lake]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSection {
    /// A directory, `memory://` or `s3://…`.
    pub url: String,
    /// Where ledger, queue and logs of a lake are that is in no directory.
    pub state: PathBuf,
}

impl Default for LakeSection {
    fn default() -> Self {
        Self { url: "./lake".to_owned(), state: PathBuf::from("./.cauce") }
    }
}

/// Ledger and queue on AWS. What is not said is SQLite in the lake's state folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsSection {
    /// The ledger's table in DynamoDB.
    pub ledger_table: Option<String>,
    /// The queue in SQS; its messages are the bucket's own events.
    pub queue_url: Option<String>,
    /// The queue to which it gives up messages.
    pub dead_letter_url: Option<String>,
    /// The queue in SQS of what is put under `inbox/`.
    pub inbox_queue_url: Option<String>,
    /// The queue to which that one gives up messages.
    pub inbox_dead_letter_url: Option<String>,
}

/// How often one process does what. On AWS the template's schedules say it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Between two runs.
    #[serde(deserialize_with = "duration")]
    pub scrape: Duration,
    /// Between two sweeps.
    #[serde(deserialize_with = "duration")]
    pub sweep: Duration,
    /// Between two merges of open days.
    #[serde(deserialize_with = "duration")]
    pub merge: Duration,
    /// Between two looks for days to close and files to delete.
    #[serde(deserialize_with = "duration")]
    pub seal: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self { scrape: minutes(10), sweep: minutes(5), merge: minutes(15), seal: minutes(60) }
    }
}

/// Limits of runs, see [`ScraperSettings`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    parallel_markets: usize,
    #[serde(deserialize_with = "duration")]
    run_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    lease: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let ScraperSettings { parallel_markets, lease, run_timeout, .. } = ScraperSettings::default();
        Self { parallel_markets, run_timeout, lease }
    }
}

/// When days are closed and files deleted. What is not said is as in [`MaintenanceSettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MaintenanceSection {
    #[serde(deserialize_with = "optional_duration")]
    settle: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    lateness: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    grace: Option<Duration>,
    seal_rows: Option<u64>,
}

/// What is kept, and for how long. What is not said is kept for ever, but for what a replay replaced.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionSection {
    #[serde(deserialize_with = "optional_duration")]
    raw: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    tables: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    replaced: Option<Duration>,
}

/// Bounds of the checks in `ops_data_quality`. What is not said is as in [`Thresholds`] and [`QualitySettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QualitySection {
    completeness: Option<f64>,
    duplicate_offers: Option<f64>,
    schema_drift: Option<f64>,
    hard_rules: Option<f64>,
    side_consistency: Option<f64>,
    price_anomaly: Option<f64>,
    least_snapshots: Option<usize>,
    #[serde(deserialize_with = "optional_duration")]
    freshness: Option<Duration>,
}

impl QualitySection {
    /// Bounds of the checks of single snapshots.
    fn thresholds(&self) -> Thresholds {
        let usual = Thresholds::default();
        Thresholds {
            completeness: self.completeness.unwrap_or(usual.completeness),
            duplicate_offers: self.duplicate_offers.unwrap_or(usual.duplicate_offers),
            schema_drift: self.schema_drift.unwrap_or(usual.schema_drift),
            hard_rules: self.hard_rules.unwrap_or(usual.hard_rules),
            side_consistency: self.side_consistency.unwrap_or(usual.side_consistency),
        }
    }

    /// Bounds of the checks of snapshots against others.
    fn settings(&self) -> Result<QualitySettings, ConfigError> {
        let usual = QualitySettings::default();
        Ok(QualitySettings {
            price_anomaly: self.price_anomaly.unwrap_or(usual.price_anomaly),
            least_snapshots: self.least_snapshots.unwrap_or(usual.least_snapshots),
            freshness: self.freshness.map_or(Ok(usual.freshness), TimeDelta::from_std)?,
        })
    }

    /// Bounds are shares or numbers that are not negative; anything else would pass all, or nothing.
    fn check(&self) -> Result<(), ConfigError> {
        let shares = [
            ("completeness", self.completeness),
            ("duplicate_offers", self.duplicate_offers),
            ("hard_rules", self.hard_rules),
            ("side_consistency", self.side_consistency),
        ];
        for (name, share) in shares {
            let right = share.is_none_or(|share| (0.0..=1.0).contains(&share));
            ConfigError::unless(right, || format!("quality.{name} is a share from 0 to 1"))?;
        }
        for (name, number) in [("schema_drift", self.schema_drift), ("price_anomaly", self.price_anomaly)] {
            let right = number.is_none_or(|number| number.is_finite() && number >= 0.0);
            ConfigError::unless(right, || format!("quality.{name} is a number from 0 on"))?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct VenueSection {
    base_url: Option<String>,
    min_interval_ms: Option<u64>,
    timeout_ms: Option<u64>,
    tries: Option<u32>,
    max_pages: Option<u32>,
    breaker_failures: Option<u32>,
    #[serde(deserialize_with = "optional_duration")]
    breaker_cool_down: Option<Duration>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketSection {
    /// The schedule that asks for it, where there are several.
    #[serde(default = "default_group")]
    group: String,
    venue: Venue,
    asset: Asset,
    fiat: Fiat,
    #[serde(default = "both")]
    sides: Vec<TradeType>,
}

fn default_group() -> String {
    DEFAULT_GROUP.to_owned()
}

fn both() -> Vec<TradeType> {
    TradeType::ALL.to_vec()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    match humantime::parse_duration(&text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        Ok(_) => Err(serde::de::Error::custom("a duration of zero makes no sense here")),
        Err(error) => Err(serde::de::Error::custom(format!("'{text}' is no duration such as 10m: {error}"))),
    }
}

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
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
        let config: Self = toml::from_str(text)?;
        for venue in config.markets.iter().map(|market| &market.venue).chain(config.venues.keys()) {
            let known = || venues::all().iter().map(|venue| venue.name()).collect::<Vec<_>>().join(", ");
            ConfigError::unless(venues::find(venue.as_str()).is_some(), || {
                format!("venue '{venue}' is not known; known are {}", known())
            })?;
        }
        config.quality.check()?;
        let together = config.aws.queue_url.is_some() == config.aws.dead_letter_url.is_some();
        ConfigError::unless(together, || {
            "aws.queue_url and aws.dead_letter_url are said together".to_owned()
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
        Ok(config)
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

impl VenueSection {
    fn over(self, default_url: &str) -> VenueSettings {
        let url = self.base_url.unwrap_or_else(|| default_url.to_owned());
        let mut settings = VenueSettings::at(url.trim_end_matches('/'));
        if let Some(millis) = self.min_interval_ms {
            settings.min_interval = Duration::from_millis(millis);
        }
        if let Some(millis) = self.timeout_ms {
            settings.timeout = Duration::from_millis(millis);
        }
        settings.tries = self.tries.unwrap_or(settings.tries);
        settings.max_pages = self.max_pages.unwrap_or(settings.max_pages);
        settings.breaker.failures = self.breaker_failures.unwrap_or(settings.breaker.failures);
        settings.breaker.cool_down = self.breaker_cool_down.unwrap_or(settings.breaker.cool_down);
        settings
    }
}

#[cfg(test)]
mod tests {
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
