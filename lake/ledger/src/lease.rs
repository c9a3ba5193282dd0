use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Ledger, LedgerError, update};

/// The right to be the only one who does something, until a moment in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who has it.
    pub owner: String,
    /// Until when, unless renewed.
    pub until: DateTime<Utc>,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    /// It is the asker's.
    Yes,
    /// Somebody else has it.
    HeldBy(Lease),
}

impl Lease {
    fn key(name: &str) -> String {
        format!("lease/{name}")
    }

    /// Asks for the lease `name`, or for more time on it.
    pub async fn acquire(
        ledger: &dyn Ledger,
        name: &str,
        owner: &str,
        ttl: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Acquired, LedgerError> {
        update(ledger, &Self::key(name), |held: Option<Lease>| match held {
            Some(lease) if lease.owner != owner && lease.until > now => (None, Acquired::HeldBy(lease)),
            _ => (Some(Lease { owner: owner.to_owned(), until: now + ttl }), Acquired::Yes),
        })
        .await
    }

    /// Gives the lease back, if it is still the owner's.
    pub async fn release(ledger: &dyn Ledger, name: &str, owner: &str) -> Result<(), LedgerError> {
        update(ledger, &Self::key(name), |held: Option<Lease>| match held {
            Some(lease) if lease.owner == owner => {
                (Some(Lease { until: DateTime::<Utc>::UNIX_EPOCH, ..lease }), ())
            }
            _ => (None, ()),
        })
        .await
    }
}
