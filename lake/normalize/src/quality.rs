//! Checks of one snapshot by itself. What needs other snapshots (a price against the day before, freshness) is
//! derived later.

use cauce_model::{Check, Market, Offer};
use cauce_protocols::Drift;
use serde_json::json;

use crate::Normalized;

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

/// Bounds of the checks that a snapshot passes by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Share of the announced offers that must arrive. Collectors of these venues discard a book that lost more than
    /// a twentieth.
    pub completeness: f64,
    /// Share of records that may come twice: ads move between pages while they are turned.
    pub duplicate_offers: f64,
    /// Fields that may be unknown or missing.
    pub schema_drift: f64,
    /// Share of records that may be in quarantine.
    pub hard_rules: f64,
    /// Share of offers whose maker must stand on the other side.
    pub side_consistency: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            completeness: 0.95,
            duplicate_offers: 0.05,
            schema_drift: 0.0,
            hard_rules: 0.0,
            side_consistency: 1.0,
        }
    }
}

impl Thresholds {
    /// Holds a value against its bound. Of what is not known, nothing is said.
    fn judge(&self, metric: &str, value: f64) -> Option<(f64, bool)> {
        let at_least = |bound: f64| Some((bound, value >= bound));
        let at_most = |bound: f64| Some((bound, value <= bound));
        match metric {
            "completeness" => at_least(self.completeness),
            "duplicate_offers" => at_most(self.duplicate_offers),
            "schema_drift" => at_most(self.schema_drift),
            "hard_rules" => at_most(self.hard_rules),
            "side_consistency" => at_least(self.side_consistency),
            _ => None,
        }
    }
}

impl Normalized<'_> {
    /// Holds what was measured against other bounds than the default ones.
    pub fn judge(&mut self, thresholds: &Thresholds) {
        for check in self.snapshots.iter_mut().flat_map(|snapshot| &mut snapshot.checks) {
            if let Some((threshold, passed)) = thresholds.judge(check.metric, check.value) {
                (check.threshold, check.passed) = (threshold, passed);
            }
        }
    }
}

pub(crate) fn checks(market: &Market, offers: &[Offer<'_>], counts: &Counts) -> Vec<Check> {
    let different = counts.received - counts.duplicates;
    let announced = counts.announced.map_or(different, |announced| announced as usize);
    let agreeing = offers.iter().filter(|offer| offer.maker_side == market.trade_type.maker()).count();
    let duplicates = if counts.received == 0 { 0.0 } else { share(counts.duplicates, counts.received) };
    let rejected = if different == 0 { 0.0 } else { share(counts.rejected, different) };
    let measured = [
        (
            "completeness",
            share(different, announced).min(1.0),
            json!({ "announced": announced, "received": different }),
        ),
        (
            "duplicate_offers",
            duplicates,
            json!({ "duplicates": counts.duplicates, "records": counts.received }),
        ),
        (
            "schema_drift",
            counts.drift.fields() as f64,
            json!({
                "unknown": counts.drift.unknown_fields(),
                "missing": counts.drift.missing_fields(),
            }),
        ),
        ("hard_rules", rejected, json!({ "quarantined": counts.rejected, "records": different })),
        (
            "side_consistency",
            share(agreeing, offers.len()),
            json!({ "other_side": offers.len() - agreeing, "offers": offers.len() }),
        ),
    ];
    let judged = |(metric, value, details): (&'static str, f64, serde_json::Value)| {
        let (threshold, passed) = Thresholds::default().judge(metric, value)?;
        Some(Check { metric, value, threshold, passed, details })
    };
    measured.into_iter().filter_map(judged).collect()
}

/// Part of a whole; the whole of nothing is complete.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
