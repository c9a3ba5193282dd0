use chrono::{DateTime, TimeDelta, Utc};

use crate::{Ledger, LedgerError, update};

/// Moments at which a venue may be asked, one for each request. They are reserved in the ledger, so that processes
/// and functions that run side by side share one pace.
#[derive(Debug, Clone, Copy)]
pub struct Slots;

impl Slots {
    fn key(venue: &str) -> String {
        format!("slots/{venue}")
    }

    /// Reserves the next free moment, not before `now`; the one after it is free `interval` later.
    pub async fn reserve(
        ledger: &dyn Ledger,
        venue: &str,
        interval: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, LedgerError> {
        update(ledger, &Self::key(venue), |free: Option<DateTime<Utc>>| {
            let slot = free.map_or(now, |free| free.max(now));
            (Some(slot + interval), slot)
        })
        .await
    }

    /// Nobody asks before `until`: the venue said so (`Retry-After`).
    pub async fn postpone(ledger: &dyn Ledger, venue: &str, until: DateTime<Utc>) -> Result<(), LedgerError> {
        update(ledger, &Self::key(venue), |free: Option<DateTime<Utc>>| match free {
            Some(free) if free >= until => (None, ()),
            _ => (Some(until), ()),
        })
        .await
    }
}
