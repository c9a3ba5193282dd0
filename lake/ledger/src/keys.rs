//! API keys: who may push, shown once and kept as a hash.
//!
//! A key is `cauce_<id>_<secret>`. The id is public and finds the item `key/<id>`; the secret is 256 random bits, so
//! that one fast hash of it is as good as a slow one of a password.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{Ledger, LedgerError, read, update};

/// What a key is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// `ingest`: push what any source said.
    Ingest,
    /// `ingest:<source>`: push what this source said.
    IngestFrom(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingest => f.write_str("ingest"),
            Self::IngestFrom(source) => write!(f, "ingest:{source}"),
        }
    }
}

/// A scope that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scope; known are ingest and ingest:<source>")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        match text.split_once(':') {
            None if text == "ingest" => Ok(Self::Ingest),
            Some(("ingest", source)) if !source.is_empty() => Ok(Self::IngestFrom(source.to_owned())),
            _ => Err(UnknownScope(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// A key as the ledger has it: all but its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public part.
    pub id: String,
    /// Who has it, for people.
    pub name: String,
    /// What it is good for.
    pub scopes: Vec<Scope>,
    /// BLAKE3 of its secret, in hexadecimal.
    hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It is no key of ours: nobody is known by it.
    Unknown,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl ApiKey {
    /// Whether the key may push what `source` said.
    pub fn may_ingest(&self, source: &str) -> bool {
        self.scopes.iter().any(|scope| match scope {
            Scope::Ingest => true,
            Scope::IngestFrom(only) => only == source,
        })
    }
}

/// The keys in a ledger.
#[derive(Debug, Clone, Copy)]
pub struct ApiKeys;

impl ApiKeys {
    const PREFIX: &'static str = "key/";
    const MARK: &'static str = "cauce";

    fn key(id: &str) -> String {
        format!("{}{id}", Self::PREFIX)
    }

    /// Makes a key. The text is the only copy of its secret.
    pub async fn add(
        ledger: &dyn Ledger,
        name: &str,
        scopes: Vec<Scope>,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(ApiKey, String), LedgerError> {
        let (id, secret): ([u8; 8], [u8; 32]) = rand::rng().random();
        let (id, secret) = (hex(&id), hex(&secret));
        let hash = blake3::hash(secret.as_bytes()).to_hex().to_string();
        let key = ApiKey {
            id: id.clone(),
            name: name.to_owned(),
            scopes,
            hash,
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        update(ledger, &Self::key(&id), |_: Option<ApiKey>| (Some(key.clone()), ())).await?;
        Ok((key, format!("{}_{id}_{secret}", Self::MARK)))
    }

    /// Whose key this is, or why it is not taken. How long that takes says nothing about the secret: hashes are
    /// compared, and in constant time.
    pub async fn check(
        ledger: &dyn Ledger,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<Result<ApiKey, Denied>, LedgerError> {
        let Some((id, secret)) = Self::parts(text) else { return Ok(Err(Denied::Unknown)) };
        let Some(key) = read::<ApiKey>(ledger, &Self::key(id)).await? else {
            return Ok(Err(Denied::Unknown));
        };
        let right =
            blake3::Hash::from_hex(&key.hash).is_ok_and(|hash| hash == blake3::hash(secret.as_bytes()));
        Ok(match key {
            _ if !right => Err(Denied::Unknown),
            ApiKey { revoked_at: Some(_), .. } => Err(Denied::Revoked),
            ApiKey { expires_at: Some(end), .. } if end <= now => Err(Denied::Expired),
            key => Ok(key),
        })
    }

    fn parts(text: &str) -> Option<(&str, &str)> {
        let (id, secret) = text.strip_prefix(Self::MARK)?.strip_prefix('_')?.split_once('_')?;
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        (plain(id) && plain(secret)).then_some((id, secret))
    }

    /// Takes a key back. Answers whether there is one of this id.
    pub async fn revoke(ledger: &dyn Ledger, id: &str, now: DateTime<Utc>) -> Result<bool, LedgerError> {
        update(ledger, &Self::key(id), |key: Option<ApiKey>| match key {
            Some(key) => (Some(ApiKey { revoked_at: key.revoked_at.or(Some(now)), ..key }), true),
            None => (None, false),
        })
        .await
    }

    /// All keys.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<ApiKey>, LedgerError> {
        let items = ledger.list(Self::PREFIX).await?;
        items.iter().map(|(key, item)| crate::decode(key, &item.value)).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::SqliteLedger;

    #[tokio::test]
    async fn a_key_is_good_until_it_is_revoked_or_expires() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let now = Utc::now();
        let scopes = vec!["ingest:binance_p2p".parse().unwrap()];
        let end = Some(now + TimeDelta::days(1));
        let (key, text) = ApiKeys::add(&ledger, "worker", scopes, end, now).await.unwrap();
        assert!(!serde_json::to_string(&ApiKeys::all(&ledger).await.unwrap()).unwrap().contains(&text[24..]));
        let good = ApiKeys::check(&ledger, &text, now).await.unwrap().unwrap();
        assert!(good.may_ingest("binance_p2p") && !good.may_ingest("okx_p2p"));
        let late = ApiKeys::check(&ledger, &text, now + TimeDelta::days(2)).await.unwrap();
        assert_eq!(late, Err(Denied::Expired));
        assert!(ApiKeys::revoke(&ledger, &key.id, now).await.unwrap());
        assert!(!ApiKeys::revoke(&ledger, "0000", now).await.unwrap());
        assert_eq!(ApiKeys::check(&ledger, &text, now).await.unwrap(), Err(Denied::Revoked));
    }

    #[tokio::test]
    async fn what_is_nearly_a_key_is_none() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let now = Utc::now();
        let (key, text) = ApiKeys::add(&ledger, "worker", vec![Scope::Ingest], None, now).await.unwrap();
        let last = if text.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{last}", &text[..text.len() - 1]);
        let cut = &text[..text.len() - 1];
        let hash = format!("cauce_{}_{}", key.id, key.hash);
        for nearly in
            ["", "cauce", "cauce__", "cauce_../x_0", &wrong, cut, &hash, &text.replace("cauce", "Cauce")]
        {
            assert_eq!(ApiKeys::check(&ledger, nearly, now).await.unwrap(), Err(Denied::Unknown), "{nearly}");
        }
        assert!("read".parse::<Scope>().is_err() && "ingest:".parse::<Scope>().is_err());
    }
}
