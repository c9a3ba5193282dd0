import { ask } from "./api.js";
import { t } from "./text.js";
import { badge, card, choice, clock, downloads, h, market, note, rawLink, table } from "./parts.js";

const KIND = { completed: "good", partial: "warn", failed: "bad", running: "" };

export default async function runs({ params, again, signal }) {
  const one = params.get("run");
  if (one) return run(one, signal);
  const form = choice([["status", t("state"), "select", [["", t("any")], ...Object.keys(KIND).map((name) => [name, t(name)])]]], params, again);
  const asked = () => ({ status: params.get("status") });
  const [answer, errors] = await Promise.all([
    ask("api/v1/runs", { ...asked(), limit: 50, cursor: params.get("cursor") }, signal), ask("api/v1/errors", { limit: 50 }, signal),
  ]);
  const columns = [
    [t("started"), "", (row) => h("a", { href: `?${new URLSearchParams({ page: "runs", run: row.batch_id })}` }, clock(row.batch_start_time))],
    [t("state"), "", (row) => badge(t(row.status), KIND[row.status])],
    [t("markets"), "number", (row) => row.total_markets], [t("offers"), "number", (row) => row.total_offers_extracted],
    [t("errors"), "number", (row) => row.total_errors], [t("seconds"), "number", (row) => row.execution_time_seconds?.toFixed(1)],
    [t("raw"), "", (row) => rawLink(row)],
  ];
  const next = answer.next
    ? h("a", { href: `?${new URLSearchParams({ page: "runs", status: params.get("status") ?? "", cursor: answer.next })}` }, t("older"))
    : null;
  return [
    card(t("runs"), form, table(t("runs"), columns, answer.runs, t("no_run")), h("p", {}, next), downloads("api/v1/runs", asked)),
    card(t("errors"), failures(errors.errors)),
  ];
}

function failures(rows) {
  return table(t("errors"), [
    [t("at"), "", (row) => clock(row.error_timestamp)], [t("market"), "", (row) => (row.asset ? market(row) : row.venue)],
    [t("kind"), "", (row) => row.error_type], [t("message"), "wrap", (row) => row.error_message],
    [t("mended"), "", (row) => badge(row.is_resolved ? t("yes") : t("no"), row.is_resolved ? "good" : "bad")], [t("raw"), "", (row) => rawLink(row)],
  ], rows, t("no_error"));
}

async function run(id, signal) {
  const found = await ask(`api/v1/runs/${encodeURIComponent(id)}`, {}, signal);
  const row = found.run ?? found;
  const start = new Date(row.batch_start_time);
  const end = new Date(row.batch_end_time ?? Date.now());
  const period = { since: start.toISOString(), until: new Date(end.getTime() + 1_000).toISOString() };
  const [snapshots, errors] = await Promise.all([
    ask("api/v1/market/snapshots", { ...period, limit: 1_000 }, signal), ask("api/v1/errors", { ...period, limit: 1_000 }, signal),
  ]);
  const own = (list) => list.filter((of) => of.batch_id === row.batch_id);
  const facts = Object.entries(row).filter(([name, value]) => value !== null && typeof value !== "object" && !/^raw_/.test(name));
  return [
    card(`${t("run")} ${clock(row.batch_start_time)}`, h("p", {}, badge(t(row.status), KIND[row.status]), " ", rawLink(row), " ", h("a", { href: "?page=runs" }, t("all_runs"))),
      h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, String(value))]))),
    card(t("snapshots"), table(t("snapshots"), [
      [t("taken"), "", (of) => clock(of.taken_at)], [t("market"), "", market],
      [t("offers"), "number", (of) => `${of.total_offers_count} / ${of.offers_announced ?? "–"}`],
      [t("state"), "", (of) => badge(of.is_complete ? t("complete") : t("incomplete"), of.is_complete ? "good" : "warn")], [t("raw"), "", (of) => rawLink(of)],
    ], own(snapshots.snapshots), t("no_snapshot"))),
    card(t("errors"), failures(own(errors.errors)), note(t("raw_more"))),
  ];
}
