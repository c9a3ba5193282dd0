//! Tokens and keys against those who make them up.
#![allow(clippy::unwrap_used, reason = "a test stops at what it can't do")]

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cauce_access::{
    AccessSettings, ApiKeys, Caller, Credentials, Gate, KeyTerms, LoginRefused, Needs, Password, Refused,
    Role, Scope, Users, Who,
};
use cauce_ledger::{Ledger, SqliteLedger};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

fn gate() -> Gate {
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::in_memory().unwrap());
    Gate::new(ledger, AccessSettings::default())
}

async fn with_user(role: Role) -> Gate {
    let gate = gate();
    let password = Password::chosen(PASSWORD.to_owned()).unwrap();
    Users::add(&*gate.ledger, "ana".parse().unwrap(), role, password, Utc::now()).await.unwrap().unwrap();
    gate
}

async fn log_in(gate: &Gate, password: &str, now: DateTime<Utc>) -> Result<String, LoginRefused> {
    gate.log_in("ana", Password::said(password.to_owned()), None, now).await.map(|(_, issued)| issued.token)
}

async fn ask(
    gate: &Gate,
    credentials: Credentials,
    needs: Needs,
    now: DateTime<Utc>,
) -> Result<Caller, Refused> {
    gate.admit(credentials, needs, None, false, now).await
}

async fn is_unknown(gate: &Gate, token: &str, now: DateTime<Utc>) -> bool {
    matches!(
        ask(gate, Credentials::Token(token.to_owned()), Needs::Known, now).await,
        Err(Refused::Unknown(_))
    )
}

fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
    [(); 2].map(|()| serde_json::from_slice(&parts.next().unwrap()).unwrap())
}

fn built(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_token_says_who_it_is_until_it_ends() {
    let (gate, now) = (with_user(Role::Analyst).await, Utc::now());
    let token = log_in(&gate, PASSWORD, now).await.unwrap();
    let caller =
        ask(&gate, Credentials::Token(token.clone()), Needs::Role(Role::Analyst), now).await.unwrap();
    assert_eq!((caller.who, caller.role), (Who::User("ana".parse().unwrap()), Some(Role::Analyst)));
    let beyond = ask(&gate, Credentials::Token(token.clone()), Needs::Role(Role::Admin), now).await;
    assert!(matches!(beyond, Err(Refused::Forbidden(_))));
    assert!(is_unknown(&gate, &token, now + TimeDelta::hours(12)).await, "expired");
    assert!(is_unknown(&gate, &token, now - TimeDelta::seconds(2)).await, "not yet valid");
    // Another process knows the key, too.
    let other = Gate::new(Arc::clone(&gate.ledger), AccessSettings::default());
    assert!(ask(&other, Credentials::Token(token), Needs::Known, now).await.is_ok());
}

#[tokio::test]
async fn made_up_tokens_are_nobody() {
    let (gate, now) = (with_user(Role::Admin).await, Utc::now());
    let token = log_in(&gate, PASSWORD, now).await.unwrap();
    let [header, claims] = parts(&token);
    let signature = URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap();
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let claiming = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let public = gate.tokens.key_set().await.unwrap()["keys"][0]["x"].as_str().unwrap().to_owned();
    let by_public_key = {
        // The old trick: the public key as the secret of an HMAC.
        let head = built(&with("alg", json!("HS256")), &claims, b"");
        let message = head.trim_end_matches('.');
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &URL_SAFE_NO_PAD.decode(&public).unwrap());
        built(&with("alg", json!("HS256")), &claims, ring::hmac::sign(&key, message.as_bytes()).as_ref())
    };
    let foreign = {
        let other = with_user(Role::Admin).await;
        log_in(&other, PASSWORD, now).await.unwrap()
    };
    let cases = [
        built(&with("alg", json!("none")), &claims, b""),
        built(&with("alg", json!("None")), &claims, &signature),
        built(&with("alg", json!("RS256")), &claims, &signature),
        built(&with("alg", json!("ES256")), &claims, &signature),
        by_public_key,
        foreign,
        built(&header, &claiming("sub", json!("eve")), &signature),
        built(&header, &claiming("exp", json!(u32::MAX)), &signature),
        built(&header, &claiming("exp", json!("never")), &signature),
        built(&with("kid", json!("../signing")), &claims, &signature),
        built(&with("kid", json!("' or 1=1 --")), &claims, &signature),
        built(&with("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": public })), &claims, &[0; 64]),
        token.replace('.', ".."),
        format!("{token}."),
        token[..token.len() - 2].to_owned(),
        "..".to_owned(),
        String::new(),
        "x".repeat(100_000),
    ];
    for case in cases {
        assert!(is_unknown(&gate, &case, now).await, "{case:.200}");
    }
    assert!(!is_unknown(&gate, &token, now).await, "the one that they were made from is good");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_token_with_one_other_bit_is_nobody(at in 0_usize..300, bit in 0_u8..7) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            static ONE: tokio::sync::OnceCell<(Gate, String, DateTime<Utc>)> = tokio::sync::OnceCell::const_new();
            let (gate, token, now) = ONE.get_or_init(async || {
                let (gate, now) = (with_user(Role::Admin).await, Utc::now());
                let token = log_in(&gate, PASSWORD, now).await.unwrap();
                (gate, token, now)
            }).await;
            let mut bytes = token.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let Ok(other) = String::from_utf8(bytes) else { return };
            // The last character of a part has bits that mean nothing; a strict decoder refuses them all the same.
            assert!(is_unknown(gate, &other, *now).await, "{other}");
        });
    }
}

#[tokio::test]
async fn what_is_taken_back_is_no_good_any_more() {
    let (gate, now) = (with_user(Role::Admin).await, Utc::now());
    let (first, second) =
        (log_in(&gate, PASSWORD, now).await.unwrap(), log_in(&gate, PASSWORD, now).await.unwrap());
    let caller = ask(&gate, Credentials::Token(first.clone()), Needs::Known, now).await.unwrap();
    assert!(gate.log_out(&caller, now).await.unwrap());
    assert!(is_unknown(&gate, &first, now).await, "replayed after log-out");
    assert!(!is_unknown(&gate, &second, now).await, "the other one is not touched");
    let name = "ana".parse().unwrap();
    let other = Password::chosen("another long password".to_owned()).unwrap();
    Users::set_password(&*gate.ledger, &name, other).await.unwrap().unwrap();
    assert!(is_unknown(&gate, &second, now).await, "a new password ends all tokens");
    let third = log_in(&gate, "another long password", now).await.unwrap();
    Users::set_role(&*gate.ledger, &name, Role::Reader, now).await.unwrap().unwrap();
    let admin = ask(&gate, Credentials::Token(third.clone()), Needs::Role(Role::Admin), now).await;
    assert!(matches!(admin, Err(Refused::Forbidden(_))), "another role counts at once");
    Users::set_disabled(&*gate.ledger, &name, Some(now)).await.unwrap().unwrap();
    assert!(is_unknown(&gate, &third, now).await, "shut out");
    assert!(matches!(log_in(&gate, "another long password", now).await, Err(LoginRefused::Wrong)));
    Users::set_disabled(&*gate.ledger, &name, None).await.unwrap().unwrap();
    assert!(is_unknown(&gate, &third, now).await, "let in again, but by a new log-in");
    let fourth = log_in(&gate, "another long password", now).await.unwrap();
    Users::remove(&*gate.ledger, &name).await.unwrap();
    let password = Password::chosen(PASSWORD.to_owned()).unwrap();
    Users::add(&*gate.ledger, name, Role::Admin, password, now).await.unwrap().unwrap();
    assert!(is_unknown(&gate, &fourth, now).await, "another user of the same name");
}

#[tokio::test]
async fn keys_change_and_what_was_signed_stays_good() {
    let (gate, now) = (with_user(Role::Admin).await, Utc::now());
    let old = log_in(&gate, PASSWORD, now).await.unwrap();
    gate.tokens.rotate(now + TimeDelta::seconds(1)).await.unwrap();
    let new = log_in(&gate, PASSWORD, now + TimeDelta::seconds(2)).await.unwrap();
    assert_ne!(parts(&old)[0]["kid"], parts(&new)[0]["kid"]);
    let later = now + TimeDelta::seconds(3);
    assert!(!is_unknown(&gate, &old, later).await && !is_unknown(&gate, &new, later).await);
    let month = now + TimeDelta::days(31);
    let next = log_in(&gate, PASSWORD, month).await.unwrap();
    assert_ne!(parts(&new)[0]["kid"], parts(&next)[0]["kid"], "after a month another key signs by itself");
    log_in(&gate, PASSWORD, now + TimeDelta::days(70)).await.unwrap();
    let kept = gate.tokens.key_set().await.unwrap()["keys"].as_array().unwrap().len();
    assert_eq!(kept, 2, "keys whose tokens have ended are gone");
    let shown = gate.tokens.key_set().await.unwrap().to_string();
    assert!(!shown.contains("pkcs8") && !shown.contains("\"d\""), "no private half is shown");
}

#[tokio::test]
async fn who_guesses_has_to_wait_longer_and_longer() {
    let (gate, mut now) = (with_user(Role::Admin).await, Utc::now());
    for _ in 0..5 {
        assert!(matches!(log_in(&gate, "wrong", now).await, Err(LoginRefused::Wrong)));
    }
    let mut waits = Vec::new();
    for _ in 0..8 {
        let Err(LoginRefused::Locked { wait }) = log_in(&gate, PASSWORD, now).await else {
            panic!("not locked")
        };
        waits.push(wait.num_seconds());
        now += wait;
        assert!(
            matches!(log_in(&gate, "wrong", now).await, Err(LoginRefused::Wrong)),
            "after the wait one may try"
        );
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900]);
    now += TimeDelta::minutes(15);
    assert!(log_in(&gate, PASSWORD, now).await.is_ok(), "the right one helps");
    assert!(matches!(log_in(&gate, "wrong", now).await, Err(LoginRefused::Wrong)), "and all is forgotten");
}

#[tokio::test]
async fn many_guesses_at_once_are_all_counted() {
    let (gate, now) = (with_user(Role::Admin).await, Utc::now());
    let guess = |gate: Gate| async move { log_in(&gate, "wrong", now).await };
    let guesses: Vec<_> = (0..20).map(|_| tokio::spawn(guess(gate.clone()))).collect();
    let mut tried = 0;
    for guess in guesses {
        tried += usize::from(matches!(guess.await.unwrap(), Err(LoginRefused::Wrong)));
    }
    assert_eq!(tried, 5, "more than the forgiven ones were not even tried");
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let (gate, now) = (with_user(Role::Admin).await, Utc::now());
    let time = async |name: &str| {
        let begun = std::time::Instant::now();
        assert!(matches!(
            gate.log_in(name, Password::said("wrong".into()), None, now).await,
            Err(LoginRefused::Wrong)
        ));
        begun.elapsed()
    };
    time("warm").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..4 {
        known.push(time("ana").await);
        unknown.push(time(&format!("nobody{round}")).await);
    }
    let (known, unknown) = (known.iter().min().unwrap(), unknown.iter().min().unwrap());
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "known {known:?}, unknown {unknown:?}");
}

#[tokio::test]
async fn a_key_may_what_its_scopes_say_as_often_as_is_allowed() {
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::in_memory().unwrap());
    let settings =
        AccessSettings { requests_a_minute: 25, strangers_a_minute: 3, ..AccessSettings::default() };
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let scopes = vec![Scope::Role(Role::Reader)];
    let (_, text) = ApiKeys::add(&*ledger, "desk", KeyTerms::of(scopes), now).await.unwrap();
    // Two processes share one count.
    let gates = [(); 2].map(|()| Gate::new(Arc::clone(&ledger), settings.clone()));
    let mut answered = 0;
    let mut waits = Vec::new();
    for round in 0..60 {
        match ask(&gates[round % 2], Credentials::Key(text.clone()), Needs::Market, now).await {
            Ok(_) => answered += 1,
            Err(Refused::TooOften { wait }) => waits.push(wait.num_seconds()),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((answered, waits.len(), waits[0]), (25, 35, 60));
    let next = now + TimeDelta::minutes(1);
    assert!(ask(&gates[0], Credentials::Key(text), Needs::Market, next).await.is_ok(), "a new minute");
    let few = KeyTerms { per_minute: Some(KeyTerms::TRYING), ..KeyTerms::of([Scope::Ingest]) };
    let (_, trying) = ApiKeys::add(&*ledger, "trying", few, now).await.unwrap();
    for round in 0..15 {
        let asked = ask(&gates[round % 2], Credentials::Key(trying.clone()), Needs::Ingest, now).await;
        assert_eq!(asked.is_ok(), round < 10, "{round}");
    }
    for round in 0..5 {
        let stranger = ask(&gates[0], Credentials::None, Needs::Anybody, now).await;
        assert_eq!(stranger.is_ok(), round < 3, "{round}");
    }
}

#[tokio::test]
async fn until_there_is_an_administrator_who_is_here_is_one() {
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::in_memory().unwrap());
    let settings = AccessSettings { open_until_admin: true, ..AccessSettings::default() };
    let (gate, now) = (Gate::new(Arc::clone(&ledger), settings), Utc::now());
    let admin = Needs::Role(Role::Admin);
    assert!(gate.admit(Credentials::None, admin, None, true, now).await.is_ok());
    let pushing = gate.admit(Credentials::None, Needs::Ingest, None, true, now).await;
    assert!(matches!(pushing, Err(Refused::Unknown(_))), "pushing takes a key all the same");
    assert!(matches!(gate.admit(Credentials::None, admin, None, false, now).await, Err(Refused::Unknown(_))));
    let password = || Password::chosen(PASSWORD.to_owned()).unwrap();
    Users::add(&*ledger, "reader".parse().unwrap(), Role::Reader, password(), now).await.unwrap();
    assert!(
        gate.admit(Credentials::None, admin, None, true, now).await.is_ok(),
        "a reader is no administrator"
    );
    Users::add(&*ledger, "ana".parse().unwrap(), Role::Admin, password(), now).await.unwrap();
    assert!(matches!(gate.admit(Credentials::None, admin, None, true, now).await, Err(Refused::Unknown(_))));
    Users::remove(&*ledger, &"ana".parse().unwrap()).await.unwrap();
    assert!(!gate.is_open().await.unwrap(), "it stays closed");
}

#[test]
fn weak_passwords_and_odd_names_are_refused() {
    assert!(Password::chosen("short".to_owned()).is_err() && Password::chosen("x".repeat(2_000)).is_err());
    for name in ["", "a b", "ana/../key", "añа", &"x".repeat(65)] {
        assert!(name.parse::<cauce_access::UserName>().is_err(), "{name}");
    }
    assert_eq!("Ana@Desk.Example".parse::<cauce_access::UserName>().unwrap().as_str(), "ana@desk.example");
    assert!(!format!("{:?}", Password::said("secret".to_owned())).contains("secret"));
}
