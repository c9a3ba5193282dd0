//! Secrets are not in the file: it says where they are.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};

/// Where a secret is, or the secret itself where it was in the environment. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// `env:NAME`, read when the file was.
    Here(String),
    /// `ssm:NAME`: a parameter of Systems Manager.
    Parameter(String),
    /// `secretsmanager:NAME` or `secretsmanager:NAME#MEMBER`: a secret of Secrets Manager, or a member of the JSON in it.
    Managed {
        /// The secret.
        name: String,
        /// The member.
        member: Option<String>,
    },
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

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(_) => write!(f, "a secret"),
            Self::Parameter(name) => write!(f, "ssm:{name}"),
            Self::Managed { name, member: None } => write!(f, "secretsmanager:{name}"),
            Self::Managed { name, member: Some(member) } => write!(f, "secretsmanager:{name}#{member}"),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = String::deserialize(deserializer)?;
        match place.split_once(':') {
            Some(("env", name)) => match std::env::var(name) {
                Ok(secret) if !secret.trim().is_empty() => Ok(Self::Here(secret.trim().to_owned())),
                _ => Err(D::Error::custom(format!(
                    "the variable {name}, which is to hold a secret, is not set"
                ))),
            },
            Some(("ssm", name)) if !name.is_empty() => Ok(Self::Parameter(name.to_owned())),
            Some(("secretsmanager", name)) if !name.is_empty() => {
                let (name, member) = match name.split_once('#') {
                    Some((name, member)) => (name, Some(member.to_owned())),
                    None => (name, None),
                };
                Ok(Self::Managed { name: name.to_owned(), member })
            }
            _ => Err(D::Error::custom(
                "a secret is not written into the file: say where it is, env:NAME, ssm:NAME or secretsmanager:NAME#MEMBER",
            )),
        }
    }
}
