use std::sync::Arc;

use async_trait::async_trait;
use cauce_model::{BadValue, RawId};
use cauce_raw::CreatedListener;
use cauce_telemetry::QUEUE_PUBLISHED;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::Queue;

/// The message: a raw object is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawCreated {
    /// Its key in the object store.
    pub key: String,
}

impl RawCreated {
    /// The message for an object.
    pub fn of(id: &RawId) -> Self {
        Self { key: id.key() }
    }

    /// The message as text.
    pub fn body(&self) -> String {
        serde_json::json!({ "key": self.key }).to_string()
    }

    /// The keys that an event of S3 names, from the zone on: a lake may be under a prefix of its bucket. None where it
    /// only says that the queue is connected.
    pub fn keys_in(body: &str, zone: &str) -> Result<Vec<String>, BadValue> {
        match Message::read(body)? {
            Message::Ours(created) => Ok(vec![created.key]),
            Message::S3 { records } => {
                let keys = records.iter().map(|record| decoded(&record.s3.object.key));
                Ok(keys.filter_map(|key| from_zone(&key, zone).map(str::to_owned)).collect())
            }
            Message::S3Test { .. } => Ok(Vec::new()),
        }
    }

    /// The raw objects that a message names: one, or those of an event of S3, which may name several, or none where it
    /// only says that the queue is connected, or speaks of other objects of the bucket.
    pub fn parse(body: &str) -> Result<Vec<RawId>, BadValue> {
        Self::keys_in(body, "raw")?.iter().map(|key| RawId::from_key(key)).collect()
    }
}

/// What may stand in the queue: our own message, or what S3 says of a bucket.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Ours(RawCreated),
    S3 {
        #[serde(rename = "Records")]
        records: Vec<S3Record>,
    },
    S3Test {
        #[serde(rename = "Event")]
        _event: String,
    },
}

impl Message {
    fn read(body: &str) -> Result<Self, BadValue> {
        serde_json::from_str(body)
            .map_err(|error| BadValue::new("message", body, format!("is no event: {error}")))
    }
}

#[derive(Deserialize)]
struct S3Record {
    s3: S3Entity,
}

#[derive(Deserialize)]
struct S3Entity {
    object: S3Object,
}

#[derive(Deserialize)]
struct S3Object {
    key: String,
}

/// Keys in events of S3 are encoded as in forms.
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn from_zone<'a>(key: &'a str, zone: &str) -> Option<&'a str> {
    let begins = |rest: &str| rest.strip_prefix(zone).is_some_and(|rest| rest.starts_with('/'));
    if begins(key) {
        return Some(key);
    }
    key.match_indices('/').map(|(place, _)| &key[place + 1..]).find(|rest| begins(rest))
}

/// The message: no rule knows this event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The raw object that it stands in.
    pub raw_id: RawId,
    /// Its line.
    pub raw_pos: i32,
    /// Its place among the events of the line.
    pub record: i32,
}

impl Unread {
    /// The message as text.
    pub fn body(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Reads a message.
    pub fn parse(body: &str) -> Result<Self, BadValue> {
        serde_json::from_str(body)
            .map_err(|error| BadValue::new("message", body, format!("names no event: {error}")))
    }
}

/// Puts a message into a queue for every raw object that the store reports.
#[derive(Debug, Clone)]
pub struct QueueListener {
    queue: Arc<dyn Queue>,
}

impl QueueListener {
    /// Sends to `queue`.
    pub fn new(queue: Arc<dyn Queue>) -> Self {
        Self { queue }
    }
}

#[async_trait]
impl CreatedListener for QueueListener {
    async fn created(&self, key: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.queue.send(&RawCreated { key: key.to_owned() }.body()).await?;
        QUEUE_PUBLISHED.count(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "raw/binance_p2p/market_snapshot/date=2026-03-01/0195501d-7800-7000-8000-000000000000/pages-0123456789abcdef.ndjson.zst";

    #[test]
    fn a_message_names_raw_objects_whoever_sent_it() {
        let id = RawId::from_key(KEY).unwrap();
        assert_eq!(RawCreated::parse(&RawCreated::of(&id).body()).unwrap(), std::slice::from_ref(&id));
        let record =
            |key: &str| serde_json::json!({ "s3": { "bucket": { "name": "b" }, "object": { "key": key } } });
        let encoded = KEY.replace('=', "%3D");
        let records =
            [record(&encoded), record(&format!("lakes/one/{encoded}")), record("hot/fact_offers/a.parquet")];
        let event = serde_json::json!({ "Records": records }).to_string();
        assert_eq!(RawCreated::parse(&event).unwrap(), [id.clone(), id]);
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(RawCreated::parse(test).unwrap(), []);
        for broken in
            ["", "{}", "[1]", r#"{"key":"hot/x"}"#, r#"{"Records":[{"s3":{"object":{"key":"raw/x"}}}]}"#]
        {
            assert!(RawCreated::parse(broken).is_err(), "{broken}");
        }
    }
}
