//! The offers of a pair in a file of `fact_offers`, as small as the filters of a price history allow, and the figures
//! over those that pass one.

use std::{collections::HashMap, ops::Range};

use arrow::{
    array::{Array, RecordBatch, StringArray},
    error::ArrowError,
};
use cauce_model::{median, sum_of_squares};
use cauce_tables::{
    Table,
    typed::{Columns, Lists, value},
};

use super::{
    HistoryFilter,
    files::Decoded,
    snapshots::{Figures, SnapshotKey},
};

/// What of an offer is filtered and counted. Money is in units of 10⁻⁸, as numbers that hold it; rates in 10⁻⁶.
#[derive(Debug, Clone)]
struct Row<N> {
    price: N,
    available: N,
    min_limit: N,
    max_limit: N,
    /// Below zero where it is not known.
    completion_rate: i32,
    /// Place of its list of payment methods, doubled; odd for merchants.
    methods_and_merchant: u32,
}

/// Rows of one width: money nearly always fits half of what its column holds.
#[derive(Debug)]
enum Rows {
    /// Up to 92 thousand million: 40 bytes an offer.
    Narrow(Vec<Row<i64>>),
    /// Anything.
    Wide(Vec<Row<i128>>),
}

/// The offers of one pair in one file.
#[derive(Debug)]
pub(crate) struct OffersFile {
    rows: Rows,
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

/// A filter, as it is held against rows of one file.
struct Test {
    /// By place of the list: whether it has the payment method.
    accepted: Option<Vec<bool>>,
    amount: Option<i128>,
    merchants_only: bool,
    least_rate: Option<i128>,
}

impl Test {
    fn passes<N: Copy + Into<i128>>(&self, row: &Row<N>) -> bool {
        let place = (row.methods_and_merchant / 2) as usize;
        self.accepted.as_ref().is_none_or(|accepted| accepted.get(place).is_some_and(|accepts| *accepts))
            && self
                .amount
                .is_none_or(|amount| row.min_limit.into() <= amount && amount <= row.max_limit.into())
            && (!self.merchants_only || row.methods_and_merchant % 2 == 1)
            && self
                .least_rate
                .is_none_or(|least| row.completion_rate >= 0 && i128::from(row.completion_rate) >= least)
    }

    fn collect<N: Copy + Into<i128>>(&self, rows: &[Row<N>], into: &mut Passing) {
        for row in rows.iter().filter(|row| self.passes(row)) {
            into.prices.push(row.price.into());
            into.volume = into.volume.saturating_add(row.available.into());
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
        let test = Test {
            accepted: filter.payment_method.as_ref().map(accepts),
            amount: filter.amount.map(|amount| amount.units()),
            merchants_only: filter.merchants_only,
            least_rate: filter.min_completion_rate.map(|rate| rate.units()),
        };
        for (snapshot, at, range) in &self.runs {
            if !period.contains(at) {
                continue;
            }
            let passing = into.entry(*snapshot).or_default();
            match &self.rows {
                Rows::Narrow(rows) => test.collect(rows.get(range.clone()).unwrap_or_default(), passing),
                Rows::Wide(rows) => test.collect(rows.get(range.clone()).unwrap_or_default(), passing),
            }
        }
    }
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Narrow(rows) => rows.len(),
            Self::Wide(rows) => rows.len(),
        }
    }

    fn push(&mut self, row: Row<i128>) {
        match self {
            Self::Narrow(rows) => match row.narrow() {
                Some(narrow) => rows.push(narrow),
                None => {
                    let mut wide: Vec<_> = rows.iter().map(Row::wide).collect();
                    wide.push(row);
                    *self = Self::Wide(wide);
                }
            },
            Self::Wide(rows) => rows.push(row),
        }
    }
}

impl Row<i128> {
    fn narrow(&self) -> Option<Row<i64>> {
        Some(Row {
            price: self.price.try_into().ok()?,
            available: self.available.try_into().ok()?,
            min_limit: self.min_limit.try_into().ok()?,
            max_limit: self.max_limit.try_into().ok()?,
            completion_rate: self.completion_rate,
            methods_and_merchant: self.methods_and_merchant,
        })
    }
}

impl Row<i64> {
    fn wide(&self) -> Row<i128> {
        Row {
            price: self.price.into(),
            available: self.available.into(),
            min_limit: self.min_limit.into(),
            max_limit: self.max_limit.into(),
            completion_rate: self.completion_rate,
            methods_and_merchant: self.methods_and_merchant,
        }
    }
}

/// Finds the place of a list among those that there are.
#[derive(Default)]
struct Places {
    /// The dictionary that `known` is about.
    texts: Option<StringArray>,
    /// By the places of a list's texts in the dictionary.
    known: HashMap<Vec<i32>, u32>,
}

impl Places {
    fn of(&mut self, lists: &Lists<'_>, row: usize, all: &mut Vec<Vec<String>>) -> u32 {
        let key = lists.places(row);
        if let Some(place) = self.known.get(key) {
            return *place;
        }
        let list: Vec<String> =
            key.iter().filter_map(|place| lists.texts.text(*place)).map(str::to_owned).collect();
        let place = all.iter().position(|known| *known == list).unwrap_or_else(|| {
            all.push(list);
            all.len() - 1
        });
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        self.known.insert(key.to_vec(), place);
        place
    }

    /// Batches of one row group share their dictionary; with another one, its places mean something else.
    fn begin(&mut self, texts: &StringArray) {
        let same = |known: &StringArray| known.values().ptr_eq(texts.values()) && known.len() == texts.len();
        if !self.texts.as_ref().is_some_and(same) {
            self.known.clear();
            self.texts = Some(texts.clone());
        }
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
    const REPEATED: &'static [&'static str] = &["snapshot_id", "payment_methods"];
    /// A month of some ten markets of a hundred offers, every ten minutes.
    const KEPT: u64 = 256 << 20;

    fn decode(batches: &[RecordBatch]) -> Result<Self, ArrowError> {
        let all = batches.iter().map(RecordBatch::num_rows).sum();
        let mut rows = Rows::Narrow(Vec::with_capacity(all));
        let mut runs: Vec<(SnapshotKey, i64, Range<usize>)> = Vec::new();
        let (mut methods, mut places) = (Vec::new(), Places::default());
        for batch in batches {
            let columns = Columns(batch);
            let ids = columns.repeated("snapshot_id")?;
            let times = columns.times("extraction_timestamp")?;
            let (prices, available) = (columns.decimals("price")?, columns.decimals("available_amount")?);
            let (least, most) = (columns.decimals("min_limit")?, columns.decimals("max_limit")?);
            let rates = columns.decimals("completion_rate")?;
            let lists = columns.lists("payment_methods")?;
            let merchants = columns.flags("is_merchant")?;
            places.begin(lists.texts.texts);
            let mut before = None;
            for row in 0..batch.num_rows() {
                let (id, place) = (ids.places[row], rows.len());
                match runs.last_mut() {
                    Some((_, _, range)) if before == Some(id) => range.end = place + 1,
                    _ => runs.push((SnapshotKey::of(ids.row(row)), times.value(row), place..place + 1)),
                }
                before = Some(id);
                let rate = value(rates, row).and_then(|rate| i32::try_from(rate).ok());
                let list = places.of(&lists, row, &mut methods);
                rows.push(Row {
                    price: prices.value(row),
                    available: available.value(row),
                    min_limit: least.value(row),
                    max_limit: most.value(row),
                    completion_rate: rate.unwrap_or(-1),
                    methods_and_merchant: 2 * list + u32::from(merchants.value(row)),
                });
            }
        }
        Ok(Self { rows, runs, methods })
    }

    fn bytes(&self) -> usize {
        let row = match self.rows {
            Rows::Narrow(_) => size_of::<Row<i64>>(),
            Rows::Wide(_) => size_of::<Row<i128>>(),
        };
        self.rows.len() * row + self.runs.len() * 48 + self.methods.len() * 100
    }
}
