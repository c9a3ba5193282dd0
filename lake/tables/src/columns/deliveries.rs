use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::{BatchResult, DeliveryReport};

use super::{
    Lineage, Origin, batch, done,
    kinds::{Text, Time, Whole},
    micros, times,
};
use crate::Table;

/// Rows of `ops_deliveries`.
pub(crate) struct DeliveryRows {
    batch_id: Text,
    started: Time,
    about: [Text; 3],
    counts: [Whole; 4],
    rejections: Text,
    attempt: Whole,
    http_status: Whole,
    error: Text,
    duration: Whole,
    lineage: Lineage,
}

impl DeliveryRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            started: times(),
            about: std::array::from_fn(|_| Text::new()),
            counts: std::array::from_fn(|_| Whole::new()),
            rejections: Text::new(),
            attempt: Whole::new(),
            http_status: Whole::new(),
            error: Text::new(),
            duration: Whole::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        origin: Origin<'_>,
        raw_pos: i32,
        report: &DeliveryReport,
        told: &BatchResult,
    ) {
        let fitting = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        self.batch_id.append_value(report.run_id.to_string());
        self.started.append_value(micros(report.started_at));
        let about = [told.sink.as_str(), told.delivery_id.as_str(), told.status.as_str()];
        for (column, text) in self.about.iter_mut().zip(about) {
            column.append_value(text);
        }
        let rejected = u32::try_from(told.rejections.len()).unwrap_or(u32::MAX);
        for (column, count) in
            self.counts.iter_mut().zip([told.trades, told.created, told.duplicates, rejected])
        {
            column.append_value(fitting(count));
        }
        let rejections = (!told.rejections.is_empty()).then(|| serde_json::to_string(&told.rejections));
        self.rejections.append_option(rejections.and_then(Result::ok));
        self.attempt.append_value(fitting(told.attempt));
        self.http_status.append_option(told.http_status.map(i32::from));
        self.error.append_option(told.error.as_deref());
        self.duration.append_value(fitting(told.duration_ms));
        self.lineage.push(origin, raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![done(&mut self.batch_id), done(&mut self.started)];
        columns.extend(self.about.each_mut().map(done));
        columns.extend(self.counts.each_mut().map(done));
        columns.extend([done(&mut self.rejections), done(&mut self.attempt), done(&mut self.http_status)]);
        columns.extend([done(&mut self.error), done(&mut self.duration)]);
        columns.extend(self.lineage.finish());
        batch(Table::OpsDeliveries, columns)
    }
}
