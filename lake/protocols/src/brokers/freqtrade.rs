//! freqtrade: the result of a backtest. Each trade is a purchase and a sale; its fees are rates.

use cauce_model::{AccountTerms, Effect, Fill, MarketKind, PositionSide, Side, SkippedAs};

use super::{
    About, Layout, Row, Said,
    file::File,
    record::{Result, Told, Values, pair},
    table::{Order, in_order, skipped},
    time::Zone,
};

/// The result of a backtest, of one strategy or several.
#[derive(Debug)]
pub(super) struct Backtest;

static ABOUT: About = About {
    name: "freqtrade_backtest",
    broker: "freqtrade",
    title: "freqtrade, result of a backtest",
    header: &["strategy", "strategy_comparison"],
};

const TIMES: &[&str] = &["%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%d %H:%M:%S%.f%:z"];

impl Layout for Backtest {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.json()
            .is_some_and(|json| !json.get("strategy").members().is_empty() && json.has("strategy_comparison"))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let strategies = file.json().map(|json| json.get("strategy").members()).unwrap_or_default();
        let trades = strategies.iter().flat_map(|(strategy, found)| {
            found.get("trades").items().iter().map(move |trade| (strategy.as_str(), trade))
        });
        let rows = trades.zip(1..).map(|((strategy, node), place)| {
            let said = trade(&Values::of_tree(node, terms), strategy).unwrap_or_else(Said::Broken);
            Row { place, text: node.shown(), said }
        });
        in_order(rows.collect(), Order::OldestFirst)
    }
}

/// What opened, and what closed it. A strategy is an account of its own.
fn trade(row: &Values<'_>, strategy: &str) -> Result<Said> {
    if row.text("is_open") == "true" {
        return skipped(SkippedAs::State, "a position that was still open");
    }
    let is_short = row.text("is_short") == "true";
    let (first, second) = if is_short { (Side::Sell, Side::Buy) } else { (Side::Buy, Side::Sell) };
    let symbol = row.need("pair")?;
    let quantity = row.need_number("amount")?;
    let fill = |side: Side, effect: Effect, price: &str, time: &str, fee: &str| -> Result<Fill> {
        let (price_name, price) = (price, row.need_number(price)?);
        let at = row.time(time, TIMES, Zone::Written)?;
        let (base, quote) = pair(symbol.split(':').next().unwrap_or_default(), '/');
        let made = row.fill(symbol.as_str(), side, ("amount", quantity), (price_name, price), at)?;
        // What it settles in stands behind the pair of a contract.
        let market = if symbol.contains(':') { MarketKind::Futures } else { MarketKind::Spot };
        let made = made.of(base, quote).on(market);
        let cost = quantity * price * row.number_or_zero(fee)?;
        let position_side = Some(if is_short { PositionSide::Short } else { PositionSide::Long });
        let broker_account = Some(strategy.to_owned());
        Ok(Fill { effect, position_side, broker_account, ..made.fee(cost, None) })
    };
    let opened = fill(first, Effect::Open, "open_rate", "open_date", "fee_open")?;
    let closed = fill(second, Effect::Close, "close_rate", "close_date", "fee_close")?;
    let (reported_pnl, pnl_currency) = (row.number("profit_abs")?, closed.quote.clone());
    let swap = row.number("funding_fees")?.filter(|fees| !fees.is_zero());
    Ok(Said::Fills(vec![opened, Fill { reported_pnl, pnl_currency, swap, ..closed }]))
}
