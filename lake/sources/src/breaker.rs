//! A circuit breaker per venue. Its state is in the ledger, so it survives the process and is shared by functions.
//!
//! ```text
//! closed ── 5 failures in a row ──► open ── cool-down over ──► half-open (one probe)
//!    ▲                                ▲                            │
//!    └───────────── success ──────────┼──────── success ───────────┤
//!                                     └──────── failure ───────────┘
//! ```

use std::time::Duration;

use cauce_ledger::{Ledger, LedgerError, update};
use cauce_model::Venue;
use cauce_telemetry::BREAKER_OPENED;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// When to leave a venue alone, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Requests in a row that failed for good, tries and all.
    pub failures: u32,
    /// How long the venue is left alone before one request probes it.
    pub cool_down: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, cool_down: Duration::from_secs(60) }
    }
}

/// How a venue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerState {
    /// It is asked.
    Closed {
        /// Requests that failed since the last success.
        failures: u32,
    },
    /// It is left alone.
    Open {
        /// Until then.
        until: DateTime<Utc>,
    },
    /// One request is on its way to see; the others wait for what comes of it.
    HalfOpen {
        /// If nothing has come of the probe by then, another may be sent.
        probe_until: DateTime<Utc>,
    },
}

impl Default for BreakerState {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl BreakerState {
    /// Whether a request may be sent at `now`, and the state after that decision.
    fn ask(self, settings: &BreakerSettings, now: DateTime<Utc>) -> (Self, Permission) {
        match self {
            Self::Closed { .. } => (self, Permission::Granted),
            Self::Open { until } | Self::HalfOpen { probe_until: until } if now < until => {
                (self, Permission::Refused { until })
            }
            Self::Open { .. } | Self::HalfOpen { .. } => {
                (Self::HalfOpen { probe_until: now + cool_down(settings) }, Permission::Granted)
            }
        }
    }

    fn after_success(self) -> Self {
        Self::Closed { failures: 0 }
    }

    fn after_failure(self, settings: &BreakerSettings, now: DateTime<Utc>) -> Self {
        let open = Self::Open { until: now + cool_down(settings) };
        match self {
            Self::Closed { failures } if failures + 1 < settings.failures => {
                Self::Closed { failures: failures + 1 }
            }
            Self::Closed { .. } | Self::HalfOpen { .. } => open,
            // A request that was on its way when the breaker opened: no news.
            Self::Open { .. } => self,
        }
    }
}

fn cool_down(settings: &BreakerSettings) -> TimeDelta {
    TimeDelta::from_std(settings.cool_down).unwrap_or(TimeDelta::MAX)
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Granted,
    /// Not before that moment.
    Refused {
        /// When it may be asked again.
        until: DateTime<Utc>,
    },
}

/// The breaker of one venue.
#[derive(Debug, Clone, Copy)]
pub struct Breaker<'a> {
    /// Where its state is.
    pub ledger: &'a dyn Ledger,
    /// Whose it is.
    pub venue: &'a Venue,
    /// Its limits.
    pub settings: &'a BreakerSettings,
}

impl Breaker<'_> {
    fn key(&self) -> String {
        format!("breaker/{}", self.venue)
    }

    /// Asks whether a request may be sent.
    pub async fn ask(&self, now: DateTime<Utc>) -> Result<Permission, LedgerError> {
        update(self.ledger, &self.key(), |state: Option<BreakerState>| {
            let before = state.unwrap_or_default();
            let (after, permission) = before.ask(self.settings, now);
            ((after != before).then_some(after), permission)
        })
        .await
    }

    /// Tells what came of a request.
    pub async fn tell(&self, succeeded: bool, now: DateTime<Utc>) -> Result<(), LedgerError> {
        update(self.ledger, &self.key(), |state: Option<BreakerState>| {
            let before = state.unwrap_or_default();
            let after =
                if succeeded { before.after_success() } else { before.after_failure(self.settings, now) };
            if after != before {
                tracing::info!(venue = %self.venue, from = ?before, to = ?after, "breaker");
                if matches!(after, BreakerState::Open { .. }) {
                    BREAKER_OPENED.add([self.venue.to_string()], 1);
                }
            }
            ((after != before).then_some(after), ())
        })
        .await
    }

    /// How the venue stands.
    pub async fn state(&self) -> Result<BreakerState, LedgerError> {
        Ok(cauce_ledger::read(self.ledger, &self.key()).await?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use cauce_ledger::SqliteLedger;

    use super::*;
    use crate::{Clock, VirtualClock};

    #[tokio::test]
    async fn opens_after_five_failures_probes_once_and_closes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.sqlite");
        let venue: Venue = "binance_p2p".parse().unwrap();
        let settings = BreakerSettings::default();
        let clock = VirtualClock::at("2026-03-01T00:00:00Z".parse().unwrap());
        let ledger = SqliteLedger::open(&file).unwrap();
        let breaker = Breaker { ledger: &ledger, venue: &venue, settings: &settings };

        for _ in 0..4 {
            breaker.tell(false, clock.now()).await.unwrap();
        }
        breaker.tell(true, clock.now()).await.unwrap();
        for _ in 0..4 {
            breaker.tell(false, clock.now()).await.unwrap();
        }
        assert_eq!(
            breaker.ask(clock.now()).await.unwrap(),
            Permission::Granted,
            "a success starts the count anew"
        );
        breaker.tell(false, clock.now()).await.unwrap();
        let until = clock.now() + TimeDelta::seconds(60);
        assert_eq!(breaker.ask(clock.now()).await.unwrap(), Permission::Refused { until });

        // Another process finds it as it was.
        let later = SqliteLedger::open(&file).unwrap();
        let breaker = Breaker { ledger: &later, ..breaker };
        clock.advance(TimeDelta::seconds(59));
        assert!(matches!(breaker.ask(clock.now()).await.unwrap(), Permission::Refused { .. }));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(breaker.ask(clock.now()).await.unwrap(), Permission::Granted, "the probe");
        assert!(
            matches!(breaker.ask(clock.now()).await.unwrap(), Permission::Refused { .. }),
            "only one probe"
        );
        breaker.tell(false, clock.now()).await.unwrap();
        assert!(matches!(breaker.state().await.unwrap(), BreakerState::Open { .. }));
        clock.advance(TimeDelta::seconds(60));
        assert_eq!(breaker.ask(clock.now()).await.unwrap(), Permission::Granted, "the second probe");
        breaker.tell(true, clock.now()).await.unwrap();
        assert_eq!(breaker.state().await.unwrap(), BreakerState::Closed { failures: 0 });
    }

    #[test]
    fn a_probe_that_never_comes_back_blocks_for_one_cool_down() {
        let settings = BreakerSettings::default();
        let now: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let (state, _) = BreakerState::Open { until: now }.ask(&settings, now);
        let (_, early) = state.ask(&settings, now + TimeDelta::seconds(30));
        let (_, late) = state.ask(&settings, now + TimeDelta::seconds(60));
        assert!(matches!(early, Permission::Refused { .. }));
        assert_eq!(late, Permission::Granted);
    }
}
