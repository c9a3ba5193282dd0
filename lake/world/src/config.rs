//! `cauce.toml`. Unknown keys are refused, with the line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use cauce_maintain::{MaintenanceSettings, QualitySettings};
use cauce_model::{Asset, Fiat, Market, TradeType, Venue};
use cauce_normalize::Thresholds;
use cauce_protocols::venues;
use cauce_sources::{ScraperSettings, VenueSettings};
use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};

/// What holds without a file, and what a new file starts from.
const EXAMPLE: &str = include_str!("../../cauce.example.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) lake: LakeSection,
    #[serde(default)]
    pub(crate) aws: AwsSection,
    #[serde(default)]
    pub(crate) schedule: Schedule,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) maintenance: MaintenanceSection,
    #[serde(default)]
    pub(crate) retention: RetentionSection,
    #[serde(default)]
    pub(crate) quality: QualitySection,
    #[serde(default)]
    pub(crate) venues: BTreeMap<Venue, VenueSection>,
    #[serde(default)]
    pub(crate) markets: Vec<MarketSection>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LakeSection {
    pub(crate) url: String,
    /// Where ledger, queue and logs of a lake are that is in no directory.
    pub(crate) state: PathBuf,
}

impl Default for LakeSection {
    fn default() -> Self {
        Self { url: "./lake".to_owned(), state: PathBuf::from("./.cauce") }
    }
}

/// Ledger and queue on AWS. What is not said is SQLite in the lake's state folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AwsSection {
    pub(crate) ledger_table: Option<String>,
    pub(crate) queue_url: Option<String>,
    pub(crate) dead_letter_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Schedule {
    #[serde(deserialize_with = "duration")]
    pub(crate) scrape: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) sweep: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) merge: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) seal: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self { scrape: minutes(10), sweep: minutes(5), merge: minutes(15), seal: minutes(60) }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) parallel_markets: usize,
    #[serde(deserialize_with = "duration")]
    pub(crate) run_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) lease: Duration,
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
pub(crate) struct MaintenanceSection {
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
pub(crate) struct RetentionSection {
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
pub(crate) struct QualitySection {
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
    pub(crate) fn thresholds(&self) -> Thresholds {
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
    pub(crate) fn settings(&self) -> anyhow::Result<QualitySettings> {
        let usual = QualitySettings::default();
        Ok(QualitySettings {
            price_anomaly: self.price_anomaly.unwrap_or(usual.price_anomaly),
            least_snapshots: self.least_snapshots.unwrap_or(usual.least_snapshots),
            freshness: self.freshness.map_or(Ok(usual.freshness), TimeDelta::from_std)?,
        })
    }

    /// Bounds are shares or numbers that are not negative; anything else would pass all, or nothing.
    fn check(&self) -> anyhow::Result<()> {
        let shares = [
            ("completeness", self.completeness),
            ("duplicate_offers", self.duplicate_offers),
            ("hard_rules", self.hard_rules),
            ("side_consistency", self.side_consistency),
        ];
        for (name, share) in shares {
            let right = share.is_none_or(|share| (0.0..=1.0).contains(&share));
            anyhow::ensure!(right, "quality.{name} is a share from 0 to 1");
        }
        for (name, number) in [("schema_drift", self.schema_drift), ("price_anomaly", self.price_anomaly)] {
            let right = number.is_none_or(|number| number.is_finite() && number >= 0.0);
            anyhow::ensure!(right, "quality.{name} is a number from 0 on");
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VenueSection {
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
pub(crate) struct MarketSection {
    venue: Venue,
    asset: Asset,
    fiat: Fiat,
    #[serde(default = "both")]
    sides: Vec<TradeType>,
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
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = path.unwrap_or(Path::new("cauce.toml"));
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).with_context(|| format!("configuration {}", file.display())),
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Self::parse(EXAMPLE),
            Err(error) => {
                Err(error).with_context(|| format!("configuration {} can't be read", file.display()))
            }
        }
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        for venue in config.markets.iter().map(|market| &market.venue).chain(config.venues.keys()) {
            let known = || venues::all().iter().map(|venue| venue.name()).collect::<Vec<_>>().join(", ");
            anyhow::ensure!(
                venues::find(venue.as_str()).is_some(),
                "venue '{venue}' is not known; known are {}",
                known()
            );
        }
        config.quality.check()?;
        anyhow::ensure!(
            config.aws.queue_url.is_some() == config.aws.dead_letter_url.is_some(),
            "aws.queue_url and aws.dead_letter_url are said together"
        );
        for venue in config.venues.values() {
            let url = venue.base_url.as_deref().unwrap_or("https://");
            let right = url.starts_with("https://") || url.starts_with("http://");
            anyhow::ensure!(right, "base_url '{url}' does not begin with https:// or http://");
            anyhow::ensure!(venue.tries != Some(0), "tries = 0 would never ask; use 1 for a single try");
        }
        Ok(config)
    }

    /// Every market, each once, in the order of the file.
    pub(crate) fn markets(&self) -> Vec<Market> {
        let mut seen = BTreeSet::new();
        let of = |section: &MarketSection| {
            let MarketSection { venue, asset, fiat, sides } = section.clone();
            sides.into_iter().map(move |trade_type| Market {
                venue: venue.clone(),
                asset: asset.clone(),
                fiat: fiat.clone(),
                trade_type,
            })
        };
        self.markets.iter().flat_map(of).filter(|market| seen.insert(market.clone())).collect()
    }

    /// How the engine works: every known venue has settings, its own or the defaults.
    pub(crate) fn scraper(&self) -> ScraperSettings {
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
    pub(crate) fn maintenance(&self) -> anyhow::Result<MaintenanceSettings> {
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
    pub(crate) fn simulated(mut self, base_url: &str) -> Self {
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
            let error = format!("{:#}", Config::parse(text).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_market_named_twice_is_asked_once() {
        let market = "[[markets]]\nvenue = \"binance_p2p\"\nasset = \"USDT\"\nfiat = \"VES\"\n";
        assert_eq!(Config::parse(&market.repeat(2)).unwrap().markets().len(), 2, "both sides, once");
    }
}
