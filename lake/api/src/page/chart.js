// Charts. History: a band from lowest to highest, the median, the best price of each side, and the volume below. A bucket
// without a snapshot breaks the line and is shaded; one whose snapshots were incomplete is marked.

import { t } from "./text.js";

const SIDES = { BUY: "--buy", SELL: "--sell" };

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (text) => (text === null || text === undefined ? null : Number(text));
const rgba = (hex, alpha) => {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
};

function layout(more) {
  const ink = color("--ink");
  const axis = { gridcolor: color("--line"), linecolor: color("--line"), zeroline: false };
  return {
    margin: { l: 62, r: 14, t: 8, b: 36 }, hovermode: "x unified", dragmode: "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12, family: "system-ui, sans-serif" },
    legend: { orientation: "h", y: 1.1 }, modebar: { bgcolor: "rgba(0,0,0,0)", color: color("--soft"), activecolor: ink }, hoverlabel: { bgcolor: color("--card"), font: { color: ink } },
    ...more, xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis }, ...(more.yaxis2 ? { yaxis2: { ...axis, ...more.yaxis2 } } : {}),
  };
}

const CONFIG = { responsive: true, displaylogo: false, scrollZoom: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] };

function ofSide(side, rows) {
  const x = rows.map((row) => row.bucket_start);
  const ink = color(SIDES[side]);
  const of = (name) => rows.map((row) => number(row[name]));
  const hover = rows.map((row) => row.gap ? t("gap") :
    `${t(side)}: ${t("median")} ${row.median_price ?? "–"}, ${t("mean")} ${row.avg_price ?? "–"}<br>${row.min_price ?? "–"} … ${row.max_price ?? "–"}, σ ${row.std_dev ?? "–"}` +
    `<br>${row.count} ${t("offers")}, ${row.snapshots} ${t("snapshots_of")}${row.is_complete ? "" : ` (${t("incomplete")})`}`);
  const band = { x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false, connectgaps: false };
  return [
    { ...band, y: of("min_price") },
    { ...band, y: of("max_price"), fill: "tonexty", fillcolor: rgba(ink, 0.13) },
    { x, y: of("median_price"), name: `${t(side)}: ${t("median")}`, mode: "lines", line: { color: ink, width: 2 }, text: hover, hovertemplate: "%{text}<extra></extra>", connectgaps: false },
    { x, y: of(side === "BUY" ? "best_ask" : "best_bid"), name: `${t(side)}: ${t("best")}`, mode: "lines", line: { color: ink, width: 1, dash: "dot" }, hovertemplate: `${t("best")} %{y}<extra></extra>`, connectgaps: false },
    { x, y: of("volume"), name: `${t(side)}: ${t("volume")}`, type: "bar", yaxis: "y2", marker: { color: rgba(ink, 0.45) }, hovertemplate: `${t("volume")} %{y:,.0f}<extra></extra>`, showlegend: false },
  ];
}

/** A history's buckets. `clicked` gets the start of a bucket and its width in ms. */
export async function historyChart(node, buckets, pair, clicked, language) {
  const rows = (side) => buckets.filter((row) => row.trade_type === side);
  const traces = Object.keys(SIDES).flatMap((side) => (rows(side).length ? ofSide(side, rows(side)) : []));
  const incomplete = buckets.filter((row) => !row.gap && row.is_complete === false);
  if (incomplete.length) {
    traces.push({ x: incomplete.map((row) => row.bucket_start), y: incomplete.map((row) => number(row.min_price)), name: t("incomplete"), mode: "markers",
      marker: { symbol: "x-thin", size: 6, line: { width: 1, color: color("--warn") } }, hoverinfo: "skip" });
  }
  const starts = [...new Set(buckets.map((row) => row.bucket_start))].sort();
  const width = starts.length > 1 ? new Date(starts[1]) - new Date(starts[0]) : 3_600_000;
  const has = new Set(buckets.filter((row) => !row.gap).map((row) => row.bucket_start));
  // Neighbouring gaps are one.
  const shapes = [];
  for (const start of starts.filter((one) => !has.has(one))) {
    const end = new Date(new Date(start).getTime() + width).toISOString();
    const last = shapes.at(-1);
    if (last && new Date(last.x1).getTime() === new Date(start).getTime()) last.x1 = end;
    else shapes.push({ type: "rect", xref: "x", yref: "paper", x0: start, x1: end, y0: 0, y1: 1, line: { width: 0 }, fillcolor: rgba(color("--warn"), 0.12), layer: "below" });
  }
  await Plotly.react(node, traces, layout({
    xaxis: { type: "date" }, yaxis: { title: { text: pair }, domain: [0.24, 1], tickformat: ",~g" },
    yaxis2: { domain: [0, 0.18], tickformat: "~s", nticks: 3 }, shapes, barmode: "group",
  }), { ...CONFIG, locale: language === "es" ? "es" : "en" });
  node.on("plotly_click", ({ points }) => clicked(new Date(`${String(points[0].x).replace(" ", "T")}${/[Z+]/.test(String(points[0].x)) ? "" : "Z"}`), width));
}

/** The spread between both sides, in percent: its mean, and from narrowest to widest. */
export function spreadChart(node, buckets) {
  const x = buckets.map((row) => row.bucket_start);
  const ink = color("--accent");
  const of = (name) => buckets.map((row) => number(row[name]));
  const band = { x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
  return Plotly.react(node, [
    { ...band, y: of("narrowest_percentage") }, { ...band, y: of("widest_percentage"), fill: "tonexty", fillcolor: rgba(ink, 0.14) },
    { x, y: of("spread_percentage"), name: t("spread"), mode: "lines", line: { color: ink, width: 2 }, hovertemplate: "%{y:.3f} %<extra></extra>" },
  ], layout({ xaxis: { type: "date" }, yaxis: { ticksuffix: " %" }, showlegend: false }), CONFIG);
}

/** How much stands up to each price. */
export function depthChart(node, buy, sell, { asset, fiat }) {
  const of = (side, levels) => ({
    x: levels.map((row) => number(row.price)), y: levels.map((row) => number(row.cumulative_available)), name: t(side), mode: "lines",
    line: { color: color(SIDES[side]), width: 2, shape: "hv" }, fill: "tozeroy", fillcolor: rgba(color(SIDES[side]), 0.12),
    hovertemplate: `%{y:,.2f} ${asset}<extra>${t(side)} ≤ %{x}</extra>`,
  });
  return Plotly.react(node, [of("BUY", buy), of("SELL", sell)], layout({
    xaxis: { title: { text: fiat }, tickformat: ",~g" }, yaxis: { title: { text: asset }, tickformat: "~s" }, hovermode: "closest",
  }), CONFIG);
}


/** What an account had made after each close, and how far that is below the most before. */
export function equityChart(node, points) {
  const x = points.map((row) => row.closed_at);
  const ink = color("--accent");
  const of = (name) => points.map((row) => number(row[name]));
  return Plotly.react(node, [
    { x, y: of("equity"), name: t("equity"), mode: "lines", line: { color: ink, width: 2, shape: "hv" }, hovertemplate: "%{y:,.2f}<extra></extra>" },
    { x, y: of("drawdown").map((value) => -value), name: t("drawdown"), mode: "lines", yaxis: "y2", line: { color: color("--bad"), width: 1, shape: "hv" }, fill: "tozeroy",
      fillcolor: rgba(color("--bad"), 0.18), hovertemplate: `${t("drawdown")} %{y:,.2f}<extra></extra>` },
  ], layout({ xaxis: { type: "date" }, yaxis: { title: { text: points[0]?.currency ?? "" }, domain: [0.3, 1], tickformat: ",~g" }, yaxis2: { domain: [0, 0.24], tickformat: "~s", nticks: 3 } }), CONFIG);
}
