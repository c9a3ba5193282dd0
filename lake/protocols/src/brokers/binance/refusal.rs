//! What Binance's errors mean (its documentation, "Error codes" and "HTTP return codes").

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::super::connector::{Reply, Trouble};

/// The signed time is too far from the server's.
pub(super) const BAD_TIME: i64 = -1021;
/// There is no such symbol.
pub(super) const BAD_SYMBOL: i64 = -1121;
/// The key, the address or the permission: it does not say which.
pub(super) const REJECTED_KEY: [i64; 2] = [-2015, -1002];
const BAD_SIGNATURE: i64 = -1022;
/// No such key, nothing that could be one, or one that was locked.
const NO_KEY: [i64; 3] = [-2008, -2014, -2017];
/// Too many requests, also where the status does not say it.
const TOO_MANY: [i64; 2] = [-1003, -1015];
/// It could not answer, and may later: disconnected, unexpected, out of time, overloaded, shutting down.
const PASSING: [i64; 6] = [-1000, -1001, -1006, -1007, -1008, -1016];

/// How long a server that does not say it is left alone, by its status: 418 is a ban.
const WAITS: [(u16, Duration); 2] = [(418, Duration::from_secs(120)), (429, Duration::from_secs(60))];

/// An error as Binance says it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Option<i64>,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Said {
    code: i64,
    #[serde(default)]
    msg: String,
}

impl Refusal {
    pub(super) fn of(reply: &Reply<'_>) -> Self {
        match serde_json::from_slice::<Said>(reply.body) {
            Ok(Said { code, msg }) => {
                Self { code: Some(code), message: format!("status {}, code {code}: {msg}", reply.status) }
            }
            Err(_) => Self { code: None, message: format!("status {} without a reason", reply.status) },
        }
    }

    /// What is to be done about it.
    pub(super) fn trouble(self, reply: &Reply<'_>) -> Trouble {
        let Self { code, message } = self;
        let is = |codes: &[i64]| code.is_some_and(|code| codes.contains(&code));
        let wait = WAITS.into_iter().find(|(status, _)| *status == reply.status).map(|(_, wait)| wait);
        if let Some(wait) = wait.or_else(|| is(&TOO_MANY).then_some(WAITS[1].1)) {
            let wait = asked_for(reply, &message).unwrap_or(wait);
            return Trouble::Wait { wait, why: message };
        }
        if is(&NO_KEY) {
            return Trouble::KeyRevoked(format!("Binance knows no such key: {message}"));
        }
        if is(&REJECTED_KEY) {
            return Trouble::KeyRevoked(format!(
                "Binance does not take the key: it was deleted, or has a list of addresses without this one; {message}"
            ));
        }
        if is(&[BAD_SIGNATURE]) {
            return Trouble::Refused(format!("the secret is not that of the key: {message}"));
        }
        // 403 is its firewall, which forgets.
        match reply.status >= 500 || reply.status == 403 || is(&PASSING) {
            true => Trouble::Passing(message),
            false => Trouble::Refused(message),
        }
    }
}

/// How long the server wants to be left alone: `Retry-After` in seconds, or the time in milliseconds that a ban names.
fn asked_for(reply: &Reply<'_>, message: &str) -> Option<Duration> {
    if let Some(seconds) = reply.headers.get("retry-after").and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_secs(seconds));
    }
    let (_, until) = message.split_once("until ")?;
    let digits: String = until.chars().take_while(char::is_ascii_digit).collect();
    let until: DateTime<Utc> = DateTime::from_timestamp_millis(digits.parse().ok()?)?;
    (until - reply.received_at).to_std().ok()
}

/// The key lives, and yet may not do what was asked: what it may, in its broker's words.
pub(super) fn not_permitted(restrictions: &serde_json::Map<String, Value>) -> Trouble {
    let about = ["enableReading", "enableFutures", "enableSpotAndMarginTrading", "ipRestrict"];
    let said: Vec<String> =
        about.into_iter().filter_map(|name| Some(format!("{name} is {}", restrictions.get(name)?))).collect();
    Trouble::KeyNotPermitted(format!(
        "Binance knows the key, which may not read these trades: {}; let it read, and resume the account",
        said.join(", ")
    ))
}
