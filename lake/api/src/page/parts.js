// What pages are made of. Text goes in as text: nothing from a venue is ever read as HTML.

import { ask, download } from "./api.js";
import { t, locale } from "./text.js";

export function h(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// Decimals arrive as text and are shown as text: grouped, without trailing zeros, never rounded.
export function decimal(text) {
  if (text === null || text === undefined) return "–";
  const [whole, part = ""] = String(text).split(".");
  const rest = part.replace(/0+$/, "");
  const es = locale() === "es";
  return whole.replace(/\B(?=(\d{3})+$)/g, es ? "." : ",") + (rest ? (es ? "," : ".") + rest : "");
}

export const percent = (text) => (text === null || text === undefined ? "–" : `${decimal((Number(text) * 100).toFixed(2))} %`);
export const clock = (text) => (text ? new Date(text).toLocaleString(locale()) : "–");
export const market = (row) => `${row.asset} / ${row.fiat} · ${t(row.trade_type)} · ${row.venue}`;

export function age(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

// Columns are [name, kind, of a row]; the name of a column is its heading, whatever the language.
export function table(caption, columns, rows, empty) {
  const head = h("tr", {}, columns.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)));
  const lines = rows.map((row) => h("tr", {}, columns.map(([, kind, of]) => {
    const content = of(row);
    return h("td", { class: kind }, content instanceof Node ? content : String(content ?? "–"));
  })));
  if (!lines.length) lines.push(h("tr", {}, h("td", { class: "note", colspan: columns.length }, empty)));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, lines)));
}

export const card = (title, ...children) => h("section", {}, h("h2", {}, title), ...children);
export const note = (...text) => h("p", { class: "note" }, ...text);
export const figure = (id, name, value, more, kind) => h("div", { class: `figure ${kind ?? ""}`, id },
  h("span", { class: "name" }, name), h("strong", {}, value), h("span", { class: "note" }, more));
export const badge = (text, kind) => h("span", { class: `tag ${kind}` }, text);

export function downloads(path, params) {
  const button = (format, name) => h("button", { type: "button", on: { click: () => guarded(() => download(path, params(), format)) } }, name);
  return h("p", { class: "downloads" }, t("download"), " ", button("csv", "CSV"), " ", button("parquet", "Parquet"));
}

// What goes wrong in an answer to a click is said where everything is said.
export async function guarded(act) {
  try { return await act(); } catch (error) { say(error); }
}

export function say(error) {
  document.getElementById("state").textContent = error.name === "AbortError" ? "" : `${error.message}${error.action ? ` – ${error.action}` : ""}`;
}

export function dialog(title, ...body) {
  document.getElementById("dialog-title").textContent = title;
  document.getElementById("dialog-close").textContent = t("close");
  document.getElementById("dialog-body").replaceChildren(...body);
  const node = document.getElementById("dialog");
  if (!node.open) node.showModal();
}

// The bytes that a number came from.
export function rawLink(row, offer) {
  if (!row.raw_id) return "–";
  const show = () => guarded(async () => {
    const params = { raw_id: row.raw_id, line: row.raw_pos ?? 0, offer };
    const raw = await ask("api/v1/raw", params);
    const asked = raw.request ? [note(`${raw.request.method} ${raw.request.url}`), raw.request.body ? h("pre", {}, pretty(raw.request.body)) : null] : [];
    dialog(t("raw"), note(`${raw.key} · ${t("line")} ${raw.line} · ${clock(raw.fetched_at)}`), ...asked.filter(Boolean),
      h("pre", { class: "raw", tabindex: "0" }, raw.record));
  });
  return h("button", { type: "button", class: "link", on: { click: show } }, t("raw"));
}

function pretty(body) {
  return typeof body === "string" ? body : JSON.stringify(body);
}

// A form whose fields are in the URL, so that a link shows the same.
export function choice(fields, state, changed) {
  const field = ([name, label, kind, options]) => {
    const value = state.get(name) ?? "";
    let input;
    if (kind === "select") {
      input = h("select", { name }, options.map(([of, text]) => h("option", { value: of, selected: of === value }, text)));
    } else if (kind === "check") {
      return h("label", { class: "check" }, h("input", { type: "checkbox", name, checked: value !== "" }), label);
    } else {
      input = h("input", { name, value, type: kind === "date" ? "date" : undefined, size: options ?? 10, placeholder: t("any"), autocomplete: "off", inputmode: kind === "number" ? "decimal" : undefined });
    }
    return h("label", {}, label, input);
  };
  const form = h("form", { class: "choice", on: { submit: (event) => event.preventDefault() } }, fields.map(field));
  form.addEventListener("change", () => {
    for (const input of form.elements) {
      if (!input.name) continue;
      const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.value.trim();
      if (value) state.set(input.name, value); else state.delete(input.name);
    }
    changed();
  });
  return form;
}

export async function pairs() {
  const { markets } = await ask("api/v1/markets");
  return [...new Set(markets.map((row) => `${row.venue}:${row.asset}:${row.fiat}`))];
}

export const pairName = (pair) => {
  const [venue, asset, fiat] = pair.split(":");
  return `${asset} / ${fiat} · ${venue}`;
};

export const ofPair = (pair) => {
  const [venue, asset, fiat] = pair.split(":");
  return { venue, asset, fiat };
};

export const preferred = (all, wanted) => (all.includes(wanted) ? wanted : all.find((pair) => pair.endsWith(":USDT:VES")) ?? all[0]);
