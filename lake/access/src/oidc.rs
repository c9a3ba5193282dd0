//! Tokens of an OpenID Connect issuer, such as a Cognito user pool's. Its keys are found by its discovery document (OpenID
//! Connect Discovery 1.0), kept for an hour, and looked up again when a token names one that is not known.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{Role, crypto};

/// How long keys are taken for all.
const FRESH: Duration = Duration::from_secs(3_600);
/// How far the issuer's clock may be from ours.
const LEEWAY: i64 = 60;
/// How long the issuer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a document of the issuer at most.
const LARGEST: usize = 1 << 20;

/// Which issuer, and what its tokens mean.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// Its address, exactly as its tokens say it.
    pub issuer: String,
    /// Whom a token must be for: `aud`, or `client_id` where there is no `aud` (Cognito's access tokens).
    pub audience: String,
    /// The claim that says what its owner may: text with words, or a list.
    pub role_claim: String,
    /// The word for each role.
    pub roles: BTreeMap<Role, String>,
    /// How often an unknown key makes us look again.
    pub look_again: Duration,
}

impl OidcSettings {
    /// An issuer whose scopes `cauce/reader`, `cauce/analyst` and `cauce/admin` are the roles.
    pub fn of(issuer: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            role_claim: "scope".to_owned(),
            roles: Role::ALL.into_iter().map(|role| (role, format!("cauce/{role}"))).collect(),
            look_again: Duration::from_secs(10),
        }
    }
}

/// Somebody whom the issuer knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) subject: String,
    pub(crate) role: Option<Role>,
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<JwkSet>,
    looked_at: Option<Instant>,
}

/// Reads tokens of an issuer. Clones share its keys.
#[derive(Debug, Clone)]
pub struct Oidc {
    settings: Arc<OidcSettings>,
    keys: Arc<Mutex<Keys>>,
}

#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// What must be in a token. Times may be fractions of seconds.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    aud: Option<Audience>,
    client_id: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Oidc {
    /// Nothing is asked of the issuer before the first token.
    pub fn new(settings: OidcSettings) -> Self {
        crypto::install();
        Self { settings: Arc::new(settings), keys: Arc::default() }
    }

    /// Whom a token names, if the issuer signed it, its time is now, and it is for us. An issuer that can't be asked is an
    /// error; a token that is no good is not.
    pub(crate) async fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Known>, String> {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(None) };
        let Some(id) = header.kid else { return Ok(None) };
        let Some(key) = self.key(&id).await? else { return Ok(None) };
        // The key says how it signs; what the token says of that must agree.
        let Some(algorithm) = algorithm(&key) else { return Ok(None) };
        let Ok(decoding) = DecodingKey::from_jwk(&key) else { return Ok(None) };
        let mut right = Validation::new(algorithm);
        right.set_issuer(&[&self.settings.issuer]);
        right.set_required_spec_claims(&["exp", "iss", "sub"]);
        (right.validate_aud, right.validate_exp, right.validate_nbf) = (false, false, false);
        let Ok(read) = jsonwebtoken::decode::<Claims>(token, &decoding, &right) else { return Ok(None) };
        let claims = read.claims;
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in 53 bits")]
        let (now, leeway) = (now.timestamp() as f64, LEEWAY as f64);
        let is_now = now < claims.exp + leeway && claims.nbf.is_none_or(|nbf| nbf <= now + leeway);
        let ours = &self.settings.audience;
        let is_for_us = match &claims.aud {
            Some(Audience::One(audience)) => audience == ours,
            Some(Audience::Several(several)) => several.contains(ours),
            None => claims.client_id.as_ref() == Some(ours),
        };
        Ok((is_now && is_for_us).then(|| Known { role: self.role(&claims.rest), subject: claims.sub }))
    }

    fn role(&self, claims: &Map<String, Value>) -> Option<Role> {
        let said: Vec<&str> = match claims.get(&self.settings.role_claim) {
            Some(Value::String(text)) => text.split_whitespace().collect(),
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let meant = |(role, word): (&Role, &String)| said.contains(&word.as_str()).then_some(*role);
        self.settings.roles.iter().filter_map(meant).max()
    }

    async fn key(&self, id: &str) -> Result<Option<Jwk>, String> {
        let mut keys = self.keys.lock().await;
        let found = keys.set.as_ref().and_then(|set| set.find(id)).cloned();
        let age = keys.looked_at.map(|at| at.elapsed());
        match (&found, age) {
            (Some(_), Some(age)) if age < FRESH => return Ok(found),
            (None, Some(age)) if age < self.settings.look_again => return Ok(None),
            _ => {}
        }
        keys.looked_at = Some(Instant::now());
        match self.look_up().await {
            Ok(set) => {
                let found = set.find(id).cloned();
                keys.set = Some(set);
                Ok(found)
            }
            // Keys that were known an hour ago are better than nobody getting in.
            Err(error) if found.is_some() => {
                tracing::warn!(
                    issuer = self.settings.issuer,
                    error,
                    "the issuer's keys could not be looked up again"
                );
                Ok(found)
            }
            Err(error) => Err(error),
        }
    }

    async fn look_up(&self) -> Result<JwkSet, String> {
        let issuer = &self.settings.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery: Discovery = document(&place).await?;
        if discovery.issuer != *issuer {
            return Err(format!("{place} is of the issuer {}", discovery.issuer));
        }
        document(&discovery.jwks_uri).await
    }
}

/// How a key signs; none for keys that are not taken: of a kind that both sides know, or not for signatures.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    if matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_))) {
        return None;
    }
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

async fn document<T: DeserializeOwned>(place: &str) -> Result<T, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{place}: {error}");
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| failed(&error))?;
    let answer = client.get(place).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(failed(&"it is too large"));
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| failed(&error))
}
