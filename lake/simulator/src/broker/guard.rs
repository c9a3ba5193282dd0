//! Who is let in: signatures, times and weights.

use std::collections::HashMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::{
    Refusal, Side,
    account::{BrokerAccount, Mood},
};

/// What a server was asked in this minute.
#[derive(Debug, Default)]
pub(super) struct Guard {
    minute: i64,
    used: u32,
    refused: u32,
}

impl Guard {
    /// Who goes on asking after so many refusals of a minute is banned.
    const PATIENCE: u32 = 5;

    /// Takes a request. Answers what was used in this minute, and how it is refused, if it is, with the seconds to wait.
    pub(super) fn take(
        &mut self,
        weight: u32,
        most: u32,
        now: DateTime<Utc>,
    ) -> (u32, Option<(Refusal, u32)>) {
        let minute = now.timestamp().div_euclid(60);
        if minute != self.minute {
            *self = Self { minute, ..Self::default() };
        }
        self.used += weight;
        if self.used <= most {
            return (self.used, None);
        }
        self.refused += 1;
        // Never less than ten seconds, whatever is left of the minute.
        let wait = u32::try_from(60 - now.timestamp().rem_euclid(60)).unwrap_or(60).max(10);
        let words = "Too much request weight used; please use WebSocket Streams for live updates.";
        let status = match self.refused > Self::PATIENCE {
            true => StatusCode::IM_A_TEAPOT,
            false => StatusCode::TOO_MANY_REQUESTS,
        };
        (self.used, Some((Refusal(status, -1003, words), wait)))
    }
}

pub(super) fn pairs(query: &str) -> HashMap<String, String> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Whether a signed request is its account's, of this moment, and one that the key may make.
pub(super) fn admit(
    account: &BrokerAccount,
    side: Side,
    path: &str,
    query: &str,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let Some((signed, _)) = query.rsplit_once("&signature=") else {
        return Err(Refusal(StatusCode::BAD_REQUEST, -1102, "Mandatory parameter 'signature' was not sent."));
    };
    let said = pairs(query);
    let number = |name: &str| said.get(name).and_then(|value| value.parse::<i64>().ok());
    let Some(timestamp) = number("timestamp") else {
        return Err(Refusal(StatusCode::BAD_REQUEST, -1102, "Mandatory parameter 'timestamp' was not sent."));
    };
    let now = now.timestamp_millis();
    let window = number("recvWindow").unwrap_or(5_000);
    if timestamp >= now + 1_000 {
        let words = "Timestamp for this request was 1000ms ahead of the server's time.";
        return Err(Refusal(StatusCode::BAD_REQUEST, -1021, words));
    }
    if now - timestamp > window {
        let words = "Timestamp for this request is outside of the recvWindow.";
        return Err(Refusal(StatusCode::BAD_REQUEST, -1021, words));
    }
    let is_of_rights = path.ends_with("apiRestrictions");
    let may = match account.mood {
        Mood::Revoked => false,
        Mood::NotPermitted => is_of_rights,
        Mood::NoFutures => side == Side::Spot,
        _ => true,
    };
    if !may {
        let words = "Invalid API-key, IP, or permissions for action.";
        return Err(Refusal(StatusCode::UNAUTHORIZED, -2015, words));
    }
    match account.verifier.holds(signed, said.get("signature").map_or("", String::as_str)) {
        true => Ok(()),
        false => Err(Refusal(StatusCode::BAD_REQUEST, -1022, "Signature for this request is not valid.")),
    }
}
