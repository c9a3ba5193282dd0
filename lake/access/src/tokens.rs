//! Tokens of our own: JWTs signed by EdDSA (RFC 7519, RFC 8037). The signing key changes every 30 days; its public half
//! stays until the last token that it signed has ended.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cauce_ledger::{Ledger, LedgerError, read, read_all, remove, update};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::Rng;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{UserName, crypto, hex};

/// Who issues our tokens.
const ISSUER: &str = "cauce";
/// Whom they are for.
const AUDIENCE: &str = "cauce-api";
/// How long one key signs.
const SIGNS_FOR: TimeDelta = TimeDelta::days(30);
/// How long a public half is of use: until the last token of its key has ended.
const VERIFIES_FOR: TimeDelta = TimeDelta::days(62);
/// How long known keys are taken for all.
const FRESH: Duration = Duration::from_secs(60);
/// How often an unknown key makes us look again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why a token can't be issued.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The key in the ledger is none.
    #[error("signing key {id} can't be used: {reason}")]
    Key {
        /// Which.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A token, and what it says.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// What our tokens say. All of it is required, and of its type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// Who.
    pub(crate) sub: UserName,
    /// The token's own id.
    pub(crate) jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    /// The user's generation.
    pub(crate) generation: u32,
}

impl Claims {
    pub(crate) fn ends_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Signing {
    id: String,
    /// PKCS #8, base64.
    pkcs8: String,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Public {
    id: String,
    /// The point, base64url.
    x: String,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Vec<Public>,
    looked_at: Option<Instant>,
}

/// Issues and reads tokens. Clones share what they know of the keys.
#[derive(Debug, Clone)]
pub struct Tokens {
    ledger: Arc<dyn Ledger>,
    known: Arc<Mutex<Known>>,
}

impl Tokens {
    /// With the keys in `ledger`.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        crypto::install();
        Self { ledger, known: Arc::default() }
    }

    /// How long a token may be good for at most.
    pub const LONGEST: TimeDelta = TimeDelta::days(31);

    /// A token for a user, good for `lasting`, which is cut to [`Self::LONGEST`].
    pub async fn issue(
        &self,
        user: &crate::User,
        lasting: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Issued, TokenError> {
        let key = self.signing(now).await?;
        let wrong = |reason: String| TokenError::Key { id: key.id.clone(), reason };
        let pkcs8 = URL_SAFE_NO_PAD.decode(&key.pkcs8).map_err(|error| wrong(error.to_string()))?;
        let expires_at = now + lasting.min(Self::LONGEST);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.name.clone(),
            jti: hex(&rand::rng().random::<[u8; 16]>()),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: expires_at.timestamp(),
            generation: user.generation,
        };
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&pkcs8));
        Ok(Issued { token: token.map_err(|error| wrong(error.to_string()))?, expires_at })
    }

    /// What a token says, if one of our keys signed it and its time is now. Anything else is no token of ours.
    pub(crate) async fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Claims>, LedgerError> {
        let Some(id) = jsonwebtoken::decode_header(token).ok().and_then(|header| header.kid) else {
            return Ok(None);
        };
        let Some(key) = self.public(&id).await? else { return Ok(None) };
        let Ok(decoding) = DecodingKey::from_ed_components(&key.x) else { return Ok(None) };
        let mut right = Validation::new(Algorithm::EdDSA);
        right.set_issuer(&[ISSUER]);
        right.set_audience(&[AUDIENCE]);
        right.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are compared below, with the clock that issued them.
        (right.validate_exp, right.validate_nbf) = (false, false);
        let read = jsonwebtoken::decode::<Claims>(token, &decoding, &right).ok();
        let is_now = |claims: &Claims| (claims.nbf..claims.exp).contains(&now.timestamp());
        Ok(read.map(|read| read.claims).filter(is_now))
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517).
    pub async fn key_set(&self) -> Result<Value, LedgerError> {
        let keys: Vec<Public> = read_all(&*self.ledger, "jwks/").await?;
        let key = |key: &Public| json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id, "x": key.x });
        Ok(json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() }))
    }

    /// A new signing key from now on. What earlier ones signed stays good.
    pub async fn rotate(&self, now: DateTime<Utc>) -> Result<(), TokenError> {
        self.make(now).await.map(|_| ())
    }

    /// The key of now: the newest, or a new one if that is old.
    async fn signing(&self, now: DateTime<Utc>) -> Result<Signing, TokenError> {
        let keys: Vec<Public> = read_all(&*self.ledger, "jwks/").await?;
        for old in keys.iter().filter(|key| key.created_at + VERIFIES_FOR < now) {
            remove(&*self.ledger, &format!("signing/{}", old.id)).await?;
            remove(&*self.ledger, &format!("jwks/{}", old.id)).await?;
        }
        let newest =
            keys.iter().filter(|key| key.created_at + SIGNS_FOR > now).max_by_key(|key| key.created_at);
        if let Some(newest) = newest
            && let Some(signing) = read(&*self.ledger, &format!("signing/{}", newest.id)).await?
        {
            return Ok(signing);
        }
        self.make(now).await
    }

    async fn make(&self, now: DateTime<Utc>) -> Result<Signing, TokenError> {
        let id = hex(&rand::rng().random::<[u8; 8]>());
        let wrong = |reason: String| TokenError::Key { id: id.clone(), reason };
        let made = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new());
        let pkcs8 = made.map_err(|error| wrong(error.to_string()))?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|error| wrong(error.to_string()))?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let signing =
            Signing { id: id.clone(), pkcs8: URL_SAFE_NO_PAD.encode(pkcs8.as_ref()), created_at: now };
        let public = Public { id: id.clone(), x, created_at: now };
        // The private half first: a key that is known can sign.
        update(&*self.ledger, &format!("signing/{id}"), |_: Option<Signing>| (Some(signing.clone()), ()))
            .await?;
        update(&*self.ledger, &format!("jwks/{id}"), |_: Option<Public>| (Some(public.clone()), ())).await?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
        Ok(signing)
    }

    /// The public half of a key, from memory if it was looked up within a minute.
    async fn public(&self, id: &str) -> Result<Option<Public>, LedgerError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let known = known();
            let age = known.looked_at.map(|at| at.elapsed());
            let found = known.keys.iter().find(|key| key.id == id);
            match (found, age) {
                (Some(key), Some(age)) if age < FRESH => return Ok(Some(key.clone())),
                // Who sends made-up ids does not make us ask each time.
                (None, Some(age)) if age < LOOK_AGAIN => return Ok(None),
                _ => {}
            }
        }
        let keys: Vec<Public> = read_all(&*self.ledger, "jwks/").await?;
        let found = keys.iter().find(|key| key.id == id).cloned();
        *known() = Known { keys, looked_at: Some(Instant::now()) };
        Ok(found)
    }
}
