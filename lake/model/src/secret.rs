use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::BadValue;

/// Where a secret is. What it is stands in no file, no ledger and no log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// `env:NAME`: a variable of the environment.
    Variable(String),
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

impl FromStr for SecretPlace {
    type Err = BadValue;

    fn from_str(place: &str) -> Result<Self, BadValue> {
        match place.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("ssm", name)) if !name.is_empty() => Ok(Self::Parameter(name.to_owned())),
            Some(("secretsmanager", name)) if !name.is_empty() => {
                let (name, member) = match name.split_once('#') {
                    Some((name, member)) => (name, Some(member.to_owned())),
                    None => (name, None),
                };
                Ok(Self::Managed { name: name.to_owned(), member })
            }
            // Whoever wrote the secret itself is not shown it again.
            _ => Err(BadValue::new(
                "secret",
                "…",
                "is not written into the file, nor anywhere else: say where the secret is, env:NAME, ssm:NAME or secretsmanager:NAME#MEMBER",
            )),
        }
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "env:{name}"),
            Self::Parameter(name) => write!(f, "ssm:{name}"),
            Self::Managed { name, member: None } => write!(f, "secretsmanager:{name}"),
            Self::Managed { name, member: Some(member) } => write!(f, "secretsmanager:{name}#{member}"),
        }
    }
}

impl Serialize for SecretPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_is_read() {
        for place in ["env:KEY", "ssm:/cauce/key", "secretsmanager:cauce", "secretsmanager:cauce#key"] {
            assert_eq!(place.parse::<SecretPlace>().unwrap().to_string(), place);
        }
    }

    #[test]
    fn a_secret_itself_is_refused_and_not_shown() {
        for secret in ["hunter2", "env:", "vault:hunter2"] {
            let error = secret.parse::<SecretPlace>().unwrap_err().to_string();
            assert!(error.contains("env:NAME") && !error.contains("hunter2"), "{error}");
        }
    }
}
