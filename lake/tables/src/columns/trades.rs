use arrow::{array::RecordBatch, error::ArrowError};
use cauce_model::{AccountResult, Fill, ImportReport};
use cauce_normalize::TradeObservation;
use rust_decimal::Decimal;

use super::{
    Lineage, Origin, batch, decimals, done,
    kinds::{self, Flag, Text, Time, Whole},
    micros, times,
};
use crate::{Table, schema::QUANTITY};

/// Rows of `trade_observations`.
pub(crate) struct TradeRows {
    // Many builders, which would make whatever holds them large.
    named: Box<[Text; 11]>,
    quantities: Box<[kinds::Decimal; 3]>,
    is_inverse: Flag,
    fee: kinds::Decimal,
    fees: Box<[Text; 2]>,
    results: Box<[kinds::Decimal; 3]>,
    pnl_currency: Text,
    executed_at: Time,
    is_date_only: Flag,
    about: Box<[Text; 4]>,
    places: Box<[Whole; 3]>,
    source_hash: Text,
    lineage: Lineage,
}

/// Units of what has been checked to fit.
fn units(number: Decimal) -> i128 {
    // Whatever does not fit is quarantined by the normalizer.
    Fill::units(number).unwrap_or_default()
}

fn quantities() -> kinds::Decimal {
    decimals(QUANTITY)
}

impl TradeRows {
    pub(crate) fn new() -> Self {
        Self {
            named: Box::new(std::array::from_fn(|_| Text::new())),
            quantities: Box::new(std::array::from_fn(|_| quantities())),
            is_inverse: Flag::new(),
            fee: quantities(),
            fees: Box::new(std::array::from_fn(|_| Text::new())),
            results: Box::new(std::array::from_fn(|_| quantities())),
            pnl_currency: Text::new(),
            executed_at: times(),
            is_date_only: Flag::new(),
            about: Box::new(std::array::from_fn(|_| Text::new())),
            places: Box::new(std::array::from_fn(|_| Whole::new())),
            source_hash: Text::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(&mut self, origin: Origin<'_>, trade: &TradeObservation) {
        let fill = &trade.fill;
        let named = [
            Some(trade.account.as_str()),
            Some(trade.broker.as_str()),
            Some(trade.layout.as_str()),
            fill.external_id.as_deref(),
            fill.order_id.as_deref(),
            fill.position_id.as_deref(),
            Some(fill.symbol.as_str()),
            fill.base.as_deref(),
            fill.quote.as_deref(),
            Some(fill.side.as_str()),
            Some(fill.effect.as_str()),
        ];
        for (column, text) in self.named.iter_mut().zip(named) {
            column.append_option(text);
        }
        for (column, number) in self.quantities.iter_mut().zip([fill.quantity, fill.price, fill.multiplier]) {
            column.append_value(units(number));
        }
        self.is_inverse.append_value(fill.inverse);
        let (first, more) = match fill.fees.split_first() {
            Some((first, more)) => (Some(first), more),
            None => (None, &[][..]),
        };
        self.fee.append_option(first.map(|fee| units(fee.amount)));
        let more = (!more.is_empty()).then(|| serde_json::json!(more).to_string());
        for (column, text) in self.fees.iter_mut().zip([first.map(|fee| fee.asset.as_str()), more.as_deref()])
        {
            column.append_option(text);
        }
        for (column, number) in self.results.iter_mut().zip([fill.swap, fill.taxes, fill.reported_pnl]) {
            column.append_option(number.map(units));
        }
        self.pnl_currency.append_option(fill.pnl_currency.as_deref());
        self.executed_at.append_value(micros(fill.executed_at));
        self.is_date_only.append_value(fill.is_date_only);
        let about = [
            Some(fill.time_zone.as_str()),
            Some(fill.market.as_str()),
            fill.position_side.map(|side| side.as_str()),
            fill.broker_account.as_deref(),
        ];
        for (column, text) in self.about.iter_mut().zip(about) {
            column.append_option(text);
        }
        for (column, place) in self.places.iter_mut().zip([fill.sequence, trade.record, trade.part]) {
            column.append_value(place);
        }
        self.source_hash.append_value(&trade.source_hash);
        self.lineage.push(origin, trade.raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<_> = self.named.each_mut().map(done).into();
        columns.extend(self.quantities.each_mut().map(done));
        columns.extend([done(&mut self.is_inverse), done(&mut self.fee)]);
        columns.extend(self.fees.each_mut().map(done));
        columns.extend(self.results.each_mut().map(done));
        columns.extend([
            done(&mut self.pnl_currency),
            done(&mut self.executed_at),
            done(&mut self.is_date_only),
        ]);
        columns.extend(self.about.each_mut().map(done));
        columns.extend(self.places.each_mut().map(done));
        columns.push(done(&mut self.source_hash));
        columns.extend(self.lineage.finish());
        batch(Table::TradeObservations, columns)
    }
}

/// Rows of `ops_account_results`.
pub(crate) struct AccountResultRows {
    batch_id: Text,
    started: Time,
    account: [Text; 2],
    counts: [Whole; 4],
    error: Text,
    duration: Whole,
    lineage: Lineage,
}

impl AccountResultRows {
    pub(crate) fn new() -> Self {
        Self {
            batch_id: Text::new(),
            started: times(),
            account: std::array::from_fn(|_| Text::new()),
            counts: std::array::from_fn(|_| Whole::new()),
            error: Text::new(),
            duration: Whole::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        origin: Origin<'_>,
        raw_pos: i32,
        report: &ImportReport,
        account: &AccountResult,
    ) {
        let fitting = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        self.batch_id.append_value(report.run_id.to_string());
        self.started.append_value(micros(report.started_at));
        for (column, text) in
            self.account.iter_mut().zip([account.account_id.as_str(), account.status.as_str()])
        {
            column.append_value(text);
        }
        let counts = [account.trades, account.duplicates, account.rejected, account.skipped];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.append_value(fitting(count));
        }
        self.error.append_option(account.error.as_deref());
        self.duration.append_value(fitting(account.duration_ms));
        self.lineage.push(origin, raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![done(&mut self.batch_id), done(&mut self.started)];
        columns.extend(self.account.each_mut().map(done));
        columns.extend(self.counts.each_mut().map(done));
        columns.extend([done(&mut self.error), done(&mut self.duration)]);
        columns.extend(self.lineage.finish());
        batch(Table::OpsAccountResults, columns)
    }
}
