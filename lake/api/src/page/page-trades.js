import { ask } from "./api.js";
import { t, locale } from "./text.js";
import { badge, card, choice, clock, decimal, downloads, figure, h, note, percent, rawLink, table } from "./parts.js";
import { equityChart } from "./chart.js";

const METHODS = ["", "fifo", "average", "broker_reported"];
const PERIODS = ["day", "week", "month"];
const MOST = 200;
// Of a colour in a cell, in percent: text on it has to stay readable in both themes.
const STRONGEST = 45;

// Money is shown to the cent where it is large, and to more digits where it is small.
export const amount = (text) => {
  if (text === null || text === undefined) return "–";
  const number = Number(text);
  return decimal(Math.abs(number) >= 1 || number === 0 ? number.toFixed(2) : Number(number.toPrecision(4)).toString());
};
const ratio = (text) => (text === null || text === undefined ? "–" : decimal(Number(text).toFixed(2)));
const signed = (text) => h("span", { class: Number(text) < 0 ? "loss" : undefined }, amount(text));
const held = (seconds) => {
  if (seconds === null || seconds === undefined) return "–";
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  return [days && `${days} d`, hours && `${hours} h`, `${minutes} min`].filter(Boolean).slice(0, 2).join(" ");
};

export default async function trades({ params, again, signal }) {
  const { accounts } = await ask("api/v1/accounts", {}, signal);
  if (!accounts.length) return [card(t("trades"), note(t("no_account"), " ", h("a", { href: "?page=accounts" }, t("accounts"))))];
  const ids = accounts.map((account) => account.id);
  const account = ids.includes(params.get("account")) ? params.get("account") : ids[0];
  const method = METHODS.includes(params.get("method") ?? "") ? params.get("method") ?? "" : "";
  const period = PERIODS.includes(params.get("by")) ? params.get("by") : "month";
  params.set("by", period);
  const asked = { account, method, symbol: params.get("symbol") };
  const together = { ...asked, symbol: asked.symbol || "*", direction: "*" };
  const id = encodeURIComponent(account);
  const [all, periods, days, each, sides, found, fills, curve, hours, weekdays] = await Promise.all([
    ask("api/v1/stats", { ...together, period: "all" }, signal),
    ask("api/v1/stats", { ...together, period, limit: MOST }, signal),
    ask("api/v1/stats", { ...together, period: "day", limit: 400 }, signal),
    ask("api/v1/stats", { account, method, period: "all", direction: "*", limit: MOST }, signal),
    ask("api/v1/stats", { ...together, direction: null, period: "all" }, signal),
    ask("api/v1/positions", { ...asked, limit: MOST }, signal),
    ask("api/v1/trades", { account, symbol: asked.symbol, limit: MOST }, signal),
    ask(`api/v1/accounts/${id}/curve`, { method }, signal),
    ask(`api/v1/accounts/${id}/rhythm`, { method, by: "hour" }, signal),
    ask(`api/v1/accounts/${id}/rhythm`, { method, by: "weekday" }, signal),
  ]);
  const symbols = [...new Set(each.stats.map((row) => row.symbol).filter((symbol) => symbol !== "*"))].sort();
  const form = choice([
    ["account", t("account"), "select", ids.map((one) => [one, one])],
    ["method", t("method"), "select", METHODS.map((one) => [one, one ? t(one) : t("best_method")])],
    ["symbol", t("symbol"), "select", [["", t("any")], ...symbols.map((one) => [one, one])]],
    ["by", t("period"), "select", PERIODS.map((one) => [one, t(one)])],
  ], params, again);
  const head = card(t("trades"), form, note(t("trades_more"), " ", h("a", { href: "api/v1/stats/definitions" }, t("definitions"))));
  if (!fills.trades.length) return [head, card(t("trades"), note(t("no_trade"), " ", h("a", { href: `?page=accounts&account=${id}` }, t("import_file"))))];
  const chart = h("div", { class: "chart", id: "equity", "data-draws": "" });
  chart.draw = () => equityChart(chart, curve.points);
  return [
    head, ...all.stats.map(figures),
    part("curve", t("equity"), chart, note(t("equity_more"))),
    part("calendar", t("calendar"), calendar(days.stats), note(t("calendar_more"))),
    part("by-period", t("by_period"), statsTable(t("by_period"), [t(period), (row) => row.period_start.slice(0, 10)], periods.stats)),
    h("div", { class: "columns" },
      part("by-symbol", t("by_symbol"), statsTable(t("by_symbol"), [t("symbol"), (row) => row.symbol], each.stats.filter((row) => row.symbol !== "*"))),
      part("by-direction", t("by_direction"), statsTable(t("by_direction"), [t("direction"), (row) => t(row.direction)], sides.stats.filter((row) => row.direction !== "*")))),
    h("div", { class: "columns" },
      part("by-hour", t("by_hour_of_day"), rhythm(hours.parts, t("hour"), (row) => `${String(row.hour).padStart(2, "0")}:00`)),
      part("by-weekday", t("by_weekday"), rhythm(weekdays.parts, t("day"), (row) => weekday(row.weekday)))),
    part("positions", t("positions"), positions(found.positions), downloads("api/v1/positions", () => ({ ...asked, limit: 10_000 }))),
    part("fills", t("fills"), fillsTable(fills.trades), downloads("api/v1/trades", () => ({ account, symbol: asked.symbol, limit: 10_000 }))),
  ];
}

function part(id, title, ...children) {
  const section = card(title, ...children);
  section.id = id;
  return section;
}

const weekday = (number) => new Date(Date.UTC(2024, 0, number)).toLocaleDateString(locale(), { weekday: "long", timeZone: "UTC" });

function figures(row) {
  const of = (name) => `${amount(row[name])} ${row.currency}`;
  return h("div", { class: "figures" },
    figure("net-profit", t("net_profit"), of("net_profit"), `${decimal(row.trades)} ${t("closed_trades")}${row.unvalued ? `, ${row.unvalued} ${t("unvalued")}` : ""}`, Number(row.net_profit) < 0 ? "bad" : ""),
    figure("win-rate", t("win_rate"), percent(row.win_rate), `${row.wins} ${t("wins")}, ${row.losses} ${t("losses")}, ${row.breakeven} ${t("breakeven")}`),
    figure("profit-factor", t("profit_factor"), ratio(row.profit_factor), row.profit_factor === null ? t("no_loss") : `${t("expectancy")}: ${of("expectancy")}`),
    figure("drawdown", t("max_drawdown"), of("max_drawdown"), row.max_drawdown_share === null ? t("no_balance") : percent(row.max_drawdown_share)),
    figure("sharpe", t("sharpe"), ratio(row.sharpe), `${t("sortino")}: ${ratio(row.sortino)}; × √${row.days_per_year}`),
    figure("holding", t("holding"), held(row.average_holding_seconds), `${t("streaks")}: ${row.longest_win_streak} / ${row.longest_loss_streak}`));
}

function statsTable(caption, [name, of], rows) {
  return table(caption, [
    [name, "", of], [t("closed_trades"), "number", (row) => decimal(row.trades)], [t("win_rate"), "number", (row) => percent(row.win_rate)],
    [t("net_profit"), "number", (row) => signed(row.net_profit)], [t("currency_of"), "", (row) => row.currency],
    [t("profit_factor"), "number", (row) => ratio(row.profit_factor)], [t("expectancy"), "number", (row) => amount(row.expectancy)],
    [t("max_drawdown"), "number", (row) => amount(row.max_drawdown)],
  ], rows, t("no_position"));
}

function rhythm(rows, name, of) {
  return table(name, [
    [name, "", of], [t("closed_trades"), "number", (row) => decimal(row.trades)], [t("wins"), "number", (row) => decimal(row.wins)],
    [t("net_profit"), "number", (row) => signed(row.net_profit)],
  ], rows, t("no_position"));
}

// The last thirteen months with a close, a row each.
function calendar(rows) {
  const made = new Map();
  for (const row of rows) made.set(row.period_start.slice(0, 10), (made.get(row.period_start.slice(0, 10)) ?? 0) + Number(row.net_profit));
  const months = [...new Set([...made.keys()].map((day) => day.slice(0, 7)))].sort().reverse().slice(0, 13);
  const most = Math.max(...[...made.values()].map(Math.abs), 1e-12);
  const dates = [...Array(31).keys()].map((day) => day + 1);
  const cell = (month, day) => {
    const name = `${month}-${String(day).padStart(2, "0")}`;
    const value = made.get(name);
    if (value === undefined) return h("td", {}, "·");
    const strength = (Math.abs(value) / most * STRONGEST).toFixed(1);
    return h("td", { style: `background: color-mix(in srgb, var(${value < 0 ? "--bad" : "--accent"}) ${strength}%, transparent)`, title: `${name}: ${amount(value)}` }, amount(value));
  };
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("calendar") },
    h("table", { class: "heat" }, h("caption", {}, t("calendar")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("month")), dates.map((day) => h("th", { scope: "col" }, day)))),
      h("tbody", {}, months.map((month) => h("tr", {}, h("th", { scope: "row" }, month), dates.map((day) => cell(month, day)))))));
}

function positions(rows) {
  return table(t("positions"), [
    [t("closed_at"), "", (row) => clock(row.closed_at)], [t("symbol"), "", (row) => row.symbol], [t("direction"), "", (row) => t(row.direction)],
    [t("quantity"), "number", (row) => decimal(row.quantity)], [t("entry"), "number", (row) => amount(row.entry_price)], [t("exit"), "number", (row) => amount(row.exit_price)],
    [t("net_profit"), "number", (row) => (row.net_pnl === null ? badge(t("unvalued"), "warn") : signed(row.net_pnl))], [t("currency_of"), "", (row) => row.pnl_currency ?? "–"],
    [t("fees"), "number", (row) => amount(row.fees)], [t("differs"), "number", (row) => (Math.abs(Number(row.pnl_difference ?? 0)) > 0.01 ? badge(amount(row.pnl_difference), "warn") : "–")],
    [t("held"), "number", (row) => held(row.duration_seconds)],
  ], rows, t("no_position"));
}

function fillsTable(rows) {
  return table(t("fills"), [
    [t("at"), "", (row) => clock(row.executed_at)], [t("symbol"), "", (row) => row.symbol], [t("side"), "", (row) => t(row.side)],
    [t("quantity"), "number", (row) => decimal(row.quantity)], [t("price"), "number", (row) => decimal(row.price)],
    [t("fee"), "number", (row) => (row.fee === null ? "–" : `${decimal(row.fee)} ${row.fee_asset ?? ""}`)], [t("market_of"), "", (row) => row.market],
    [t("raw"), "", rawLink],
  ], rows, t("no_trade"));
}
