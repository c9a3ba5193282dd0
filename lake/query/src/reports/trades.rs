//! Trades of accounts: lists, and what is drawn of one account.

use arrow::array::RecordBatch;
use cauce_model::AccountId;
use cauce_tables::{Days, Derived, Table};

use super::lists::{KeyOf, List, Period, newest, text};
use crate::{Lake, QueryError, Reads, history::quoted, keyset::Key};

/// A condition that leaves one account; its object is all that is read.
fn of_account(account: &AccountId) -> String {
    format!("account_id = {}", quoted(account.as_str()))
}

/// A condition on the method: the one that is named, else the broker's own where it reports profits, else first in first out.
fn by_method(method: Option<&str>, table: &str, account: &AccountId) -> String {
    match method {
        Some(method) => format!("method = {}", quoted(method)),
        None => format!(
            "method = (SELECT CASE WHEN count(*) > 0 THEN 'broker_reported' ELSE 'fifo' END FROM {table}
                       WHERE {} AND method = 'broker_reported')",
            of_account(account)
        ),
    }
}

fn conditions(wanted: impl IntoIterator<Item = Option<String>>) -> String {
    wanted.into_iter().flatten().collect::<Vec<_>>().join(" AND ")
}

fn equals(column: &str, wanted: Option<&String>) -> Option<String> {
    wanted.map(|value| format!("{column} = {}", quoted(value)))
}

/// Fills, each once, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trades {
    /// Whose.
    pub account: AccountId,
    /// When; none for all.
    pub period: Option<Period>,
    /// Of one symbol, as the broker names it.
    pub symbol: Option<String>,
    /// `buy` or `sell`.
    pub side: Option<String>,
}

impl List for Trades {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Derived(Derived::FactTrades, Days::ALL)]
    }

    fn rows(&self) -> String {
        let conditions = conditions([
            Some(of_account(&self.account)),
            self.period.as_ref().map(|period| period.condition("executed_at")),
            equals("symbol", self.symbol.as_ref()),
            equals("side", self.side.as_ref()),
        ]);
        format!(
            "SELECT executed_at, account_id, broker, layout, symbol, base, quote, side, effect, quantity, price, multiplier, fee,
                    fee_asset, more_fees, swap, taxes, reported_pnl, pnl_currency, market, position_side, position_id, order_id,
                    trade_external_id, occurrence, observations, is_date_only, source_time_zone, broker_account, raw_id, raw_pos,
                    record, part
             FROM fact_trades WHERE {conditions}"
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const {
            &[
                newest("executed_at"),
                text("raw_id"),
                KeyOf(Key::text("raw_pos").number()),
                KeyOf(Key::text("record").number()),
                KeyOf(Key::text("part").number()),
            ]
        }
    }
}

/// What was closed, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Positions {
    /// Whose.
    pub account: AccountId,
    /// When they were closed; none for all.
    pub period: Option<Period>,
    /// `fifo`, `average` or `broker_reported`; none for the broker's own where there is one.
    pub method: Option<String>,
    /// Of one symbol, as the broker names it.
    pub symbol: Option<String>,
    /// `long` or `short`.
    pub direction: Option<String>,
    /// Only those whose profit differs from the broker's by more than a cent.
    pub differing: bool,
}

impl List for Positions {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Derived(Derived::FactPositions, Days::ALL)]
    }

    fn rows(&self) -> String {
        let conditions = conditions([
            Some(of_account(&self.account)),
            Some(by_method(self.method.as_deref(), "fact_positions", &self.account)),
            self.period.as_ref().map(|period| period.condition("closed_at")),
            equals("symbol", self.symbol.as_ref()),
            equals("direction", self.direction.as_ref()),
            self.differing.then(|| "abs(pnl_difference) > 0.01".to_owned()),
        ]);
        format!(
            "SELECT closed_at, opened_at, account_id, symbol, market, direction, quantity, entry_price, exit_price, gross_pnl, fees,
                    swap, taxes, net_pnl, pnl_currency, method, reported_pnl, pnl_difference, duration_seconds, lots, position_id,
                    trade_external_id, broker_account, closing_order
             FROM fact_positions WHERE {conditions}"
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const {
            &[
                newest("closed_at"),
                KeyOf(Key::text("closing_order").number()),
                KeyOf(Key::text("lots").number()),
                text("method"),
            ]
        }
    }
}

/// Figures of an account's positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeFigures {
    /// Whose.
    pub account: AccountId,
    /// `all`, `month`, `week` or `day`.
    pub period: String,
    /// When the periods begin; none for all of them.
    pub starting: Option<Period>,
    /// `fifo`, `average` or `broker_reported`; none for the broker's own where there is one.
    pub method: Option<String>,
    /// Of one symbol, as the broker names it; `*` for all together, none for each and all.
    pub symbol: Option<String>,
    /// `long` or `short`; `*` for both together, none for each and both.
    pub direction: Option<String>,
    /// In one currency.
    pub currency: Option<String>,
}

impl List for TradeFigures {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Derived(Derived::FactTradeStats, Days::ALL)]
    }

    fn rows(&self) -> String {
        let conditions = conditions([
            Some(of_account(&self.account)),
            Some(by_method(self.method.as_deref(), "fact_trade_stats", &self.account)),
            Some(format!("period = {}", quoted(&self.period))),
            self.starting.as_ref().map(|period| period.condition("period_start")),
            equals("symbol", self.symbol.as_ref()),
            equals("direction", self.direction.as_ref()),
            equals("currency", self.currency.as_ref()),
        ]);
        format!("SELECT * FROM fact_trade_stats WHERE {conditions}")
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("period_start"), text("currency"), text("symbol"), text("direction"), text("method")] }
    }
}

/// What became of an account's imports, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountResults {
    /// Whose; none for all.
    pub account: Option<AccountId>,
    /// When the runs began; none for all.
    pub period: Option<Period>,
}

impl List for AccountResults {
    fn reads(&self) -> Vec<Reads> {
        vec![Reads::Observed(Table::OpsAccountResults, self.period.as_ref().map_or(Days::ALL, Period::days))]
    }

    fn rows(&self) -> String {
        let period = self.period.as_ref().map(|period| period.condition("run_start_time"));
        let conditions = conditions([Some("true".to_owned()), self.account.as_ref().map(of_account), period]);
        format!(
            "SELECT run_start_time, account_id, status, trades, duplicates, rejected, skipped, error, duration_ms, batch_id, raw_id,
                    raw_pos
             FROM ops_account_results WHERE {conditions}"
        )
    }

    fn keys(&self) -> &'static [KeyOf] {
        const { &[newest("run_start_time"), text("batch_id"), text("account_id")] }
    }
}

/// What is drawn of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// What it had made after each close, and how far that is below the most before.
    Curve,
    /// What it makes by hour of the day, UTC.
    Hours,
    /// What it makes by day of the week, UTC, 1 is Monday.
    Weekdays,
}

/// A question for what is drawn of an account, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountWindow {
    /// What.
    pub window: Window,
    /// Whose.
    pub account: AccountId,
    /// `fifo`, `average` or `broker_reported`; none for the broker's own where there is one.
    pub method: Option<String>,
    /// In which currency; none for the one with most closes.
    pub currency: Option<String>,
    /// What it had before its first trade.
    pub balance: rust_decimal::Decimal,
}

impl AccountWindow {
    /// What the answer is made from.
    pub fn reads(&self) -> Vec<Reads> {
        vec![Reads::Derived(Derived::FactPositions, Days::ALL)]
    }

    fn sql(&self) -> String {
        let account = of_account(&self.account);
        let method = by_method(self.method.as_deref(), "fact_positions", &self.account);
        let known = format!("{account} AND {method} AND net_pnl IS NOT NULL AND pnl_currency IS NOT NULL");
        let currency = match &self.currency {
            Some(currency) => quoted(currency),
            None => format!(
                "(SELECT pnl_currency FROM fact_positions WHERE {known} GROUP BY pnl_currency ORDER BY count(*) DESC, pnl_currency
                  LIMIT 1)"
            ),
        };
        let rows = format!("FROM fact_positions WHERE {known} AND pnl_currency = {currency}");
        let (none, hour, weekday) = ("CAST(NULL AS INT)", part("hour"), part("isodow"));
        let grouped = |hour: &str, weekday: &str| {
            format!(
                "SELECT {hour} AS hour, {weekday} AS weekday, pnl_currency AS currency, count(*) AS trades,
                        count(*) FILTER (WHERE net_pnl > 0) AS wins, sum(net_pnl) AS net_profit
                 {rows} GROUP BY 1, 2, 3 ORDER BY 1, 2"
            )
        };
        match self.window {
            Window::Hours => grouped(&hour, none),
            Window::Weekdays => grouped(none, &weekday),
            Window::Curve => {
                let balance = self.balance;
                format!(
                    "SELECT closed_at, symbol, pnl_currency AS currency, net_pnl, equity,
                            greatest(highest, {balance}) - equity AS drawdown
                     FROM (SELECT *, max(equity) OVER (ORDER BY closed_at, closing_order, lots ROWS UNBOUNDED PRECEDING) AS highest
                           FROM (SELECT *, {balance} + sum(net_pnl) OVER
                                           (ORDER BY closed_at, closing_order, lots ROWS UNBOUNDED PRECEDING) AS equity {rows}))
                     ORDER BY closed_at, closing_order, lots"
                )
            }
        }
    }
}

/// A part of the time of a close.
fn part(name: &str) -> String {
    format!("CAST(date_part('{name}', closed_at) AS INT)")
}

impl Lake {
    /// What is drawn of an account.
    pub async fn account_window(&self, asked: &AccountWindow) -> Result<Vec<RecordBatch>, QueryError> {
        self.sql(&asked.sql()).await
    }
}
