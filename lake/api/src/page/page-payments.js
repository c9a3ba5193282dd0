import { ask } from "./api.js";
import { t, locale } from "./text.js";
import { badge, card, choice, clock, decimal, figure, h, note, percent, table } from "./parts.js";
import { KINDS, became, bring, dollars, interval, link, millis, money, neither } from "./parts-payment.js";

const PERIODS = ["1", "7", "30", "90"];
const FILTERS = ["country", "payment_method", "currency", "merchant_id"];
const DAY = 86_400_000;
// With fewer than these a rate says little of an hour.
const FEW = 10;
// Of a colour in a cell, in percent: text on it has to stay readable in both themes.
const STRONGEST = 45;

export default async function payments({ params, again, signal }) {
  const days = /^[1-9]\d{0,3}$/.test(params.get("days") ?? "") ? params.get("days") : "30";
  params.set("days", days);
  const provider = params.get("provider");
  const day = (before) => new Date(Date.now() - before * DAY).toISOString().slice(0, 10);
  const period = { start_date: day(days - 1), end_date: day(0) };
  const asked = { ...period, ...Object.fromEntries(FILTERS.map((name) => [name, params.get(name)])) };
  // All providers stay in sight beside the one that is chosen.
  const [all, one, unusual] = await Promise.all([
    ask("api/v1/metrics/summary", asked, signal),
    provider ? ask(`api/v1/metrics/providers/${encodeURIComponent(provider)}`, asked, signal) : null,
    ask("api/v1/metrics/anomalies", {}, signal),
  ]);
  const found = one ?? all;
  const names = new Set([...all.providers.map((row) => row.provider), ...(provider ? [provider] : [])]);
  const form = choice([
    ["days", t("period"), "select", [...new Set([...PERIODS, days])].map((of) => [of, of === "1" ? t("today") : `${of} ${t("days")}`])],
    ["provider", t("provider"), "select", [["", t("any")], ...[...names].sort().map((name) => [name, name])]],
    ["country", t("country"), "text", 8], ["payment_method", t("payment_method"), "text", 10],
    ["currency", t("currency"), "text", 8], ["merchant_id", t("merchant"), "text", 12],
  ], params, again);
  const to = (name, value) => link("payments", { ...Object.fromEntries(params), [name]: value }, value,
    { "aria-current": params.get(name) === value ? "true" : undefined });
  const head = card(t("payments"), form, note(`${period.start_date} – ${period.end_date} UTC. ${t("payments_more")}`));
  const notice = anomalies(unusual, provider);
  if (!all.payments && !all.total_events && !found.payments && !found.total_events) return [head, ...notice, bring()];
  const named = (id, title, name, rows) => part(id, title, table(title, [
    [title, "", (row) => (row.name === null ? t("not_said") : to(name, row.name))], ...counts(), ...rates(),
  ], rows, t("no_payment")));
  return [
    head, ...notice, figures(found, { since: period.start_date, until: period.end_date, provider }),
    part("by-provider", t("by_provider"), byProvider(all.providers, to), note(t("funnel_more"))),
    h("div", { class: "columns" },
      part("by-status", t("what_became"), bars(t("what_became"), found.by_status, [t("state"), (row) => became(row.name)], (row) => KINDS[row.name] ?? "")),
      part("why-failed", t("why_failed"), bars(t("why_failed"), found.top_failure_reasons, [t("reason"), (row) => t(row.name)], () => "bad"))),
    hours(found.hours, params, again),
    h("div", { class: "columns" },
      named("by-country", t("country"), "country", found.countries),
      named("by-method", t("payment_method"), "payment_method", found.payment_methods)),
    part("by-currency", t("currency"), table(t("currency"), [
      [t("currency"), "", (row) => (row.currency === null ? t("not_said") : to("currency", row.currency))], ...counts(), ...rates(),
      [t("captured"), "number", (row) => money(row.captured_minor, row.currency)], [t("refunded"), "number", (row) => money(row.refunded_minor, row.currency)],
      [t("captured_usd"), "number", (row) => dollars(row.captured_usd)],
    ], found.currencies, t("no_payment"))),
    named("by-merchant", t("merchant"), "merchant_id", found.merchants),
  ];
}

function part(id, title, ...children) {
  const section = card(title, ...children);
  section.id = id;
  return section;
}

function anomalies({ judged, until }, provider) {
  const rows = judged.filter((row) => row.is_anomaly && (!provider || row.provider === provider));
  if (!rows.length) return [];
  const shown = (row, value) => (row.measure === "success_rate" ? percent(value) : decimal(value === null ? null : Number(value.toFixed(1))));
  return [part("anomalies", t("unusual"), table(t("unusual"), [
    [t("provider"), "", (row) => row.provider], [t("metric"), "", (row) => badge(t(row.measure), "warn")], [t("hour"), "", (row) => clock(row.hour)],
    [t("value"), "number", (row) => shown(row, row.value)], [t("usual"), "number", (row) => shown(row, row.usual)],
    [t("ordinary"), "number", (row) => `${shown(row, row.low)} – ${shown(row, row.high)}`],
  ], rows, ""), note(`${t("unusual_more")} ${clock(until)}`))];
}

function figures(found, events) {
  const without = found.providers.reduce((sum, row) => sum + row.without_rate, 0);
  const { latency_ms: latency } = found;
  return h("div", { class: "figures" },
    figure("payments-count", t("payments"), decimal(found.payments),
      `${decimal(found.succeeded)} ${t("succeeded")}, ${decimal(found.failed)} ${t("not_succeeded")}, ${decimal(neither(found))} ${t("neither")}`),
    figure("success-rate", t("success_rate"), percent(found.success_rate), found.success_rate === null ? t("none_ended") : `95 %: ${interval(found)}`),
    figure("captured", t("captured_usd"), dollars(...found.providers.map((row) => row.captured_usd)),
      without ? `${decimal(without)} ${t("without_rate")}` : t("at_rates"), without ? "warn" : ""),
    figure("events-count", t("events"), decimal(found.total_events), link("events", events, t("events_list"))),
    figure("latency", t("latency"), millis(latency.p50), latency.events ? `${t("half_of_them")}; 95 %: ${millis(latency.p95)}` : t("no_latency")));
}

// The numbers stand beside their bar: what it is made of is never said by its colour alone.
function bar(parts, all) {
  const segment = ([count, kind]) => h("span", { class: kind, style: `width: ${(all ? count / all : 0) * 100}%` });
  return h("span", { class: "bar", "aria-hidden": "true" }, parts.map(segment));
}

const counts = () => [
  [t("payments_of"), "number", (row) => decimal(row.payments)], [t("succeeded"), "number", (row) => decimal(row.succeeded)],
  [t("not_succeeded"), "number", (row) => decimal(row.failed)],
];
const rates = () => [[t("success_rate"), "number", (row) => percent(row.success_rate)], [t("interval"), "number", interval]];

function byProvider(rows, to) {
  const most = Math.max(0, ...rows.map((row) => row.payments));
  return table(t("by_provider"), [
    [t("provider"), "", (row) => to("provider", row.provider)], ...counts(), [t("neither"), "number", (row) => decimal(neither(row))],
    ["", "", (row) => bar([[row.succeeded, "good"], [row.failed, "bad"], [neither(row), ""]], most)], ...rates(), [t("captured_usd"), "number", (row) => dollars(row.captured_usd)],
    [t("events_of"), "number", (row) => decimal(row.events)], [t("latency_95"), "number", (row) => millis(row.latency_ms.p95)],
  ], rows, t("no_payment"));
}

function bars(caption, rows, [name, of], kind) {
  const all = rows.reduce((sum, row) => sum + row.count, 0);
  const most = Math.max(0, ...rows.map((row) => row.count));
  return table(caption, [
    [name, "", of], [t("payments_of"), "number", (row) => decimal(row.count)],
    [t("share"), "number", (row) => percent(row.count / all)], ["", "", (row) => bar([[row.count, kind(row)]], most)],
  ], rows, t("no_payment"));
}

// A table with coloured cells, so that who does not see the colours reads the same.
function hours(rows, params, again) {
  const isVolume = params.get("heat") === "volume";
  const at = new Map(rows.map((row) => [row.weekday * 24 + row.hour, row]));
  const of = (row) => (isVolume ? row.payments : row.success_rate === null ? 0 : 1 - row.success_rate);
  const isFew = (row) => !isVolume && row.succeeded + row.failed < FEW;
  const most = Math.max(...rows.filter((row) => !isFew(row)).map(of), isVolume ? 1 : 0.05);
  const weekday = (number) => new Date(Date.UTC(2024, 0, number)).toLocaleDateString(locale(), { weekday: "short", timeZone: "UTC" });
  const hour = [...Array(24).keys()];
  const cell = (row) => {
    if (!row || (!isVolume && row.success_rate === null)) return h("td", {}, "·");
    const strength = isFew(row) ? 0 : (of(row) / most * STRONGEST).toFixed(1);
    const text = isVolume ? decimal(row.payments) : (row.success_rate * 100).toFixed(0);
    return h("td", { class: isFew(row) ? "few" : undefined, style: `background: color-mix(in srgb, var(${isVolume ? "--accent" : "--bad"}) ${strength}%, transparent)`,
      title: `${weekday(row.weekday)} ${row.hour}:00 UTC: ${percent(row.success_rate)} (95 %: ${interval(row)}), ${decimal(row.payments)} ${t("payments_of")}` }, text);
  };
  const line = (number) => h("tr", {}, h("th", { scope: "row" }, weekday(number)), hour.map((one) => cell(at.get(number * 24 + one))));
  const title = isVolume ? t("heat_volume") : t("heat_rate");
  const form = choice([["heat", t("measure"), "select", [["", t("success_rate")], ["volume", t("payments")]]]], params, again);
  return part("hours", t("by_hour"), form, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    h("table", { class: "heat" }, h("caption", {}, title),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("day")), hour.map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, [1, 2, 3, 4, 5, 6, 7].map(line)))), note(isVolume ? t("heat_volume_more") : t("heat_rate_more")));
}
