//! `[model]`, `[rates]`, `[poller]` and `[payments]`: what payment events need beside their rules.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::{Secret, sections::duration};

/// `[payments]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentsSection {
    /// What comes is read by the rules of its provider. `ENABLE_RULE_BASED_NORMALIZATION` says it before the file.
    pub rules: bool,
}

impl Default for PaymentsSection {
    fn default() -> Self {
        Self { rules: true }
    }
}

/// `[model]`: the language model that is asked about events that no rule knows. Nothing is sent without a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSection {
    /// Its server speaks the protocol of OpenAI's chat completions; up to and without `/chat/completions`.
    #[serde(deserialize_with = "http")]
    pub url: String,
    /// Its name there.
    pub name: String,
    /// What says who asks.
    pub key: Option<Secret>,
    /// `ENABLE_AI_NORMALIZATION` says it before the file.
    pub enabled: bool,
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            url: "https://api.openai.com/v1".to_owned(),
            name: "gpt-4o-mini".to_owned(),
            key: None,
            enabled: true,
        }
    }
}

impl ModelSection {
    /// Whether it is asked.
    pub fn is_on(&self) -> bool {
        self.enabled && self.key.is_some()
    }
}

/// `[rates]`: a service that says what currencies are worth.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatesSection {
    /// Its address, or where that is, if there is a key in it.
    #[serde(deserialize_with = "address")]
    pub url: Option<Secret>,
    /// Between two questions.
    #[serde(deserialize_with = "duration")]
    pub every: Duration,
}

impl Default for RatesSection {
    fn default() -> Self {
        Self { url: None, every: Duration::from_secs(6 * 3_600) }
    }
}

/// `[poller]`: the PostgreSQL of the system before, whose table `raw_transactions` is taken over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PollerSection {
    /// `postgres://user:password@host/database`, a secret.
    pub url: Option<Secret>,
    /// The table; with its schema, if that is not the first of the search path.
    pub table: String,
    /// Rows of one transaction.
    pub batch: u32,
    /// Between two looks.
    #[serde(deserialize_with = "duration")]
    pub every: Duration,
}

impl Default for PollerSection {
    fn default() -> Self {
        Self {
            url: None,
            table: "raw_transactions".to_owned(),
            batch: 100,
            every: Duration::from_secs(12 * 3_600),
        }
    }
}

/// A switch in the environment, which goes before the file.
pub(super) fn switch(name: &str) -> Result<Option<bool>, String> {
    match std::env::var(name).ok().as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
        Some("false" | "0" | "no" | "off") => Ok(Some(false)),
        Some(other) => Err(format!("{name} is '{other}', which is neither true nor false")),
    }
}

/// An address that is no secret, or where one is that is.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    use serde::de::IntoDeserializer;
    let text = String::deserialize(deserializer)?;
    if text.starts_with("https://") || text.starts_with("http://") {
        return Ok(Some(Secret::Here(text)));
    }
    Secret::deserialize(text.into_deserializer()).map(Some)
}

fn http<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let url = String::deserialize(deserializer)?;
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(url);
    }
    Err(D::Error::custom(format!("'{url}' does not begin with https:// or http://")))
}
