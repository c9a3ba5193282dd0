//! Tokens of another issuer, which is a real server on loopback: discovery, keys, rotation, and who makes tokens up.
#![cfg(feature = "lake")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cauce_access::{AccessSettings, Credentials, Gate, Needs, OidcSettings, Refused, Role, Who};
use cauce_ledger::SqliteLedger;
use chrono::{DateTime, Utc};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

#[derive(Clone)]
enum Pair {
    Ed(Arc<Ed25519KeyPair>),
    Ec(Arc<EcdsaKeyPair>),
}

impl Pair {
    fn ed() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Arc::new(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()))
    }

    fn ec() -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::Ec(Arc::new(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap()))
    }

    fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "x": text(pair.public_key().as_ref()) })
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
        }
    }

    fn token(&self, id: &str, claims: &Value) -> String {
        let algorithm = match self {
            Self::Ed(_) => "EdDSA",
            Self::Ec(_) => "ES256",
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message =
            format!("{}.{}", part(&json!({ "alg": algorithm, "kid": id, "typ": "JWT" })), part(claims));
        let signature = match self {
            Self::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Ec(pair) => pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

struct Issuer {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    looked_up: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(keys: Vec<Value>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, looked_up) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicUsize::new(0)));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys"), "token_endpoint": format!("{url}/token") });
        type Shared = (Arc<Mutex<Vec<Value>>>, Arc<AtomicUsize>);
        let shown = async |State((keys, looked_up)): State<Shared>| {
            looked_up.fetch_add(1, Ordering::SeqCst);
            Json(json!({ "keys": *keys.lock().unwrap() }))
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async { Json(discovery) }))
            .route("/keys", get(shown))
            .with_state((Arc::clone(&keys), Arc::clone(&looked_up)));
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { url, keys, looked_up }
    }

    fn gate(&self) -> Gate {
        let oidc =
            OidcSettings { look_again: Duration::from_millis(200), ..OidcSettings::of(&self.url, "cauce") };
        let settings = AccessSettings { oidc: Some(oidc), ..AccessSettings::default() };
        Gate::new(Arc::new(SqliteLedger::in_memory().unwrap()), settings)
    }

    fn claims(&self, now: DateTime<Utc>, more: &Value) -> Value {
        let mut claims = json!({
            "iss": self.url, "aud": "cauce", "sub": "abc-123", "scope": "openid cauce/analyst",
            "iat": now.timestamp(), "exp": now.timestamp() + 600,
        });
        for (name, value) in more.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }
}

async fn ask(gate: &Gate, token: String, now: DateTime<Utc>) -> Result<(Who, Option<Role>), Refused> {
    let caller = gate.admit(Credentials::Token(token), Needs::Known, None, false, now).await?;
    Ok((caller.who, caller.role))
}

#[tokio::test]
async fn whom_the_issuer_knows_is_known() {
    let (ed, ec, now) = (Pair::ed(), Pair::ec(), Utc::now());
    let issuer = Issuer::start(vec![ed.jwk("one"), ec.jwk("two")]).await;
    let gate = issuer.gate();
    let known = |role| (Who::External("abc-123".to_owned()), role);
    let claims = |more: Value| issuer.claims(now, &more);
    for (token, role) in [
        (ed.token("one", &claims(json!({}))), Some(Role::Analyst)),
        (ec.token("two", &claims(json!({ "scope": "cauce/admin cauce/reader" }))), Some(Role::Admin)),
        (
            ec.token("two", &claims(json!({ "aud": ["other", "cauce"], "scope": ["cauce/reader"] }))),
            Some(Role::Reader),
        ),
        // Cognito's access tokens.
        (ec.token("two", &claims(json!({ "aud": null, "client_id": "cauce" }))), Some(Role::Analyst)),
        (ec.token("two", &claims(json!({ "scope": "openid" }))), None),
    ] {
        assert_eq!(ask(&gate, token, now).await.unwrap(), known(role));
    }
    assert_eq!(issuer.looked_up.load(Ordering::SeqCst), 1, "the keys are looked up once");
}

#[tokio::test]
async fn whoever_else_signs_is_nobody() {
    let (ed, ec, stranger, now) = (Pair::ed(), Pair::ec(), Pair::ec(), Utc::now());
    let mut encrypts = Pair::ed().jwk("enc");
    encrypts["use"] = "enc".into();
    let secret = json!({ "kty": "oct", "kid": "secret", "k": URL_SAFE_NO_PAD.encode("secret") });
    let issuer = Issuer::start(vec![ed.jwk("one"), ec.jwk("two"), encrypts, secret]).await;
    let gate = issuer.gate();
    let claims = |more: Value| issuer.claims(now, &more);
    let hour = now.timestamp() - 3_600;
    let message = {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&json!({ "alg": "HS256", "kid": "secret" })), part(&claims(json!({}))))
    };
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret"), message.as_bytes());
    for token in [
        stranger.token("two", &claims(json!({}))),
        ed.token("two", &claims(json!({}))),
        ec.token("one", &claims(json!({}))),
        ec.token("none", &claims(json!({}))),
        ed.token("enc", &claims(json!({}))),
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())),
        ec.token("two", &claims(json!({ "iss": "https://evil.example" }))),
        ec.token("two", &claims(json!({ "aud": "other" }))),
        ec.token("two", &claims(json!({ "aud": "other", "client_id": "cauce" }))),
        ec.token("two", &claims(json!({ "aud": null }))),
        ec.token("two", &claims(json!({ "exp": hour }))),
        ec.token("two", &claims(json!({ "exp": "4102444800" }))),
        ec.token("two", &claims(json!({ "exp": null }))),
        ec.token("two", &claims(json!({ "nbf": now.timestamp() + 3_600 }))),
        ec.token("two", &claims(json!({ "sub": null }))),
    ] {
        let asked = ask(&gate, token.clone(), now).await;
        assert!(matches!(asked, Err(Refused::Unknown(_))), "{token}: {asked:?}");
    }
}

#[tokio::test]
async fn new_keys_are_found_and_made_up_ones_do_not_make_us_ask_for_ever() {
    let (old, new, now) = (Pair::ed(), Pair::ec(), Utc::now());
    let issuer = Issuer::start(vec![old.jwk("old")]).await;
    let gate = issuer.gate();
    let claims = issuer.claims(now, &json!({}));
    assert!(ask(&gate, old.token("old", &claims), now).await.is_ok());
    for round in 0..50 {
        assert!(ask(&gate, new.token(&format!("made up {round}"), &claims), now).await.is_err());
    }
    assert!(issuer.looked_up.load(Ordering::SeqCst) <= 3, "{:?}", issuer.looked_up);
    *issuer.keys.lock().unwrap() = vec![new.jwk("new")];
    let found = async || ask(&gate, new.token("new", &claims), now).await.is_ok();
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !found().await {
        assert!(std::time::Instant::now() < end, "the new key is never found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        ask(&gate, old.token("old", &claims), now).await.is_err(),
        "what the issuer took back is no good"
    );
    let nowhere = OidcSettings::of("http://127.0.0.1:9", "cauce");
    let settings = AccessSettings { oidc: Some(nowhere), ..AccessSettings::default() };
    let gate = Gate::new(Arc::new(SqliteLedger::in_memory().unwrap()), settings);
    assert!(matches!(ask(&gate, new.token("new", &claims), now).await, Err(Refused::Issuer(_))));
}
