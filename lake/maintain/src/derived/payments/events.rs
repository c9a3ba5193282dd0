//! Reading the events of payments.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use arrow::{
    array::{BooleanArray, Int64Array, RecordBatch, StringArray},
    datatypes::Int64Type,
    error::ArrowError,
};
use cauce_model::{
    NormalizationMethod, Observed, PaymentState, SignatureState, StatusCategory, Subject, Totals,
    is_about_payment,
};
use cauce_tables::{
    Passes, Planner, RowTest, Table, Wanted,
    typed::{Columns, text, value},
};
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::{DayFiles, broken},
    keys::{KEY, Key, Name, OTHER_IDS, Payment, Slice, of_rows},
    links::{Links, listed},
    rows,
};
use crate::MaintainError;

/// What describes a payment, from the last event that says it.
pub(super) const DESCRIBED: [&str; 5] =
    ["provider_reference", "merchant_id", "country", "payment_method", "card_brand"];

/// The events that there are, which ids are of one payment, and which of a model's answers count: those to events that
/// rules can't read.
pub(super) struct Events<'p> {
    pub(super) planner: &'p Planner,
    observed: &'p DayFiles,
    pub(super) links: Arc<Links>,
    answered: HashSet<Key>,
    answered_on: BTreeSet<NaiveDate>,
    read_by_rules: HashSet<String>,
}

/// A payment as its events have it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    events: Vec<Observed>,
    described: [Option<(DateTime<Utc>, String)>; DESCRIBED.len()],
    days: BTreeSet<NaiveDate>,
    /// Its ids, of payments that have several: each with the first event that goes by it.
    ids: BTreeMap<String, Option<(DateTime<Utc>, String)>>,
}

/// A payment with what became of it.
pub(super) struct Settled {
    pub(super) payment: Payment,
    pub(super) state: PaymentState,
    pub(super) described: [Option<String>; DESCRIBED.len()],
    /// What else it is called.
    pub(super) other_ids: Vec<String>,
    /// The day of the newest raw object with an event of it.
    pub(super) last_day: NaiveDate,
}

impl Seen {
    fn add(&mut self, event: Observed, described: [Option<String>; DESCRIBED.len()], day: NaiveDate) {
        for (known, said) in self.described.iter_mut().zip(described) {
            let said = said.map(|said| (event.at, said));
            // Of two at one moment the one that sorts last, whichever came first.
            if said > *known {
                *known = said;
            }
        }
        self.days.insert(day);
        self.events.push(event);
    }

    /// Notes by which id an event goes, and which others it names.
    fn name(&mut self, event: &Observed, id: &str, others: Option<&str>) {
        let first = self.ids.entry(id.to_owned()).or_default();
        let this = (event.at, event.event_id.clone());
        if first.as_ref().is_none_or(|first| this < *first) {
            *first = Some(this);
        }
        for other in listed(others) {
            self.ids.entry(other.to_owned()).or_default();
        }
    }

    /// What the payment is called: as its first event calls it. And its other ids.
    fn names(&self, payment: Payment) -> (Payment, Vec<String>) {
        let gone_by = self.ids.iter().filter_map(|(id, first)| Some((first.as_ref()?, id)));
        let Some((_, called)) = gone_by.min() else { return (payment, Vec::new()) };
        let others = self.ids.keys().filter(|id| *id != called).cloned().collect();
        (Payment { name: Name::Id(called.clone()), ..payment }, others)
    }
}

impl<'p> Events<'p> {
    /// What the files of these days hold.
    pub(super) async fn of(planner: &'p Planner, observed: &'p DayFiles) -> Result<Self, MaintainError> {
        let none = Self {
            planner,
            observed,
            links: Arc::default(),
            answered: HashSet::new(),
            answered_on: BTreeSet::new(),
            read_by_rules: HashSet::new(),
        };
        let (mut answered, mut answered_on, mut asked) = (HashSet::new(), BTreeSet::new(), HashSet::new());
        let mut pairs = Vec::new();
        let few: Arc<Passes> = Arc::new(|batch| {
            let (methods, others) =
                (Columns(batch).text(METHOD)?, Columns(batch).text_since_added(OTHER_IDS)?);
            let has_others = |row| others.is_some_and(|others| text(others, row).is_some());
            let methods = methods.iter().enumerate();
            Ok(methods.map(|(row, method)| Some(is_of_a_model(method) || has_others(row))).collect())
        });
        let test = RowTest { columns: &[METHOD, OTHER_IDS], passes: few };
        let columns =
            [KEY[0], KEY[1], KEY[2], "event_id", METHOD, OTHER_IDS, "event_type", "status_category"];
        let wanted = Wanted { columns: &columns, test: Some(test), ..Wanted::default() };
        none.each(observed.days(), wanted, |batch, day| {
            let columns = Columns(batch);
            let [providers, ids, events, methods] = texts(&columns, [KEY[0], KEY[1], "event_id", METHOD])?;
            let [subjects, statuses] = texts(&columns, ["event_type", "status_category"])?;
            let others = columns.text_since_added(OTHER_IDS)?;
            for (row, key) in of_rows(batch)?.into_iter().enumerate() {
                if is_of_a_model(text(methods, row)) {
                    answered_on.insert(day);
                    answered.insert(key);
                    asked.insert(events.value(row).to_owned());
                    continue;
                }
                // What is no event of a payment names none either.
                if !is_told(subjects.value(row), statuses.value(row)) {
                    continue;
                }
                let (provider, others) = (providers.value(row), others.and_then(|others| text(others, row)));
                let Some(id) = text(ids, row) else { continue };
                let named = |id: &str| Payment::named(provider, id);
                pairs.extend(listed(others).map(|other| (named(id), named(other))));
            }
            Ok(())
        })
        .await?;
        let none = Self { links: Arc::new(Links::of(pairs)), ..none };
        if asked.is_empty() {
            return Ok(none);
        }
        let mut read_by_rules = HashSet::new();
        let by_rules: Arc<Passes> = Arc::new(move |batch| {
            let columns = Columns(batch);
            let (methods, ids) = (columns.text(METHOD)?, columns.text("event_id")?);
            let rows = methods.iter().zip(ids);
            let by_rules = NormalizationMethod::RuleBased.as_str();
            Ok(rows
                .map(|(method, id)| Some(method == Some(by_rules) && id.is_some_and(|id| asked.contains(id))))
                .collect::<BooleanArray>())
        });
        let test = RowTest { columns: &[METHOD, "event_id"], passes: by_rules };
        let wanted = Wanted { columns: &["event_id"], test: Some(test), ..Wanted::default() };
        none.each(observed.days(), wanted, |batch, _| {
            read_by_rules.extend(Columns(batch).text("event_id")?.iter().flatten().map(str::to_owned));
            Ok(())
        })
        .await?;
        Ok(Self { answered, answered_on, read_by_rules, ..none })
    }

    /// The payments that have events on these days, and all of which a model has said something: whether that counts may
    /// have changed on any day.
    pub(super) async fn keys(&self, days: &BTreeSet<NaiveDate>) -> Result<HashSet<Key>, MaintainError> {
        let linked = |key: Key| self.links.key(key);
        let mut keys: HashSet<Key> = self.answered.iter().copied().map(linked).collect();
        let wanted = Wanted { columns: &KEY, ..Wanted::default() };
        self.each(days.iter().copied(), wanted, |batch, _| {
            keys.extend(of_rows(batch)?.into_iter().map(linked));
            Ok(())
        })
        .await?;
        Ok(keys)
    }

    /// The days on which a model said something.
    pub(super) fn answered_on(&self) -> impl Iterator<Item = NaiveDate> {
        self.answered_on.iter().copied()
    }

    /// The days with events from `first` to `last`.
    pub(super) fn days_between(&self, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        self.observed.days().filter(move |day| (first..=last).contains(day))
    }

    /// The rows of these payments, by the day that they belong to, from events of these days.
    pub(super) async fn payments(
        &self,
        days: &BTreeSet<NaiveDate>,
        slice: &Slice,
    ) -> Result<BTreeMap<NaiveDate, RecordBatch>, MaintainError> {
        let mut payments: BTreeMap<Payment, Seen> = BTreeMap::new();
        let mut columns = COLUMNS.to_vec();
        columns.extend(DESCRIBED);
        let test = RowTest { columns: &KEY, passes: slice.passes() };
        let wanted = Wanted { columns: &columns, test: Some(test), ..Wanted::default() };
        self.each(days.iter().copied(), wanted, |batch, day| self.take(batch, day, &mut payments)).await?;
        let mut settled: BTreeMap<NaiveDate, Vec<Settled>> = BTreeMap::new();
        for (payment, seen) in payments {
            let bounds = seen.days.first().copied().zip(seen.days.last().copied());
            let (Some(state), Some((first, last_day))) = (PaymentState::of(&seen.events), bounds) else {
                continue;
            };
            let (payment, other_ids) = seen.names(payment);
            let described = seen.described.map(|said| said.map(|(_, said)| said));
            settled.entry(first).or_default().push(Settled {
                payment,
                state,
                described,
                other_ids,
                last_day,
            });
        }
        let in_order = |(day, mut payments): (NaiveDate, Vec<Settled>)| {
            payments.sort_by(|left, right| left.payment.cmp(&right.payment));
            Ok((day, rows::of(&payments)?))
        };
        settled.into_iter().map(in_order).collect()
    }

    /// Reads what is wanted of each file of these days.
    async fn each(
        &self,
        days: impl Iterator<Item = NaiveDate>,
        wanted: Wanted<'_>,
        mut take: impl FnMut(&RecordBatch, NaiveDate) -> Result<(), ArrowError>,
    ) -> Result<(), MaintainError> {
        for day in days {
            for file in self.observed.of(Table::FactPaymentEvents, day) {
                for batch in self.planner.read_where(file, wanted.clone()).await? {
                    take(&batch, day).map_err(broken(file))?;
                }
            }
        }
        Ok(())
    }

    fn take(
        &self,
        batch: &RecordBatch,
        day: NaiveDate,
        payments: &mut BTreeMap<Payment, Seen>,
    ) -> Result<(), ArrowError> {
        let columns = Columns(batch);
        let names =
            ["event_id", "provider", "provider_payment_id", "provider_operation_id", "identity", "currency"];
        let [ids, providers, payment_ids, operations, identities, currencies] = texts(&columns, names)?;
        let [subjects, statuses, reasons, signatures, methods] =
            texts(&columns, ["event_type", "status_category", "failure_reason", "signature", METHOD])?;
        let described = texts(&columns, DESCRIBED)?;
        let other_ids = columns.text_since_added(OTHER_IDS)?;
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
            if is_of_a_model(text(methods, row)) && self.read_by_rules.contains(&event.event_id) {
                continue;
            }
            // What says nothing of it neither begins nor describes it.
            if !event.is_about_payment() {
                continue;
            }
            let name = match text(payment_ids, row) {
                Some(id) => Name::Id(id.to_owned()),
                None if event.subject == Subject::Payment => Name::Alone(event.identity.clone()),
                None => continue,
            };
            let named = Payment { provider: providers.value(row).to_owned(), name };
            let payment = self.links.payment(named.clone());
            let is_linked = self.links.has(&named);
            let seen = payments.entry(payment).or_default();
            if let (true, Name::Id(id)) = (is_linked, &named.name) {
                seen.name(&event, id, other_ids.and_then(|others| text(others, row)));
            }
            seen.add(event, described.map(owned), day);
        }
        Ok(())
    }
}

/// Who understood an event.
const METHOD: &str = "normalization_method";

const COLUMNS: [&str; 19] = [
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
    METHOD,
    OTHER_IDS,
];

/// Whether an event of this subject and status says something of a payment.
fn is_told(subject: &str, status: &str) -> bool {
    let of = (subject.parse().unwrap_or(Subject::Other), status.parse().unwrap_or(StatusCategory::Unknown));
    is_about_payment(of.0, of.1)
}

/// Whether an event is in the words of a model.
fn is_of_a_model(method: Option<&str>) -> bool {
    let method = method.and_then(|method| method.parse().ok());
    matches!(method, Some(NormalizationMethod::Ai | NormalizationMethod::Hybrid))
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
