use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// Where the engine takes its time from.
#[async_trait]
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// This moment.
    fn now(&self) -> DateTime<Utc>;

    /// Returns at `time`, at once if it is past.
    async fn sleep_until(&self, time: DateTime<Utc>);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep_until(&self, time: DateTime<Utc>) {
        if let Ok(wait) = (time - Utc::now()).to_std() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// A clock that stands still, except that who sleeps takes it along. For generated histories and tests.
#[derive(Debug, Clone)]
pub struct VirtualClock(Arc<Mutex<DateTime<Utc>>>);

impl VirtualClock {
    /// A clock that shows `time`.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// Moves the clock to `time`, unless it is past that.
    pub fn advance_to(&self, time: DateTime<Utc>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = time.max(*now);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: TimeDelta) {
        self.advance_to(self.now() + by);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep_until(&self, time: DateTime<Utc>) {
        self.advance_to(time);
        tokio::task::yield_now().await;
    }
}
