use std::collections::{BTreeMap, BTreeSet};

use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::{Check, MarketStatus, Quarantined, RawId, RequestError, RunReport, Snapshot};

use super::{
    Lineage, MarketColumns, batch, done,
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
        raw: &RawId,
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
        self.lineage.push(raw, snapshot.raw_pos);
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

    pub(crate) fn push(&mut self, raw: &RawId, record: &Quarantined<'_>) {
        self.at.append_value(micros(record.fetched_at));
        let key = raw.key();
        let texts = [raw.source(), &key, record.rule.as_str(), &record.reason, &record.record];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_value(text);
        }
        self.lineage.push(raw, record.raw_pos);
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
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(&mut self, raw: &RawId, raw_pos: i32, report: &RunReport) {
        let asked = || report.markets.iter().filter(|market| market.status != MarketStatus::Failed);
        let fiats: BTreeSet<&str> = asked().map(|market| market.market.fiat.as_str()).collect();
        let total = |of: fn(&cauce_model::MarketResult) -> u32| -> i64 {
            report.markets.iter().map(|market| i64::from(of(market))).sum()
        };
        let with = |status| count(report.markets.iter().filter(|market| market.status == status).count());
        let received = total(|market| market.offers_received);
        self.batch_id.append_value(report.run_id.to_string());
        self.job.append_value(&report.job);
        self.started.append_value(micros(report.started_at));
        self.ended.append_value(micros(report.ended_at));
        self.status.append_value(report.status.as_str());
        self.fiats.append_value(count(fiats.len()));
        self.markets.append_value(count(report.markets.len()));
        // Every offer that arrived is a new observation; a lake updates nothing.
        for (column, offers) in self.offers.iter_mut().zip([received, received, 0]) {
            column.append_value(offers);
        }
        self.errors.append_value(count(report.unresolved().count()));
        self.error_summary.append_value(error_summary(report));
        self.seconds.append_value((report.ended_at - report.started_at).num_milliseconds() as f64 / 1_000.0);
        let announced = [
            total(|market| market.offers_announced),
            total(|market| market.pages_announced),
            total(|market| market.pages_received),
        ];
        for (column, value) in self.announced.iter_mut().zip(announced) {
            column.append_value(value);
        }
        let unfinished = [MarketStatus::Truncated, MarketStatus::Empty, MarketStatus::Failed];
        for (column, status) in self.unfinished.iter_mut().zip(unfinished) {
            column.append_value(with(status));
        }
        self.lineage.push(raw, raw_pos);
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
        columns.extend(self.lineage.finish());
        batch(Table::OpsBatchRuns, columns)
    }
}

/// `{"timeout": 3, …}`: failures that no later try mended, by type.
fn error_summary(report: &RunReport) -> String {
    let mut by_type: BTreeMap<&str, u32> = BTreeMap::new();
    for error in report.unresolved() {
        *by_type.entry(error.error_type.as_str()).or_default() += 1;
    }
    serde_json::json!(by_type).to_string()
}

fn count(number: usize) -> i32 {
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

    pub(crate) fn push(&mut self, raw: &RawId, raw_pos: i32, report: &RunReport, error: &RequestError) {
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
        self.lineage.push(raw, raw_pos);
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
