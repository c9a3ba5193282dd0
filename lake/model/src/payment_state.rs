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
            first_at: first.at,
            last_at: last.at,
            events: u32::try_from(events.len()).unwrap_or(u32::MAX),
            flags,
        })
    }
}

/// Each event once, in the provider's time.
fn ordered(events: &[Observed]) -> Vec<&Observed> {
    let is_about = |event: &&Observed| {
        matches!(event.subject, Subject::Payment | Subject::Refund | Subject::Dispute)
            && rank(event.status) > 0
    };
    let mut by_identity: BTreeMap<&str, &Observed> = BTreeMap::new();
    for event in events.iter().filter(is_about) {
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
        let authorized = sum(events, Subject::Payment, |status| status == Status::Authorized);
        let captured = sum(events, Subject::Payment, |status| status == Status::Approved);
        let refunded = sum(events, Subject::Refund, |status| {
            matches!(status, Status::Refunded | Status::PartiallyRefunded)
        });
        let whole = events.iter().filter(|event| {
            event.subject == Subject::Payment
                && matches!(event.status, Status::Refunded | Status::PartiallyRefunded)
        });
        let refunded = refunded.max(whole.filter_map(|event| event.amount).max().unwrap_or(0));
        let disputed = sum(events, Subject::Dispute, |status| status == Status::Chargeback);
        let captured = captured.max(total(|totals| totals.captured));
        let stated_authorized = authorized.max(total(|totals| totals.authorized));
        let won =
            events.iter().any(|event| event.subject == Subject::Dispute && event.status == Status::Approved);
        Self {
            // What is taken was reserved.
            authorized: stated_authorized.max(captured),
            stated_authorized,
            captured,
            refunded: refunded.max(last(|totals| totals.refunded)).saturating_sub(came_to_nothing(events)),
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
    for event in events[last + 1..].iter().filter(is_failure) {
        let already = events[..last]
            .iter()
            .any(|before| before.operation_id == event.operation_id && is_failure(&before));
        if !already {
            failed.insert(event.operation_id.as_deref(), event.amount.unwrap_or(0));
        }
    }
    failed.into_values().fold(0, i64::saturating_add)
}

/// Amounts of operations that ended so: each operation once, by its last status. What has no operation says the whole.
fn sum(events: &[&Observed], subject: Subject, counts: impl Fn(Status) -> bool) -> i64 {
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
    parts.fold(0_i64, i64::saturating_add).max(whole)
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
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn event(
        minute: i64,
        subject: Subject,
        status: Status,
        operation: Option<&str>,
        amount: i64,
    ) -> Observed {
        let name = format!("{minute}-{subject}-{status}-{operation:?}-{amount}");
        Observed {
            identity: name.clone(),
            at: at(minute),
            received_at: at(minute),
            is_verified: false,
            event_id: name,
            subject,
            status,
            reason: (status == Status::Declined).then_some(FailureReason::InsufficientFunds),
            operation_id: operation.map(str::to_owned),
            amount: (amount > 0).then_some(amount),
            currency: (amount > 0).then(|| "USD".to_owned()),
            totals: Totals::default(),
        }
    }

    fn state(events: &[Observed]) -> PaymentState {
        PaymentState::of(events).unwrap()
    }

    use Subject::{Dispute, Payment, Refund};

    #[test]
    fn histories_come_to_what_they_should() {
        let authorized = event(1, Payment, Status::Authorized, None, 1_000);
        let part = event(2, Payment, Status::Approved, Some("c1"), 600);
        let rest = event(3, Payment, Status::Approved, Some("c2"), 400);
        let back = event(4, Refund, Status::Refunded, Some("r1"), 300);
        let failed = event(5, Refund, Status::Failed, Some("r2"), 700);
        let open = event(6, Dispute, Status::Chargeback, Some("d1"), 700);
        let won = event(7, Dispute, Status::Approved, Some("d1"), 700);
        let history = [authorized, part, rest, back, failed, open, won];
        let told = |events: usize| {
            let state = state(&history[..events]);
            (state.status, state.authorized, state.captured, state.refunded, state.disputed)
        };
        assert_eq!(told(1), (Status::Authorized, 1_000, 0, 0, 0));
        assert_eq!(told(2), (Status::Approved, 1_000, 600, 0, 0));
        assert_eq!(told(3), (Status::Approved, 1_000, 1_000, 0, 0));
        assert_eq!(told(4), (Status::PartiallyRefunded, 1_000, 1_000, 300, 0));
        assert_eq!(
            told(5),
            (Status::PartiallyRefunded, 1_000, 1_000, 300, 0),
            "a refund that failed sends nothing back"
        );
        assert_eq!(told(6), (Status::Chargeback, 1_000, 1_000, 300, 700));
        assert_eq!(
            told(7),
            (Status::PartiallyRefunded, 1_000, 1_000, 300, 0),
            "a dispute that was won is over"
        );
        assert!(state(&history).flags.is_empty());
    }

    #[test]
    fn what_was_accepted_takes_nothing_back_and_who_is_declined_may_try_again() {
        let pending = event(3, Payment, Status::Pending, Some("capture"), 0);
        let approved = event(2, Payment, Status::Approved, None, 500);
        assert_eq!(state(&[approved.clone(), pending]).status, Status::Approved);
        let declined = event(1, Payment, Status::Declined, None, 500);
        let both = state(&[declined.clone(), approved.clone()]);
        assert_eq!((both.status, both.reason), (Status::Approved, None));
        assert_eq!(state(std::slice::from_ref(&declined)).reason, Some(FailureReason::InsufficientFunds));
        // Totals say what single events don't.
        let mut whole = event(5, Refund, Status::PartiallyRefunded, None, 200);
        whole.totals.refunded = Some(200);
        let one = event(5, Refund, Status::Refunded, Some("re_1"), 200);
        let state = state(&[approved, whole, one]);
        assert_eq!((state.status, state.refunded), (Status::PartiallyRefunded, 200), "said twice, gone once");
    }

    #[test]
    fn the_last_word_of_a_refund_a_dispute_or_a_capture_counts() {
        let approved = event(1, Payment, Status::Approved, None, 500);
        let disputed = event(2, Dispute, Status::Chargeback, None, 500);
        let won = event(3, Dispute, Status::Approved, None, 500);
        let told = |events: &[Observed]| (state(events).status, state(events).disputed);
        assert_eq!(told(&[approved.clone(), disputed.clone()]), (Status::Chargeback, 500));
        assert_eq!(told(&[approved.clone(), disputed.clone(), won]), (Status::Approved, 0));
        let open = event(3, Dispute, Status::Pending, None, 500);
        assert_eq!(
            told(&[approved, disputed, open]),
            (Status::Chargeback, 500),
            "evidence was sent, no more"
        );
        let authorized = event(1, Payment, Status::Authorized, None, 500);
        let captured = event(2, Payment, Status::Approved, Some("c"), 500);
        let failed = event(3, Payment, Status::Failed, Some("c"), 500);
        let state = state(&[authorized, captured, failed]);
        assert_eq!((state.status, state.captured), (Status::Failed, 0));
    }

    #[test]
    fn of_two_that_say_they_are_one_event_the_signed_one_counts() {
        let real = Observed { is_verified: true, ..event(5, Payment, Status::Declined, None, 500) };
        let mut forged = event(1, Payment, Status::Approved, None, 500);
        forged.identity.clone_from(&real.identity);
        assert_eq!(state(&[forged, real]).status, Status::Declined);
    }

    #[test]
    fn what_can_not_be_is_flagged_and_shown() {
        let flags =
            |events: &[Observed]| state(events).flags.into_iter().map(Flag::as_str).collect::<Vec<_>>();
        let cancelled = event(1, Payment, Status::Cancelled, None, 0);
        let approved = event(2, Payment, Status::Approved, None, 500);
        assert_eq!(flags(&[cancelled, approved.clone()]), ["succeeded_after_end"]);
        assert_eq!(
            flags(&[approved.clone(), event(3, Payment, Status::Declined, None, 500)]),
            ["declined_after_success"]
        );
        assert_eq!(
            flags(&[approved.clone(), event(3, Refund, Status::Refunded, Some("r"), 900)]),
            ["refunded_more_than_captured"]
        );
        assert_eq!(
            flags(&[event(1, Payment, Status::Authorized, None, 100), approved.clone()]),
            ["captured_more_than_authorized"]
        );
        assert_eq!(
            flags(&[approved.clone(), event(3, Payment, Status::Unknown, None, 0)]),
            ["unknown_status"]
        );
        let euros =
            Observed { currency: Some("EUR".into()), ..event(3, Payment, Status::Approved, Some("c"), 9) };
        assert_eq!(flags(&[approved, euros]), ["several_currencies"]);
    }

    fn any_event() -> impl Strategy<Value = Observed> {
        let subjects = prop::sample::select(vec![Payment, Refund, Dispute, Subject::Request, Subject::Other]);
        let statuses = prop::sample::select(Status::ALL.to_vec());
        let operation = prop::option::of(prop::sample::select(vec!["a", "b", "c"]));
        (0i64..6, subjects, statuses, operation, 0i64..4).prop_map(
            |(minute, subject, status, operation, hundreds)| {
                event(minute, subject, status, operation, hundreds * 100)
            },
        )
    }

    proptest! {
        #[test]
        fn order_and_repetition_of_arrival_do_not_matter(
            events in prop::collection::vec(any_event(), 1..8),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..24),
        ) {
            let expected = PaymentState::of(&events);
            // Each at least once, some of them again, in any order.
            let mut arrived = events.clone();
            for index in &order {
                let event = index.get(&events).clone();
                arrived.insert(index.index(arrived.len() + 1), event);
            }
            let turned = order.len() % arrived.len();
            arrived.rotate_left(turned);
            let repeated = PaymentState::of(&arrived);
            prop_assert_eq!(&repeated, &expected);
            let mut backwards = events;
            backwards.reverse();
            prop_assert_eq!(&PaymentState::of(&backwards), &expected);
            if let Some(state) = expected {
                prop_assert!(state.first_at <= state.last_at && state.events > 0);
                prop_assert!(state.authorized >= state.captured, "what is taken was reserved");
                prop_assert!(state.refunded >= 0 && state.disputed >= 0);
            }
        }
    }
}
