//! `[providers.NAME]`: how a payment provider's webhooks are verified.

use std::collections::BTreeMap;

use cauce_protocols::providers;
use serde::{Deserialize, Deserializer, de::Error};

use super::{Secret, Secrets};

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
    /// The key of its API, to ask for what its webhooks only name (Mollie, Mercado Pago).
    pub api_key: Option<Secret>,
    /// Where its API answers, if not at the provider's usual address.
    pub api: Option<String>,
}

impl Providers {
    /// Every provider that has settings.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProviderSection)> {
        self.0.iter().map(|(name, section)| (name.as_str(), section))
    }

    /// The settings of a provider.
    pub fn get(&self, name: &str) -> Option<&ProviderSection> {
        self.0.get(name)
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
            if section.api_key.is_some() && provider.api().is_none() {
                return Err(D::Error::custom(format!("nothing is asked of {name}; leave its api_key out")));
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
        assert_eq!(format!("{:?}", stripe.secrets), "Secrets([a secret])");
        let elsewhere =
            of("[providers.stripe]\nsecrets = [\"ssm:/cauce/stripe\", \"secretsmanager:cauce#stripe\"]")
                .unwrap();
        let places = format!("{:?}", elsewhere.providers.get("stripe").unwrap().secrets);
        assert_eq!(places, "Secrets([ssm:/cauce/stripe, secretsmanager:cauce#stripe])");
        for (text, why) in [
            ("[providers.stripe]\nsecrets = [\"whsec_1\"]", "is not written into the file"),
            ("[providers.stripe]\nsecrets = [\"env:CAUCE_NO_SUCH_VARIABLE\"]", "is not set"),
            ("[providers.acme]\nsecrets = []", "is not known"),
            ("[providers.mollie]\nsecrets = [\"env:PATH\"]", "is not signed"),
            ("[providers.stripe]\napi_key = \"env:PATH\"", "nothing is asked"),
        ] {
            let refused = of(text).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
