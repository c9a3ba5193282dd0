//! Columns of trades: as imports gave them, and what is derived of them.

use arrow::datatypes::{DataType, Field, Schema};
use cauce_model::{QUANTITY_PRECISION, QUANTITY_SCALE};

use super::{RATE, optional, required, ts};

/// Quantities, prices and amounts of trades: brokers write up to 20 digits after the point.
pub(crate) const QUANTITY: DataType = DataType::Decimal128(QUANTITY_PRECISION, QUANTITY_SCALE as i8);

/// Fills. Amounts are in the asset that stands beside them; `fee` more than zero is paid.
pub(super) fn observations() -> Vec<Field> {
    vec![
        required("account_id", DataType::Utf8),
        required("broker", DataType::Utf8),
        required("layout", DataType::Utf8),
        optional("trade_external_id", DataType::Utf8),
        optional("order_id", DataType::Utf8),
        optional("position_id", DataType::Utf8),
        required("symbol", DataType::Utf8),
        optional("base", DataType::Utf8),
        optional("quote", DataType::Utf8),
        required("side", DataType::Utf8),
        required("effect", DataType::Utf8),
        required("quantity", QUANTITY),
        required("price", QUANTITY),
        required("multiplier", QUANTITY),
        required("is_inverse", DataType::Boolean),
        optional("fee", QUANTITY),
        optional("fee_asset", DataType::Utf8),
        // Where there is more than one: a JSON list of asset and amount.
        optional("more_fees", DataType::Utf8),
        optional("swap", QUANTITY),
        optional("taxes", QUANTITY),
        optional("reported_pnl", QUANTITY),
        optional("pnl_currency", DataType::Utf8),
        required("executed_at", ts()),
        required("is_date_only", DataType::Boolean),
        required("source_time_zone", DataType::Utf8),
        required("market", DataType::Utf8),
        optional("position_side", DataType::Utf8),
        optional("broker_account", DataType::Utf8),
        required("sequence", DataType::Int32),
        // The row of the file, and which of its fills.
        required("record", DataType::Int32),
        required("part", DataType::Int32),
        // Of the bytes that it was read from: of the same ones the newest reading holds.
        required("source_hash", DataType::Utf8),
    ]
}

/// Accounts of imports.
pub(super) fn account_results() -> Vec<Field> {
    vec![
        required("batch_id", DataType::Utf8),
        required("run_start_time", ts()),
        required("account_id", DataType::Utf8),
        required("status", DataType::Utf8),
        required("trades", DataType::Int32),
        required("duplicates", DataType::Int32),
        required("rejected", DataType::Int32),
        required("skipped", DataType::Int32),
        optional("error", DataType::Utf8),
        required("duration_ms", DataType::Int32),
    ]
}

/// Tries to deliver batches of trades.
pub(super) fn deliveries() -> Vec<Field> {
    vec![
        required("batch_id", DataType::Utf8),
        required("run_start_time", ts()),
        required("sink", DataType::Utf8),
        required("delivery_id", DataType::Utf8),
        required("status", DataType::Utf8),
        required("trades", DataType::Int32),
        required("created", DataType::Int32),
        required("duplicates", DataType::Int32),
        required("rejected", DataType::Int32),
        // Which and why: a JSON list of trade_id and reason.
        optional("rejections", DataType::Utf8),
        required("attempt", DataType::Int32),
        optional("http_status", DataType::Int32),
        optional("error", DataType::Utf8),
        required("duration_ms", DataType::Int32),
    ]
}

/// Each fill once: the columns of the observation that says most of it, with what tells equal fills apart.
pub(crate) fn fact_trades() -> Schema {
    let mut fields: Vec<Field> =
        observations().into_iter().filter(|field| field.name() != "source_hash").collect();
    fields.extend([
        required("occurrence", DataType::Int32),
        // How many observations tell of it.
        required("observations", DataType::Int32),
        required("raw_id", DataType::Utf8),
        required("raw_pos", DataType::Int32),
        required("normalizer_version", DataType::Int32),
    ]);
    Schema::new(fields)
}

/// What was closed, whole or in part: one row per fill that closes, and method. Amounts are in `pnl_currency`.
pub(crate) fn fact_positions() -> Schema {
    Schema::new(vec![
        required("account_id", DataType::Utf8),
        required("symbol", DataType::Utf8),
        required("market", DataType::Utf8),
        optional("broker_account", DataType::Utf8),
        optional("position_id", DataType::Utf8),
        required("direction", DataType::Utf8),
        // None where the opening is not in the account's history.
        optional("opened_at", ts()),
        required("closed_at", ts()),
        optional("duration_seconds", DataType::Int64),
        required("quantity", QUANTITY),
        optional("entry_price", QUANTITY),
        required("exit_price", QUANTITY),
        // None of these where it can't be valued: then neither can `net_pnl`.
        optional("fees", QUANTITY),
        optional("swap", QUANTITY),
        optional("taxes", QUANTITY),
        required("gross_pnl", QUANTITY),
        optional("net_pnl", QUANTITY),
        required("method", DataType::Utf8),
        optional("pnl_currency", DataType::Utf8),
        // What the broker says that it made, before fees, and by how much ours differs.
        optional("reported_pnl", QUANTITY),
        optional("pnl_difference", QUANTITY),
        optional("trade_external_id", DataType::Utf8),
        required("lots", DataType::Int32),
        // The place of the fill that closed it among the account's trades: what is closed at one moment is in this order.
        required("closing_order", DataType::Int64),
    ])
}

/// Figures of closed positions by account, currency, symbol, direction and period; `*` stands for all of them.
pub(crate) fn fact_trade_stats() -> Schema {
    let money = |name| optional(name, QUANTITY);
    let time = |name| optional(name, ts());
    let whole = |name| required(name, DataType::Int32);
    Schema::new(vec![
        required("account_id", DataType::Utf8),
        required("method", DataType::Utf8),
        required("currency", DataType::Utf8),
        required("symbol", DataType::Utf8),
        required("direction", DataType::Utf8),
        required("period", DataType::Utf8),
        required("period_start", ts()),
        required("definition_version", DataType::Int32),
        whole("trades"),
        whole("unvalued"),
        whole("wins"),
        whole("losses"),
        whole("breakeven"),
        optional("win_rate", RATE),
        required("net_profit", QUANTITY),
        required("gross_profit", QUANTITY),
        required("gross_loss", QUANTITY),
        required("fees", QUANTITY),
        required("swap", QUANTITY),
        required("taxes", QUANTITY),
        money("profit_factor"),
        money("expectancy"),
        money("expectancy_ratio"),
        money("average_win"),
        money("average_loss"),
        money("payoff_ratio"),
        money("largest_win"),
        money("largest_loss"),
        required("max_drawdown", QUANTITY),
        money("max_drawdown_share"),
        time("max_drawdown_peak_at"),
        time("max_drawdown_trough_at"),
        time("max_drawdown_recovered_at"),
        money("max_relative_drawdown"),
        money("max_relative_drawdown_share"),
        time("max_relative_drawdown_peak_at"),
        time("max_relative_drawdown_trough_at"),
        time("max_relative_drawdown_recovered_at"),
        money("sharpe"),
        money("sortino"),
        whole("days_per_year"),
        optional("average_holding_seconds", DataType::Int64),
        optional("median_holding_seconds", DataType::Int64),
        optional("longest_holding_seconds", DataType::Int64),
        whole("longest_win_streak"),
        whole("longest_loss_streak"),
        // As MetaTrader counts: a trade that made nothing is a profit.
        whole("metatrader_profit_trades"),
        whole("metatrader_loss_trades"),
        time("first_closed_at"),
        time("last_closed_at"),
    ])
}
