//! API keys: of programs, shown once and kept as a hash.
//!
//! A key is `cauce_<id>_<secret>`. The id is public and finds the item `key/<id>`; the secret is 256 random bits, so
//! that one fast hash of it is as good as a slow one of a password.

use std::{fmt, str::FromStr};

use cauce_ledger::{Ledger, LedgerError, read, read_all, update};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Role, hex};

/// What a key is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// `reader`, `analyst` or `admin`: what a user with this role may.
    Role(Role),
    /// `ingest`: push what any source said.
    Ingest,
    /// `ingest:<source>`: push what this source said.
    IngestFrom(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => role.fmt(f),
            Self::Ingest => f.write_str("ingest"),
            Self::IngestFrom(source) => write!(f, "ingest:{source}"),
        }
    }
}

/// A scope that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scope; known are ingest, ingest:<source>, reader, analyst and admin")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        match text.split_once(':') {
            None if text == "ingest" => Ok(Self::Ingest),
            None => text.parse().map(Self::Role).map_err(|_| UnknownScope(text.to_owned())),
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
    /// Requests a minute that it may make; none: as many as is configured for all.
    #[serde(default)]
    pub per_minute: Option<u32>,
}

/// What a new key is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerms {
    /// What it may.
    pub scopes: Vec<Scope>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Requests a minute; none: as many as is configured for all.
    pub per_minute: Option<u32>,
}

impl KeyTerms {
    /// Requests a minute of a key that is for trying things out, unless it is said.
    pub const TRYING: u32 = 10;

    /// For ever, and as often as everybody.
    pub fn of(scopes: impl Into<Vec<Scope>>) -> Self {
        Self { scopes: scopes.into(), expires_at: None, per_minute: None }
    }
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
    /// What others may see of it.
    pub fn shown(&self) -> Value {
        let Self { id, name, scopes, created_at, expires_at, revoked_at, per_minute, .. } = self;
        json!({
            "id": id, "name": name, "scopes": scopes, "created_at": created_at, "expires_at": expires_at,
            "revoked_at": revoked_at, "per_minute": per_minute,
        })
    }

    /// Whether the key may push what `source` said.
    pub fn may_ingest(&self, source: &str) -> bool {
        self.scopes.iter().any(|scope| match scope {
            Scope::Ingest => true,
            Scope::IngestFrom(only) => only == source,
            Scope::Role(role) => role.may(Role::Admin),
        })
    }

    /// The most that the key may among the roles; none if it may only push.
    pub fn role(&self) -> Option<Role> {
        let role = |scope: &Scope| match scope {
            Scope::Role(role) => Some(*role),
            Scope::Ingest | Scope::IngestFrom(_) => None,
        };
        self.scopes.iter().filter_map(role).max()
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
        KeyTerms { scopes, expires_at, per_minute }: KeyTerms,
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
            per_minute,
        };
        update(ledger, &Self::key(&id), |_: Option<ApiKey>| (Some(key.clone()), ())).await?;
        if key.role() == Some(Role::Admin) {
            crate::gate::close(ledger, now).await?;
        }
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
        let key = read::<ApiKey>(ledger, &Self::key(id)).await?;
        // What is not there is compared, too.
        let kept = key.as_ref().and_then(|key| blake3::Hash::from_hex(&key.hash).ok());
        let right = kept.unwrap_or(blake3::Hash::from_bytes([0; 32])) == blake3::hash(secret.as_bytes());
        let Some(key) = key.filter(|_| right) else { return Ok(Err(Denied::Unknown)) };
        Ok(match key {
            ApiKey { revoked_at: Some(_), .. } => Err(Denied::Revoked),
            ApiKey { expires_at: Some(end), .. } if end <= now => Err(Denied::Expired),
            key => Ok(key),
        })
    }

    /// Notes that the key was used, if the last note is an hour old: not every request writes. Kept apart from the key, so
    /// that who answers requests need not be able to change keys.
    pub async fn used(ledger: &dyn Ledger, key: &ApiKey, now: DateTime<Utc>) -> Result<(), LedgerError> {
        update(ledger, &Self::used_key(&key.id), |last: Option<DateTime<Utc>>| {
            (last.is_none_or(|last| now - last >= TimeDelta::hours(1)).then_some(now), ())
        })
        .await
    }

    /// When the key was last used, to the hour.
    pub async fn last_used_at(
        ledger: &dyn Ledger,
        key: &ApiKey,
    ) -> Result<Option<DateTime<Utc>>, LedgerError> {
        read(ledger, &Self::used_key(&key.id)).await
    }

    fn used_key(id: &str) -> String {
        format!("used/{id}")
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
        read_all(ledger, Self::PREFIX).await
    }
}

#[cfg(test)]
mod tests {
    use cauce_ledger::SqliteLedger;

    use super::*;

    #[tokio::test]
    async fn a_key_is_good_until_it_is_revoked_or_expires() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let now = Utc::now();
        let scopes = vec!["ingest:binance_p2p".parse().unwrap()];
        let end = Some(now + TimeDelta::days(1));
        let (key, text) =
            ApiKeys::add(&ledger, "worker", KeyTerms { expires_at: end, ..KeyTerms::of(scopes) }, now)
                .await
                .unwrap();
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
        let (key, text) = ApiKeys::add(&ledger, "worker", KeyTerms::of([Scope::Ingest]), now).await.unwrap();
        let last = if text.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{last}", &text[..text.len() - 1]);
        let cut = &text[..text.len() - 1];
        let hash = format!("cauce_{}_{}", key.id, key.hash);
        for nearly in
            ["", "cauce", "cauce__", "cauce_../x_0", &wrong, cut, &hash, &text.replace("cauce", "Cauce")]
        {
            assert_eq!(ApiKeys::check(&ledger, nearly, now).await.unwrap(), Err(Denied::Unknown), "{nearly}");
        }
        assert!("root".parse::<Scope>().is_err() && "ingest:".parse::<Scope>().is_err());
    }
}
