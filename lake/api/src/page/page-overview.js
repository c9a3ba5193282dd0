import { ask } from "./api.js";
import { t } from "./text.js";
import { age, badge, card, clock, decimal, figure, h, market, note, percent, rawLink, table } from "./parts.js";

export default async function overview({ me, signal }) {
  const [latest, quality, runs] = await Promise.all([
    ask("api/v1/market/latest", {}, signal), ask("api/v1/quality", { limit: 1 }, signal),
    me.role ? ask("api/v1/runs", { since: new Date(Math.floor(Date.now() / 60_000) * 60_000 - 86_400_000).toISOString(), limit: 1_000 }, signal) : { runs: [] },
  ]);
  const { markets } = latest;
  const newest = markets.reduce((least, row) => Math.min(least, row.age_seconds), Infinity);
  const complete = markets.filter((row) => row.is_complete).length;
  const silent = quality.silent_markets;
  // A market that fell silent is not among the newest snapshots for long.
  const known = new Set([...markets, ...silent].map((row) => [row.venue, row.asset, row.fiat, row.trade_type].join())).size;
  const day = runs.runs;
  const failed = day.filter((run) => run.status === "failed" || run.status === "partial").length;
  const errors = day.reduce((sum, run) => sum + (run.total_errors ?? 0), 0);
  const figures = h("div", { class: "figures" },
    figure("freshness", t("freshness"), Number.isFinite(newest) ? age(newest) : "–", t("freshness_more"), newest <= quality.freshness_seconds ? "good" : "bad"),
    figure("markets", t("markets"), `${known - silent.length} / ${known}`, silent.length ? `${silent.length} ${t("silent")}` : t("none_silent"), silent.length ? "warn" : "good"),
    figure("completeness", t("completeness"), markets.length ? percent(complete / markets.length) : "–", t("completeness_more"), complete === markets.length ? "good" : "warn"),
    me.role ? figure("runs-today", t("runs_today"), day.length, `${failed} ${t("not_whole")}, ${errors} ${t("errors")}`, failed ? "warn" : "good") : null);
  const columns = [
    [t("market"), "", (row) => h("a", { href: `?${new URLSearchParams({ page: "market", pair: `${row.venue}:${row.asset}:${row.fiat}` })}` }, market(row))],
    [t("best"), "number", (row) => decimal(row.trade_type === "BUY" ? row.min_price : row.max_price)],
    [t("median"), "number", (row) => decimal(row.median_price)],
    [t("offers"), "number", (row) => `${row.total_offers_count} / ${row.offers_announced ?? "–"}`],
    [t("available"), "number", (row) => decimal(row.total_available_volume)],
    [t("age"), "number", (row) => age(row.age_seconds)],
    [t("state"), "", (row) => badge(row.is_complete ? t("complete") : t("incomplete"), row.is_complete ? "good" : "warn")],
    [t("raw"), "", (row) => (me.role ? rawLink({ raw_id: row.raw_id, raw_pos: row.offers[0]?.raw_pos }) : "–")],
  ];
  return [figures, card(t("latest"), table(t("latest"), columns, markets, t("no_market")), note(`${t("newest")}: ${clock(latest.newest_at)}`))];
}
