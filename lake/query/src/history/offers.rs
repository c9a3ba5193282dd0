//! The offers of a pair in a file of `fact_offers` that pass a filter, as figures of their snapshots.
//!
//! In a seal the filter is held against its own columns first, and only the rows that pass are decoded further. Hot files
//! are small: of them all rows of the pair are read, so that a snapshot of which no offer passes is told from one whose
//! offers are not to be seen yet.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use arrow::{
    array::{BooleanArray, RecordBatch},
    error::ArrowError,
};
use cauce_model::{median, sum_of_squares};
use cauce_tables::{
    PlanError, PlannedFile, Planner, RowTest, Table, Wanted, Zone,
    typed::{Columns, value},
};
use chrono::NaiveDate;

use super::{
    HistoryFilter,
    snapshots::{Figures, Pair, SnapshotKey},
};
use crate::{files::Decoded, provider::Kind};

/// What passes in one file.
#[derive(Debug)]
pub(crate) struct PassingFile {
    date: NaiveDate,
    zone: Zone,
    /// In a hot file every snapshot is there, also if none of its offers passes.
    figures: Vec<(SnapshotKey, Figures)>,
}

/// What passes on all days that were asked for.
#[derive(Debug, Default)]
pub(super) struct PassingOffers {
    figures: HashMap<SnapshotKey, Figures>,
    /// Days of which all offers are sealed.
    closed: HashSet<NaiveDate>,
}

impl PassingOffers {
    pub(super) fn of(files: &[Arc<PassingFile>]) -> Self {
        let days = |zone: Zone| -> HashSet<NaiveDate> {
            files.iter().filter(|file| file.zone == zone).map(|file| file.date).collect()
        };
        let open = days(Zone::Hot);
        Self {
            figures: files.iter().flat_map(|file| file.figures.iter().copied()).collect(),
            closed: days(Zone::Sealed).into_iter().filter(|day| !open.contains(day)).collect(),
        }
    }

    /// The figures over the offers of a snapshot that pass; none while its offers are not to be seen yet.
    pub(super) fn get(&self, snapshot: SnapshotKey, day: NaiveDate) -> Option<&Figures> {
        self.figures.get(&snapshot).or_else(|| self.closed.contains(&day).then_some(&Figures::NONE))
    }
}

/// The offers of one snapshot that pass.
#[derive(Debug, Default)]
struct Passing {
    prices: Vec<i128>,
    volume: i128,
}

impl Passing {
    fn figures(mut self) -> Figures {
        self.prices.sort_unstable();
        Figures {
            count: i64::try_from(self.prices.len()).unwrap_or(i64::MAX),
            // Cannot overflow: a price is below 10^20, and a snapshot has fewer than 10^18 offers.
            sum_price: self.prices.iter().sum(),
            sum_price_sq: sum_of_squares(&self.prices),
            min_price: self.prices.first().copied(),
            max_price: self.prices.last().copied(),
            median_price: median(&self.prices),
            volume: self.volume,
        }
    }
}

impl HistoryFilter {
    /// The columns that it looks at.
    fn columns(&self) -> Vec<&'static str> {
        let columns: [(bool, &[&str]); 4] = [
            (self.payment_method.is_some(), &["payment_methods"]),
            (self.amount.is_some(), &["min_limit", "max_limit"]),
            (self.merchants_only, &["is_merchant"]),
            (self.min_completion_rate.is_some(), &["completion_rate"]),
        ];
        columns.iter().filter(|(looks, _)| *looks).flat_map(|(_, columns)| columns.iter().copied()).collect()
    }

    /// Which rows pass.
    fn test(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let columns = Columns(batch);
        let mut passes = vec![true; batch.num_rows()];
        let mut keep = |test: &dyn Fn(usize) -> bool| {
            for (row, passes) in passes.iter_mut().enumerate() {
                *passes = *passes && test(row);
            }
        };
        if let Some(amount) = self.amount.map(|amount| amount.units()) {
            let (least, most) = (columns.decimals("min_limit")?, columns.decimals("max_limit")?);
            keep(&|row| least.value(row) <= amount && amount <= most.value(row));
        }
        if self.merchants_only {
            let merchants = columns.flags("is_merchant")?;
            keep(&|row| merchants.value(row));
        }
        if let Some(least) = self.min_completion_rate.map(|rate| rate.units()) {
            let rates = columns.decimals("completion_rate")?;
            keep(&|row| value(rates, row).is_some_and(|rate| rate >= least));
        }
        if let Some(method) = &self.payment_method {
            let lists = columns.lists("payment_methods")?;
            let wanted = lists.texts.find(method);
            keep(&|row| lists.places(row).iter().any(|place| Some(*place) == wanted));
        }
        Ok(passes.into())
    }
}

/// What is counted of the offers that pass.
const COUNTED: [&str; 3] = ["snapshot_id", "price", "available_amount"];

impl Decoded for PassingFile {
    const OF: Kind = Kind::Observed(Table::FactOffers);
    /// Months of dozens of filters.
    const KEPT: u64 = 128 << 20;
    type Question = (Pair, HistoryFilter);

    async fn read(
        planner: Planner,
        planned: PlannedFile,
        (pair, filter): Self::Question,
    ) -> Result<Self, PlanError> {
        let looked_at = filter.columns();
        let first = planned.zone == Zone::Sealed;
        let mut columns = COUNTED.to_vec();
        let mut test = None;
        if first {
            let filter = filter.clone();
            let passes = Arc::new(move |batch: &RecordBatch| filter.test(batch));
            test = Some(RowTest { columns: &looked_at, passes });
        } else {
            columns.extend(&looked_at);
        }
        let wanted = Wanted {
            columns: &columns,
            repeated: &["snapshot_id", "payment_methods"],
            values: &pair.values(),
            test,
        };
        let batches = planner.read_where(&planned, wanted).await?;
        let figures = figures(&batches, (!first).then_some(&filter));
        let broken =
            |source: ArrowError| PlanError::File { path: planned.meta.location, source: source.into() };
        Ok(Self { date: planned.date, zone: planned.zone, figures: figures.map_err(broken)? })
    }

    fn bytes(&self) -> usize {
        self.figures.len() * size_of::<(SnapshotKey, Figures)>()
    }
}

/// Figures by snapshot of the rows, or of those of them that pass.
fn figures(
    batches: &[RecordBatch],
    filter: Option<&HistoryFilter>,
) -> Result<Vec<(SnapshotKey, Figures)>, ArrowError> {
    let mut snapshots: HashMap<SnapshotKey, Passing> = HashMap::new();
    for batch in batches {
        let columns = Columns(batch);
        let ids = columns.repeated("snapshot_id")?;
        let (prices, available) = (columns.decimals("price")?, columns.decimals("available_amount")?);
        let passes = filter.map(|filter| filter.test(batch)).transpose()?;
        for rows in runs(ids.places) {
            let snapshot = snapshots.entry(SnapshotKey::of(ids.row(rows.start))).or_default();
            for row in rows.filter(|row| passes.as_ref().is_none_or(|passes| passes.value(*row))) {
                snapshot.prices.push(prices.value(row));
                snapshot.volume = snapshot.volume.saturating_add(available.value(row));
            }
        }
    }
    Ok(snapshots.into_iter().map(|(snapshot, passing)| (snapshot, passing.figures())).collect())
}

/// Rows of one place that follow each other.
fn runs(places: &[i32]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    places.chunk_by(|left, right| left == right).map(move |run| {
        let rows = start..start + run.len();
        start = rows.end;
        rows
    })
}
