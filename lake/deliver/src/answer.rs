//! What a platform answers to a batch.
//!
//! A platform may answer with a status only, with counts, or row by row: `created`, `duplicates` and `rejected` as numbers, or
//! `rejected` (`errors`) as a list of rows with `trade_id` (`id`) or `index`, and `reason` (`message`, `error`); or `results`,
//! the same rows with a `status` each.

use std::collections::BTreeMap;

use cauce_model::Rejection;
use serde_json::Value;

/// What is to be done with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every row was answered.
    Answered {
        /// Rows that were new there.
        created: u32,
        /// Rows that it had.
        duplicates: u32,
        /// Rows that it does not want.
        rejections: Vec<Rejection>,
    },
    /// These rows are not wanted, and nothing of the others was taken.
    Without(Vec<Rejection>),
    /// It takes no such batch, and does not say which row is to blame.
    Divide(String),
    /// It can't take it now.
    Failed(String),
    /// It wants to be left alone until the next cycle: no failure of the batch.
    Later(String),
}

/// Reads the answer to a batch of these trades.
pub(crate) fn verdict(status: u16, body: &[u8], trades: &[&str]) -> Verdict {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let rejections = rejections(&said, trades);
    let count = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| said.get(name)?.as_u64())
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
    };
    let of_results = |wanted: &[&str]| {
        let results = said.get("results")?.as_array()?;
        let is_wanted = |row: &&Value| {
            row.get("status").and_then(Value::as_str).is_some_and(|status| wanted.contains(&status))
        };
        u32::try_from(results.iter().filter(is_wanted).count()).ok()
    };
    let all = u32::try_from(trades.len()).unwrap_or(u32::MAX);
    let rejected = u32::try_from(rejections.len()).unwrap_or(u32::MAX);
    match status {
        200..=299 => {
            let duplicates = of_results(&["duplicate", "duplicates", "exists"])
                .or_else(|| count(["duplicates", "duplicate"]))
                .unwrap_or(0)
                .min(all.saturating_sub(rejected));
            let others = all.saturating_sub(rejected).saturating_sub(duplicates);
            Verdict::Answered { created: others, duplicates, rejections }
        }
        // It has all of it.
        409 => Verdict::Answered { created: 0, duplicates: all.saturating_sub(rejected), rejections },
        400 | 422 if !rejections.is_empty() => Verdict::Without(rejections),
        400 | 413 | 422 if trades.len() > 1 => Verdict::Divide(reason(status, &said)),
        400 | 413 | 422 => {
            let rejection = |trade_id: &&str| Rejection {
                trade_id: (*trade_id).to_owned(),
                reason: reason(status, &said),
            };
            Verdict::Without(trades.iter().map(rejection).collect())
        }
        429 => Verdict::Later(reason(status, &said)),
        401 | 403 => Verdict::Failed(format!("the key is not taken: {}", reason(status, &said))),
        _ => Verdict::Failed(reason(status, &said)),
    }
}

fn rejections(said: &Value, trades: &[&str]) -> Vec<Rejection> {
    let named = ["rejected", "rejections", "errors"]
        .into_iter()
        .filter_map(|name| said.get(name)?.as_array())
        .flatten();
    let is_rejected = |row: &&Value| {
        let status = row.get("status").and_then(Value::as_str);
        status.is_some_and(|status| ["rejected", "error", "invalid"].contains(&status))
    };
    let of_results = said.get("results").and_then(Value::as_array).into_iter().flatten().filter(is_rejected);
    let mut rejections = BTreeMap::new();
    for row in named.chain(of_results) {
        let text = |names: &[&str]| names.iter().find_map(|name| row.get(name)?.as_str()).map(str::to_owned);
        let by_id = text(&["trade_id", "id"]).filter(|id| trades.contains(&id.as_str()));
        let at = |index: u64| trades.get(usize::try_from(index).ok()?).map(|id| (*id).to_owned());
        let by_index = || at(row.get("index")?.as_u64()?);
        // A row that is none of the batch is nobody's.
        let Some(trade_id) = by_id.or_else(by_index) else { continue };
        let reason =
            text(&["reason", "message", "error", "detail"]).unwrap_or_else(|| "no reason given".to_owned());
        rejections.entry(trade_id).or_insert(reason);
    }
    rejections.into_iter().map(|(trade_id, reason)| Rejection { trade_id, reason }).collect()
}

/// What it says, or its status.
fn reason(status: u16, said: &Value) -> String {
    let words =
        ["reason", "message", "error", "detail", "title"].iter().find_map(|name| said.get(name)?.as_str());
    match words {
        Some(words) => format!("status {status}: {}", words.chars().take(300).collect::<String>()),
        None => format!("status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADES: [&str; 3] = ["a", "b", "c"];

    fn of(status: u16, body: &str) -> Verdict {
        verdict(status, body.as_bytes(), &TRADES)
    }

    fn rejection(trade_id: &str, reason: &str) -> Rejection {
        Rejection { trade_id: trade_id.to_owned(), reason: reason.to_owned() }
    }

    fn answered(created: u32, duplicates: u32, rejections: Vec<Rejection>) -> Verdict {
        Verdict::Answered { created, duplicates, rejections }
    }

    #[test]
    fn a_platform_may_say_as_little_or_as_much_as_it_likes() {
        for body in ["", "ok", "{}", "[]", "null", r#"{"rejected": 0}"#, r#"{"created": 3, "duplicates": 0}"#]
        {
            assert_eq!(of(201, body), answered(3, 0, Vec::new()), "{body}");
        }
        assert_eq!(of(200, r#"{"created": 1, "duplicates": 2}"#), answered(1, 2, Vec::new()));
        let by_index = r#"{"rejected": [{"index": 1, "reason": "no such account"}], "duplicate": 1}"#;
        assert_eq!(of(200, by_index), answered(1, 1, vec![rejection("b", "no such account")]));
        let by_row = r#"{"results": [{"id": "a", "status": "created"}, {"id": "b", "status": "duplicate"},
                         {"id": "c", "status": "rejected", "message": "too old"}]}"#;
        assert_eq!(of(207, by_row), answered(1, 1, vec![rejection("c", "too old")]));
        assert_eq!(of(409, ""), answered(0, 3, Vec::new()));
    }

    #[test]
    fn counts_never_exceed_the_batch() {
        assert_eq!(of(200, r#"{"duplicates": 99}"#), answered(0, 3, Vec::new()));
        let stranger = r#"{"rejected": [{"id": "z", "reason": "?"}, {"index": 7}, "b"]}"#;
        assert_eq!(of(200, stranger), answered(3, 0, Vec::new()), "rows that are none of the batch");
    }

    #[test]
    fn refusals_are_told_apart() {
        let named = of(422, r#"{"errors": [{"trade_id": "b", "message": "no symbol"}]}"#);
        assert_eq!(named, Verdict::Without(vec![rejection("b", "no symbol")]));
        assert_eq!(of(422, r#"{"message": "bad"}"#), Verdict::Divide("status 422: bad".to_owned()));
        assert_eq!(of(413, ""), Verdict::Divide("status 413".to_owned()));
        let alone = verdict(422, b"{\"message\": \"bad\"}", &["a"]);
        assert_eq!(alone, Verdict::Without(vec![rejection("a", "status 422: bad")]));
        assert_eq!(of(429, ""), Verdict::Later("status 429".to_owned()));
        assert_eq!(of(503, "<html>"), Verdict::Failed("status 503".to_owned()));
        assert!(matches!(of(401, ""), Verdict::Failed(why) if why.contains("key")));
        assert!(matches!(of(302, ""), Verdict::Failed(_)), "a page to log in is no answer");
    }
}
