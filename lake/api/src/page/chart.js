// The price chart: a band from lowest to highest, the median, and the best price of each side. A bucket without a
// snapshot breaks the line; one whose snapshots were incomplete is marked below.

const SIDES = { BUY: { name: "You buy", color: "--buy" }, SELL: { name: "You sell", color: "--sell" } };

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (text) => (text === null ? null : Number(text));

function traces(side, rows) {
  const x = rows.map((row) => row.bucket_start);
  const median = rows.map((row) => number(row.median_price));
  const best = rows.map((row) => number(side === "BUY" ? row.best_ask : row.best_bid));
  const ink = color(SIDES[side].color);
  const hover = rows.map((row) => row.gap ? "" :
    `${SIDES[side].name}<br>median ${row.median_price ?? "–"} · mean ${row.avg_price ?? "–"}` +
    `<br>${row.min_price ?? "–"} … ${row.max_price ?? "–"} · σ ${row.std_dev ?? "–"}` +
    `<br>${row.count} offers in ${row.snapshots} snapshots${row.is_complete ? "" : " (incomplete)"}`);
  return [
    { x, y: median, name: `${SIDES[side].name}: median`, mode: "lines", line: { color: ink, width: 2 },
      text: hover, hovertemplate: "%{text}<extra></extra>", connectgaps: false },
    { x, y: best, name: `${SIDES[side].name}: best`, mode: "lines", line: { color: ink, width: 1, dash: "dot" },
      hovertemplate: "best %{y}<extra></extra>", connectgaps: false },
  ];
}

/** Draws the buckets of a history into an element. */
export function draw(element, buckets, pair) {
  const bySide = Object.keys(SIDES).flatMap((side) => {
    const rows = buckets.filter((row) => row.trade_type === side);
    return rows.length ? traces(side, rows) : [];
  });
  const incomplete = buckets.filter((row) => !row.gap && !row.is_complete);
  if (incomplete.length) {
    bySide.push({ x: incomplete.map((row) => row.bucket_start), y: incomplete.map((row) => number(row.min_price)),
      name: "incomplete", mode: "markers", marker: { symbol: "x-thin", size: 6, line: { width: 1, color: color("--warn") } },
      hoverinfo: "skip" });
  }
  const ink = color("--ink");
  const axis = { gridcolor: color("--line"), linecolor: color("--line"), zeroline: false };
  const layout = {
    margin: { l: 64, r: 12, t: 8, b: 36 }, hovermode: "x unified", dragmode: "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12 },
    legend: { orientation: "h", y: 1.08 }, hoverlabel: { bgcolor: color("--card"), font: { color: ink } },
    xaxis: { ...axis, type: "date" }, yaxis: { ...axis, title: { text: pair }, tickformat: ",~g" },
  };
  return Plotly.react(element, bySide, layout, { responsive: true, displaylogo: false, scrollZoom: true });
}
