//! Figures of the events in a file of `fact_payment_events`, by the day on which they happened.
//!
//! An event counts in the best words that there are: those of rules, else a model's, else none (the view
//! `understood_events` says it in SQL). Nearly all events are read by rules; the others are kept one by one.

use std::{
    collections::{BTreeMap, HashSet},
    ops::RangeInclusive,
    sync::Arc,
};

use arrow::{
    array::{BooleanArray, RecordBatch},
    datatypes::Int64Type,
    error::ArrowError,
};
use cauce_model::NormalizationMethod;
use cauce_tables::{
    Passes, PlanError, PlannedFile, Planner, RowTest, Table, Wanted,
    typed::{Columns, value},
};
use chrono::{NaiveDate, TimeDelta};
use hdrhistogram::Histogram;

use super::{
    Latency, Which,
    names::{Names, at, of_day},
    paid::DAY,
};
use crate::{files::Decoded, provider::Kind};

/// Significant digits of a latency.
const DIGITS: u8 = 3;

/// What a file says of each day.
#[derive(Debug, Default)]
pub(crate) struct SaidFile {
    days: Vec<(i64, Day)>,
    providers: Names,
    statuses: Names,
    others: Vec<Other>,
}

#[derive(Debug, Default)]
struct Day {
    /// By the provider's number.
    providers: Vec<Received>,
    /// By the status's number.
    statuses: Vec<u64>,
}

/// An event that no rule reads, or a model's words for one.
#[derive(Debug)]
struct Other {
    event_id: String,
    is_of_a_model: bool,
    day: i64,
    provider: String,
    status: String,
    latency: Option<i64>,
}

/// Events, and how long they took.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) events: u64,
    timed: u64,
    millis: i128,
    histogram: Option<Box<Histogram<u32>>>,
}

/// Figures of a period.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) total: Received,
    pub(super) providers: BTreeMap<String, Received>,
    pub(super) statuses: BTreeMap<String, u64>,
}

impl Received {
    fn see(&mut self, latency: Option<i64>) {
        self.events += 1;
        let Some(latency) = latency else { return };
        self.timed += 1;
        self.millis += i128::from(latency);
        if self.histogram.is_none() {
            // Digits that the crate allows: there is one.
            self.histogram = Histogram::new(DIGITS).ok().map(Box::new);
        }
        if let (Some(histogram), Ok(latency)) = (&mut self.histogram, u64::try_from(latency)) {
            // It grows as it needs to; what is counted beyond 32 bits stays at their end.
            let _ = histogram.record(latency);
        }
    }

    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.timed += other.timed;
        self.millis += other.millis;
        match (&mut self.histogram, &other.histogram) {
            (Some(ours), Some(theirs)) => {
                // Both grow as they need to.
                let _ = ours.add(theirs.as_ref());
            }
            (None, theirs) => self.histogram.clone_from(theirs),
            (Some(_), None) => {}
        }
    }

    /// How long they took.
    pub(super) fn latency(&self) -> Latency {
        let at = |share: f64| {
            let histogram = self.histogram.as_ref()?;
            let value = histogram.lowest_equivalent(histogram.value_at_quantile(share));
            i64::try_from(value).ok()
        };
        Latency {
            events: self.timed,
            average: (self.timed > 0).then(|| (self.millis as f64 / self.timed as f64).round()),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
        }
    }

    fn bytes(&self) -> usize {
        let buckets = self.histogram.as_ref().map_or(0, |histogram| histogram.distinct_values());
        size_of::<Self>() + buckets * size_of::<u32>()
    }
}

const METHOD: &str = "normalization_method";
const COLUMNS: [&str; 6] =
    ["provider", "status_category", METHOD, "latency_ms", "occurred_at", "received_at"];

fn is_by_rules(method: &str) -> bool {
    method == NormalizationMethod::RuleBased.as_str()
}

impl Decoded for SaidFile {
    const OF: Kind = Kind::Observed(Table::FactPaymentEvents);
    /// Years of some providers.
    const KEPT: u64 = 128 << 20;
    type Question = Which;

    async fn read(planner: Planner, planned: PlannedFile, which: Which) -> Result<Self, PlanError> {
        let broken = |source: ArrowError| PlanError::File {
            path: planned.meta.location.clone(),
            source: source.into(),
        };
        let mut file = Self::default();
        let wanted =
            Wanted { columns: &COLUMNS, repeated: &COLUMNS[..3], values: &which.values(), test: None };
        let mut others = 0;
        for batch in planner.read_where(&planned, wanted).await? {
            others += file.take(&batch).map_err(broken)?;
        }
        if others == 0 {
            return Ok(file);
        }
        let mut columns = COLUMNS.to_vec();
        columns.push("event_id");
        let otherwise: Arc<Passes> = Arc::new(|batch| {
            let methods = Columns(batch).repeated(METHOD)?;
            Ok((0..batch.num_rows())
                .map(|row| Some(!is_by_rules(methods.row(row))))
                .collect::<BooleanArray>())
        });
        let test = Some(RowTest { columns: &[METHOD], passes: otherwise });
        let wanted = Wanted { columns: &columns, repeated: &COLUMNS[..3], values: &which.values(), test };
        for batch in planner.read_where(&planned, wanted).await? {
            file.take_others(&batch).map_err(broken)?;
        }
        Ok(file)
    }

    fn bytes(&self) -> usize {
        let of_day = |day: &Day| {
            day.providers.iter().map(Received::bytes).sum::<usize>() + day.statuses.len() * size_of::<u64>()
        };
        let days: usize = self.days.iter().map(|(_, day)| of_day(day)).sum();
        days + self.providers.bytes() + self.statuses.bytes() + self.others.len() * 200
    }
}

/// The days and latencies of rows.
fn moments(columns: Columns<'_>) -> Result<impl Fn(usize) -> (i64, Option<i64>), ArrowError> {
    let latencies = columns.primitive::<Int64Type>("latency_ms")?;
    let (occurred, received) = (columns.times("occurred_at")?, columns.times("received_at")?);
    Ok(move |row| {
        let time = value(occurred, row).or_else(|| value(received, row)).unwrap_or_default();
        (time.div_euclid(DAY), value(latencies, row))
    })
}

impl SaidFile {
    /// Counts what rules read, and answers how many rows are others.
    fn take(&mut self, batch: &RecordBatch) -> Result<usize, ArrowError> {
        let columns = Columns(batch);
        let providers = self.providers.of(columns, "provider")?;
        let statuses = self.statuses.of(columns, "status_category")?;
        let methods = columns.repeated(METHOD)?;
        let by_rules = methods.texts.iter().position(|text| text.is_some_and(is_by_rules));
        let by_rules = by_rules.and_then(|place| i32::try_from(place).ok());
        let moment = moments(columns)?;
        let mut others = 0;
        for row in 0..batch.num_rows() {
            if methods.place(row) != by_rules || by_rules.is_none() {
                others += 1;
                continue;
            }
            let (day, latency) = moment(row);
            let day = of_day(&mut self.days, day);
            at(&mut day.providers, providers.row(row)).see(latency);
            *at(&mut day.statuses, statuses.row(row)) += 1;
        }
        Ok(others)
    }

    fn take_others(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = Columns(batch);
        let (ids, methods) = (columns.text("event_id")?, columns.repeated(METHOD)?);
        let (providers, statuses) = (columns.repeated("provider")?, columns.repeated("status_category")?);
        let moment = moments(columns)?;
        for row in 0..batch.num_rows() {
            let (day, latency) = moment(row);
            self.others.push(Other {
                event_id: ids.value(row).to_owned(),
                is_of_a_model: methods.row(row) != NormalizationMethod::None.as_str(),
                day,
                provider: providers.row(row).to_owned(),
                status: statuses.row(row).to_owned(),
                latency,
            });
        }
        Ok(())
    }
}

/// Whether a model said something of any event in these files.
pub(super) fn asked_of_models(files: &[Arc<SaidFile>]) -> bool {
    files.iter().flat_map(|file| &file.others).any(|other| other.is_of_a_model)
}

impl Said {
    /// The days of a period. `read_by_rules` are the events of which a model's words no longer count.
    pub(super) fn of(
        files: &[Arc<SaidFile>],
        period: &RangeInclusive<NaiveDate>,
        read_by_rules: &HashSet<String>,
    ) -> Self {
        let is_in = |day: i64| period.contains(&(NaiveDate::default() + TimeDelta::days(day)));
        let mut said = Self::default();
        for file in files {
            for (_, of_day) in file.days.iter().filter(|(day, _)| is_in(*day)) {
                for (provider, received) in file.providers.zip(&of_day.providers) {
                    if received.events > 0 {
                        said.total.add(received);
                        said.providers.entry(provider.clone().unwrap_or_default()).or_default().add(received);
                    }
                }
                for (status, count) in file.statuses.zip(&of_day.statuses).filter(|(_, count)| **count > 0) {
                    *said.statuses.entry(status.clone().unwrap_or_default()).or_default() += count;
                }
            }
        }
        let others = || files.iter().flat_map(|file| &file.others);
        let of_models = others().filter(|other| other.is_of_a_model);
        let answered: HashSet<&str> = of_models.map(|other| other.event_id.as_str()).collect();
        for other in others().filter(|other| is_in(other.day)) {
            let counts = match other.is_of_a_model {
                true => !read_by_rules.contains(&other.event_id),
                false => !answered.contains(other.event_id.as_str()),
            };
            if counts {
                said.total.see(other.latency);
                said.providers.entry(other.provider.clone()).or_default().see(other.latency);
                *said.statuses.entry(other.status.clone()).or_default() += 1;
            }
        }
        said
    }
}
