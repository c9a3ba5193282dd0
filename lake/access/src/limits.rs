//! How often somebody may try. Counted in the ledger, so that it holds across processes and functions.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use cauce_ledger::{Ledger, LedgerError, update};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::hex;

/// Log-ins that failed one after another: of a name, or from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Failures that are forgiven.
    pub forgiven: u32,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Failures {
    count: u32,
    last_at: DateTime<Utc>,
}

impl Lockout {
    /// Of one name, whether there is such a user or not.
    pub const OF_NAME: Self = Self { forgiven: 5 };
    /// From one address, which may be that of an office.
    pub const OF_ADDRESS: Self = Self { forgiven: 20 };
    /// What failed longer ago is forgotten.
    const FORGOTTEN: TimeDelta = TimeDelta::hours(1);
    /// The first wait; it doubles with every failure.
    const FIRST: TimeDelta = TimeDelta::seconds(10);
    /// The longest: a name can be locked by whoever knows it, so not for ever.
    const LONGEST: TimeDelta = TimeDelta::minutes(15);

    fn key(whose: &str) -> String {
        // Names are what strangers type.
        format!("lockout/{}", hex(&blake3::hash(whose.as_bytes()).as_bytes()[..16]))
    }

    /// Notes a try, unless one has to wait: then it says how long. Noted before it is known how the try ends, so that many
    /// at once don't slip through.
    pub async fn attempt(
        self,
        ledger: &dyn Ledger,
        whose: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<TimeDelta>, LedgerError> {
        update(ledger, &Self::key(whose), |before: Option<Failures>| {
            let before = before.filter(|before| now - before.last_at < Self::FORGOTTEN).unwrap_or_default();
            let wait = before.count.checked_sub(self.forgiven).map(|beyond| {
                let wait = Self::FIRST * 2_i32.pow(beyond.min(10));
                before.last_at + wait.min(Self::LONGEST) - now
            });
            match wait.filter(|wait| *wait > TimeDelta::zero()) {
                Some(wait) => (None, Some(wait)),
                None => (Some(Failures { count: before.count.saturating_add(1), last_at: now }), None),
            }
        })
        .await
    }

    /// The try was no failure. A name's failures are forgotten by that; an address's are not: others use it, too.
    pub async fn succeeded(self, ledger: &dyn Ledger, whose: &str) -> Result<(), LedgerError> {
        update(ledger, &Self::key(whose), |before: Option<Failures>| {
            let count = |before: u32| if self == Self::OF_NAME { 0 } else { before.saturating_sub(1) };
            (before.map(|before| Failures { count: count(before.count), ..before }), ())
        })
        .await
    }
}

/// Requests a minute. A process takes a tenth of them at a time from the ledger, and counts by itself until they are used:
/// so the ledger is written ten times a minute, and not with every request.
#[derive(Debug, Clone)]
pub struct Rate {
    ledger: Arc<dyn Ledger>,
    taken: Arc<Mutex<HashMap<String, Taken>>>,
}

#[derive(Debug, Clone, Copy)]
struct Taken {
    minute: i64,
    left: u32,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Used {
    minute: i64,
    count: u32,
}

impl Rate {
    /// Callers that are counted one by one; strangers beyond that share one count.
    const MOST: usize = 10_000;

    /// Counted in `ledger`.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, taken: Arc::default() }
    }

    /// Takes one request of `limit` a minute. Answers how long to wait if there is none left.
    pub async fn take(
        &self,
        whose: &str,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Option<TimeDelta>, LedgerError> {
        let minute = now.timestamp().div_euclid(60);
        if self.take_here(whose, minute) {
            return Ok(None);
        }
        let some = (limit / 10).max(1);
        let got = update(&*self.ledger, &format!("rate/{whose}"), |used: Option<Used>| {
            let count = used.filter(|used| used.minute == minute).map_or(0, |used| used.count);
            match limit.saturating_sub(count).min(some) {
                0 => (None, 0),
                got => (Some(Used { minute, count: count + got }), got),
            }
        })
        .await?;
        if got == 0 {
            return Ok(Some(TimeDelta::seconds(60 - now.timestamp().rem_euclid(60))));
        }
        self.keep(whose, minute, got - 1);
        Ok(None)
    }

    /// The same for an address that says nothing of itself: counted by this process alone.
    pub fn take_of_stranger(
        &self,
        address: Option<IpAddr>,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Option<TimeDelta> {
        let minute = now.timestamp().div_euclid(60);
        let (whose, is_new) = {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let mut whose = address.map_or_else(|| "nobody".to_owned(), |address| address.to_string());
            if taken.len() > Self::MOST && !taken.contains_key(&whose) {
                "others".clone_into(&mut whose);
            }
            let is_new = taken.get(&whose).is_none_or(|taken| taken.minute != minute);
            (whose, is_new)
        };
        if self.take_here(&whose, minute) {
            return None;
        }
        if !is_new || limit == 0 {
            return Some(TimeDelta::seconds(60 - now.timestamp().rem_euclid(60)));
        }
        self.keep(&whose, minute, limit - 1);
        None
    }

    fn take_here(&self, whose: &str, minute: i64) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(whose) {
            Some(taken) if taken.minute == minute && taken.left > 0 => {
                taken.left -= 1;
                true
            }
            _ => false,
        }
    }

    fn keep(&self, whose: &str, minute: i64, left: u32) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody who asked in an earlier minute is of interest.
        if taken.len() >= Self::MOST {
            taken.retain(|_, taken| taken.minute == minute);
        }
        let mine = taken.entry(whose.to_owned()).or_insert(Taken { minute, left: 0 });
        // Another request of the same may have taken some meanwhile.
        let before = if mine.minute == minute { mine.left } else { 0 };
        *mine = Taken { minute, left: before + left };
    }
}
