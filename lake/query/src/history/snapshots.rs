//! Snapshots' figures: what every price history begins with.
//!
//! A day of one pair at one snapshot every ten minutes is 288 rows, in a file of one page per column.

use arrow::{
    array::{Decimal128Array, RecordBatch},
    error::ArrowError,
};
use cauce_tables::{
    PlanError, PlannedFile, Planner, Table, Wanted,
    typed::{Columns, value},
};

use crate::{files::Decoded, provider::Kind};

/// A market: venue, asset, fiat and the taker's side, as they stand in the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MarketName {
    pub(crate) venue: String,
    pub(crate) crypto: String,
    pub(crate) fiat: String,
    pub(crate) trade_type: String,
}

impl MarketName {
    fn is(&self, venue: &str, crypto: &str, fiat: &str, trade_type: &str) -> bool {
        self.venue == venue && self.crypto == crypto && self.fiat == fiat && self.trade_type == trade_type
    }
}

/// One snapshot's figures. Prices and volumes are in units of 10⁻⁸, squares of prices in 10⁻¹⁶.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) id: SnapshotKey,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    /// When the lake had it, likewise; none in files that don't say.
    pub(crate) received: Option<i64>,
    pub(crate) is_complete: bool,
    pub(crate) figures: Figures,
}

/// A snapshot's id, small: ids are 128 bits in hexadecimal. Another text is kept as a hash of so many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotKey(u128);

impl SnapshotKey {
    pub(crate) fn of(id: &str) -> Self {
        let short = || {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
            u128::from_le_bytes(bytes)
        };
        let is_key = id.len() == 32;
        Self(u128::from_str_radix(id, 16).ok().filter(|_| is_key).unwrap_or_else(short))
    }
}

/// Figures over the offers of one snapshot, or over those of them that pass a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) count: i64,
    pub(crate) sum_price: i128,
    /// None where it did not fit.
    pub(crate) sum_price_sq: Option<i128>,
    pub(crate) min_price: Option<i128>,
    pub(crate) max_price: Option<i128>,
    pub(crate) median_price: Option<i128>,
    pub(crate) volume: i128,
}

impl Figures {
    /// Of a snapshot of which no offer passes.
    pub(crate) const NONE: Self = Self {
        count: 0,
        sum_price: 0,
        sum_price_sq: Some(0),
        min_price: None,
        max_price: None,
        median_price: None,
        volume: 0,
    };
}

/// The snapshots of one pair in one file of `fact_market_depth`, in its order.
#[derive(Debug)]
pub(crate) struct SnapshotsFile {
    snapshots: Vec<Snapshot>,
    /// Snapshots of one market that follow each other: the first of them, and the first that is not. Files are sorted by
    /// market, so these are few.
    runs: Vec<(MarketName, usize, usize)>,
}

impl SnapshotsFile {
    /// The snapshots of each market.
    pub(crate) fn markets(&self) -> impl Iterator<Item = (&MarketName, &[Snapshot])> {
        self.runs
            .iter()
            .map(|(market, start, end)| (market, self.snapshots.get(*start..*end).unwrap_or_default()))
    }
}

/// A pair: asset and currency, as they stand in the tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    pub(crate) crypto: String,
    pub(crate) fiat: String,
}

impl Pair {
    /// The columns that name it, with what they say.
    pub(super) fn values(&self) -> [(&str, &str); 2] {
        [("crypto", self.crypto.as_str()), ("fiat", self.fiat.as_str())]
    }
}

/// What is asked of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotsOf {
    pub(super) pair: Pair,
    /// Whether more than the count of offers is wanted: with a filter the figures come from elsewhere, and half of the
    /// columns need not be decoded.
    pub(super) with_figures: bool,
}

/// Which snapshots there are.
const SNAPSHOTS: [&str; 9] = [
    "snapshot_id",
    "extraction_timestamp",
    "venue",
    "crypto",
    "fiat",
    "trade_type",
    "total_offers_count",
    "is_complete",
    "received_at",
];
/// Their figures.
const FIGURES: [&str; 6] =
    ["total_available_volume", "median_price", "min_price", "max_price", "sum_price", "sum_price_sq"];

impl Decoded for SnapshotsFile {
    const OF: Kind = Kind::Observed(Table::FactMarketDepth);
    /// A year of some ten markets, every ten minutes.
    const KEPT: u64 = 128 << 20;
    type Question = SnapshotsOf;

    async fn read(planner: Planner, planned: PlannedFile, asked: SnapshotsOf) -> Result<Self, PlanError> {
        let mut columns = SNAPSHOTS.to_vec();
        columns.extend(FIGURES.iter().filter(|_| asked.with_figures));
        let wanted = Wanted {
            columns: &columns,
            repeated: &["venue", "trade_type"],
            values: &asked.pair.values(),
            test: None,
        };
        let batches = planner.read_where(&planned, wanted).await?;
        let broken =
            |source: ArrowError| PlanError::File { path: planned.meta.location, source: source.into() };
        decode(&batches, asked.with_figures).map_err(broken)
    }

    fn bytes(&self) -> usize {
        self.snapshots.len() * size_of::<Snapshot>() + self.runs.len() * 150
    }
}

fn decode(batches: &[RecordBatch], with_figures: bool) -> Result<SnapshotsFile, ArrowError> {
    let mut snapshots = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    let mut runs: Vec<(MarketName, usize, usize)> = Vec::new();
    for batch in batches {
        let columns = Columns(batch);
        let ids = columns.text("snapshot_id")?;
        let times = columns.times("extraction_timestamp")?;
        let received = columns.times_since_added("received_at")?;
        let [venues, cryptos, fiats, sides] = [
            columns.repeated("venue")?,
            columns.repeated("crypto")?,
            columns.repeated("fiat")?,
            columns.repeated("trade_type")?,
        ];
        let counts = columns.whole("total_offers_count")?;
        let complete = columns.flags("is_complete")?;
        let figures = with_figures.then(|| FigureColumns::of(columns)).transpose()?;
        for row in 0..batch.num_rows() {
            let [venue, crypto, fiat, trade_type] =
                [venues, cryptos, fiats, sides].map(|column| column.row(row));
            match runs.last_mut() {
                Some((same, _, end)) if same.is(venue, crypto, fiat, trade_type) => *end += 1,
                _ => {
                    let market = MarketName {
                        venue: venue.to_owned(),
                        crypto: crypto.to_owned(),
                        fiat: fiat.to_owned(),
                        trade_type: trade_type.to_owned(),
                    };
                    runs.push((market, snapshots.len(), snapshots.len() + 1));
                }
            }
            snapshots.push(Snapshot {
                id: SnapshotKey::of(ids.value(row)),
                at: times.value(row),
                received: received.and_then(|times| value(times, row)),
                is_complete: complete.value(row),
                figures: Figures {
                    count: counts.value(row).into(),
                    ..figures.as_ref().map_or(Figures::NONE, |figures| figures.row(row))
                },
            });
        }
    }
    Ok(SnapshotsFile { snapshots, runs })
}

struct FigureColumns<'b> {
    sums: &'b Decimal128Array,
    squares: &'b Decimal128Array,
    least: &'b Decimal128Array,
    most: &'b Decimal128Array,
    medians: &'b Decimal128Array,
    volumes: &'b Decimal128Array,
}

impl<'b> FigureColumns<'b> {
    fn of(columns: Columns<'b>) -> Result<Self, ArrowError> {
        Ok(Self {
            sums: columns.decimals("sum_price")?,
            squares: columns.decimals("sum_price_sq")?,
            least: columns.decimals("min_price")?,
            most: columns.decimals("max_price")?,
            medians: columns.decimals("median_price")?,
            volumes: columns.decimals("total_available_volume")?,
        })
    }

    /// All but the count.
    fn row(&self, row: usize) -> Figures {
        Figures {
            count: 0,
            sum_price: self.sums.value(row),
            sum_price_sq: value(self.squares, row),
            min_price: value(self.least, row),
            max_price: value(self.most, row),
            median_price: value(self.medians, row),
            volume: self.volumes.value(row),
        }
    }
}
