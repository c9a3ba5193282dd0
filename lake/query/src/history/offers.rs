//! The offers of a pair in a file of `fact_offers`, as small as the filters of a price history allow, and the figures
//! over those that pass one.

use std::{collections::HashMap, ops::Range};

use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::{median, sum_of_squares};
use cauce_tables::{
    Table,
    typed::{Columns, value},
};

use super::{
    HistoryFilter,
    files::Decoded,
    snapshots::{Figures, SnapshotKey},
};

/// What of an offer is filtered and counted: 96 bytes. Money is in units of 10⁻⁸, rates in 10⁻⁶.
#[derive(Debug)]
struct Row {
    price: i128,
    available: i128,
    min_limit: i128,
    max_limit: i128,
    completion_rate: Option<i128>,
    /// Place of its list of payment methods.
    methods: u32,
    is_merchant: bool,
}

/// The offers of one pair in one file.
#[derive(Debug, Default)]
pub(crate) struct OffersFile {
    rows: Vec<Row>,
    /// Offers of one snapshot that follow each other, and when it was taken.
    runs: Vec<(SnapshotKey, i64, Range<usize>)>,
    /// The lists of payment methods that there are: few, while offers are many.
    methods: Vec<Vec<String>>,
}

/// The offers of one snapshot that pass.
#[derive(Debug, Default)]
pub(super) struct Passing {
    prices: Vec<i128>,
    volume: i128,
}

impl Passing {
    pub(super) fn figures(mut self) -> Figures {
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

impl OffersFile {
    /// Adds the offers that pass to those of their snapshots. Every snapshot of the period that has offers in this file
    /// is noted, also if none of them passes.
    pub(super) fn passing(
        &self,
        filter: &HistoryFilter,
        period: &Range<i64>,
        into: &mut HashMap<SnapshotKey, Passing>,
    ) {
        let accepts = |method: &String| self.methods.iter().map(|list| list.contains(method)).collect();
        let accepted: Option<Vec<bool>> = filter.payment_method.as_ref().map(accepts);
        let amount = filter.amount.map(|amount| amount.units());
        let least_rate = filter.min_completion_rate.map(|rate| rate.units());
        let passes = |row: &&Row| {
            accepted
                .as_ref()
                .is_none_or(|accepted| accepted.get(row.methods as usize).is_some_and(|accepts| *accepts))
                && amount.is_none_or(|amount| row.min_limit <= amount && amount <= row.max_limit)
                && (!filter.merchants_only || row.is_merchant)
                && least_rate.is_none_or(|least| row.completion_rate.is_some_and(|rate| rate >= least))
        };
        for (snapshot, at, range) in &self.runs {
            if !period.contains(at) {
                continue;
            }
            let passing = into.entry(*snapshot).or_default();
            for row in self.rows.get(range.clone()).unwrap_or_default().iter().filter(passes) {
                passing.prices.push(row.price);
                passing.volume = passing.volume.saturating_add(row.available);
            }
        }
    }
}

/// Finds the place of a list among those that there are.
#[derive(Default)]
struct Lists {
    known: HashMap<Vec<u8>, u32>,
    key: Vec<u8>,
}

impl Lists {
    fn place<'t>(&mut self, list: impl Iterator<Item = &'t str> + Clone, all: &mut Vec<Vec<String>>) -> u32 {
        self.key.clear();
        for text in list.clone() {
            self.key.extend_from_slice(&text.len().to_le_bytes());
            self.key.extend_from_slice(text.as_bytes());
        }
        if let Some(place) = self.known.get(self.key.as_slice()) {
            return *place;
        }
        let place = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.push(list.map(str::to_owned).collect());
        self.known.insert(self.key.clone(), place);
        place
    }
}

impl Decoded for OffersFile {
    const TABLE: Table = Table::FactOffers;
    const COLUMNS: &'static [&'static str] = &[
        "snapshot_id",
        "extraction_timestamp",
        "price",
        "available_amount",
        "min_limit",
        "max_limit",
        "completion_rate",
        "payment_methods",
        "is_merchant",
    ];
    /// A month of some five markets of a hundred offers, every ten minutes.
    const KEPT: u64 = 256 << 20;

    fn decode(batches: &[RecordBatch]) -> Result<Self, ArrowError> {
        let mut file = Self::default();
        file.rows.reserve_exact(batches.iter().map(RecordBatch::num_rows).sum());
        let mut lists = Lists::default();
        for batch in batches {
            let columns = Columns(batch);
            let ids = columns.text("snapshot_id")?;
            let times = columns.times("extraction_timestamp")?;
            let (prices, available) = (columns.decimals("price")?, columns.decimals("available_amount")?);
            let (least, most) = (columns.decimals("min_limit")?, columns.decimals("max_limit")?);
            let rates = columns.decimals("completion_rate")?;
            let methods = columns.lists("payment_methods")?;
            let merchants = columns.flags("is_merchant")?;
            let mut before = None;
            for row in 0..batch.num_rows() {
                let (id, place) = (ids.value(row), file.rows.len());
                match file.runs.last_mut() {
                    Some((_, _, range)) if before == Some(id) => range.end = place + 1,
                    _ => file.runs.push((SnapshotKey::of(id), times.value(row), place..place + 1)),
                }
                before = Some(id);
                let list = methods.list(row);
                file.rows.push(Row {
                    price: prices.value(row),
                    available: available.value(row),
                    min_limit: least.value(row),
                    max_limit: most.value(row),
                    completion_rate: value(rates, row),
                    methods: lists.place(list, &mut file.methods),
                    is_merchant: merchants.value(row),
                });
            }
        }
        Ok(file)
    }

    fn bytes(&self) -> usize {
        self.rows.len() * size_of::<Row>() + self.runs.len() * 48 + self.methods.len() * 100
    }
}
