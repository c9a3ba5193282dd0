//! Histories of payments, and what they come to.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn event(minute: i64, subject: Subject, status: Status, operation: Option<&str>, amount: i64) -> Observed {
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
    assert_eq!(told(7), (Status::PartiallyRefunded, 1_000, 1_000, 300, 0), "a dispute that was won is over");
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
    assert_eq!(told(&[approved, disputed, open]), (Status::Chargeback, 500), "evidence was sent, no more");
    let authorized = event(1, Payment, Status::Authorized, None, 500);
    let captured = event(2, Payment, Status::Approved, Some("c"), 500);
    let failed = event(3, Payment, Status::Failed, Some("c"), 500);
    let state = state(&[authorized, captured, failed]);
    assert_eq!((state.status, state.captured), (Status::Failed, 0));
}

#[test]
fn what_is_taken_without_a_capture_is_told_by_what_goes_back_of_it() {
    // A provider that captures by itself says so to nobody.
    let authorized = event(1, Payment, Status::Authorized, None, 1_000);
    let part = event(2, Refund, Status::Refunded, Some("r1"), 300);
    let rest = event(3, Refund, Status::Refunded, Some("r2"), 700);
    let told = |events: &[Observed]| (state(events).status, state(events).refunded);
    assert_eq!(told(&[authorized.clone(), part.clone()]), (Status::PartiallyRefunded, 300));
    assert_eq!(told(&[authorized, part, rest]), (Status::Refunded, 1_000));
}

#[test]
fn the_rest_of_a_reservation_may_be_given_up_and_what_was_taken_does_not_expire() {
    let authorized = event(1, Payment, Status::Authorized, None, 1_000);
    let captured = event(2, Payment, Status::Approved, Some("c"), 600);
    for given_up in [Status::Cancelled, Status::Expired] {
        let rest = event(3, Payment, given_up, None, 0);
        let state = state(&[authorized.clone(), captured.clone(), rest.clone()]);
        assert_eq!((state.status, state.captured), (Status::Approved, 600), "{given_up}");
        assert_eq!(self::state(&[authorized.clone(), rest]).status, given_up);
    }
    let whole = event(2, Payment, Status::Approved, Some("c"), 1_000);
    let void = event(3, Payment, Status::Cancelled, None, 0);
    assert_eq!(
        state(&[authorized, whole, void]).status,
        Status::Cancelled,
        "taken, and given up on the same day"
    );
}

#[test]
fn a_refund_that_fails_after_the_whole_was_told_goes_back_to_the_merchant() {
    let approved = event(1, Payment, Status::Approved, None, 500);
    let mut whole = event(2, Refund, Status::Refunded, None, 500);
    whole.totals.refunded = Some(500);
    let failed = event(3, Refund, Status::Failed, Some("re_1"), 500);
    let told = |events: &[Observed]| (state(events).status, state(events).refunded);
    assert_eq!(told(&[approved.clone(), whole.clone()]), (Status::Refunded, 500));
    assert_eq!(told(&[approved.clone(), whole.clone(), failed.clone()]), (Status::Approved, 0));
    // What was asked for after the whole was told is not in it.
    let mut some = event(2, Refund, Status::PartiallyRefunded, None, 300);
    some.totals.refunded = Some(300);
    let pending = event(3, Refund, Status::Pending, Some("re_2"), 200);
    let gone = event(4, Refund, Status::Failed, Some("re_2"), 200);
    assert_eq!(told(&[approved.clone(), some, pending, gone]), (Status::PartiallyRefunded, 300));
    // It had failed before: the whole is without it.
    let earlier = Observed { at: at(1), ..failed.clone() };
    assert_eq!(told(&[approved, earlier, whole, failed]), (Status::Refunded, 500));
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
    let flags = |events: &[Observed]| state(events).flags.into_iter().map(Flag::as_str).collect::<Vec<_>>();
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
    assert_eq!(flags(&[approved.clone(), event(3, Payment, Status::Unknown, None, 0)]), ["unknown_status"]);
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
