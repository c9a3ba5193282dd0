//! Trades on their way to somebody else's platform, and what became of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{RunId, RunStatus, names::names};

names! {
    /// What became of a batch in one try.
    DeliveryStatus("status") {
        /// It was answered, row by row or as a whole.
        Delivered = "delivered",
        /// It was not, and goes again in the next cycle, first.
        Waiting = "waiting",
        /// It was refused as a whole, and goes again in parts.
        Divided = "divided",
        /// It failed too often, and goes again when somebody says so.
        SetAside = "set_aside",
    }
}

/// A trade that the platform does not want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The trade, by the id that it was delivered under.
    pub trade_id: String,
    /// Why not.
    pub reason: String,
}

/// One try of one batch, a row of `ops_deliveries`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchResult {
    /// Where it went.
    pub sink: String,
    /// Which batch: the key under which the platform knows it again.
    pub delivery_id: String,
    /// What became of it.
    pub status: DeliveryStatus,
    /// Trades in it.
    pub trades: u32,
    /// Those that were new there.
    pub created: u32,
    /// Those that were there already.
    pub duplicates: u32,
    /// Those that the platform does not want.
    pub rejections: Vec<Rejection>,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// The status of the answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Why it is not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
}

/// What became of a cycle: the body of a `delivery_report`, and from it rows of `ops_deliveries`, and one of `ops_batch_runs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReport {
    /// The run.
    pub run_id: RunId,
    /// Its first moment.
    pub started_at: DateTime<Utc>,
    /// Its last.
    pub ended_at: DateTime<Utc>,
    /// Batch by batch, in the order in which they were tried.
    pub batches: Vec<BatchResult>,
    /// The trace in which it happened, where whoever started it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl DeliveryReport {
    /// The job's name in `ops_batch_runs`.
    pub const JOB: &'static str = "trade_delivery";

    /// Batches that were not answered.
    pub fn failed(&self) -> usize {
        let failed = [DeliveryStatus::Waiting, DeliveryStatus::SetAside];
        self.batches.iter().filter(|batch| failed.contains(&batch.status)).count()
    }

    /// The status that follows from how the batches fared. A row that is rejected is the platform's answer, and no failure.
    pub fn status(&self) -> RunStatus {
        match self.failed() {
            0 => RunStatus::Completed,
            failed if failed == self.batches.len() => RunStatus::Failed,
            _ => RunStatus::Partial,
        }
    }
}
