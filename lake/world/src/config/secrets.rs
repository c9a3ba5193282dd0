//! Secrets are not in the file: it says where they are.

use std::fmt;

use cauce_model::SecretPlace;
use serde::{Deserialize, Deserializer, de::Error};

/// Where a secret is, or the secret itself where it was in the environment. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// It was in the environment, or is known otherwise.
    Here(String),
    /// It is fetched when it is needed.
    At(SecretPlace),
}

/// Several secrets: any of them holds, so that they can be changed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Secret {
    /// The secret at a place, read now where that is the environment.
    pub fn at(place: SecretPlace) -> Result<Self, String> {
        let SecretPlace::Variable(name) = place else { return Ok(Self::At(place)) };
        match std::env::var(&name) {
            Ok(secret) if !secret.trim().is_empty() => Ok(Self::Here(secret.trim().to_owned())),
            _ => Err(format!("the variable {name}, which is to hold a secret, is not set")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(_) => write!(f, "a secret"),
            Self::At(place) => write!(f, "{place}"),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::at(SecretPlace::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
