use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What somebody may. Each role may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Read markets, quality, runs, raw bytes of venues.
    Reader,
    /// Ask in SQL.
    Analyst,
    /// Run it: users, keys, runs by hand.
    Admin,
}

impl Role {
    /// All of them, from the least.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Analyst, Self::Admin];

    /// Whether this role includes `other`.
    pub fn may(self, other: Self) -> bool {
        self >= other
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A role that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no role; known are reader, analyst and admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: pages, documents, health, log-in. Who asks is not looked at.
    Nothing,
    /// Nothing; but what is said must be right.
    Anybody,
    /// To be known, with any role or key.
    Known,
    /// Market data: a reader, or everybody where the configuration opens it.
    Market,
    /// A role.
    Role(Role),
    /// A key for pushing, of the source that the route names; or an administrator.
    Ingest,
    /// The same, or the signature of the provider that the route names: the route looks at both.
    Signed,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing | Self::Anybody => f.write_str("nothing"),
            Self::Known => f.write_str("any user or key"),
            Self::Market => f.write_str("the role reader, unless market data is public"),
            Self::Role(role) => write!(f, "the role {role}"),
            Self::Ingest => f.write_str("a key with the scope ingest, or the role admin"),
            Self::Signed => {
                f.write_str("the provider's signature, or a key with the scope ingest, or the role admin")
            }
        }
    }
}
