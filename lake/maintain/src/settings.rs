use cauce_normalize::Thresholds;
use cauce_tables::Days;
use chrono::{DateTime, TimeDelta, Utc};

use crate::QualitySettings;

/// What is kept, and for how long. None is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Raw objects, by their day; only of days that are sealed.
    pub raw: Option<TimeDelta>,
    /// Rows, by their day.
    pub tables: Option<TimeDelta>,
    /// What a replay replaced, since it was.
    pub replaced: TimeDelta,
}

/// When maintenance does what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaintenanceSettings {
    /// How long after its end a day is left alone: a run that began before midnight still writes into it.
    pub settle: TimeDelta,
    /// How long after its end a day is sealed even if raw objects of it are not normalized: dead letters.
    pub lateness: TimeDelta,
    /// How old the file that covers another must be before the other is deleted. More than the longest listing and
    /// query together: who listed before the covering file was there may still be reading the other.
    pub grace: TimeDelta,
    /// Rows of one seal at most. A day that has more gets several, each whole: this bounds the memory.
    pub seal_rows: u64,
    /// What is kept.
    pub retention: Retention,
    /// Bounds of the checks of snapshots against others.
    pub quality: QualitySettings,
    /// Bounds of the checks of single snapshots, for a replay.
    pub thresholds: Thresholds,
}

impl MaintenanceSettings {
    /// The days that a sweep looks at again and again: those that are not sealed whatever happens.
    pub fn swept_days(&self, now: DateTime<Utc>) -> Days {
        // A clock elsewhere may be a little ahead.
        let last = (now + TimeDelta::hours(1)).date_naive();
        Days { first: Some((now - self.lateness).date_naive()), last: Some(last) }
    }
}

impl Default for MaintenanceSettings {
    fn default() -> Self {
        Self {
            settle: TimeDelta::minutes(30),
            lateness: TimeDelta::hours(48),
            grace: TimeDelta::hours(1),
            seal_rows: 8_000_000,
            retention: Retention { raw: None, tables: None, replaced: TimeDelta::days(30) },
            quality: QualitySettings::default(),
            thresholds: Thresholds::default(),
        }
    }
}
