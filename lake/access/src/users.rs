use std::{fmt, str::FromStr};

use cauce_ledger::{Ledger, LedgerError, read, read_all, remove, update};
use chrono::{DateTime, Utc};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{Password, Role};

/// The name by which somebody logs in: 1 to 64 of `a-z 0-9 . _ - @ +`, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// What is no name of a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no name of a user; use 1 to 64 of a-z, 0-9 and . _ - @ +")]
pub struct BadName(String);

impl UserName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let small = text.to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        match (1..=64).contains(&small.len()) && small.bytes().all(is_plain) {
            true => Ok(Self(small)),
            false => Err(BadName(text.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for UserName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

/// Somebody who can log in, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// By which one logs in.
    pub name: UserName,
    /// What one may.
    pub role: Role,
    /// Argon2id of the password, as a PHC string.
    hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was shut out.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Begins anywhere, so that tokens of a user who had the name before are no good; rises when the password changes or the
    /// user is shut out: tokens of an earlier generation are no good any more.
    pub(crate) generation: u32,
    /// Tokens that were given back, and when they would have ended.
    revoked: Vec<(String, DateTime<Utc>)>,
}

impl User {
    /// What others may see of it.
    pub fn shown(&self) -> Value {
        let Self { name, role, created_at, disabled_at, .. } = self;
        json!({ "username": name, "role": role, "created_at": created_at, "disabled_at": disabled_at })
    }

    /// All tokens that it has are no good any more.
    fn end_tokens(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.revoked.clear();
    }

    /// Whether a token of this id and generation is still good.
    pub(crate) fn takes(&self, token: &str, generation: u32) -> bool {
        self.disabled_at.is_none()
            && generation == self.generation
            && !self.revoked.iter().any(|(revoked, _)| revoked == token)
    }
}

/// Passwords that are compared at once.
static HASHING: Semaphore = Semaphore::const_new(4);

/// Tokens of one user that are remembered as given back.
const MOST_REVOKED: usize = 100;

/// The users in a ledger.
#[derive(Debug, Clone, Copy)]
pub struct Users;

impl Users {
    const PREFIX: &'static str = "user/";

    fn key(name: &UserName) -> String {
        format!("{}{name}", Self::PREFIX)
    }

    /// Makes a user. Answers none if there is one of this name.
    pub async fn add(
        ledger: &dyn Ledger,
        name: UserName,
        role: Role,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<Option<User>, LedgerError> {
        let hash = hashed(password).await?;
        let key = Self::key(&name);
        let user = User {
            name,
            role,
            hash,
            created_at: now,
            disabled_at: None,
            generation: rand::rng().random(),
            revoked: Vec::new(),
        };
        let added = update(ledger, &key, |found: Option<User>| match found {
            Some(_) => (None, None),
            None => (Some(user.clone()), Some(user.clone())),
        })
        .await?;
        if added.is_some() && role == Role::Admin {
            crate::gate::close(ledger, now).await?;
        }
        Ok(added)
    }

    /// The user of this name.
    pub async fn get(ledger: &dyn Ledger, name: &UserName) -> Result<Option<User>, LedgerError> {
        read(ledger, &Self::key(name)).await
    }

    /// All users.
    pub async fn all(ledger: &dyn Ledger) -> Result<Vec<User>, LedgerError> {
        read_all(ledger, Self::PREFIX).await
    }

    /// Changes a user. Answers what it is then; none if there is no such user.
    async fn change(
        ledger: &dyn Ledger,
        name: &UserName,
        change: impl Fn(&mut User) + Send + Sync,
    ) -> Result<Option<User>, LedgerError> {
        update(ledger, &Self::key(name), |found: Option<User>| match found {
            Some(mut user) => {
                change(&mut user);
                (Some(user.clone()), Some(user))
            }
            None => (None, None),
        })
        .await
    }

    /// A new password ends all tokens.
    pub async fn set_password(
        ledger: &dyn Ledger,
        name: &UserName,
        password: Password,
    ) -> Result<Option<User>, LedgerError> {
        let hash = hashed(password).await?;
        Self::change(ledger, name, |user| {
            user.hash.clone_from(&hash);
            user.end_tokens();
        })
        .await
    }

    /// Shuts a user out, at once, or lets it in again.
    pub async fn set_disabled(
        ledger: &dyn Ledger,
        name: &UserName,
        disabled_at: Option<DateTime<Utc>>,
    ) -> Result<Option<User>, LedgerError> {
        Self::change(ledger, name, |user| {
            user.disabled_at = disabled_at;
            user.end_tokens();
        })
        .await
    }

    /// Another role, from the next request on.
    pub async fn set_role(
        ledger: &dyn Ledger,
        name: &UserName,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<Option<User>, LedgerError> {
        let changed = Self::change(ledger, name, |user| user.role = role).await?;
        if changed.is_some() && role == Role::Admin {
            crate::gate::close(ledger, now).await?;
        }
        Ok(changed)
    }

    /// Deletes a user. Answers whether there was one.
    pub async fn remove(ledger: &dyn Ledger, name: &UserName) -> Result<bool, LedgerError> {
        remove(ledger, &Self::key(name)).await
    }

    /// The user, if the password is right and it is not shut out. It takes as long for a name that nobody has.
    pub(crate) async fn log_in(
        ledger: &dyn Ledger,
        name: Option<&UserName>,
        password: Password,
    ) -> Result<Option<User>, LedgerError> {
        let user = match name {
            Some(name) => Self::get(ledger, name).await?,
            None => None,
        };
        let hash = user.as_ref().map(|user| user.hash.clone());
        // Each takes 19 MiB and a core: some at once, and the others wait.
        let turn = HASHING.acquire().await;
        let is_right = tokio::task::spawn_blocking(move || password.matches(hash.as_deref())).await;
        drop(turn);
        Ok(user.filter(|user| is_right.unwrap_or(false) && user.disabled_at.is_none()))
    }

    /// One token of a user is no good any more.
    pub(crate) async fn revoke(
        ledger: &dyn Ledger,
        name: &UserName,
        token: &str,
        ends_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        Self::change(ledger, name, |user| {
            user.revoked.retain(|(_, end)| *end > now);
            user.revoked.push((token.to_owned(), ends_at));
            // Who logs out that often has no other token that it wants to keep; and an item must stay small.
            if user.revoked.len() > MOST_REVOKED {
                user.end_tokens();
            }
        })
        .await?;
        Ok(())
    }
}

async fn hashed(password: Password) -> Result<String, LedgerError> {
    let hash = tokio::task::spawn_blocking(move || password.hash()).await;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| LedgerError::Store {
        place: "hash of a password".to_owned(),
        source,
    };
    hash.map_err(|error| failed(Box::new(error)))?.map_err(|error| failed(error.to_string().into()))
}
