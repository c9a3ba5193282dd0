//! `payments`: what became of each payment, from all events of it (`cauce_model::PaymentState`).
//!
//! One object, made from all days: an event of today may be of a payment of months ago. An event of a payment that does
//! not name it is a payment of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::Int64Type,
    error::ArrowError,
};
use cauce_model::{
    Flag, NormalizationMethod, Observed, PaymentState, SignatureState, StatusCategory, Subject, Totals,
};
use cauce_tables::{
    Derived, Planner, Table,
    typed::{Columns, text, value},
};
use chrono::DateTime;

use super::{DayFiles, Made, batch, broken};
use crate::MaintainError;

/// The version of these rules.
pub(super) const RULES: &str = "2";

/// The provider, and its id of the payment or, where an event has none, the event's identity.
type Payment = (String, PaymentKey);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PaymentKey {
    Id(String),
    Alone(String),
}

impl PaymentKey {
    fn id(&self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.clone()),
            Self::Alone(_) => None,
        }
    }
}

/// An event in a model's words, which counts unless rules have learned to read it.
type Answered = (Payment, Observed, [Option<String>; DESCRIBED.len()]);

/// What describes a payment, from the last event that says it.
const DESCRIBED: [&str; 5] = ["provider_reference", "merchant_id", "country", "payment_method", "card_brand"];

#[derive(Debug, Default)]
struct Seen {
    events: Vec<Observed>,
    described: [Option<(DateTime<chrono::Utc>, String)>; DESCRIBED.len()],
}

impl Seen {
    fn add(&mut self, event: Observed, described: [Option<String>; DESCRIBED.len()]) {
        for (known, said) in self.described.iter_mut().zip(described) {
            let said = said.map(|said| (event.at, said));
            // Of two at one moment the one that sorts last, whichever came first.
            if said > *known {
                *known = said;
            }
        }
        self.events.push(event);
    }
}

pub(super) async fn make(planner: &Planner, observed: &DayFiles) -> Result<Made, MaintainError> {
    let mut payments: BTreeMap<Payment, Seen> = BTreeMap::new();
    let mut answered: Vec<Answered> = Vec::new();
    let mut columns = COLUMNS.to_vec();
    columns.extend(DESCRIBED);
    for day in observed.days() {
        for file in observed.of(Table::FactPaymentEvents, day) {
            for batch in planner.read(file, &columns).await? {
                take(&batch, &mut payments, &mut answered).map_err(broken(file))?;
            }
        }
    }
    let mut read_by_rules: BTreeSet<&str> = BTreeSet::new();
    let asked: BTreeSet<&str> = answered.iter().map(|(_, event, _)| event.event_id.as_str()).collect();
    for event in payments.values().flat_map(|seen| &seen.events) {
        if asked.contains(event.event_id.as_str()) {
            read_by_rules.insert(&event.event_id);
        }
    }
    let read_by_rules: BTreeSet<String> = read_by_rules.into_iter().map(str::to_owned).collect();
    for (payment, event, described) in answered {
        if !read_by_rules.contains(&event.event_id) {
            payments.entry(payment).or_default().add(event, described);
        }
    }
    let states: Vec<(Payment, Seen, PaymentState)> = payments
        .into_iter()
        .filter_map(|(payment, seen)| PaymentState::of(&seen.events).map(|state| (payment, seen, state)))
        .collect();
    Ok(Made { rows: table(&states)?, days: observed.states() })
}

const COLUMNS: [&str; 18] = [
    "event_id",
    "provider",
    "provider_payment_id",
    "provider_operation_id",
    "event_type",
    "status_category",
    "failure_reason",
    "amount_minor",
    "currency",
    "authorized_minor",
    "captured_minor",
    "refunded_minor",
    "disputed_minor",
    "occurred_at",
    "received_at",
    "identity",
    "signature",
    "normalization_method",
];

fn take(
    batch: &RecordBatch,
    payments: &mut BTreeMap<Payment, Seen>,
    answered: &mut Vec<Answered>,
) -> Result<(), ArrowError> {
    let columns = Columns(batch);
    let names =
        ["event_id", "provider", "provider_payment_id", "provider_operation_id", "identity", "currency"];
    let [ids, providers, payment_ids, operations, identities, currencies] = texts(&columns, names)?;
    let [subjects, statuses, reasons, signatures, methods] = texts(
        &columns,
        ["event_type", "status_category", "failure_reason", "signature", "normalization_method"],
    )?;
    let described = texts(&columns, DESCRIBED)?;
    let amounts = columns.primitive::<Int64Type>("amount_minor")?;
    let totals = ["authorized_minor", "captured_minor", "refunded_minor", "disputed_minor"];
    let [authorized, captured, refunded, disputed] = longs(&columns, totals)?;
    let (occurred, received) = (columns.times("occurred_at")?, columns.times("received_at")?);
    for row in 0..batch.num_rows() {
        let moment = |micros: Option<i64>| micros.and_then(DateTime::from_timestamp_micros);
        let received_at = moment(value(received, row)).unwrap_or_default();
        let at = moment(value(occurred, row)).unwrap_or(received_at);
        let owned = |column: &StringArray| text(column, row).map(str::to_owned);
        let event = Observed {
            identity: identities.value(row).to_owned(),
            at,
            received_at,
            is_verified: signatures.value(row) == SignatureState::Verified.as_str(),
            event_id: ids.value(row).to_owned(),
            // Words of a newer version are none of ours; the other rows are.
            subject: subjects.value(row).parse().unwrap_or(Subject::Other),
            status: statuses.value(row).parse().unwrap_or(StatusCategory::Unknown),
            reason: text(reasons, row).and_then(|reason| reason.parse().ok()),
            operation_id: owned(operations),
            amount: value(amounts, row),
            currency: owned(currencies),
            totals: Totals {
                authorized: value(authorized, row),
                captured: value(captured, row),
                refunded: value(refunded, row),
                disputed: value(disputed, row),
            },
        };
        let key = match text(payment_ids, row) {
            Some(id) => PaymentKey::Id(id.to_owned()),
            None if is_of_payment(&event) => PaymentKey::Alone(event.identity.clone()),
            None => continue,
        };
        let payment = (providers.value(row).to_owned(), key);
        let described = described.map(owned);
        match methods.value(row).parse() {
            Ok(NormalizationMethod::Ai | NormalizationMethod::Hybrid) => {
                answered.push((payment, event, described));
            }
            _ => payments.entry(payment).or_default().add(event, described),
        }
    }
    Ok(())
}

/// Whether an event says something of a payment, so that it is one without any id.
fn is_of_payment(event: &Observed) -> bool {
    let says_nothing = [StatusCategory::NotAPayment, StatusCategory::Unprocessed].contains(&event.status);
    event.subject == Subject::Payment && !says_nothing
}

fn texts<'b, const N: usize>(
    columns: &Columns<'b>,
    names: [&str; N],
) -> Result<[&'b StringArray; N], ArrowError> {
    let found = names.iter().map(|name| columns.text(name)).collect::<Result<Vec<_>, _>>()?;
    found.try_into().map_err(|_| ArrowError::SchemaError("columns are missing".to_owned()))
}

fn longs<'b, const N: usize>(
    columns: &Columns<'b>,
    names: [&str; N],
) -> Result<[&'b Int64Array; N], ArrowError> {
    let found =
        names.iter().map(|name| columns.primitive::<Int64Type>(name)).collect::<Result<Vec<_>, _>>()?;
    found.try_into().map_err(|_| ArrowError::SchemaError("columns are missing".to_owned()))
}

fn table(rows: &[(Payment, Seen, PaymentState)]) -> Result<RecordBatch, MaintainError> {
    type Row = (Payment, Seen, PaymentState);
    let text = |read: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(read).collect::<StringArray>())
    };
    let amount = |read: fn(&PaymentState) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, _, state)| read(state))))
    };
    let time = |read: fn(&PaymentState) -> DateTime<chrono::Utc>| -> ArrayRef {
        let times = rows.iter().map(|(_, _, state)| read(state).timestamp_micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let events = rows.iter().map(|(_, _, state)| i32::try_from(state.events).unwrap_or(i32::MAX));
    let flags = |state: &PaymentState| {
        let names: Vec<&str> = state.flags.iter().copied().map(Flag::as_str).collect();
        (!names.is_empty()).then(|| names.join(","))
    };
    let mut columns =
        vec![text(&|(payment, ..)| Some(payment.0.clone())), text(&|(payment, ..)| payment.1.id())];
    for index in 0..DESCRIBED.len() {
        columns.push(text(&|(_, seen, _)| seen.described[index].as_ref().map(|(_, said)| said.clone())));
    }
    columns.extend([
        text(&|(_, _, state)| Some(state.status.to_string())),
        text(&|(_, _, state)| state.reason.map(|reason| reason.to_string())),
        text(&|(_, _, state)| state.currency.clone()),
        amount(|state| state.authorized),
        amount(|state| state.captured),
        amount(|state| state.refunded),
        amount(|state| state.disputed),
        time(|state| state.first_at),
        time(|state| state.last_at),
        Arc::new(Int32Array::from_iter_values(events)) as ArrayRef,
        text(&|(_, _, state)| flags(state)),
    ]);
    batch(Derived::Payments, columns)
}
