//! How payments ended, counted.

use cauce_model::StatusCategory;
use serde::{Deserialize, Serialize};

/// Payments counted by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// All of them.
    pub payments: u64,
    /// Those whose money was taken or reserved.
    pub succeeded: u64,
    /// Those that were declined, failed or expired.
    pub failed: u64,
}

/// How a payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Money was taken or reserved, also where it went back later.
    Succeeded = 0,
    /// It was declined, failed or expired.
    Failed = 1,
    /// It waits, was given up, or nobody knows.
    Neither = 2,
}

/// The statuses of payments that succeeded.
pub const SUCCEEDED: [StatusCategory; 5] = [
    StatusCategory::Approved,
    StatusCategory::Authorized,
    StatusCategory::Refunded,
    StatusCategory::PartiallyRefunded,
    StatusCategory::Chargeback,
];
/// Those of payments that failed.
pub const FAILED: [StatusCategory; 3] =
    [StatusCategory::Declined, StatusCategory::Failed, StatusCategory::Expired];

impl Ended {
    /// How many ways there are.
    pub const ALL: usize = 3;

    /// A payment with this status.
    pub fn of(status: &str) -> Self {
        match status.parse() {
            Ok(status) if SUCCEEDED.contains(&status) => Self::Succeeded,
            Ok(status) if FAILED.contains(&status) => Self::Failed,
            _ => Self::Neither,
        }
    }
}

impl Count {
    /// So many payments, by how they ended.
    pub fn of(by_end: [u64; Ended::ALL]) -> Self {
        let [succeeded, failed, neither] = by_end;
        Self { payments: succeeded + failed + neither, succeeded, failed }
    }

    /// As many more.
    pub fn add(&mut self, other: Self) {
        self.payments += other.payments;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }
}
