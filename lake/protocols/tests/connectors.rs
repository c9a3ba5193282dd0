//! What Binance's answers make a conversation do.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, time::Duration};

use cauce_protocols::brokers::{Begin, Heard, Login, Reply, Session, Trouble, find_connector};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:20Z".parse().unwrap()
}

fn session(connector: &str, cursor: Option<&Value>) -> Box<dyn Session> {
    let login = Login { key: "key".to_owned(), secret: "secret".to_owned() };
    let begin = Begin { login: &login, cursor, symbols: &[], weight_per_minute: 4_800, now: now() };
    find_connector(connector).unwrap().session(begin).unwrap()
}

/// The path of what is asked next, and its query.
fn next(session: &mut dyn Session) -> (String, BTreeMap<String, String>) {
    let ask = session.next(now()).unwrap();
    let (path, query) = ask.path.split_once('?').unwrap_or((&ask.path, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    (path.to_owned(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn hear(
    session: &mut dyn Session,
    status: u16,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Heard, Trouble> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = body.to_string();
    let at = now();
    session.hear(&Reply { status, headers: &headers, body: body.as_bytes(), sent_at: at, received_at: at })
}

/// Its clock is asked first, and is ninety seconds before ours.
fn in_time(connector: &str, cursor: Option<&Value>) -> Box<dyn Session> {
    let mut session = session(connector, cursor);
    assert!(next(&mut *session).0.ends_with("/time"));
    let there = (now() + TimeDelta::seconds(90)).timestamp_millis();
    hear(&mut *session, 200, &[], &json!({ "serverTime": there })).unwrap();
    session
}

#[test]
fn what_is_signed_has_the_servers_time() {
    let mut session = in_time("binance_spot", None);
    let (path, query) = next(&mut *session);
    assert_eq!(path, "/api/v3/account");
    assert_eq!(query["timestamp"], (now() + TimeDelta::seconds(90)).timestamp_millis().to_string());
    let ask = session.next(now()).unwrap();
    assert!(!ask.shown.contains("signature") && !format!("{ask:?}").contains("signature"));
    assert_eq!(ask.headers, [("x-mbx-apikey", "key".to_owned())]);
}

#[test]
fn a_server_that_was_asked_enough_is_left_alone_until_its_minute_is_over() {
    let account = json!({ "balances": [] });
    let rest = |used: &str| {
        let mut session = in_time("binance_spot", None);
        hear(&mut *session, 200, &[("x-mbx-used-weight-1m", used)], &account).unwrap().rest
    };
    assert_eq!(rest("4799"), None);
    // There it is ten seconds to the end of a minute.
    assert_eq!(rest("4800"), Some(Duration::from_secs(11)));
}

#[test]
fn patience_that_is_asked_for_is_had() {
    let wait = |status, headers: &[(&str, &str)], message: &str| {
        let body = json!({ "code": -1003, "msg": message });
        match hear(&mut *in_time("binance_spot", None), status, headers, &body) {
            Err(Trouble::Wait { wait, .. }) => wait.as_secs(),
            other => unreachable!("{other:?}"),
        }
    };
    assert_eq!(wait(429, &[("retry-after", "7")], "Too many requests."), 7);
    let until = (now() + TimeDelta::seconds(300)).timestamp_millis();
    assert_eq!(wait(418, &[], &format!("Way too many requests; IP banned until {until}.")), 300);
    assert_eq!((wait(429, &[], ""), wait(418, &[], ""), wait(400, &[], "")), (60, 120, 60));
}

#[test]
fn a_key_that_is_gone_is_told_apart_from_one_that_may_not() {
    let rejected = json!({ "code": -2015, "msg": "Invalid API-key, IP, or permissions for action." });
    let ask_what_it_may = || {
        let mut session = in_time("binance_usd_m", None);
        assert!(matches!(hear(&mut *session, 401, &[], &rejected), Err(Trouble::Again(_))));
        let ask = session.next(now()).unwrap();
        // Only the server of the spot market says so.
        assert_eq!(ask.server, "binance_spot");
        assert!(ask.path.starts_with("/sapi/v1/account/apiRestrictions?"), "{}", ask.path);
        session
    };
    let gone = hear(&mut *ask_what_it_may(), 401, &[], &rejected);
    assert!(matches!(gone, Err(Trouble::KeyRevoked(_))), "{gone:?}");
    let lives =
        hear(&mut *ask_what_it_may(), 200, &[], &json!({ "enableReading": true, "enableFutures": false }));
    assert!(
        matches!(&lives, Err(Trouble::KeyNotPermitted(why)) if why.contains("enableFutures is false")),
        "{lives:?}"
    );
    let unknown = json!({ "code": -2008, "msg": "Invalid Api-Key ID." });
    let unknown = hear(&mut *in_time("binance_spot", None), 401, &[], &unknown);
    assert!(matches!(unknown, Err(Trouble::KeyRevoked(_))), "{unknown:?}");
}

#[test]
fn a_clock_that_is_wrong_is_set_and_what_failed_is_asked_again() {
    let mut session = in_time("binance_spot", None);
    let late = json!({ "code": -1021, "msg": "Timestamp for this request is outside of the recvWindow." });
    for _ in 0..3 {
        assert!(matches!(hear(&mut *session, 400, &[], &late), Err(Trouble::Again(_))));
        assert!(next(&mut *session).0.ends_with("/time"));
        hear(&mut *session, 200, &[], &json!({ "serverTime": now().timestamp_millis() })).unwrap();
        assert!(next(&mut *session).0.ends_with("/account"));
    }
    assert!(
        matches!(hear(&mut *session, 400, &[], &late), Err(Trouble::Refused(_))),
        "it does not go on for ever"
    );
}

#[test]
fn what_was_not_heard_to_its_end_is_asked_for_again() {
    let cursor =
        json!({ "last": { "BTCUSDT": 7 }, "balances": { "BTC": "1", "USDT": "9" }, "in_turn": "BTCUSDT" });
    let mut session = in_time("binance_spot", Some(&cursor));
    let balances = json!({ "balances": [{ "asset": "BTC", "free": "1", "locked": "1" }, { "asset": "USDT", "free": "5", "locked": "0" }] });
    hear(&mut *session, 200, &[], &balances).unwrap();
    let symbols = json!({ "symbols": [{ "symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT" }] });
    hear(&mut *session, 200, &[], &symbols).unwrap();
    let (path, query) = next(&mut *session);
    assert_eq!((path.as_str(), query["fromId"].as_str()), ("/api/v3/myTrades", "8"));
    // It dies here: the balances from before hold, so that the next session sees the change, too.
    assert_eq!(session.cursor()["balances"]["USDT"], json!("9"));
    let fills = json!([{ "id": 8 }, { "id": 9 }]);
    assert!(hear(&mut *session, 200, &[], &fills).unwrap().has_trades);
    assert!(session.next(now()).is_none());
    assert_eq!(
        (&session.cursor()["balances"]["USDT"], &session.cursor()["last"]["BTCUSDT"]),
        (&json!("5"), &json!(9))
    );
}

#[test]
fn a_window_that_is_full_is_halved_as_it_does_not_say_which_end_it_shows() {
    let mut session = in_time("binance_usd_m", Some(&json!({ "income": 1_773_000_000_000_i64 })));
    let at = now().timestamp_millis() - 60_000;
    let income = json!([{ "symbol": "ETHUSDT", "incomeType": "COMMISSION", "income": "-1", "time": at, "tradeId": "77" }]);
    hear(&mut *session, 200, &[], &income).unwrap();
    assert!(next(&mut *session).0.ends_with("/positionRisk"));
    hear(&mut *session, 200, &[], &json!([])).unwrap();
    let (_, first) = next(&mut *session);
    let span = |query: &BTreeMap<String, String>| {
        query["endTime"].parse::<i64>().unwrap() - query["startTime"].parse::<i64>().unwrap() + 1
    };
    // What cost nothing may have come before the first income.
    assert_eq!((span(&first), first["startTime"].parse::<i64>().unwrap()), (604_800_000, at - 604_800_000));
    let full: Vec<Value> = (0..1_000).map(|id| json!({ "id": id })).collect();
    assert!(!hear(&mut *session, 200, &[], &json!(full)).unwrap().has_trades);
    let (_, second) = next(&mut *session);
    assert_eq!((span(&second), &second["startTime"]), (302_400_000, &first["startTime"]));
    assert!(hear(&mut *session, 200, &[], &json!([{ "id": 3 }])).unwrap().has_trades);
    assert_eq!(next(&mut *session).1["fromId"], "4");
}
