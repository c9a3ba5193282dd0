//! The queue between the raw zone and the normalizer: at least once, with a visibility time-out, a count of
//! receipts, and dead letters that say why.
//!
//! A message names a raw object. The object store's own event puts it here ([`RawCreated`]), so a writer that dies
//! after its put loses nothing.

pub mod conformance;
mod event;
mod sqlite;
#[cfg(feature = "sqs")]
mod sqs;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
pub use event::{QueueListener, RawCreated, Unread};
use serde::{Deserialize, Serialize};
pub use sqlite::SqliteQueue;
#[cfg(feature = "sqs")]
pub use sqs::SqsQueue;
use thiserror::Error;

/// Receipts after which a message that was never acknowledged becomes a dead letter.
pub const MAX_RECEIPTS: u32 = 3;

/// What goes wrong with a queue.
#[derive(Debug, Error)]
#[error("queue '{place}': {source}")]
pub struct QueueError {
    /// Which queue.
    pub place: String,
    /// What the store behind it said.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A message on loan: it comes back unless it is acknowledged in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which message.
    pub id: String,
    /// Which loan of it; an older loan can neither acknowledge nor fail it.
    pub receipt: String,
    /// How often it was handed out, this time included.
    pub receipts: u32,
    /// What it says.
    pub body: String,
}

/// One time that a message was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was handed out, or failed; none where the queue does not know.
    pub at: Option<DateTime<Utc>>,
    /// Why it was not acknowledged.
    pub reason: String,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which message.
    pub id: String,
    /// What it says.
    pub body: String,
    /// When it was given up, or seen last before; none where the queue does not know.
    pub died_at: Option<DateTime<Utc>>,
    /// Each time that it was handed out, with its reason.
    pub attempts: Vec<Attempt>,
}

/// Reason of an attempt that left none: whoever had the message never came back.
pub const NO_WORD: &str = "crashed or timed out";

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueStats {
    /// Messages waiting.
    pub waiting: u32,
    /// Messages handed out and not yet back.
    pub in_flight: u32,
    /// Dead letters.
    pub dead: u32,
}

/// A queue.
#[async_trait]
pub trait Queue: std::fmt::Debug + Send + Sync {
    /// Puts a message in. It is durable when this returns.
    async fn send(&self, body: &str) -> Result<(), QueueError>;

    /// Hands out at most `max` messages. Each comes back after `visibility`, unless acknowledged. Noting the attempt
    /// is part of handing out, so that a crash leaves a trace.
    async fn receive(&self, max: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError>;

    /// The message is done. An acknowledgement that comes after the loan has passed on changes nothing, and says so
    /// by `false` where the queue can tell (SQS can't).
    async fn acknowledge(&self, delivery: &Delivery) -> Result<bool, QueueError>;

    /// The message could not be handled: why, and when it may be tried again.
    async fn fail(&self, delivery: &Delivery, reason: &str, retry_in: Duration) -> Result<(), QueueError>;

    /// Hands back a message that was not begun: others may have it at once, and this time does not count.
    async fn release(&self, delivery: &Delivery) -> Result<(), QueueError>;

    /// More time for a long piece of work.
    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError>;

    /// How much there is.
    async fn stats(&self) -> Result<QueueStats, QueueError>;

    /// Messages that were given up, oldest first.
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError>;

    /// Puts dead letters back with their count at zero: these, or all. Answers how many.
    async fn redrive(&self, ids: Option<&[String]>) -> Result<u64, QueueError>;
}
