//! Checks of one snapshot by itself. What needs other snapshots (a price against the day before, freshness) is
//! derived later.

use cauce_model::{Check, Market, Offer};
use cauce_protocols::Drift;
use serde_json::json;

/// What arrived, counted while reading.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Offers that the venue announced at its last page, if it did.
    pub(crate) announced: Option<u32>,
    /// Records on all pages.
    pub(crate) received: usize,
    /// Records whose offer had come before.
    pub(crate) duplicates: usize,
    /// Records that broke a rule.
    pub(crate) rejected: usize,
    /// Fields that came or went.
    pub(crate) drift: Drift,
}

/// Share of the announced offers that must arrive. Collectors of these venues discard a book that lost more.
const COMPLETE: f64 = 0.95;
/// Share of records that may come twice: ads move between pages while they are turned.
const DUPLICATES: f64 = 0.05;

pub(crate) fn checks(market: &Market, offers: &[Offer<'_>], counts: &Counts) -> Vec<Check> {
    let different = counts.received - counts.duplicates;
    let announced = counts.announced.map_or(different, |announced| announced as usize);
    let agreeing = offers.iter().filter(|offer| offer.maker_side == market.trade_type.maker()).count();
    let completeness = share(different, announced).min(1.0);
    let duplicates = if counts.received == 0 { 0.0 } else { share(counts.duplicates, counts.received) };
    let rejected = if different == 0 { 0.0 } else { share(counts.rejected, different) };
    let sides = share(agreeing, offers.len());
    let drifted = counts.drift.fields() as f64;
    vec![
        Check {
            metric: "completeness",
            value: completeness,
            threshold: COMPLETE,
            passed: completeness >= COMPLETE,
            details: json!({ "announced": announced, "received": different }),
        },
        Check {
            metric: "duplicate_offers",
            value: duplicates,
            threshold: DUPLICATES,
            passed: duplicates <= DUPLICATES,
            details: json!({ "duplicates": counts.duplicates, "records": counts.received }),
        },
        Check {
            metric: "schema_drift",
            value: drifted,
            threshold: 0.0,
            passed: counts.drift.fields() == 0,
            details: json!({
                "unknown": counts.drift.unknown_fields(),
                "missing": counts.drift.missing_fields(),
            }),
        },
        Check {
            metric: "hard_rules",
            value: rejected,
            threshold: 0.0,
            passed: counts.rejected == 0,
            details: json!({ "quarantined": counts.rejected, "records": different }),
        },
        Check {
            metric: "side_consistency",
            value: sides,
            threshold: 1.0,
            passed: agreeing == offers.len(),
            details: json!({ "other_side": offers.len() - agreeing, "offers": offers.len() }),
        },
    ]
}

/// Part of a whole; the whole of nothing is complete.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
