use std::sync::Arc;

use async_trait::async_trait;
use cauce_model::{BadValue, RawId};
use cauce_raw::CreatedListener;
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

    /// Reads a message.
    pub fn parse(body: &str) -> Result<RawId, BadValue> {
        let message: Self = serde_json::from_str(body)
            .map_err(|error| BadValue::new("message", body, format!("is no event: {error}")))?;
        RawId::from_key(&message.key)
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
        Ok(self.queue.send(&RawCreated { key: key.to_owned() }.body()).await?)
    }
}
