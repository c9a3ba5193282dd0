import { ask } from "./api.js";
import { t, locale } from "./text.js";
import { age, card, choice, clock, decimal, dialog, downloads, guarded, h, note, ofPair, pairName, pairs, percent, preferred, rawLink, table } from "./parts.js";
import { depthChart, historyChart, spreadChart } from "./chart.js";

const PERIODS = ["1", "3", "7", "14", "30", "90"];
const INTERVALS = ["10m", "30m", "1h", "6h", "1d"];
const FITTING = { 1: "10m", 3: "30m", 7: "1h", 14: "1h", 30: "6h", 90: "1d" };

function chart(id, label, draw) {
  const node = h("div", { id, class: "chart", role: "img", "aria-label": label, "data-draws": true });
  node.draw = () => draw(node);
  return node;
}

export default async function market({ params, me, again, signal }) {
  const all = await pairs();
  if (!all.length) return [card(t("market"), note(t("no_market")))];
  const pair = preferred(all, params.get("pair"));
  params.set("pair", pair);
  const of = ofPair(pair);
  const days = params.get("days") ?? "14";
  const interval = params.get("interval") ?? FITTING[days] ?? "1h";
  for (const [name, value] of [["days", days], ["interval", interval]]) params.set(name, value);
  const form = choice([
    ["pair", t("pair"), "select", all.map((one) => [one, pairName(one)])],
    ["days", t("period"), "select", [...new Set([...PERIODS, days])].map((one) => [one, `${one} ${t(one === "1" ? "day" : "days")}`])],
    ["interval", t("bucket"), "select", INTERVALS.map((one) => [one, one])],
    ["payment_method", t("payment_method"), "text", 14], ["amount", t("my_amount"), "number", 9],
    ["merchants_only", t("merchants_only"), "check"], ["min_completion_rate", t("least_done"), "number", 6],
  ], params, again);
  const filters = Object.fromEntries(["payment_method", "amount", "merchants_only", "min_completion_rate"].map((name) => [name, params.get(name)]));
  // To the minute, as the API resolves it: who asks again within it has the answer.
  const until = new Date(Math.ceil(Date.now() / 60_000) * 60_000);
  const since = new Date(until - days * 86_400_000);
  const period = { interval, since: since.toISOString(), until: until.toISOString() };
  const [history, spread, buy, sell, offers, prices] = await Promise.all([
    ask("api/v1/prices/history", { ...of, ...period, ...filters }, signal),
    ask("api/v1/market/spread", { ...of, ...period }, signal),
    ask("api/v1/market/depth", { ...of, trade_type: "BUY" }, signal), ask("api/v1/market/depth", { ...of, trade_type: "SELL" }, signal),
    ask("api/v1/market/offers", { ...of, ...filters }, signal), ask("api/v1/market/price", { ...of, ...filters }, signal),
  ]);
  const snapshots = history.buckets.reduce((sum, row) => sum + row.snapshots, 0);
  // A click on a bucket shows its snapshots, and each of those its bytes.
  const bucket = (start, width) => guarded(async () => {
    const answer = await ask("api/v1/market/snapshots", { ...of, since: start.toISOString(), until: new Date(start.getTime() + width).toISOString(), limit: 200 });
    dialog(`${t("snapshots")} ${clock(start)}`, table(t("snapshots"), [
      [t("taken"), "", (row) => clock(row.taken_at)], [t("side"), "", (row) => t(row.trade_type)], [t("median"), "number", (row) => decimal(row.median_price)],
      [t("lowest"), "number", (row) => decimal(row.min_price)], [t("highest"), "number", (row) => decimal(row.max_price)],
      [t("offers"), "number", (row) => row.total_offers_count], [t("raw"), "", (row) => (me.role ? rawLink(row) : "–")],
    ], answer.snapshots, t("no_snapshot")));
  });
  const side = (trade_type) => {
    const rows = offers.offers.filter((row) => row.trade_type === trade_type);
    const price = prices.prices.find((row) => row.trade_type === trade_type);
    const kind = trade_type.toLowerCase();
    const best = price
      ? h("p", { class: `price ${kind}`, id: `price-${kind}` }, h("strong", {}, decimal(price.price)), ` ${of.fiat} · ${t("mean_of_5")} ${decimal(price.mean_of_best_5)} · ${price.offers} ${t("offers_fit")}`)
      : note(t("nothing_fits"));
    return h("div", {}, h("h3", {}, t(trade_type)), best, table(t(trade_type), [
      [t("price"), `number ${kind}`, (row) => decimal(row.price)], [t("available"), "number", (row) => decimal(row.available_amount)],
      [t("limits"), "number", (row) => `${decimal(row.min_limit)} – ${decimal(row.max_limit)}`],
      [t("methods"), "wrap", (row) => row.payment_methods.join(", ")],
      [t("advertiser"), "", (row) => `${row.nickname ?? row.advertiser_id}${row.is_promoted ? ` (${t("promoted")})` : ""}`],
      [t("done"), "number", (row) => percent(row.completion_rate)], [t("raw"), "", (row) => (me.role ? rawLink(row, row.offer_external_id) : "–")],
    ], rows.slice(0, 20), t("no_offer")));
  };
  const title = `${of.fiat} / ${of.asset}`;
  const state = `${history.buckets.length} ${t("buckets")} ${history.interval}, ${history.gaps ?? 0} ${t("gaps")}; ${snapshots} ${t("snapshots_of")}; ${t("newest")} ${clock(history.newest_at)}`;
  const newest = offers.newest_at ? age((Date.now() - new Date(offers.newest_at)) / 1_000) : "–";
  return [
    card(t("market"), form),
    card(t("price_history"), chart("history", t("price_history"), (node) => historyChart(node, history.buckets, title, bucket, locale())),
      note(state, h("br"), t("chart_more")), downloads("api/v1/prices/history", () => ({ ...of, ...period, ...filters }))),
    h("div", { class: "columns" },
      card(t("spread"), chart("spread", t("spread"), (node) => spreadChart(node, spread.buckets)), downloads("api/v1/market/spread", () => ({ ...of, ...period }))),
      card(t("depth"), chart("depth", t("depth"), (node) => depthChart(node, buy.levels, sell.levels, of)), downloads("api/v1/market/depth", () => ({ ...of, trade_type: "BUY" })))),
    card(`${t("offers_now")} · ${newest}`, h("div", { class: "columns" }, side("BUY"), side("SELL")), downloads("api/v1/market/offers", () => ({ ...of, ...filters }))),
  ];
}
