// One page over the API: a pair's price history, its newest offers, the last runs. What is chosen stands in the URL.

import { draw } from "./chart.js";

const element = (id) => document.getElementById(id);
const REFRESH_SECONDS = 30;

async function ask(path, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== undefined && value !== false);
  const response = await fetch(`${path}?${new URLSearchParams(given)}`);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `status ${response.status}`);
  return body;
}

// Decimals arrive as text and are shown as text: grouped, without trailing zeros, never rounded.
function decimal(text) {
  if (text === null || text === undefined) return "–";
  const [whole, part = ""] = String(text).split(".");
  const rest = part.replace(/0+$/, "");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? `.${rest}` : "");
}

const percent = (text) => (text === null ? "–" : `${(Number(text) * 100).toFixed(1)}%`);
const clock = (text) => (text ? new Date(text).toLocaleString() : "–");

function cell(content, kind = "", tag = "td") {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  node.textContent = content;
  return node;
}

function table(target, heads, rows, empty) {
  const node = element(target);
  const head = document.createElement("tr");
  head.append(...heads.map(([name, kind]) => cell(name, kind, "th")));
  const lines = rows.map((cells) => {
    const line = document.createElement("tr");
    line.append(...cells.map(([content, kind]) => cell(content, kind)));
    return line;
  });
  if (!lines.length) {
    const line = document.createElement("tr");
    const only = cell(empty, "note");
    only.colSpan = heads.length;
    line.append(only);
    lines.push(line);
  }
  node.replaceChildren(head, ...lines);
}

function chosen() {
  const [venue, asset, fiat] = element("pair").value.split(":");
  return { venue, asset, fiat };
}

async function showMarkets() {
  const { markets } = await ask("api/v1/markets");
  const pairs = [...new Set(markets.map((m) => `${m.venue}:${m.asset}:${m.fiat}`))];
  const wanted = new URLSearchParams(location.search).get("pair") ?? element("pair").value;
  element("pair").replaceChildren(...pairs.map((pair) => {
    const [venue, asset, fiat] = pair.split(":");
    return new Option(`${asset} / ${fiat} · ${venue}`, pair);
  }));
  const first = pairs.find((pair) => pair.endsWith(":USDT:VES")) ?? pairs[0];
  element("pair").value = pairs.includes(wanted) ? wanted : first ?? "";
  return pairs.length;
}

async function showHistory() {
  const until = new Date();
  const since = new Date(until - element("days").value * 86_400_000);
  const history = await ask("api/v1/prices/history", {
    ...chosen(), interval: element("interval").value, since: since.toISOString(), until: until.toISOString(),
    payment_method: element("payment_method").value.trim(), amount: element("amount").value.trim(),
    merchants_only: element("merchants_only").checked,
  });
  const { asset, fiat } = chosen();
  await draw(element("chart"), history.buckets, `${fiat} for 1 ${asset}`);
  const snapshots = history.buckets.reduce((sum, row) => sum + row.snapshots, 0);
  element("chart-note").textContent =
    `${history.buckets.length} buckets of ${history.interval}, ${history.gaps} of them gaps; ${snapshots} snapshots; ` +
    `newest ${clock(history.newest_at)}; answered from ${history.answered_from}. Drag to zoom, double-click to reset.`;
}

async function showOffers() {
  const { markets } = await ask("api/v1/market/latest", chosen());
  const heads = [["Price", "number"], ["Available", "number"], ["Limits", "number"], ["Methods", ""], ["Advertiser", ""], ["Done", "number"]];
  for (const [side, target, note] of [["BUY", "offers-buy", "buy-note"], ["SELL", "offers-sell", "sell-note"]]) {
    const snapshot = markets.find((market) => market.trade_type === side);
    const rows = (snapshot?.offers ?? []).slice(0, 15).map((offer) => [
      [decimal(offer.price), `number ${side.toLowerCase()}`],
      [decimal(offer.available_amount), "number"],
      [`${decimal(offer.min_limit)} – ${decimal(offer.max_limit)}`, "number"],
      [offer.payment_methods.join(", "), "wrap"],
      [`${offer.nickname ?? offer.advertiser_id}${offer.is_promoted ? " (promoted)" : ""}`, ""],
      [percent(offer.completion_rate), "number"],
    ]);
    table(target, heads, rows, "no snapshot in the last 15 minutes");
    element(note).textContent = snapshot
      ? `${snapshot.total_offers_count} of ${snapshot.offers_announced} offers, ${Math.max(0, Math.round((Date.now() - new Date(snapshot.taken_at)) / 1_000))} s ago${snapshot.is_complete ? "" : ", incomplete"}`
      : "";
  }
}

async function showQuality() {
  const { checks, silent_markets: silent } = await ask("api/v1/quality", { limit: 12 });
  const heads = [["Taken", ""], ["Market", ""], ["Check", ""], ["Value", "number"], ["Bound", "number"]];
  const market = (row) => `${row.asset} / ${row.fiat} · ${row.trade_type} · ${row.venue}`;
  const short = (number) => Number(number.toPrecision(4)).toString();
  table("quality", heads, checks.map((check) => [
    [clock(check.check_timestamp), ""], [market(check), ""], [check.metric_name.replaceAll("_", " "), "failed"],
    [short(check.metric_value), "number"], [short(check.threshold_value), "number"],
  ]), "every check of the last 24 hours passed");
  element("quality-note").textContent = silent.length
    ? `silent: ${silent.map((row) => `${market(row)} for ${Math.round(row.age_seconds / 60)} min`).join("; ")}`
    : "every market is fresh";
}

async function showRuns() {
  const { runs } = await ask("api/v1/runs", { limit: 12 });
  const heads = [["Started", ""], ["Status", ""], ["Markets", "number"], ["Offers", "number"], ["Errors", "number"], ["Seconds", "number"], ["Run", ""]];
  table("runs", heads, runs.map((run) => [
    [clock(run.batch_start_time), ""], [run.status, run.status], [run.total_markets, "number"],
    [run.total_offers_extracted ?? "–", "number"], [run.total_errors ?? "–", "number"],
    [run.execution_time_seconds?.toFixed(1) ?? "–", "number"], [run.batch_id, "note"],
  ]), "no run yet");
}

async function show(parts) {
  try {
    await Promise.all(parts.map((part) => part()));
    element("state").textContent = `as of ${new Date().toLocaleTimeString()}`;
  } catch (error) {
    element("state").textContent = `could not load: ${error.message}`;
  }
}

function keepInUrl() {
  const form = new FormData(element("choice"));
  const given = [...form].filter(([, value]) => value !== "");
  history.replaceState(null, "", `?${new URLSearchParams(given)}`);
}

function restoreFromUrl() {
  const params = new URLSearchParams(location.search);
  for (const field of element("choice").elements) {
    if (!params.has(field.name) || field.name === "pair") continue;
    if (field.type === "checkbox") field.checked = true; else field.value = params.get(field.name);
  }
}

element("choice").addEventListener("submit", (event) => event.preventDefault());
element("choice").addEventListener("change", () => { keepInUrl(); show([showHistory, showOffers]); });
restoreFromUrl();

async function refresh() {
  let markets = 0;
  await show([async () => { markets = await showMarkets(); }]);
  if (markets) await show([showHistory, showOffers, showQuality, showRuns]);
  else if (!element("state").textContent.startsWith("could not")) element("state").textContent = "no market yet: the first run is under way";
  setTimeout(refresh, (markets ? REFRESH_SECONDS : 2) * 1_000);
}
refresh();
