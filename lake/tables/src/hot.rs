//! Hot files: what a normalizer writes, one file per table, batch and day.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{array::RecordBatch, error::ArrowError};
use bytes::Bytes;
use cauce_model::{RawId, TradeType};
use cauce_normalize::{Normalized, Thresholds, normalize, open};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use object_store::{ObjectStore, PutMode, path::Path};

use crate::{
    Cover, CoveredObject, Table, WriteError, Zone,
    columns::{
        AccountResultRows, BatchRunRows, DeliveryRows, DepthRows, ErrorRows, OfferRows, Origin,
        PaymentEventRows, QualityRows, QuarantineRows, RateRows, TradeRows,
    },
    file::{FileWriter, hot_path},
};

/// A file, ready to be stored.
#[derive(Debug, Clone)]
pub struct HotFile {
    /// The table that it belongs to.
    pub table: Table,
    /// Its place in the object store.
    pub path: Path,
    /// Parquet.
    pub bytes: Bytes,
    /// How many rows it has.
    pub rows: usize,
}

/// Rows that belong together: those of one snapshot, or of one record. They are sorted as one, in the order that
/// [`Table::order`] names: market and time here, and the raw object.
struct Segment {
    order: (String, i64),
    start: u32,
    length: u32,
    object: usize,
}

/// The rows of one table in the making.
struct Section<R> {
    // Builders are large, and so is whatever holds them.
    rows: Box<R>,
    count: u32,
    segments: Vec<Segment>,
}

impl<R> Section<R> {
    fn new(rows: R) -> Self {
        Self { rows: Box::new(rows), count: 0, segments: Vec::new() }
    }

    /// Notes that `push` adds `length` rows of one segment.
    fn segment(&mut self, object: usize, order: (String, i64), length: usize, push: impl FnOnce(&mut R)) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if length > 0 {
            push(&mut self.rows);
            self.segments.push(Segment { order, start: self.count, length, object });
            self.count += length;
        }
    }
}

/// What a batch of raw objects of one day gives, on its way to hot files.
pub struct DayBatch {
    date: NaiveDate,
    thresholds: Thresholds,
    objects: Vec<(RawId, DateTime<Utc>)>,
    offers: Section<OfferRows>,
    depth: Section<DepthRows>,
    quality: Section<QualityRows>,
    quarantine: Section<QuarantineRows>,
    runs: Section<BatchRunRows>,
    errors: Section<ErrorRows>,
    events: Section<PaymentEventRows>,
    rates: Section<RateRows>,
    trades: Section<TradeRows>,
    accounts: Section<AccountResultRows>,
    deliveries: Section<DeliveryRows>,
    counts: EventCounts,
    unread: Vec<(RawId, i32, i32)>,
}

/// Payment events by provider and status.
pub type EventCounts = BTreeMap<(String, &'static str), u64>;

impl std::fmt::Debug for DayBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (objects, offers) = (self.objects.len(), self.offers.count);
        f.debug_struct("DayBatch")
            .field("date", &self.date)
            .field("objects", &objects)
            .field("offers", &offers)
            .finish()
    }
}

impl DayBatch {
    /// An empty batch for a day.
    pub fn new(date: NaiveDate) -> Self {
        Self {
            date,
            thresholds: Thresholds::default(),
            objects: Vec::new(),
            offers: Section::new(OfferRows::new()),
            depth: Section::new(DepthRows::new()),
            quality: Section::new(QualityRows::new()),
            quarantine: Section::new(QuarantineRows::new()),
            runs: Section::new(BatchRunRows::new()),
            errors: Section::new(ErrorRows::new()),
            events: Section::new(PaymentEventRows::new()),
            rates: Section::new(RateRows::new()),
            trades: Section::new(TradeRows::new()),
            accounts: Section::new(AccountResultRows::new()),
            deliveries: Section::new(DeliveryRows::new()),
            counts: EventCounts::new(),
            unread: Vec::new(),
        }
    }

    /// The same, whose checks are held against other bounds.
    pub fn judged_by(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Adds all that a raw object of this day says. `first` is the time of its first envelope. The same object must
    /// not be added twice.
    pub fn add(&mut self, raw: &RawId, first: Option<DateTime<Utc>>, normalized: &Normalized<'_>) {
        let object = self.objects.len();
        let origin = Origin { raw, received_at: normalized.received_at };
        let first = first.unwrap_or_else(|| self.date.and_time(NaiveTime::MIN).and_utc());
        self.objects.push((raw.clone(), first));
        for snapshot in &normalized.snapshots {
            let batch_id = snapshot.run_id.map(|run| run.to_string());
            let batch_id = batch_id.as_deref();
            let market = &snapshot.market;
            let side = if market.trade_type == TradeType::Buy { 0 } else { 1 };
            let order = || {
                let key = format!("{}\0{}\0{}\0{side}", market.venue, market.asset, market.fiat);
                (key, snapshot.taken_at.timestamp_micros())
            };
            self.offers.segment(object, order(), snapshot.offers.len(), |rows| {
                for offer in &snapshot.offers {
                    rows.push(origin, batch_id, snapshot, offer);
                }
            });
            self.depth.segment(object, order(), 1, |rows| rows.push(origin, batch_id, snapshot));
            self.quality.segment(object, order(), snapshot.checks.len(), |rows| {
                for check in &snapshot.checks {
                    rows.push(origin, batch_id, snapshot, check);
                }
            });
        }
        for event in &normalized.events {
            *self.counts.entry((event.provider.clone(), event.reading.status.as_str())).or_default() += 1;
            if event.unread.is_some() {
                self.unread.push((raw.clone(), event.raw_pos, event.record));
            }
            let order = (event.provider.clone(), 0);
            self.events.segment(object, order, 1, |rows| rows.push(origin, event));
        }
        // In the order of their days: files are merged by it.
        for (raw_pos, rate) in &normalized.rates {
            let order = (rate.date.to_string(), 0);
            self.rates.segment(object, order, 1, |rows| rows.push(origin, *raw_pos, rate));
        }
        // All of one object are of one account.
        if let Some(first) = normalized.trades.first() {
            let order = (first.account.to_string(), 0);
            self.trades.segment(object, order, normalized.trades.len(), |rows| {
                for trade in &normalized.trades {
                    rows.push(origin, trade);
                }
            });
        }
        // What has no market is in the order of its raw objects.
        let order = || (String::new(), 0);
        self.quarantine.segment(object, order(), normalized.quarantine.len(), |rows| {
            for record in &normalized.quarantine {
                rows.push(origin, record);
            }
        });
        for (raw_pos, report) in &normalized.reports {
            self.runs.segment(object, order(), 1, |rows| rows.push(origin, *raw_pos, &report.into()));
            self.errors.segment(object, order(), report.errors.len(), |rows| {
                for error in &report.errors {
                    rows.push(origin, *raw_pos, report, error);
                }
            });
        }
        for (raw_pos, report) in &normalized.imports {
            self.runs.segment(object, order(), 1, |rows| rows.push(origin, *raw_pos, &report.into()));
            self.accounts.segment(object, order(), report.accounts.len(), |rows| {
                for account in &report.accounts {
                    rows.push(origin, *raw_pos, report, account);
                }
            });
        }
        for (raw_pos, report) in &normalized.deliveries {
            self.runs.segment(object, order(), 1, |rows| rows.push(origin, *raw_pos, &report.into()));
            self.deliveries.segment(object, order(), report.batches.len(), |rows| {
                for batch in &report.batches {
                    rows.push(origin, *raw_pos, report, batch);
                }
            });
        }
        self.runs.segment(object, order(), normalized.imported_runs.len(), |rows| {
            for (raw_pos, run) in &normalized.imported_runs {
                rows.push(origin, *raw_pos, run);
            }
        });
    }

    /// Reads the decompressed raw object `object`, normalizes it, and adds what it says.
    pub fn read(&mut self, raw: &RawId, object: &[u8]) {
        let lines = open(object);
        let mut normalized = normalize(raw, &lines);
        normalized.judge(&self.thresholds);
        let first = lines.iter().find_map(|line| line.envelope().ok()).map(|envelope| envelope.fetched_at);
        // Only whole objects reach the columns: a panic above leaves them as they were.
        self.add(raw, first, &normalized);
    }

    /// Rows of `fact_offers` so far.
    pub fn offers(&self) -> u32 {
        self.offers.count
    }

    /// Rows of `trade_observations` so far.
    pub fn trades(&self) -> u32 {
        self.trades.count
    }

    /// Payment events so far.
    pub fn events(&self) -> &EventCounts {
        &self.counts
    }

    /// Events so far that no rule knew, and that somebody else may understand: raw object, line, and place in it.
    pub fn unread(&self) -> &[(RawId, i32, i32)] {
        &self.unread
    }

    /// Whether no object has been added.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The files, in the order in which they must be stored: a raw object is covered by the last of its tables only
    /// when all its other tables cover it. Every object is in a file of each table that it feeds.
    pub fn finish(mut self) -> Result<Vec<HotFile>, WriteError> {
        let columns = |table| move |source| WriteError::Columns { table, source };
        let mut files = Vec::new();
        let mut file = |table: Table, rows: Result<RecordBatch, ArrowError>, segments: Vec<Segment>| {
            let rows = rows.map_err(columns(table))?;
            if let Some(made) = encode(table, self.date, &self.objects, &rows, segments)? {
                files.push(made);
            }
            Ok::<(), WriteError>(())
        };
        file(Table::Quarantine, self.quarantine.rows.finish(), self.quarantine.segments)?;
        file(Table::OpsDataQuality, self.quality.rows.finish(), self.quality.segments)?;
        file(Table::FactMarketDepth, self.depth.rows.finish(), self.depth.segments)?;
        file(Table::FactOffers, self.offers.rows.finish(), self.offers.segments)?;
        file(Table::FactPaymentEvents, self.events.rows.finish(), self.events.segments)?;
        file(Table::FactFxRates, self.rates.rows.finish(), self.rates.segments)?;
        file(Table::TradeObservations, self.trades.rows.finish(), self.trades.segments)?;
        file(Table::OpsAccountResults, self.accounts.rows.finish(), self.accounts.segments)?;
        file(Table::OpsDeliveries, self.deliveries.rows.finish(), self.deliveries.segments)?;
        file(Table::OpsExtractionErrors, self.errors.rows.finish(), self.errors.segments)?;
        file(Table::OpsBatchRuns, self.runs.rows.finish(), self.runs.segments)?;
        Ok(files)
    }
}

/// Makes the file of one table; none if no object of the batch feeds it.
fn encode(
    table: Table,
    date: NaiveDate,
    objects: &[(RawId, DateTime<Utc>)],
    rows: &RecordBatch,
    mut segments: Vec<Segment>,
) -> Result<Option<HotFile>, WriteError> {
    let fed: Vec<usize> =
        (0..objects.len()).filter(|index| Table::fed_by(&objects[*index].0).contains(&table)).collect();
    let Some(earliest) = fed.iter().map(|index| objects[*index].1).min() else { return Ok(None) };
    let mut cover = vec![None; objects.len()];
    for index in fed {
        cover[index] = Some(CoveredObject::without_rows(objects[index].0.clone(), cauce_normalize::VERSION));
    }
    segments.sort_by(|left, right| {
        let of = |object: usize| &objects[object].0;
        (&left.order, of(left.object), left.start).cmp(&(&right.order, of(right.object), right.start))
    });
    let mut writer = FileWriter::new(table, Zone::Hot)?;
    for segment in &segments {
        if let Some(object) = &mut cover[segment.object] {
            object.add_rows(u32::try_from(writer.rows()).unwrap_or(u32::MAX), segment.length);
        }
        let start = segment.start as usize;
        writer.write(rows, start..start + segment.length as usize)?;
    }
    let mut cover = Cover { objects: cover.into_iter().flatten().collect() };
    cover.objects.sort_by(|left, right| left.raw_id.cmp(&right.raw_id));
    let time = earliest.format("%Y%m%dT%H%M%S%3fZ").to_string();
    let path = hot_path(table, date, &time, &cover);
    let rows = usize::try_from(writer.rows()).unwrap_or(usize::MAX);
    Ok(Some(HotFile { table, path, bytes: writer.close(&cover)?, rows }))
}

/// Stores a file. One that is already there has the same content.
pub async fn write(store: &Arc<dyn ObjectStore>, file: &HotFile) -> Result<(), WriteError> {
    match store.put_opts(&file.path, file.bytes.clone().into(), PutMode::Create.into()).await {
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
