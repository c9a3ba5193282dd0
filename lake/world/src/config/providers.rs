//! `[providers.NAME]`: how a payment provider's webhooks are verified.

use std::{collections::BTreeMap, fmt};

use cauce_protocols::providers;
use serde::{Deserialize, Deserializer, de::Error};

/// Settings of providers by their names.
#[derive(Debug, Clone, Default)]
pub struct Providers(BTreeMap<String, ProviderSection>);

/// One provider's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSection {
    /// What it signs with; more than one while they are changed.
    #[serde(default)]
    pub secrets: Secrets,
    /// The address that it was given, where its signature covers that (Square).
    pub url: Option<String>,
}

/// Secrets, which are not in the file: it names where they are, `env:NAME`. They are not shown.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Providers {
    /// The settings of a provider.
    pub fn get(&self, name: &str) -> Option<&ProviderSection> {
        self.0.get(name)
    }
}

impl Secrets {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} of them)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let places = Vec::<String>::deserialize(deserializer)?;
        let secret = |place: String| {
            let name = place.strip_prefix("env:").ok_or_else(|| {
                D::Error::custom("a secret is not written into the file: say where it is, env:NAME")
            })?;
            match std::env::var(name) {
                Ok(secret) if !secret.trim().is_empty() => Ok(secret.trim().to_owned()),
                _ => Err(D::Error::custom(format!(
                    "the variable {name}, which is to hold a secret, is not set"
                ))),
            }
        };
        places.into_iter().map(secret).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de> Deserialize<'de> for Providers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sections = BTreeMap::<String, ProviderSection>::deserialize(deserializer)?;
        for (name, section) in &sections {
            let Some(provider) = providers::find(name) else {
                let known: Vec<&str> = providers::all().iter().map(|provider| provider.name()).collect();
                return Err(D::Error::custom(format!(
                    "provider '{name}' is not known; known are {}",
                    known.join(", ")
                )));
            };
            if !section.secrets.is_empty() && !provider.about().signs {
                return Err(D::Error::custom(format!(
                    "what {name} sends is not signed in a way that can be verified; leave its secrets out"
                )));
            }
        }
        Ok(Self(sections))
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn secrets_are_named_and_not_written() {
        let of = |text: &str| Config::parse(text).map_err(|error| error.to_string());
        // A variable that every process has.
        let config = of("[providers.stripe]\nsecrets = [\"env:PATH\"]").unwrap();
        let stripe = config.providers.get("stripe").unwrap();
        assert_eq!(stripe.secrets.iter().count(), 1);
        assert_eq!(format!("{:?}", stripe.secrets), "Secrets(1 of them)");
        for (text, why) in [
            ("[providers.stripe]\nsecrets = [\"whsec_1\"]", "is not written into the file"),
            ("[providers.stripe]\nsecrets = [\"env:CAUCE_NO_SUCH_VARIABLE\"]", "is not set"),
            ("[providers.acme]\nsecrets = []", "is not known"),
            ("[providers.mollie]\nsecrets = [\"env:PATH\"]", "is not signed"),
        ] {
            let refused = of(text).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
