//! One page, the polite way: breaker, slot, try, judge, wait, try again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cauce_ledger::{Ledger, LedgerError, Slots};
use cauce_model::{ErrorType, Market, RequestError};
use cauce_protocols::venues::{Answer, PageSummary, VenueProtocol};
use cauce_telemetry::{VENUE_REQUEST_DURATION, VENUE_RETRIES};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Breaker, Clock, HttpAnswer, HttpRequest, Permission, Transport, TransportFailure, VenueSettings,
    retry::full_jitter,
};

/// Asks one venue.
#[derive(Clone, Copy)]
pub(crate) struct Fetcher<'a> {
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) venue: &'static dyn VenueProtocol,
    pub(crate) settings: &'a VenueSettings,
    pub(crate) deadline: Option<DateTime<Utc>>,
}

/// A page that arrived.
pub(crate) struct Fetched {
    pub(crate) request: HttpRequest,
    pub(crate) answer: HttpAnswer,
    pub(crate) summary: PageSummary,
    pub(crate) at: DateTime<Utc>,
    /// Tries that failed before, if any did.
    pub(crate) mended: Option<RequestError>,
}

/// Why one try failed.
struct TryFailed {
    error_type: ErrorType,
    message: String,
    retry_after: Option<Duration>,
}

impl Fetcher<'_> {
    /// A venue that asks for more patience than this is not waited for within a run.
    const LONGEST_WAIT: Duration = Duration::from_secs(120);

    /// Fetches a page. The inner error is what the run report keeps; the outer one means that the ledger is gone.
    pub(crate) async fn fetch(
        &self,
        market: &Market,
        page: u32,
    ) -> Result<Result<Fetched, RequestError>, LedgerError> {
        let error = |error_type, message, retries| RequestError {
            at: self.clock.now(),
            market: Some(market.clone()),
            page: Some(page),
            error_type,
            message,
            retries,
            resolved: false,
        };
        if self.is_late() {
            let message = "the run's time is over".to_owned();
            return Ok(Err(error(ErrorType::DeadlineExceeded, message, 0)));
        }
        let breaker = Breaker { ledger: self.ledger, venue: &market.venue, settings: &self.settings.breaker };
        if let Permission::Refused { until } = breaker.ask(self.clock.now()).await? {
            let message = format!("not asked: the breaker of {} is open until {until}", market.venue);
            return Ok(Err(error(ErrorType::BreakerOpen, message, 0)));
        }
        let mut waits = full_jitter(self.settings.tries);
        let (mut retries, mut failed_before) = (0, None);
        loop {
            let failed = match self.attempt(market, page).await {
                Ok(fetched) => {
                    breaker.tell(true, self.clock.now()).await?;
                    let mended = failed_before.map(|failed: TryFailed| RequestError {
                        resolved: true,
                        ..error(failed.error_type, failed.message, retries)
                    });
                    return Ok(Ok(Fetched { mended, ..fetched }));
                }
                Err(Tried::Failed(failed)) => failed,
                Err(Tried::Ledger(error)) => return Err(error),
            };
            if failed.error_type == ErrorType::DeadlineExceeded {
                return Ok(Err(error(failed.error_type, failed.message, retries)));
            }
            let Some(wait) = self.patience(&failed, &mut waits) else {
                breaker.tell(false, self.clock.now()).await?;
                return Ok(Err(error(failed.error_type, failed.message, retries)));
            };
            self.clock.sleep_until(self.clock.now() + delta(wait)).await;
            retries += 1;
            VENUE_RETRIES.add([market.venue.to_string()], 1);
            failed_before = Some(failed);
        }
    }

    /// How long to wait before the next try; none if there is to be none.
    fn patience(&self, failed: &TryFailed, waits: &mut impl Iterator<Item = Duration>) -> Option<Duration> {
        if !failed.error_type.is_transient() || self.is_late() {
            return None;
        }
        let backoff = waits.next()?;
        let wait = match failed.retry_after {
            Some(asked) if asked > Self::LONGEST_WAIT => return None,
            Some(asked) => backoff.max(asked),
            None => backoff,
        };
        // What would begin after the end is not waited for.
        self.left_at(self.clock.now() + delta(wait)).is_none_or(|left| !left.is_zero()).then_some(wait)
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.clock.now() >= deadline)
    }

    /// Time that the run has from `at` on; none if it has no end.
    fn left_at(&self, at: DateTime<Utc>) -> Option<Duration> {
        self.deadline.map(|deadline| (deadline - at).to_std().unwrap_or_default())
    }

    fn too_late() -> Tried {
        Tried::Failed(TryFailed {
            error_type: ErrorType::DeadlineExceeded,
            message: "the run's time is over".to_owned(),
            retry_after: None,
        })
    }

    async fn attempt(&self, market: &Market, page: u32) -> Result<Fetched, Tried> {
        let interval = delta(self.settings.min_interval);
        let slot = Slots::reserve(self.ledger, market.venue.as_str(), interval, self.clock.now()).await?;
        let left = self.left_at(slot);
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Self::too_late());
        }
        self.clock.sleep_until(slot).await;
        let timeout = left.map_or(self.settings.timeout, |left| left.min(self.settings.timeout));
        let wanted = self.venue.request(market, page);
        let url = format!("{}{}", self.settings.base_url, wanted.path);
        let request = HttpRequest { method: wanted.method, url, headers: Vec::new(), body: wanted.body };
        let begun = Instant::now();
        let sent = self.transport.send(request.clone(), timeout).await;
        let seconds = begun.elapsed().as_secs_f64();
        VENUE_REQUEST_DURATION.record([market.venue.to_string()], seconds);
        let answer = match sent {
            // The venue had less time than it is given: that says nothing about it.
            Err(failure) if failure.error_type == ErrorType::Timeout && timeout < self.settings.timeout => {
                return Err(Self::too_late());
            }
            sent => sent?,
        };
        let at = self.clock.now();
        let judged = self.venue.judge(Answer {
            status: answer.status,
            content_type: answer.headers.get("content-type").map(String::as_str),
            body: &answer.body,
        });
        match judged {
            Ok(summary) => Ok(Fetched { request, answer, summary, at, mended: None }),
            Err(failed) => {
                let retry_after = answer.headers.get("retry-after").and_then(|text| retry_after(text, at));
                if let Some(asked) = retry_after {
                    // The venue means all of us, not only this request.
                    let until = at + delta(asked.min(Self::LONGEST_WAIT));
                    Slots::postpone(self.ledger, market.venue.as_str(), until).await?;
                }
                Err(Tried::Failed(TryFailed {
                    error_type: failed.error_type,
                    message: failed.message,
                    retry_after,
                }))
            }
        }
    }
}

enum Tried {
    Failed(TryFailed),
    Ledger(LedgerError),
}

impl From<LedgerError> for Tried {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<TransportFailure> for Tried {
    fn from(failure: TransportFailure) -> Self {
        Self::Failed(TryFailed {
            error_type: failure.error_type,
            message: failure.message,
            retry_after: None,
        })
    }
}

pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date: DateTime<Utc> = httpdate::parse_http_date(text.trim()).ok()?.into();
    Some((date - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: DateTime<Utc> = "2015-10-21T07:27:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO), "past");
        assert_eq!(retry_after("soon", now), None);
    }
}
