//! Who read what payment providers, brokers and other senders said, verbatim: a line for each time, written before the bytes
//! are given out.

use cauce_ledger::{Ledger, LedgerError, read_all, update};
use cauce_model::RawId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRead {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: a user's or a key's name.
    pub who: String,
    /// Of which object.
    pub raw_id: RawId,
    /// Which line of it.
    pub line: i32,
}

impl RawRead {
    const PREFIX: &'static str = "read/";

    /// Writes it down. Without that nothing may be read.
    pub async fn note(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        // In the order of time.
        let key =
            format!("{}{:014}-{:016x}", Self::PREFIX, self.at.timestamp_millis(), rand::random::<u64>());
        update(ledger, &key, |_: Option<Self>| (Some(self.clone()), ())).await
    }

    /// How many are told at once.
    pub const MOST: usize = 1_000;

    /// Those from a moment on, the newest first, so many at most.
    pub async fn since(ledger: &dyn Ledger, since: Option<DateTime<Utc>>) -> Result<Vec<Self>, LedgerError> {
        let mut reads: Vec<Self> = read_all(ledger, Self::PREFIX).await?;
        reads.retain(|read| since.is_none_or(|since| read.at >= since));
        reads.reverse();
        reads.truncate(Self::MOST);
        Ok(reads)
    }
}
