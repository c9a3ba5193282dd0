//! Figures of events, by the day on which they happened, added up over a period.

use std::{
    collections::{BTreeMap, HashSet},
    ops::RangeInclusive,
    sync::Arc,
};

use arrow::array::{BooleanArray, RecordBatch};
use cauce_tables::{
    EventFigures, Figures, Passes, PlanError, PlannedFile, Planner, RowTest, Table, Wanted,
    figures::Received, typed::Columns,
};
use chrono::{NaiveDate, TimeDelta};

use super::{Latency, Which};
use crate::{files::Decoded, provider::Kind};

/// Figures of a period.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) total: Received,
    pub(super) providers: BTreeMap<String, Received>,
    pub(super) statuses: BTreeMap<String, u64>,
}

/// How long they took.
pub(super) fn latency(received: &Received) -> Latency {
    Latency {
        events: received.timed,
        average: (received.timed > 0).then(|| (received.millis as f64 / received.timed as f64).round()),
        p50: received.latency_at(0.5),
        p95: received.latency_at(0.95),
        p99: received.latency_at(0.99),
    }
}

impl Decoded for EventFigures {
    const OF: Kind = Kind::Observed(Table::FactPaymentEvents);
    /// Years of some providers.
    const KEPT: u64 = 128 << 20;
    type Question = Which;

    async fn read(planner: Planner, planned: PlannedFile, which: Which) -> Result<Self, PlanError> {
        if which.is_all()
            && let Some(counted) = planner.figures(&planned).await?
        {
            return Ok(counted);
        }
        let (columns, repeated) = (Self::COLUMNS, &Self::COLUMNS[..Self::REPEATED]);
        let mut file = Self::default();
        // Ids are read of the few rows that rules did not read.
        let known: Vec<&str> = columns.iter().copied().filter(|name| *name != "event_id").collect();
        let wanted = Wanted { columns: &known, repeated, values: &which.values(), test: None };
        let mut others = 0;
        let take = |batch: &RecordBatch| {
            others += file.take_known(batch)?;
            Ok(())
        };
        planner.read_each(&planned, wanted, take).await?;
        if others == 0 {
            return Ok(file);
        }
        let otherwise: Arc<Passes> = Arc::new(|batch| {
            let methods = Columns(batch).repeated(Self::METHOD)?;
            Ok((0..batch.num_rows())
                .map(|row| Some(!Self::is_by_rules(methods.row(row))))
                .collect::<BooleanArray>())
        });
        let test = Some(RowTest { columns: &[Self::METHOD], passes: otherwise });
        let wanted = Wanted { columns, repeated, values: &which.values(), test };
        planner.read_each(&planned, wanted, |batch| file.take_others(batch)).await?;
        Ok(file)
    }

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

/// Whether a model said something of any event in these files.
pub(super) fn asked_of_models(files: &[Arc<EventFigures>]) -> bool {
    files.iter().flat_map(|file| &file.others).any(|other| other.is_of_a_model)
}

impl Said {
    /// The days of a period. `read_by_rules` are the events of which a model's words no longer count.
    pub(super) fn of(
        files: &[Arc<EventFigures>],
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
