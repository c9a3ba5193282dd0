//! A broker to fetch trades from: it speaks what Binance's spot market and both of its futures markets say of an account's
//! fills, and is as strict: signatures, times, weights and pages are held to what is documented.

mod account;
mod answers;
mod guard;

use std::{collections::HashMap, io, sync::Arc, time::Duration};

pub use account::{BrokerAccount, Mood, SimulatedFill, Verifier};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use guard::Guard;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Mutex, RwLock},
    task::JoinHandle,
};

/// The simulated broker.
#[derive(Debug)]
pub struct Broker {
    accounts: RwLock<HashMap<String, BrokerAccount>>,
    guards: Mutex<HashMap<&'static str, Guard>>,
    /// How far its clock is before the machine's.
    ahead: TimeDelta,
    weight_per_minute: u32,
}

/// One of its markets, by how its paths begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Spot,
    UsdM,
    CoinM,
}

/// An error as the broker says it: status, code and words.
struct Refusal(StatusCode, i64, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, words) = self;
        answer(status, &json!({ "code": code, "msg": words }))
    }
}

fn answer(status: StatusCode, value: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json;charset=UTF-8")];
    (status, headers, value.to_string()).into_response()
}

impl Broker {
    /// A broker with no accounts, whose clock is `ahead` of the machine's, and who takes so much weight in a minute.
    pub fn new(ahead: TimeDelta, weight_per_minute: u32) -> Self {
        Self { accounts: RwLock::default(), guards: Mutex::default(), ahead, weight_per_minute }
    }

    /// Puts an account there, or in place of that of its key.
    pub async fn put(&self, account: BrokerAccount) {
        self.accounts.write().await.insert(account.key.clone(), account);
    }

    /// Changes an account.
    pub async fn change(&self, key: &str, change: impl FnOnce(&mut BrokerAccount)) {
        if let Some(account) = self.accounts.write().await.get_mut(key) {
            change(account);
        }
    }

    /// Requests that an account was answered, and not refused.
    pub async fn answered(&self, key: &str) -> u32 {
        self.accounts.read().await.get(key).map_or(0, |account| account.answered)
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.ahead
    }

    async fn reply(&self, uri: &Uri, headers: &HeaderMap) -> Response {
        let (side, server, path) = match uri.path() {
            path if path.starts_with("/fapi/") => (Side::UsdM, "fapi", &path["/fapi/".len()..]),
            path if path.starts_with("/dapi/") => (Side::CoinM, "dapi", &path["/dapi/".len()..]),
            path => (Side::Spot, "api", path.trim_start_matches('/')),
        };
        let weight = answers::weight(side, path);
        let (used, refusal) = {
            let mut guards = self.guards.lock().await;
            let guard = guards.entry(server).or_default();
            guard.take(weight, self.weight_per_minute, self.now())
        };
        let mut response = match refusal {
            Some((refusal, wait)) => {
                let mut response = refusal.into_response();
                response.headers_mut().insert(header::RETRY_AFTER, wait.into());
                response
            }
            None => self.answer(side, path, uri.query().unwrap_or_default(), headers).await,
        };
        response.headers_mut().insert("x-mbx-used-weight-1m", used.into());
        response
    }

    async fn answer(&self, side: Side, path: &str, query: &str, headers: &HeaderMap) -> Response {
        if let Some(open) = answers::open(path, self.now()) {
            return answer(StatusCode::OK, &open);
        }
        let key = headers.get("x-mbx-apikey").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let mut accounts = self.accounts.write().await;
        let Some(account) = accounts.get_mut(key) else {
            return Refusal(StatusCode::UNAUTHORIZED, -2008, "Invalid Api-Key ID.").into_response();
        };
        if let Err(refusal) = guard::admit(account, side, path, query, self.now()) {
            return refusal.into_response();
        }
        match account.mood {
            Mood::Hanging => {
                drop(accounts);
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                return StatusCode::GATEWAY_TIMEOUT.into_response();
            }
            Mood::Corrupt if path.ends_with("Trades") => {
                return (StatusCode::OK, Body::from("[{\"symbol\":\"BTCUSDT\",\"id\":")).into_response();
            }
            _ => {}
        }
        account.answered += 1;
        match answers::signed(side, path, &guard::pairs(query), account, self.now()) {
            Ok(value) => answer(StatusCode::OK, &value),
            Err(refusal) => refusal.into_response(),
        }
    }
}

/// Serves a broker on loopback. Answers its address, and the task that ends it when it is aborted.
pub async fn serve_broker(broker: Arc<Broker>) -> io::Result<(String, JoinHandle<()>)> {
    async fn reply(State(broker): State<Arc<Broker>>, uri: Uri, headers: HeaderMap) -> Response {
        broker.reply(&uri, &headers).await
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(reply).with_state(broker);
    let serving = async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the simulated broker ended");
        }
    };
    Ok((url, tokio::spawn(serving)))
}
