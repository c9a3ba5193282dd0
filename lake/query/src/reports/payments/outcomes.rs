//! How many payments succeeded, and what that says of the rest.

use cauce_model::StatusCategory;
use cauce_tables::figures::Count;
use serde::Serialize;

/// Payments, and how they went.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Outcomes {
    /// All of them.
    pub payments: u64,
    /// Those whose money was taken or reserved.
    pub succeeded: u64,
    /// Those that were declined, failed or expired.
    pub failed: u64,
    /// Succeeded of succeeded and failed, 0 to 1; none where there is neither.
    pub success_rate: Option<f64>,
    /// It is at least this, at 95 %.
    pub success_rate_low: Option<f64>,
    /// It is at most this, at 95 %.
    pub success_rate_high: Option<f64>,
}

/// Statuses as a list in SQL.
pub(crate) fn in_sql(statuses: &[StatusCategory]) -> String {
    let words: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
    format!("({})", words.join(", "))
}

impl From<Count> for Outcomes {
    fn from(count: Count) -> Self {
        Self::of(count.payments, count.succeeded, count.failed)
    }
}

impl Outcomes {
    /// Of so many that succeeded and failed.
    pub fn of(payments: u64, succeeded: u64, failed: u64) -> Self {
        let interval = wilson(succeeded, succeeded + failed);
        Self {
            payments,
            succeeded,
            failed,
            success_rate: interval.map(|(rate, ..)| rate),
            success_rate_low: interval.map(|(_, low, _)| low),
            success_rate_high: interval.map(|(.., high)| high),
        }
    }
}

/// The share of `hits` in `all`, and its bounds at 95 %, to six digits; none of nothing.
pub(super) fn wilson(hits: u64, all: u64) -> Option<(f64, f64, f64)> {
    wilson_at(hits, all, 1.959_964)
}

/// The same at `z` standard deviations.
pub(crate) fn wilson_at(hits: u64, all: u64, z: f64) -> Option<(f64, f64, f64)> {
    if all == 0 {
        return None;
    }
    let (hits, all) = (hits as f64, all as f64);
    let share = hits / all;
    let spread = z * (share * (1.0 - share) / all + z * z / (4.0 * all * all)).sqrt();
    let (centre, scale) = (share + z * z / (2.0 * all), 1.0 + z * z / all);
    let rounded = |share: f64| (share.clamp(0.0, 1.0) * 1e6).round() / 1e6;
    Some((rounded(share), rounded((centre - spread) / scale), rounded((centre + spread) / scale)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilson_s() {
        // From the literature: 15 of 20 at 95 % lies between 0.531 and 0.888; none of ten may still be 0.278.
        let (share, low, high) = wilson(15, 20).unwrap();
        assert_eq!((share, (low * 1e3).round(), (high * 1e3).round()), (0.75, 531.0, 888.0));
        let (share, low, high) = wilson(0, 10).unwrap();
        assert_eq!((share, low, (high * 1e3).round()), (0.0, 0.0, 278.0));
        assert_eq!(wilson(0, 0), None);
    }
}
