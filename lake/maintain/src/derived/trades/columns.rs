//! Rows of the journal.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::DataType,
};
use cauce_journal::{
    Position, Trade,
    stats::{DEFINITION_VERSION, Drawdown, PeriodStats, Stats},
};
use cauce_model::{AccountId, Fill, QUANTITY_PRECISION, QUANTITY_SCALE, RATE_PRECISION, RATE_SCALE};
use cauce_tables::Derived;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{super::batch, account::Figures};
use crate::MaintainError;

/// Rows on their way to columns.
struct Rows<'r, R>(&'r [R]);

impl<R> Rows<'_, R> {
    fn text<'t>(&'t self, of: impl Fn(&'t R) -> Option<&'t str>) -> ArrayRef {
        Arc::new(self.0.iter().map(of).collect::<StringArray>())
    }

    fn texts(&self, of: impl Fn(&R) -> Option<String>) -> ArrayRef {
        Arc::new(self.0.iter().map(of).collect::<StringArray>())
    }

    fn whole(&self, of: impl Fn(&R) -> i32) -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(self.0.iter().map(of)))
    }

    fn count(&self, of: impl Fn(&R) -> u32) -> ArrayRef {
        self.whole(|row| i32::try_from(of(row)).unwrap_or(i32::MAX))
    }

    fn long(&self, of: impl Fn(&R) -> Option<i64>) -> ArrayRef {
        Arc::new(self.0.iter().map(of).collect::<Int64Array>())
    }

    fn flag(&self, of: impl Fn(&R) -> bool) -> ArrayRef {
        Arc::new(self.0.iter().map(|row| Some(of(row))).collect::<BooleanArray>())
    }

    fn time(&self, of: impl Fn(&R) -> Option<DateTime<Utc>>) -> ArrayRef {
        let times = self.0.iter().map(|row| of(row).map(|time| time.timestamp_micros()));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    }

    /// Numbers; one that has more digits than the column is none.
    fn number(&self, of: impl Fn(&R) -> Option<Decimal>) -> ArrayRef {
        let numbers = self.0.iter().map(|row| of(row).and_then(Fill::units));
        let kind = DataType::Decimal128(QUANTITY_PRECISION, QUANTITY_SCALE as i8);
        Arc::new(numbers.collect::<Decimal128Array>().with_data_type(kind))
    }

    /// Shares of one.
    fn share(&self, of: impl Fn(&R) -> Option<Decimal>) -> ArrayRef {
        let units = |share: Decimal| {
            let mut share = share.round_dp(RATE_SCALE.into());
            share.rescale(RATE_SCALE.into());
            share.mantissa()
        };
        let kind = DataType::Decimal128(RATE_PRECISION, RATE_SCALE as i8);
        let shares = self.0.iter().map(|row| of(row).map(units));
        Arc::new(shares.collect::<Decimal128Array>().with_data_type(kind))
    }
}

/// Rows of `fact_trades`.
pub(super) fn trades(account: &AccountId, trades: &[Trade]) -> Result<RecordBatch, MaintainError> {
    let rows = Rows(trades);
    let more = |fill: &Fill| {
        let more = fill.fees.get(1..).filter(|more| !more.is_empty())?;
        serde_json::to_string(more).ok()
    };
    batch(
        Derived::FactTrades,
        vec![
            rows.text(|_| Some(account.as_str())),
            rows.text(|row| Some(&row.observation.broker)),
            rows.text(|row| Some(&row.observation.layout)),
            rows.text(|row| row.fill().external_id.as_deref()),
            rows.text(|row| row.fill().order_id.as_deref()),
            rows.text(|row| row.fill().position_id.as_deref()),
            rows.text(|row| Some(&row.fill().symbol)),
            rows.text(|row| row.fill().base.as_deref()),
            rows.text(|row| row.fill().quote.as_deref()),
            rows.text(|row| Some(row.fill().side.as_str())),
            rows.text(|row| Some(row.fill().effect.as_str())),
            rows.number(|row| Some(row.fill().quantity)),
            rows.number(|row| Some(row.fill().price)),
            rows.number(|row| Some(row.fill().multiplier)),
            rows.flag(|row| row.fill().inverse),
            rows.number(|row| row.fill().fees.first().map(|fee| fee.amount)),
            rows.text(|row| row.fill().fees.first().map(|fee| fee.asset.as_str())),
            rows.texts(|row| more(row.fill())),
            rows.number(|row| row.fill().swap),
            rows.number(|row| row.fill().taxes),
            rows.number(|row| row.fill().reported_pnl),
            rows.text(|row| row.fill().pnl_currency.as_deref()),
            rows.time(|row| Some(row.fill().executed_at)),
            rows.flag(|row| row.fill().is_date_only),
            rows.text(|row| Some(&row.fill().time_zone)),
            rows.text(|row| Some(row.fill().market.as_str())),
            rows.text(|row| row.fill().position_side.map(|side| side.as_str())),
            rows.text(|row| row.fill().broker_account.as_deref()),
            rows.whole(|row| row.fill().sequence),
            rows.whole(|row| row.observation.place.0),
            rows.whole(|row| row.observation.place.1),
            rows.whole(|row| row.occurrence),
            rows.whole(|row| row.observations),
            rows.text(|row| Some(row.observation.raw_id.as_str())),
            rows.whole(|row| row.observation.raw_pos),
            rows.whole(|row| row.observation.version),
        ],
    )
}

/// Rows of `fact_positions`.
pub(super) fn positions(account: &AccountId, positions: &[Position]) -> Result<RecordBatch, MaintainError> {
    // Each method's are in closing order.
    let mut sorted: Vec<&Position> = positions.iter().collect();
    sorted.sort_by_key(|position| position.method.as_str());
    let rows = Rows(&sorted);
    batch(
        Derived::FactPositions,
        vec![
            rows.text(|_| Some(account.as_str())),
            rows.text(|row| Some(&row.symbol)),
            rows.text(|row| Some(row.market.as_str())),
            rows.text(|row| row.broker_account.as_deref()),
            rows.text(|row| row.position_id.as_deref()),
            rows.text(|row| Some(row.direction.as_str())),
            rows.time(|row| row.opened_at),
            rows.time(|row| Some(row.closed_at)),
            rows.long(|row| row.seconds()),
            rows.number(|row| Some(row.quantity)),
            rows.number(|row| row.entry_price),
            rows.number(|row| Some(row.exit_price)),
            rows.number(|row| row.fees),
            rows.number(|row| row.swap),
            rows.number(|row| row.taxes),
            rows.number(|row| Some(row.gross)),
            rows.number(|row| row.net),
            rows.text(|row| Some(row.method.as_str())),
            rows.text(|row| row.currency.as_deref()),
            rows.number(|row| row.reported),
            rows.number(|row| row.difference),
            rows.text(|row| row.external_id.as_deref()),
            rows.count(|row| row.lots),
            rows.long(|row| i64::try_from(row.closing).ok()),
        ],
    )
}

/// A row of figures with its method and currency.
type Row<'f> = (&'f Figures, &'f PeriodStats);

/// Rows of `fact_trade_stats`.
pub(super) fn stats(account: &AccountId, stats: &[Figures]) -> Result<RecordBatch, MaintainError> {
    let mut all: Vec<Row<'_>> =
        stats.iter().flat_map(|figures| figures.rows.iter().map(move |row| (figures, row))).collect();
    all.sort_by(|left, right| in_order(left).cmp(&in_order(right)));
    let rows = Rows(&all);
    let money = |of: fn(&Stats) -> Option<Decimal>| rows.number(move |(_, row)| of(&row.stats));
    let count = |of: fn(&Stats) -> u32| rows.count(move |(_, row)| of(&row.stats));
    let long = |of: fn(&Stats) -> Option<i64>| rows.long(move |(_, row)| of(&row.stats));
    let time = |of: fn(&Stats) -> Option<DateTime<Utc>>| rows.time(move |(_, row)| of(&row.stats));
    let relative =
        |stats: &Stats| stats.drawdowns.relative.clone().filter(|drawdown| !drawdown.amount.is_zero());
    let absolute = |of: fn(&Drawdown) -> Option<DateTime<Utc>>| {
        rows.time(move |(_, row)| of(&row.stats.drawdowns.absolute))
    };
    let relative_time = |of: fn(&Drawdown) -> Option<DateTime<Utc>>| {
        rows.time(move |(_, row)| relative(&row.stats).as_ref().and_then(of))
    };
    batch(
        Derived::FactTradeStats,
        vec![
            rows.text(|_| Some(account.as_str())),
            rows.text(|(figures, _)| Some(figures.method.as_str())),
            rows.text(|(figures, _)| Some(&figures.currency)),
            rows.text(|(_, row)| Some(row.scope.symbol.as_deref().unwrap_or(EVERY))),
            rows.text(|(_, row)| Some(row.scope.direction.map_or(EVERY, |direction| direction.as_str()))),
            rows.text(|(_, row)| Some(row.period.as_str())),
            rows.time(|(_, row)| Some(row.start)),
            rows.whole(|_| DEFINITION_VERSION),
            count(|stats| stats.trades),
            count(|stats| stats.unvalued),
            count(|stats| stats.wins),
            count(|stats| stats.losses),
            count(|stats| stats.breakeven),
            rows.share(|(_, row)| row.stats.win_rate),
            money(|stats| Some(stats.net_profit)),
            money(|stats| Some(stats.gross_profit)),
            money(|stats| Some(stats.gross_loss)),
            money(|stats| Some(stats.fees)),
            money(|stats| Some(stats.swap)),
            money(|stats| Some(stats.taxes)),
            money(|stats| stats.profit_factor),
            money(|stats| stats.expectancy),
            money(|stats| stats.expectancy_ratio),
            money(|stats| stats.average_win),
            money(|stats| stats.average_loss),
            money(|stats| stats.payoff_ratio),
            money(|stats| stats.largest_win),
            money(|stats| stats.largest_loss),
            money(|stats| Some(stats.drawdowns.absolute.amount)),
            money(|stats| stats.drawdowns.absolute.share),
            absolute(|drawdown| drawdown.peak_at),
            absolute(|drawdown| drawdown.trough_at),
            absolute(|drawdown| drawdown.recovered_at),
            rows.number(|(_, row)| row.stats.drawdowns.relative.as_ref().map(|drawdown| drawdown.amount)),
            rows.number(|(_, row)| row.stats.drawdowns.relative.as_ref().and_then(|drawdown| drawdown.share)),
            relative_time(|drawdown| drawdown.peak_at),
            relative_time(|drawdown| drawdown.trough_at),
            relative_time(|drawdown| drawdown.recovered_at),
            money(|stats| stats.ratios.sharpe),
            money(|stats| stats.ratios.sortino),
            count(|stats| stats.days_per_year),
            long(|stats| stats.average_holding),
            long(|stats| stats.median_holding),
            long(|stats| stats.longest_holding),
            count(|stats| stats.streaks.wins),
            count(|stats| stats.streaks.losses),
            count(|stats| stats.metatrader_profit_trades),
            count(|stats| stats.metatrader_loss_trades),
            time(|stats| stats.first_closed_at),
            time(|stats| stats.last_closed_at),
        ],
    )
}

/// The order of the table.
fn in_order<'f>(
    (figures, row): &Row<'f>,
) -> (&'static str, &'f str, &'f str, &'static str, &'static str, DateTime<Utc>) {
    let symbol = row.scope.symbol.as_deref().unwrap_or(EVERY);
    let direction = row.scope.direction.map_or(EVERY, |direction| direction.as_str());
    (figures.method.as_str(), &figures.currency, symbol, direction, row.period.as_str(), row.start)
}

/// What stands for every symbol and for both directions.
const EVERY: &str = "*";
