//! Snapshots' figures, decoded once per file and kept: what every price history begins with.
//!
//! A day of one pair at one snapshot every ten minutes is 288 rows of some 200 bytes, in a file of one page per
//! column; opening the files of a month costs far more than reading them. Files never change under one ETag, so what
//! was decoded stays true as long as the planner names the file.

use std::{collections::HashMap, sync::Arc};

use arrow::{array::RecordBatch, error::ArrowError};
use cauce_tables::{
    Days, PlanError, PlannedFile, Planner, Table, Take,
    typed::{Columns, value},
};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use quick_cache::{Weighter, sync::Cache};

use crate::QueryError;

/// A market: venue, asset, fiat and the taker's side, as they stand in the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MarketName {
    pub(crate) venue: String,
    pub(crate) crypto: String,
    pub(crate) fiat: String,
    pub(crate) trade_type: String,
}

/// One snapshot's figures. Prices and volumes are in units of 10⁻⁸, squares of prices in 10⁻¹⁶.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) id: Box<str>,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) is_complete: bool,
    pub(crate) figures: Figures,
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

/// The snapshots of one file of `fact_market_depth`, in its order.
#[derive(Debug)]
struct DecodedFile {
    markets: Vec<MarketName>,
    /// With the index of its market.
    snapshots: Vec<(u32, Snapshot)>,
}

/// Snapshots of the files that one question reads.
pub(crate) struct Snapshots(Vec<(Arc<DecodedFile>, Take)>);

impl Snapshots {
    /// Those of the markets that `wanted` takes.
    pub(crate) fn of(
        &self,
        wanted: impl Fn(&MarketName) -> bool,
    ) -> impl Iterator<Item = (&MarketName, &Snapshot)> {
        self.0.iter().flat_map(move |(file, take)| {
            let wanted: Vec<bool> = file.markets.iter().map(&wanted).collect();
            let all = (0, u32::try_from(file.snapshots.len()).unwrap_or(u32::MAX));
            let ranges = match take {
                Take::All => vec![all],
                Take::Ranges { ranges, .. } => ranges.clone(),
            };
            let rows = ranges.into_iter().flat_map(|(start, length)| {
                file.snapshots.get(start as usize..(start + length) as usize).unwrap_or_default()
            });
            rows.filter(move |(market, _)| wanted[*market as usize])
                .map(|(market, snapshot)| (&file.markets[*market as usize], snapshot))
        })
    }
}

/// Path, ETag and size.
type Key = (Path, Option<String>, u64);

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Key, Arc<DecodedFile>> for Bytes {
    fn weight(&self, _: &Key, file: &Arc<DecodedFile>) -> u64 {
        // Ids are of 32 characters. A file without rows weighs what its key does.
        200 + (file.snapshots.len() * (size_of::<(u32, Snapshot)>() + 32)) as u64
    }
}

/// Keeps the snapshots of the files that were asked for last.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotCache {
    planner: Planner,
    files: Arc<Cache<Key, Arc<DecodedFile>, Bytes>>,
}

impl SnapshotCache {
    /// Bytes kept: a year of some ten markets, every ten minutes.
    const KEPT: u64 = 128 << 20;
    /// Files guessed to be in it at a time.
    const FILES: usize = 1_000;
    /// Files read side by side.
    const PARALLEL: usize = 8;
    /// Plans made before a store that changes under each of them is an error.
    const TRIES: usize = 3;

    pub(crate) fn new(planner: Planner) -> Self {
        Self { planner, files: Arc::new(Cache::with_weighter(Self::FILES, Self::KEPT, Bytes)) }
    }

    /// The snapshots of some days.
    pub(crate) async fn read(&self, days: Days) -> Result<Snapshots, QueryError> {
        let mut tries = 1;
        loop {
            match self.read_once(days).await {
                Err(error) if tries < Self::TRIES && error.vanished() => tries += 1,
                other => return other.map_err(QueryError::from),
            }
        }
    }

    async fn read_once(&self, days: Days) -> Result<Snapshots, PlanError> {
        let plan = self.planner.plan(Table::FactMarketDepth, days).await?;
        let files = stream::iter(plan).map(|file| self.file(file)).buffered(Self::PARALLEL);
        Ok(Snapshots(files.try_collect().await?))
    }

    async fn file(&self, planned: PlannedFile) -> Result<(Arc<DecodedFile>, Take), PlanError> {
        // Decoded whole: which rows are taken may change as other files come, the file does not.
        let whole = PlannedFile { rows: Take::All, ..planned.clone() };
        let meta = planned.meta;
        let key = (meta.location.clone(), meta.e_tag, meta.size);
        if let Some(file) = self.files.get(&key) {
            return Ok((file, planned.rows));
        }
        let batches = self.planner.read(&whole, &COLUMNS).await?;
        let broken = |source: ArrowError| PlanError::File { path: meta.location, source: source.into() };
        let file = Arc::new(decode(&batches).map_err(broken)?);
        self.files.insert(key, Arc::clone(&file));
        Ok((file, planned.rows))
    }
}

/// The columns that are read.
const COLUMNS: [&str; 14] = [
    "snapshot_id",
    "extraction_timestamp",
    "venue",
    "crypto",
    "fiat",
    "trade_type",
    "total_offers_count",
    "is_complete",
    "total_available_volume",
    "median_price",
    "min_price",
    "max_price",
    "sum_price",
    "sum_price_sq",
];

fn decode(batches: &[RecordBatch]) -> Result<DecodedFile, ArrowError> {
    let mut indices: HashMap<MarketName, u32> = HashMap::new();
    let mut snapshots = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let columns = Columns(batch);
        let ids = columns.text("snapshot_id")?;
        let times = columns.times("extraction_timestamp")?;
        let (venues, cryptos) = (columns.text("venue")?, columns.text("crypto")?);
        let (fiats, sides) = (columns.text("fiat")?, columns.text("trade_type")?);
        let counts = columns.whole("total_offers_count")?;
        let complete = columns.flags("is_complete")?;
        let (volumes, medians) =
            (columns.decimals("total_available_volume")?, columns.decimals("median_price")?);
        let (least, most) = (columns.decimals("min_price")?, columns.decimals("max_price")?);
        let (sums, squares) = (columns.decimals("sum_price")?, columns.decimals("sum_price_sq")?);
        for row in 0..batch.num_rows() {
            let market = MarketName {
                venue: venues.value(row).to_owned(),
                crypto: cryptos.value(row).to_owned(),
                fiat: fiats.value(row).to_owned(),
                trade_type: sides.value(row).to_owned(),
            };
            let next = u32::try_from(indices.len()).unwrap_or(u32::MAX);
            let market = *indices.entry(market).or_insert(next);
            let snapshot = Snapshot {
                id: ids.value(row).into(),
                at: times.value(row),
                is_complete: complete.value(row),
                figures: Figures {
                    count: counts.value(row).into(),
                    sum_price: sums.value(row),
                    sum_price_sq: value(squares, row),
                    min_price: value(least, row),
                    max_price: value(most, row),
                    median_price: value(medians, row),
                    volume: volumes.value(row),
                },
            };
            snapshots.push((market, snapshot));
        }
    }
    let mut markets: Vec<(u32, MarketName)> =
        indices.into_iter().map(|(market, index)| (index, market)).collect();
    markets.sort_unstable_by_key(|(index, _)| *index);
    Ok(DecodedFile { markets: markets.into_iter().map(|(_, market)| market).collect(), snapshots })
}
