use utoipa::ToSchema;

use super::{Decimal, Time};

/// A fill, once, whatever sources told of it.
#[derive(ToSchema)]
pub(crate) struct Trade {
    /// When it was made.
    executed_at: Time,
    /// Whose it is.
    account_id: String,
    /// Whose format it came in.
    broker: String,
    /// Which of its formats.
    layout: String,
    /// What was traded, as the broker names it.
    symbol: String,
    /// The asset that was bought or sold, where the symbol is a pair.
    base: Option<String>,
    /// What its price is in.
    quote: Option<String>,
    /// buy or sell.
    side: String,
    /// open or close, where the broker says so; else unknown.
    effect: String,
    /// How much: of the asset, in shares, lots or contracts.
    quantity: Decimal,
    /// Of one.
    price: Decimal,
    /// Units of the asset in one of the quantity.
    multiplier: Decimal,
    /// What it cost; less than zero was paid back.
    fee: Option<Decimal>,
    /// What the fee is in.
    fee_asset: Option<String>,
    /// Further fees, as JSON.
    more_fees: Option<String>,
    /// Interest for nights; less than zero was paid.
    swap: Option<Decimal>,
    /// Taxes; more than zero was paid.
    taxes: Option<Decimal>,
    /// Profit that the broker reports for what it closes.
    reported_pnl: Option<Decimal>,
    /// What that, swap and taxes are in.
    pnl_currency: Option<String>,
    /// spot, margin, futures, forex, cfd, equity, fund, bond, option, warrant or unknown.
    market: String,
    /// long or short, where an account may hold both.
    position_side: Option<String>,
    /// The broker's id of its position.
    position_id: Option<String>,
    /// The broker's id of its order.
    order_id: Option<String>,
    /// The broker's id of the fill.
    trade_external_id: Option<String>,
    /// Which of the fills that are equal to it.
    occurrence: i32,
    /// How many observations tell of it and its equals.
    observations: i32,
    /// The source says the day only.
    is_date_only: bool,
    /// The zone that the source's times are in.
    source_time_zone: String,
    /// The account at the broker, where files are of several.
    broker_account: Option<String>,
    /// The raw object that it was read from.
    raw_id: String,
    /// The line in that.
    raw_pos: i32,
    /// The row of the file, from 1.
    record: i32,
    /// Which of the row's fills.
    part: i32,
}

/// What one fill closed.
#[derive(ToSchema)]
pub(crate) struct Position {
    /// When it was closed.
    closed_at: Time,
    /// When the first of it was opened; none if that is not in the account's history.
    opened_at: Option<Time>,
    /// Whose it was.
    account_id: String,
    /// What was traded, as the broker names it.
    symbol: String,
    /// In what kind of market.
    market: String,
    /// long or short.
    direction: String,
    /// How much was closed.
    quantity: Decimal,
    /// What it was opened at, the mean by quantity.
    entry_price: Option<Decimal>,
    /// What it was closed at.
    exit_price: Decimal,
    /// Profit by price alone.
    gross_pnl: Decimal,
    /// Fees of opening and closing; none if one of them can't be valued.
    fees: Option<Decimal>,
    /// Interest for nights; less than zero was paid.
    swap: Option<Decimal>,
    /// Taxes; more than zero was paid.
    taxes: Option<Decimal>,
    /// gross_pnl + swap - fees - taxes; none if one of them can't be valued.
    net_pnl: Option<Decimal>,
    /// What amounts are in.
    pnl_currency: Option<String>,
    /// fifo, average or broker_reported.
    method: String,
    /// Profit that the broker reports, before fees.
    reported_pnl: Option<Decimal>,
    /// By how much the profit of its prices is more than that.
    pnl_difference: Option<Decimal>,
    /// From the first opening until the close.
    duration_seconds: Option<i64>,
    /// From how many openings it came.
    lots: i32,
    /// The broker's id of the position.
    position_id: Option<String>,
    /// The broker's id of the fill that closed it.
    trade_external_id: Option<String>,
    /// The account at the broker, where files are of several.
    broker_account: Option<String>,
    /// Its place among what is closed at one moment.
    closing_order: i64,
}

/// What positions add up to; every definition is in `/api/v1/stats/definitions`.
#[derive(ToSchema)]
pub(crate) struct TradeFigures {
    /// Whose.
    account_id: String,
    /// fifo, average or broker_reported.
    method: String,
    /// What amounts are in.
    currency: String,
    /// What was traded; * for all together.
    symbol: String,
    /// long or short; * for both together.
    direction: String,
    /// all, month, week or day.
    period: String,
    /// Its first moment, UTC.
    period_start: Time,
    /// Which definitions hold.
    definition_version: i32,
    /// Closed trades whose net profit is known.
    trades: i32,
    /// Closed trades whose net profit is not known.
    unvalued: i32,
    /// Net profit above zero.
    wins: i32,
    /// Net profit below zero.
    losses: i32,
    /// Net profit of zero.
    breakeven: i32,
    /// wins / trades.
    win_rate: Option<Decimal>,
    /// Sum of all.
    net_profit: Decimal,
    /// Sum of the wins.
    gross_profit: Decimal,
    /// Sum of the losses, without its sign.
    gross_loss: Decimal,
    /// Sum of fees.
    fees: Decimal,
    /// Sum of swaps.
    swap: Decimal,
    /// Sum of taxes.
    taxes: Decimal,
    /// gross_profit / gross_loss; none without losses.
    profit_factor: Option<Decimal>,
    /// The mean net profit.
    expectancy: Option<Decimal>,
    /// ((1 + average_win / average_loss) * win_rate) - 1; none without losses.
    expectancy_ratio: Option<Decimal>,
    /// Mean of the wins.
    average_win: Option<Decimal>,
    /// Mean of the losses, without its sign.
    average_loss: Option<Decimal>,
    /// average_win / average_loss; none without wins or losses.
    payoff_ratio: Option<Decimal>,
    /// The best.
    largest_win: Option<Decimal>,
    /// The worst, without its sign.
    largest_loss: Option<Decimal>,
    /// The largest fall of what was made so far.
    max_drawdown: Decimal,
    /// It as a share of the most before; none if the starting balance is not known.
    max_drawdown_share: Option<Decimal>,
    /// When the most before was reached; none for the start.
    max_drawdown_peak_at: Option<Time>,
    /// When it had fallen so far.
    max_drawdown_trough_at: Option<Time>,
    /// When the most before was reached again.
    max_drawdown_recovered_at: Option<Time>,
    /// The fall with the largest share; none if the starting balance is not known.
    max_relative_drawdown: Option<Decimal>,
    /// That share.
    max_relative_drawdown_share: Option<Decimal>,
    /// When the most before was reached; none for the start.
    max_relative_drawdown_peak_at: Option<Time>,
    /// When it had fallen so far.
    max_relative_drawdown_trough_at: Option<Time>,
    /// When the most before was reached again.
    max_relative_drawdown_recovered_at: Option<Time>,
    /// Mean / sample standard deviation of daily returns, scaled to a year.
    sharpe: Option<Decimal>,
    /// The same by the deviation below zero.
    sortino: Option<Decimal>,
    /// By how many days it is scaled.
    days_per_year: i32,
    /// Mean seconds until the close.
    average_holding_seconds: Option<i64>,
    /// Median seconds until the close.
    median_holding_seconds: Option<i64>,
    /// Most seconds until a close.
    longest_holding_seconds: Option<i64>,
    /// The longest run of wins.
    longest_win_streak: i32,
    /// The longest run of losses.
    longest_loss_streak: i32,
    /// As MetaTrader 4 counts: net profit of zero or more.
    metatrader_profit_trades: i32,
    /// As MetaTrader 4 counts: net profit below zero.
    metatrader_loss_trades: i32,
    /// The first close.
    first_closed_at: Option<Time>,
    /// The last close.
    last_closed_at: Option<Time>,
}

/// What an account had made after a close.
#[derive(ToSchema)]
pub(crate) struct CurvePoint {
    /// The close.
    closed_at: Time,
    /// What was closed.
    symbol: String,
    /// What amounts are in.
    currency: String,
    /// What it made.
    net_pnl: Decimal,
    /// The starting balance, or zero, and all that was made until then.
    equity: Decimal,
    /// How far that is below the most before.
    drawdown: Decimal,
}

/// What an account makes in one hour of the day, or on one day of the week.
#[derive(ToSchema)]
pub(crate) struct RhythmPart {
    /// The hour, UTC, 0 to 23.
    hour: Option<i32>,
    /// The day of the week, UTC, 1 is Monday.
    weekday: Option<i32>,
    /// What amounts are in.
    currency: String,
    /// Closes.
    trades: i64,
    /// Those that made something.
    wins: i64,
    /// Sum of all.
    net_profit: Decimal,
}

/// What became of an account in an import.
#[derive(ToSchema)]
pub(crate) struct AccountResult {
    /// When the import began.
    run_start_time: Time,
    /// Which account.
    account_id: String,
    /// imported, partial, failed, key_revoked, key_not_permitted or skipped.
    status: String,
    /// Fills that were new.
    trades: i32,
    /// Fills that were there already.
    duplicates: i32,
    /// Rows that can't be read.
    rejected: i32,
    /// Rows that are recognised, and no trades.
    skipped: i32,
    /// Why not all is kept.
    error: Option<String>,
    /// How long it took.
    duration_ms: i32,
    /// The import's run.
    batch_id: String,
    /// The raw object of its report.
    raw_id: String,
    /// The line in that.
    raw_pos: i32,
}
