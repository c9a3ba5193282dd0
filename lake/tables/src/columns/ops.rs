use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::{Check, Quarantined, RequestError, RunReport, RunTotals, Snapshot};

use super::{
    Lineage, MarketColumns, Origin, batch, done,
    kinds::{Flag, Long, Share, Text, Time, Whole},
    micros, times,
};
use crate::Table;

/// Rows of `ops_data_quality`.
pub(crate) struct QualityRows {
    batch_id: Text,
    snapshot_id: Text,
    checked: Time,
    market: MarketColumns,
    metric: Text,
    value: Share,
    threshold: Share,
    passed: Flag,
    details: Text,
    lineage: Lineage,
}

impl QualityRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            snapshot_id: Text::new(),
            checked: times(),
            market: MarketColumns::new(),
            metric: Text::new(),
            value: Share::new(),
            threshold: Share::new(),
            passed: Flag::new(),
            details: Text::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        origin: Origin<'_>,
        batch_id: Option<&str>,
        snapshot: &Snapshot<'_>,
        check: &Check,
    ) {
        self.batch_id.append_option(batch_id);
        self.snapshot_id.append_value(snapshot.id.as_str());
        self.checked.append_value(micros(snapshot.taken_at));
        self.market.push(&snapshot.market);
        self.metric.append_value(check.metric);
        self.value.append_value(check.value);
        self.threshold.append_value(check.threshold);
        self.passed.append_value(check.passed);
        self.details.append_value(check.details.to_string());
        self.lineage.push(origin, snapshot.raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns =
            vec![done(&mut self.batch_id), done(&mut self.snapshot_id), done(&mut self.checked)];
        columns.extend(self.market.finish());
        columns.extend([
            done(&mut self.metric),
            done(&mut self.value),
            done(&mut self.threshold),
            done(&mut self.passed),
            done(&mut self.details),
        ]);
        columns.extend(self.lineage.finish());
        batch(Table::OpsDataQuality, columns)
    }
}

/// Rows of `quarantine`.
pub(crate) struct QuarantineRows {
    at: Time,
    texts: [Text; 5],
    lineage: Lineage,
}

impl QuarantineRows {
    pub(crate) fn new() -> Self {
        Self { at: times(), texts: std::array::from_fn(|_| Text::new()), lineage: Lineage::new() }
    }

    pub(crate) fn push(&mut self, origin: Origin<'_>, record: &Quarantined<'_>) {
        self.at.append_value(micros(record.fetched_at));
        let key = origin.raw.key();
        let texts = [origin.raw.source(), &key, record.rule.as_str(), &record.reason, &record.record];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_value(text);
        }
        self.lineage.push(origin, record.raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![done(&mut self.at)];
        columns.extend(self.texts.each_mut().map(done));
        columns.extend(self.lineage.finish());
        batch(Table::Quarantine, columns)
    }
}

/// Rows of `ops_batch_runs`.
pub(crate) struct BatchRunRows {
    batch_id: Text,
    job: Text,
    started: Time,
    ended: Time,
    status: Text,
    fiats: Whole,
    markets: Whole,
    offers: [Long; 3],
    errors: Whole,
    error_summary: Text,
    seconds: Share,
    announced: [Long; 3],
    unfinished: [Whole; 3],
    trace_id: Text,
    lineage: Lineage,
}

impl BatchRunRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            job: Text::new(),
            started: times(),
            ended: times(),
            status: Text::new(),
            fiats: Whole::new(),
            markets: Whole::new(),
            offers: std::array::from_fn(|_| Long::new()),
            errors: Whole::new(),
            error_summary: Text::new(),
            seconds: Share::new(),
            announced: std::array::from_fn(|_| Long::new()),
            unfinished: std::array::from_fn(|_| Whole::new()),
            trace_id: Text::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(&mut self, origin: Origin<'_>, raw_pos: i32, run: &RunTotals) {
        self.batch_id.append_value(run.run_id.to_string());
        self.job.append_value(&run.job);
        self.started.append_value(micros(run.started_at));
        self.ended.append_value(micros(run.ended_at));
        self.status.append_value(run.status.as_str());
        self.fiats.append_value(fitting(run.fiats));
        self.markets.append_value(fitting(run.markets));
        let offers = [run.offers_extracted, run.offers_inserted, run.offers_updated];
        for (column, offers) in self.offers.iter_mut().zip(offers) {
            column.append_value(offers);
        }
        self.errors.append_value(fitting(run.errors));
        self.error_summary.append_value(&run.error_summary);
        self.seconds.append_value((run.ended_at - run.started_at).num_milliseconds() as f64 / 1_000.0);
        let announced = [run.offers_announced, run.pages_announced, run.pages_received];
        for (column, value) in self.announced.iter_mut().zip(announced) {
            column.append_value(value);
        }
        let unfinished = [run.markets_truncated, run.markets_empty, run.markets_failed];
        for (column, markets) in self.unfinished.iter_mut().zip(unfinished) {
            column.append_value(fitting(markets));
        }
        self.trace_id.append_option(run.trace_id.as_deref());
        self.lineage.push(origin, raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![
            done(&mut self.batch_id),
            done(&mut self.job),
            done(&mut self.started),
            done(&mut self.ended),
            done(&mut self.status),
            done(&mut self.fiats),
            done(&mut self.markets),
        ];
        columns.extend(self.offers.each_mut().map(done));
        columns.extend([done(&mut self.errors), done(&mut self.error_summary), done(&mut self.seconds)]);
        columns.extend(self.announced.each_mut().map(done));
        columns.extend(self.unfinished.each_mut().map(done));
        columns.push(done(&mut self.trace_id));
        columns.extend(self.lineage.finish());
        batch(Table::OpsBatchRuns, columns)
    }
}

fn fitting(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Rows of `ops_extraction_errors`.
pub(crate) struct ErrorRows {
    batch_id: Text,
    at: Time,
    market: [Text; 4],
    page: Whole,
    account: Text,
    error_type: Text,
    message: Text,
    retries: Whole,
    resolved: Flag,
    lineage: Lineage,
}

impl ErrorRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            at: times(),
            market: std::array::from_fn(|_| Text::new()),
            page: Whole::new(),
            account: Text::new(),
            error_type: Text::new(),
            message: Text::new(),
            retries: Whole::new(),
            resolved: Flag::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        origin: Origin<'_>,
        raw_pos: i32,
        report: &RunReport,
        error: &RequestError,
    ) {
        self.batch_id.append_value(report.run_id.to_string());
        self.at.append_value(micros(error.at));
        let market = error.market.as_ref();
        let parts = [
            market.map(|market| market.venue.as_str()),
            market.map(|market| market.fiat.as_str()),
            market.map(|market| market.asset.as_str()),
            market.map(|market| market.trade_type.as_str()),
        ];
        for (column, part) in self.market.iter_mut().zip(parts) {
            column.append_option(part);
        }
        self.page.append_option(error.page.and_then(|page| i32::try_from(page).ok()));
        self.account.append_null();
        self.error_type.append_value(error.error_type.as_str());
        self.message.append_value(&error.message);
        self.retries.append_value(i32::try_from(error.retries).unwrap_or(i32::MAX));
        self.resolved.append_value(error.resolved);
        self.lineage.push(origin, raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![done(&mut self.batch_id), done(&mut self.at)];
        columns.extend(self.market.each_mut().map(done));
        columns.extend([
            done(&mut self.page),
            done(&mut self.account),
            done(&mut self.error_type),
            done(&mut self.message),
            done(&mut self.retries),
            done(&mut self.resolved),
        ]);
        columns.extend(self.lineage.finish());
        batch(Table::OpsExtractionErrors, columns)
    }
}
