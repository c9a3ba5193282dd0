"""The figures of closed trades by quantstats, empyrical and freqtrade, to compare those of the journal with.

Reads a JSON list of cases from its standard input: {"balance": "1000" or null, "days_per_year": 365 or 252,
"trades": [{"opened_at": ..., "closed_at": ..., "net": "-1.5"}, ...]}, with the trades in closing order.
Prints a JSON list: for each case each library's figures as text, so that NaN and infinity pass, too. What follows a
comma in the name of a figure says of what else the library takes it.
"""

import json
import sys
from typing import Any
from unittest.mock import MagicMock

# What the figures do without: charts, downloads of prices, and the bot.
for unused in (
    "yfinance",
    "quantstats.plots",
    "quantstats.reports",
    "freqtrade.data.converter",
    "freqtrade.ft_types",
    "freqtrade.optimize.optimize_reports.bt_output",
    "freqtrade.optimize.optimize_reports.bt_storage",
    "freqtrade.util",
):
    sys.modules[unused] = MagicMock()

import empyrical  # noqa: E402
import pandas as pd  # noqa: E402
import quantstats.stats as qs  # noqa: E402
from freqtrade.data import metrics  # noqa: E402
from freqtrade.optimize.optimize_reports import optimize_reports as reports  # noqa: E402

Figures = dict[str, Any]


def daily_nets(nets: pd.Series, days_per_year: int) -> pd.Series:
    """What each day made, also without a close; where a year has 252 days, of weekends only those with one."""
    by_day = nets.groupby(nets.index.normalize()).sum()
    days = pd.date_range(by_day.index[0], by_day.index[-1], freq="D")
    if days_per_year == 252:
        days = days[(days.dayofweek < 5) | days.isin(by_day.index)]
    return by_day.reindex(days, fill_value=0.0)


def returns_of(nets: pd.Series, balance: float | None) -> pd.Series:
    """Shares of the balance before each; the amounts themselves where it is not known."""
    return nets if balance is None else nets / (balance + nets.cumsum().shift(fill_value=0.0))


def by_quantstats(nets: pd.Series, daily: pd.Series, balance: float | None, days_per_year: int) -> Figures:
    figures = {
        # These are amounts and no returns, so they must not be prepared as such; the ratios can't be told so.
        "win_rate": qs.win_rate(nets, prepare_returns=False),
        "profit_factor": qs.profit_factor(nets, prepare_returns=False),
        "expectancy": qs.avg_return(nets, prepare_returns=False),
        "average_win": qs.avg_win(nets, prepare_returns=False),
        "average_loss": -qs.avg_loss(nets, prepare_returns=False),
        "win_streak": qs.consecutive_wins(nets, prepare_returns=False),
        "loss_streak": qs.consecutive_losses(nets, prepare_returns=False),
        "payoff_ratio": qs.payoff_ratio(nets),
        "sharpe": qs.sharpe(daily, periods=days_per_year),
        "sortino": qs.sortino(daily, periods=days_per_year),
    }
    if balance is not None:
        figures["relative_drawdown"] = -qs.max_drawdown(returns_of(nets, balance))
        figures["relative_drawdown, of balances"] = -qs.max_drawdown(balance + nets.cumsum())
    return figures


def by_empyrical(nets: pd.Series, daily: pd.Series, balance: float | None, days_per_year: int) -> Figures:
    figures = {
        "sharpe": empyrical.sharpe_ratio(daily, annualization=days_per_year),
        "sortino": empyrical.sortino_ratio(daily, annualization=days_per_year),
    }
    if balance is not None:
        figures["relative_drawdown"] = -empyrical.max_drawdown(returns_of(nets, balance))
        figures["relative_drawdown, of days"] = -empyrical.max_drawdown(daily)
        figures["relative_drawdown, of shares of the start"] = -empyrical.max_drawdown(nets / balance)
    return figures


def by_freqtrade(nets: pd.Series, minutes: pd.Series, balance: float | None, days: pd.Series) -> Figures:
    trades = pd.DataFrame(
        {
            "close_date": nets.index,
            "profit_abs": nets.array,
            "profit_ratio": nets.array,  # Only its sign is asked for.
            "trade_duration": minutes.array,
        }
    )
    first, last = nets.index[0], nets.index[-1]
    line = reports._generate_result_line(trades, first, last, balance or 0.0, "all")
    trading = reports.generate_trading_stats(trades)
    absolute = metrics.calculate_max_drawdown(trades, starting_balance=balance or 0.0)
    relative = metrics.calculate_max_drawdown(trades, starting_balance=balance or 0.0, relative=True)
    figures = {
        "net_profit": line["profit_total_abs"],
        "wins": trading["wins"],
        "losses": trading["losses"],
        "breakeven": trading["draws"],
        "win_rate": trading["winrate"],
        "profit_factor": line["profit_factor"],
        "expectancy": line["expectancy"],
        "expectancy_ratio": line["expectancy_ratio"],
        "win_streak": trading["max_consecutive_wins"],
        "loss_streak": trading["max_consecutive_losses"],
        "average_holding": trading["holding_avg_s"],
        "drawdown": absolute.drawdown_abs,
        "drawdown_share": absolute.relative_account_drawdown,
        "relative_drawdown": relative.relative_account_drawdown,
        "peak_after": (absolute.high_date - first).total_seconds(),
        "trough_after": (absolute.low_date - first).total_seconds(),
        "sharpe": line["sharpe"],
        "sortino": line["sortino"],
        # No figure of it: what its Sharpe ratio of balances differs by has their number.
        "days": len(days),
    }
    if balance is not None:
        # What there was before the first day, and at the end of each.
        before = pd.Series([0.0], index=[days.index[0] - pd.Timedelta(days=1)])
        ends = balance + pd.concat([before, days]).cumsum()
        history = pd.DataFrame({"date": ends.index, "total_quote": ends.array})
        figures["sharpe, of balances"] = metrics.calculate_sharpe_from_balance(history)
        figures["sortino, of balances"] = metrics.calculate_sortino_from_balance(history)
    return figures


def figures_of(case: dict[str, Any]) -> dict[str, dict[str, str]]:
    balance = None if case["balance"] is None else float(case["balance"])
    days_per_year, trades = case["days_per_year"], pd.DataFrame(case["trades"])
    opened = pd.DatetimeIndex(trades["opened_at"]).tz_localize(None)
    closed = pd.DatetimeIndex(trades["closed_at"]).tz_localize(None)
    nets = pd.Series(trades["net"].astype(float).array, index=closed)
    minutes = pd.Series((closed - opened).total_seconds() / 60)
    days = daily_nets(nets, days_per_year)
    daily = returns_of(days, balance)
    by_library = {
        "quantstats": by_quantstats(nets, daily, balance, days_per_year),
        "empyrical": by_empyrical(nets, daily, balance, days_per_year),
        "freqtrade": by_freqtrade(nets, minutes, balance, days),
    }
    return {
        library: {name: repr(float(figure)) for name, figure in figures.items()}
        for library, figures in by_library.items()
    }


if __name__ == "__main__":
    print(json.dumps([figures_of(case) for case in json.load(sys.stdin)]))
