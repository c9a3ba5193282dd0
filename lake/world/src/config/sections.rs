//! The sections of `cauce.toml`. What is not said is as in the settings that they become.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, time::Duration};

use cauce_access::{AccessSettings, OidcSettings, Role};
use cauce_maintain::QualitySettings;
use cauce_model::{Asset, Fees, Fiat, TakerFees, TradeType, Venue};
use cauce_normalize::Thresholds;
use cauce_sources::{ScraperSettings, VenueSettings};
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::{ConfigError, DEFAULT_GROUP};

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
    /// The queue in SQS of events that no rule knows.
    pub unread_queue_url: Option<String>,
    /// The queue to which that one gives up messages.
    pub unread_dead_letter_url: Option<String>,
}

/// `[api]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSection {
    /// Bytes of answers that are kept in memory for who asks again; 0 keeps none.
    pub kept_answers: u64,
    /// Requests of the lake that are answered at once; the next one is told to come again.
    pub at_once: NonZeroUsize,
    /// Everybody may read market data.
    pub public_market: bool,
    /// Pages of other origins that may ask.
    pub allowed_origins: Vec<String>,
}

impl Default for ApiSection {
    fn default() -> Self {
        // More than enough to keep every core at work; each may hold a day of offers in memory, some 20 MB, and what
        // waits behind more of them is answered later, and not sooner.
        const AT_ONCE: NonZeroUsize = NonZeroUsize::new(64).unwrap();
        Self { kept_answers: 64 << 20, at_once: AT_ONCE, public_market: false, allowed_origins: Vec::new() }
    }
}

/// `[telemetry]`: who hears what this process does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySection {
    /// An OpenTelemetry collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; none, and nothing is sent.
    pub otlp: Option<String>,
}

/// `[sql]`: what who asks in SQL may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqlSection {
    /// From the question to the last row.
    #[serde(deserialize_with = "duration")]
    pub time: Duration,
    /// MiB that all who ask share.
    pub memory_mib: usize,
    /// Rows of an answer.
    pub rows: usize,
    /// Questions at once.
    pub at_once: usize,
}

impl Default for SqlSection {
    fn default() -> Self {
        Self { time: Duration::from_secs(25), memory_mib: 512, rows: 1_000_000, at_once: 4 }
    }
}

/// `[auth]`: who may ask, and how often. What is not said is as in [`AccessSettings`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuthSection {
    #[serde(deserialize_with = "duration")]
    token_lasts: Duration,
    requests_per_minute: u32,
    anonymous_per_minute: u32,
    open_until_admin: bool,
    oidc: Option<OidcSection>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OidcSection {
    issuer: String,
    audience: String,
    role_claim: Option<String>,
    #[serde(default)]
    roles: BTreeMap<Role, String>,
}

impl Default for AuthSection {
    fn default() -> Self {
        let AccessSettings { requests_a_minute, strangers_a_minute, .. } = AccessSettings::default();
        Self {
            token_lasts: Duration::from_secs(12 * 3_600),
            requests_per_minute: requests_a_minute,
            anonymous_per_minute: strangers_a_minute,
            open_until_admin: true,
            oidc: None,
        }
    }
}

impl AuthSection {
    pub(super) fn set_issuer(&mut self, issuer: String, audience: String) {
        let section = || OidcSection { issuer, audience, role_claim: None, roles: BTreeMap::new() };
        self.oidc.get_or_insert_with(section);
    }

    pub(super) fn settings(&self, public_market: bool) -> Result<AccessSettings, ConfigError> {
        let oidc = self.oidc.as_ref().map(|section| {
            let of = OidcSettings::of(&section.issuer, &section.audience);
            let role_claim = section.role_claim.clone().unwrap_or(of.role_claim);
            let roles = if section.roles.is_empty() { of.roles } else { section.roles.clone() };
            OidcSettings { role_claim, roles, ..of }
        });
        if let Some(oidc) = &oidc {
            let right = oidc.issuer.starts_with("https://") || oidc.issuer.starts_with("http://127.0.0.1:");
            ConfigError::unless(right, || {
                format!("auth.oidc.issuer = \"{}\" does not begin with https://", oidc.issuer)
            })?;
        }
        Ok(AccessSettings {
            public_market,
            open_until_admin: self.open_until_admin,
            token_lasts: TimeDelta::from_std(self.token_lasts)?,
            requests_a_minute: self.requests_per_minute,
            strangers_a_minute: self.anonymous_per_minute,
            oidc,
        })
    }
}

/// `[fees]`: what trading costs beside the price, as shares of it, as text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FeesSection {
    venues: BTreeMap<Venue, TakerFeesSection>,
    payment_methods: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TakerFeesSection {
    buy: Option<String>,
    sell: Option<String>,
}

impl FeesSection {
    pub(super) fn fees(&self) -> Result<Fees, ConfigError> {
        let mut fees = Fees::default();
        for (venue, section) in &self.venues {
            let of = |name: &str, fee: &Option<String>| {
                fee.as_ref()
                    .map_or(Ok(Decimal::ZERO), |fee| share(&format!("fees.venues.{venue}.{name}"), fee))
            };
            let taker = TakerFees { buy: of("buy", &section.buy)?, sell: of("sell", &section.sell)? };
            fees.venues.insert(venue.clone(), taker);
        }
        for (code, fee) in &self.payment_methods {
            fees.payment_methods.insert(code.clone(), share(&format!("fees.payment_methods.{code}"), fee)?);
        }
        Ok(fees)
    }
}

/// A fee: a share of the price between -1 and 1 with at most eight digits after the point.
fn share(name: &str, text: &str) -> Result<Decimal, ConfigError> {
    let fee = Decimal::from_str_exact(text).ok().filter(|fee| fee.abs() < Decimal::ONE && fee.scale() <= 8);
    fee.ok_or_else(|| {
        ConfigError::Wrong(format!("{name} = \"{text}\" is no share of a price such as \"0.001\""))
    })
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
    /// Between two cycles in which brokers are asked for trades.
    #[serde(deserialize_with = "duration")]
    pub fetch: Duration,
    /// Between two cycles in which trades are delivered, beside those that follow an analysis.
    #[serde(deserialize_with = "duration")]
    pub deliver: Duration,
    /// Between two looks at what changed in accounts, beside those that follow an import.
    #[serde(deserialize_with = "duration")]
    pub analyze: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            scrape: minutes(10),
            sweep: minutes(5),
            merge: minutes(15),
            seal: minutes(60),
            fetch: minutes(15),
            deliver: minutes(15),
            analyze: minutes(60),
        }
    }
}

/// Limits of runs, see [`ScraperSettings`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub(super) parallel_markets: usize,
    #[serde(deserialize_with = "duration")]
    pub(super) run_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) lease: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let ScraperSettings { parallel_markets, lease, run_timeout, .. } = ScraperSettings::default();
        Self { parallel_markets, run_timeout, lease }
    }
}

/// When days are closed and files deleted. What is not said is as in [`cauce_maintain::MaintenanceSettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MaintenanceSection {
    #[serde(deserialize_with = "optional_duration")]
    pub(super) settle: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) lateness: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) grace: Option<Duration>,
    pub(super) seal_rows: Option<u64>,
}

/// What is kept, and for how long. What is not said is kept for ever, but for what a replay replaced.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetentionSection {
    #[serde(deserialize_with = "optional_duration")]
    pub(super) raw: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) tables: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) replaced: Option<Duration>,
}

/// Bounds of the checks in `ops_data_quality`. What is not said is as in [`Thresholds`] and [`QualitySettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct QualitySection {
    pub(super) completeness: Option<f64>,
    pub(super) duplicate_offers: Option<f64>,
    pub(super) schema_drift: Option<f64>,
    pub(super) hard_rules: Option<f64>,
    pub(super) side_consistency: Option<f64>,
    pub(super) price_anomaly: Option<f64>,
    pub(super) least_snapshots: Option<usize>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) freshness: Option<Duration>,
}

impl QualitySection {
    /// Bounds of the checks of single snapshots.
    pub(super) fn thresholds(&self) -> Thresholds {
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
    pub(super) fn settings(&self) -> Result<QualitySettings, ConfigError> {
        let usual = QualitySettings::default();
        Ok(QualitySettings {
            price_anomaly: self.price_anomaly.unwrap_or(usual.price_anomaly),
            least_snapshots: self.least_snapshots.unwrap_or(usual.least_snapshots),
            freshness: self.freshness.map_or(Ok(usual.freshness), TimeDelta::from_std)?,
        })
    }

    /// Bounds are shares or numbers that are not negative; anything else would pass all, or nothing.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
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
pub(super) struct VenueSection {
    pub(super) base_url: Option<String>,
    pub(super) min_interval_ms: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) tries: Option<u32>,
    pub(super) max_pages: Option<u32>,
    pub(super) breaker_failures: Option<u32>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) breaker_cool_down: Option<Duration>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarketSection {
    /// The schedule that asks for it, where there are several.
    #[serde(default = "default_group")]
    pub(super) group: String,
    pub(super) venue: Venue,
    pub(super) asset: Asset,
    pub(super) fiat: Fiat,
    #[serde(default = "both")]
    pub(super) sides: Vec<TradeType>,
}

fn default_group() -> String {
    DEFAULT_GROUP.to_owned()
}

fn both() -> Vec<TradeType> {
    TradeType::ALL.to_vec()
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    match humantime::parse_duration(&text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        Ok(_) => Err(serde::de::Error::custom("a duration of zero makes no sense here")),
        Err(error) => Err(serde::de::Error::custom(format!("'{text}' is no duration such as 10m: {error}"))),
    }
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

impl VenueSection {
    pub(super) fn over(self, default_url: &str) -> VenueSettings {
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
