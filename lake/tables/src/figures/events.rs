//! Figures of the events in a file of `fact_payment_events`, by the day on which they happened.
//!
//! An event counts in the best words that there are: those of rules, else a model's, else none (the view
//! `understood_events` says it in SQL). Nearly all events are read by rules; the others are kept one by one.

use std::fmt;

use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::NormalizationMethod;
use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Figures, Names, names::of_day, payments::DAY};
use crate::typed::{Columns, value};

/// Significant digits of a latency.
const DIGITS: u8 = 3;

/// What a file of `fact_payment_events` says of each day.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EventFigures {
    /// Days since 1970, and what is counted of each.
    pub days: Vec<(i64, OfEvents)>,
    /// Texts by their numbers.
    pub providers: Names,
    /// The same of `status_category`.
    pub statuses: Names,
    /// Events that rules did not read.
    pub others: Vec<Other>,
}

/// Events of one day.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OfEvents {
    /// By the provider's number.
    pub providers: Vec<Received>,
    /// By the status's number.
    pub statuses: Vec<u64>,
}

/// An event that no rule reads, or a model's words for one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Other {
    /// Its id.
    pub event_id: String,
    /// Whether it is a model's words.
    pub is_of_a_model: bool,
    /// Days since 1970.
    pub day: i64,
    /// Whose it is.
    pub provider: String,
    /// What it says.
    pub status: String,
    /// Milliseconds that it took to be received.
    pub latency: Option<i64>,
}

/// Events, and how long they took.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Received {
    /// All of them.
    pub events: u64,
    /// Those of which it is known how long they took.
    pub timed: u64,
    /// What these took together, in milliseconds.
    pub millis: i128,
    histogram: Option<Latencies>,
}

/// Milliseconds, to a thousandth.
#[derive(Clone)]
struct Latencies(Box<Histogram<u32>>);

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Latencies").field(&self.0.len()).finish()
    }
}

/// As pairs of numbers: how much more than the one before, and how many.
impl Serialize for Latencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        serializer.collect_seq(self.0.iter_recorded().flat_map(|step| {
            let more = step.value_iterated_to() - before;
            before = step.value_iterated_to();
            [more, step.count_since_last_iteration()]
        }))
    }
}

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = Vec::<u64>::deserialize(deserializer)?;
        let mut histogram = Histogram::new(DIGITS).map_err(serde::de::Error::custom)?;
        let mut value = 0_u64;
        for pair in numbers.chunks(2) {
            let [more, count] = pair else { return Err(serde::de::Error::custom("half of a pair")) };
            value = value.saturating_add(*more);
            let count = u32::try_from(*count).map_err(serde::de::Error::custom)?;
            histogram.record_n(value, count).map_err(serde::de::Error::custom)?;
        }
        Ok(Self(Box::new(histogram)))
    }
}

impl Received {
    /// One more, and how many milliseconds it took, where that is known.
    pub fn see(&mut self, latency: Option<i64>) {
        self.events += 1;
        let Some(latency) = latency else { return };
        self.timed += 1;
        self.millis += i128::from(latency);
        if self.histogram.is_none() {
            // Digits that the crate allows: there is one.
            self.histogram = Histogram::new(DIGITS).ok().map(|new| Latencies(Box::new(new)));
        }
        if let (Some(histogram), Ok(latency)) = (&mut self.histogram, u64::try_from(latency)) {
            // It grows as it needs to; what is counted beyond 32 bits stays at their end.
            let _ = histogram.0.record(latency);
        }
    }

    /// As many more.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.timed += other.timed;
        self.millis += other.millis;
        match (&mut self.histogram, &other.histogram) {
            (Some(ours), Some(theirs)) => {
                // Both grow as they need to.
                let _ = ours.0.add(theirs.0.as_ref());
            }
            (None, theirs) => self.histogram.clone_from(theirs),
            (Some(_), None) => {}
        }
    }

    /// The milliseconds in which this share of them was received, 0 to 1; none where it is known of none.
    pub fn latency_at(&self, share: f64) -> Option<i64> {
        let Latencies(histogram) = self.histogram.as_ref()?;
        i64::try_from(histogram.lowest_equivalent(histogram.value_at_quantile(share))).ok()
    }

    fn bytes(&self) -> usize {
        let buckets = self.histogram.as_ref().map_or(0, |histogram| histogram.0.distinct_values());
        size_of::<Self>() + buckets * size_of::<u32>()
    }
}

const METHOD: &str = "normalization_method";

fn is_by_rules(method: &str) -> bool {
    method == NormalizationMethod::RuleBased.as_str()
}

/// The days and latencies of rows.
fn moments(columns: Columns<'_>) -> Result<impl Fn(usize) -> (i64, Option<i64>), ArrowError> {
    let latencies = columns.primitive::<arrow::datatypes::Int64Type>("latency_ms")?;
    let (occurred, received) = (columns.times("occurred_at")?, columns.times("received_at")?);
    Ok(move |row| {
        let time = value(occurred, row).or_else(|| value(received, row)).unwrap_or_default();
        (time.div_euclid(DAY), value(latencies, row))
    })
}

impl Figures for EventFigures {
    const COLUMNS: &'static [&'static str] =
        &["provider", "status_category", METHOD, "latency_ms", "occurred_at", "received_at", "event_id"];
    const REPEATED: usize = 3;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        if self.take_known(batch)? > 0 {
            self.take_others(batch)?;
        }
        Ok(())
    }
}

impl EventFigures {
    /// What tells events that rules read from others.
    pub const METHOD: &'static str = METHOD;

    /// Counts what rules read, and answers how many rows are others.
    pub fn take_known(&mut self, batch: &RecordBatch) -> Result<usize, ArrowError> {
        let columns = Columns(batch);
        let providers = self.providers.of(columns, "provider")?;
        let statuses = self.statuses.of(columns, "status_category")?;
        let methods = columns.repeated(METHOD)?;
        let by_rules = methods.texts.iter().position(|text| text.is_some_and(is_by_rules));
        let by_rules = by_rules.and_then(|place| i32::try_from(place).ok());
        let moment = moments(columns)?;
        let Some(by_rules) = by_rules else { return Ok(batch.num_rows()) };
        // Rows stand in one order: what a day has room for is made once.
        let (of_providers, of_statuses) = (self.providers.len(), self.statuses.len());
        let mut others = 0;
        for row in 0..batch.num_rows() {
            if methods.place(row) != Some(by_rules) {
                others += 1;
                continue;
            }
            let (day, latency) = moment(row);
            let place = of_day(&mut self.days, day);
            let day = &mut self.days[place].1;
            if day.providers.len() < of_providers {
                day.providers.resize_with(of_providers, Received::default);
            }
            if day.statuses.len() < of_statuses {
                day.statuses.resize(of_statuses, 0);
            }
            day.providers[providers[row]].see(latency);
            day.statuses[statuses[row]] += 1;
        }
        Ok(others)
    }

    /// Keeps what rules did not read, of rows with their ids.
    pub fn take_others(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = Columns(batch);
        let (ids, methods) = (columns.text("event_id")?, columns.repeated(METHOD)?);
        let (providers, statuses) = (columns.repeated("provider")?, columns.repeated("status_category")?);
        let moment = moments(columns)?;
        for row in (0..batch.num_rows()).filter(|row| !is_by_rules(methods.row(*row))) {
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

    /// Whether a row's method is that of rules.
    pub fn is_by_rules(method: &str) -> bool {
        is_by_rules(method)
    }

    /// About how many bytes they take in memory.
    pub fn bytes(&self) -> usize {
        let of_day = |day: &OfEvents| {
            day.providers.iter().map(Received::bytes).sum::<usize>() + day.statuses.len() * size_of::<u64>()
        };
        let days: usize = self.days.iter().map(|(_, day)| of_day(day)).sum();
        days + self.providers.bytes() + self.statuses.bytes() + self.others.len() * 200
    }
}
