//! What became of a payment, from all that was said of it: in whatever order it arrived, however often.
//!
//! Events of one identity are one event. Events are taken in the provider's time. Amounts add up over operations (each
//! capture, refund and dispute has an id) and never exceed what an event states as a total; what can't be is flagged, and
//! shown all the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{FailureReason, StatusCategory, StatusCategory as Status, Subject, Totals};

/// One event of a payment, as far as its state needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The same for the same event sent again.
    pub identity: String,
    /// When it happened, as the provider says; else when it was received.
    pub at: DateTime<Utc>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Whether its provider's signature was verified.
    pub is_verified: bool,
    /// Its id: tells apart what happened at one time.
    pub event_id: String,
    /// What it is about.
    pub subject: Subject,
    /// What became of that.
    pub status: StatusCategory,
    /// Why, where it went wrong.
    pub reason: Option<FailureReason>,
    /// The provider's id of the capture, refund or dispute.
    pub operation_id: Option<String>,
    /// Minor units of `currency`.
    pub amount: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Totals that the event states.
    pub totals: Totals,
}

impl Observed {
    /// Whether it says something of a payment, a refund or a dispute.
    pub fn is_about_payment(&self) -> bool {
        is_about_payment(self.subject, self.status)
    }
}

/// Whether an event of this subject and status says something of a payment, a refund or a dispute.
pub fn is_about_payment(subject: Subject, status: StatusCategory) -> bool {
    matches!(subject, Subject::Payment | Subject::Refund | Subject::Dispute) && rank(status) > 0
}

/// What can't be, and was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// More was captured than authorized.
    CapturedMoreThanAuthorized,
    /// More went back than was captured.
    RefundedMoreThanCaptured,
    /// It succeeded after it had been given up.
    SucceededAfterEnd,
    /// It was declined after it had succeeded.
    DeclinedAfterSuccess,
    /// Its events are in more than one currency; amounts are those of the first.
    SeveralCurrencies,
    /// Something was said of it in a word that nobody has explained.
    UnknownStatus,
}

impl Flag {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CapturedMoreThanAuthorized => "captured_more_than_authorized",
            Self::RefundedMoreThanCaptured => "refunded_more_than_captured",
            Self::SucceededAfterEnd => "succeeded_after_end",
            Self::DeclinedAfterSuccess => "declined_after_success",
            Self::SeveralCurrencies => "several_currencies",
            Self::UnknownStatus => "unknown_status",
        }
    }
}

/// The state of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentState {
    /// What became of it.
    pub status: StatusCategory,
    /// Why, where it went wrong.
    pub reason: Option<FailureReason>,
    /// Currency of the amounts.
    pub currency: Option<String>,
    /// Reserved, in minor units.
    pub authorized: i64,
    /// Taken.
    pub captured: i64,
    /// Gone back.
    pub refunded: i64,
    /// Disputed, and not won.
    pub disputed: i64,
    /// When it was first heard of.
    pub first_at: DateTime<Utc>,
    /// And last.
    pub last_at: DateTime<Utc>,
    /// Different events.
    pub events: u32,
    /// What can't be.
    pub flags: BTreeSet<Flag>,
}

/// How far along a status is: at one moment the one further along is the later.
fn rank(status: Status) -> u8 {
    match status {
        Status::Unprocessed | Status::NotAPayment => 0,
        Status::Unknown => 1,
        Status::Pending => 2,
        Status::Authorized => 3,
        Status::Declined | Status::Failed => 4,
        Status::Approved => 5,
        Status::Cancelled | Status::Expired => 6,
        Status::PartiallyRefunded => 7,
        Status::Refunded => 8,
        Status::Chargeback => 9,
    }
}

fn has_succeeded(status: Status) -> bool {
    matches!(status, Status::Approved | Status::PartiallyRefunded | Status::Refunded | Status::Chargeback)
}

impl PaymentState {
    /// The state after these events; none if none of them is about the payment.
    pub fn of(events: &[Observed]) -> Option<Self> {
        // Also from a copy that does not count: it happened no later than it was heard of.
        let heard = events.iter().filter(|event| event.is_about_payment()).map(|event| event.at).min();
        let events = ordered(events);
        let (first, last) = (events.first()?, events.last()?);
        let mut flags = BTreeSet::new();
        let currency = events.iter().find_map(|event| event.currency.clone());
        if events.iter().any(|event| event.currency.is_some() && event.currency != currency) {
            flags.insert(Flag::SeveralCurrencies);
        }
        let counted: Vec<&Observed> = events
            .iter()
            .copied()
            .filter(|event| event.currency.is_none() || event.currency == currency)
            .collect();
        let (status, reason) = status(&events, &mut flags);
        let amounts = Amounts::of(&counted);
        if amounts.authorized > 0
            && amounts.captured > amounts.stated_authorized
            && amounts.stated_authorized > 0
        {
            flags.insert(Flag::CapturedMoreThanAuthorized);
        }
        if amounts.captured > 0 && amounts.refunded > amounts.captured {
            flags.insert(Flag::RefundedMoreThanCaptured);
        }
        let status = overlaid(status, &amounts, &events);
        let wrong = matches!(status, Status::Declined | Status::Failed | Status::Cancelled);
        Some(Self {
            status,
            reason: reason.filter(|_| wrong),
            currency,
            authorized: amounts.authorized,
            captured: amounts.captured,
            refunded: amounts.refunded,
            disputed: amounts.disputed,
            first_at: heard.unwrap_or(first.at),
            last_at: last.at,
            events: u32::try_from(events.len()).unwrap_or(u32::MAX),
            flags,
        })
    }
}

/// Each event once, in the provider's time.
fn ordered(events: &[Observed]) -> Vec<&Observed> {
    let mut by_identity: BTreeMap<&str, &Observed> = BTreeMap::new();
    for event in events.iter().filter(|event| event.is_about_payment()) {
        let kept = by_identity.entry(&event.identity).or_insert(event);
        // Of the same event said in two ways the one that is signed, then the first that was heard.
        let key = |event: &Observed| (!event.is_verified, event.received_at);
        if (key(event), &event.event_id) < (key(kept), &kept.event_id) {
            *kept = event;
        }
    }
    let mut events: Vec<&Observed> = by_identity.into_values().collect();
    events.sort_by(|left, right| {
        let key = |event: &Observed| (event.at, rank(event.status));
        key(left).cmp(&key(right)).then_with(|| left.event_id.cmp(&right.event_id))
    });
    events
}

/// What the events about the payment itself come to.
fn status(events: &[&Observed], flags: &mut BTreeSet<Flag>) -> (Option<Status>, Option<FailureReason>) {
    let (mut status, mut reason): (Option<Status>, Option<FailureReason>) = (None, None);
    for event in events.iter().filter(|event| event.subject == Subject::Payment) {
        let next = event.status;
        if next == Status::Unknown {
            flags.insert(Flag::UnknownStatus);
            status = status.or(Some(next));
            continue;
        }
        let stays = match status {
            None | Some(Status::Unknown | Status::Pending) => false,
            // Somebody asks again, and the answer is open; what is reserved or taken is that still.
            Some(now) if next == Status::Pending => {
                !matches!(now, Status::Declined | Status::Failed | Status::Expired)
            }
            Some(now) if next == Status::Authorized => has_succeeded(now),
            Some(now) if has_succeeded(now) && matches!(next, Status::Declined | Status::Failed) => {
                flags.insert(Flag::DeclinedAfterSuccess);
                true
            }
            Some(Status::Cancelled | Status::Expired) if has_succeeded(next) => {
                flags.insert(Flag::SucceededAfterEnd);
                false
            }
            // A capture that is told again takes nothing back.
            Some(now) if next == Status::Approved => rank(now) > rank(next) && has_succeeded(now),
            Some(_) => false,
        };
        if !stays {
            (status, reason) = (Some(next), event.reason);
        }
    }
    (status, reason)
}

struct Amounts {
    authorized: i64,
    stated_authorized: i64,
    captured: i64,
    refunded: i64,
    disputed: i64,
}

impl Amounts {
    fn of(events: &[&Observed]) -> Self {
        let total = |read: fn(&Totals) -> Option<i64>| {
            events.iter().filter_map(|event| read(&event.totals)).max().unwrap_or(0)
        };
        // What went back may come again: the last word of it counts.
        let last = |read: fn(&Totals) -> Option<i64>| {
            events.iter().rev().find_map(|event| read(&event.totals)).unwrap_or(0)
        };
        let authorized = sum(events, Subject::Payment, |status| status == Status::Authorized).most();
        let captured = sum(events, Subject::Payment, |status| status == Status::Approved).most();
        let refunds = sum(events, Subject::Refund, |status| {
            matches!(status, Status::Refunded | Status::PartiallyRefunded)
        });
        let whole = events.iter().filter(|event| {
            event.subject == Subject::Payment
                && matches!(event.status, Status::Refunded | Status::PartiallyRefunded)
        });
        let whole = whole.filter_map(|event| event.amount).max().unwrap_or(0);
        let whole = whole.max(refunds.whole).max(last(|totals| totals.refunded));
        let refunded = refunds.parts.max(whole.saturating_sub(came_to_nothing(events)));
        let disputed = sum(events, Subject::Dispute, |status| status == Status::Chargeback).most();
        let captured = captured.max(total(|totals| totals.captured));
        let stated_authorized = authorized.max(total(|totals| totals.authorized));
        let won =
            events.iter().any(|event| event.subject == Subject::Dispute && event.status == Status::Approved);
        Self {
            // What is taken was reserved.
            authorized: stated_authorized.max(captured),
            stated_authorized,
            captured,
            refunded,
            disputed: if won { disputed } else { disputed.max(last(|totals| totals.disputed)) },
        }
    }
}

/// Refunds that failed after the whole that had gone back was last said, which had counted them.
fn came_to_nothing(events: &[&Observed]) -> i64 {
    let says_whole = |event: &&Observed| {
        event.totals.refunded.is_some()
            || event.subject == Subject::Refund
                && event.operation_id.is_none()
                && event.status == Status::Refunded
    };
    let Some(last) = events.iter().rposition(says_whole) else { return 0 };
    let is_failure = |event: &&&Observed| {
        event.subject == Subject::Refund
            && event.operation_id.is_some()
            && matches!(event.status, Status::Failed | Status::Cancelled | Status::Declined)
    };
    let mut failed: BTreeMap<Option<&str>, i64> = BTreeMap::new();
    let (before, after) = (&events[..last], &events[last + 1..]);
    for event in after.iter().filter(is_failure) {
        let of_it = |other: &&&Observed| other.operation_id == event.operation_id;
        let had_failed = before.iter().any(|other| of_it(&other) && is_failure(&other));
        // The whole was said before it was asked for.
        let is_newer = after.iter().find(of_it).is_some_and(|first| !is_failure(&first));
        if !had_failed && !is_newer {
            failed.insert(event.operation_id.as_deref(), event.amount.unwrap_or(0));
        }
    }
    failed.into_values().fold(0, i64::saturating_add)
}

/// What operations come to, and what was said of all of them at once.
struct Sum {
    parts: i64,
    whole: i64,
}

impl Sum {
    fn most(&self) -> i64 {
        self.parts.max(self.whole)
    }
}

/// Amounts of operations that ended so: each operation once, by its last status. What has no operation says the whole.
fn sum(events: &[&Observed], subject: Subject, counts: impl Fn(Status) -> bool) -> Sum {
    let mut operations: BTreeMap<Option<&str>, (Status, i64)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.subject == subject) {
        let Some(amount) = event.amount else {
            // An operation may end without saying again how much it is.
            if let Some((status, _)) = operations.get_mut(&event.operation_id.as_deref()) {
                *status = event.status;
            }
            continue;
        };
        match (event.operation_id.as_deref(), counts(event.status)) {
            // That it waits again says nothing of what it is.
            (operation, _) if event.status == Status::Pending && operations.contains_key(&operation) => {}
            // The whole is as much as it ever was.
            (None, true) => {
                let (status, most) = operations.entry(None).or_insert((event.status, 0));
                (*status, *most) = (event.status, amount.max(*most));
            }
            // A refund or a dispute that ended otherwise; what a payment came to later takes no capture back.
            (None, false) if subject != Subject::Payment => {
                if let Some((status, _)) = operations.get_mut(&None) {
                    *status = event.status;
                }
            }
            (None, false) => {}
            (operation, _) => {
                operations.insert(operation, (event.status, amount));
            }
        }
    }
    let whole = operations.remove(&None).filter(|(status, _)| subject == Subject::Payment || counts(*status));
    let whole = whole.map_or(0, |(_, amount)| amount);
    let parts = operations.into_values().filter(|(status, _)| counts(*status)).map(|(_, amount)| amount);
    Sum { parts: parts.fold(0_i64, i64::saturating_add), whole }
}

/// Refunds and disputes change what a payment has come to.
fn overlaid(status: Option<Status>, amounts: &Amounts, events: &[&Observed]) -> Status {
    let last = |subject: Subject| {
        events.iter().rev().find(|event| event.subject == subject).map(|event| event.status)
    };
    if amounts.disputed > 0 || last(Subject::Dispute) == Some(Status::Chargeback) {
        return Status::Chargeback;
    }
    let of_refund = last(Subject::Refund);
    let went_back =
        amounts.refunded > 0 || matches!(of_refund, Some(Status::Refunded | Status::PartiallyRefunded));
    // Money that was taken does not expire, and what was not taken of a reservation may be given up.
    let status = match status {
        Some(Status::Expired) if amounts.captured > 0 => Some(Status::Approved),
        Some(Status::Cancelled) if amounts.captured > 0 && amounts.captured < amounts.stated_authorized => {
            Some(Status::Approved)
        }
        _ => status,
    };
    // Where captures are not told of, as with those that some providers make by themselves, all that was reserved was taken.
    let taken = if amounts.captured > 0 { amounts.captured } else { amounts.authorized };
    match status {
        Some(Status::Cancelled) | Some(Status::Refunded) => status.unwrap_or(Status::Refunded),
        _ if went_back && amounts.refunded < taken => Status::PartiallyRefunded,
        Some(Status::PartiallyRefunded) if amounts.captured == 0 => Status::PartiallyRefunded,
        _ if went_back && of_refund == Some(Status::PartiallyRefunded) && amounts.captured == 0 => {
            Status::PartiallyRefunded
        }
        _ if went_back => Status::Refunded,
        // A dispute that was won leaves the payment what it was.
        Some(Status::Chargeback) => Status::Approved,
        // Its capture was taken for good, and failed after all.
        Some(Status::Approved) if amounts.captured == 0 && a_capture_failed(events) => Status::Failed,
        Some(status) => status,
        // Only refunds or disputes were heard of: it must have been taken.
        None => match of_refund {
            Some(Status::Pending | Status::Failed | Status::Cancelled | Status::Expired) | None => {
                Status::Approved
            }
            Some(other) => other,
        },
    }
}

fn a_capture_failed(events: &[&Observed]) -> bool {
    let of_capture = |event: &&&Observed| event.subject == Subject::Payment && event.operation_id.is_some();
    let failed = events.iter().filter(of_capture).find(|event| event.status == Status::Failed);
    failed.is_some_and(|failed| {
        let same = events.iter().filter(of_capture).filter(|event| event.operation_id == failed.operation_id);
        same.filter(|event| event.status == Status::Approved).count() > 0
    })
}

#[cfg(test)]
mod tests;
