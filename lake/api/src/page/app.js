// The shell: which page, in which language and theme, for whom. What is chosen stands in the URL.

import { ask, send, token } from "./api.js";
import { t, locale, setLocale } from "./text.js";
import { h, say, guarded } from "./parts.js";

const PAGES = {
  overview: () => import("./page-overview.js"),
  market: () => import("./page-market.js"),
  arbitrage: () => import("./page-arbitrage.js"),
  quality: () => import("./page-quality.js"),
  payments: () => import("./page-payments.js"),
  events: () => import("./page-events.js"),
  payment: () => import("./page-payment.js"),
  trades: () => import("./page-trades.js"),
  accounts: () => import("./page-accounts.js"),
  runs: () => import("./page-runs.js"),
  sql: () => import("./page-sql.js"),
  keys: () => import("./page-keys.js"),
  login: () => import("./page-login.js"),
};
// Who may see which: the API decides, and the page does not offer what it would refuse.
const NEEDS = { sql: ["analyst", "admin"], keys: ["admin"] };
// Those that others lead to: they are not offered, and where they belong is marked.
const WITHIN = { login: null, payment: "events" };
const POLL_SECONDS = 30;
const THEMES = ["auto", "light", "dark"];

const element = (id) => document.getElementById(id);
let shown = 0;
let me = { kind: "nobody" };
let current = null;
let stop = new AbortController();

const state = () => new URLSearchParams(location.search);

function link(page, params = {}) {
  return `?${new URLSearchParams({ page, ...params })}`;
}

export function go(page, params = {}) {
  history.pushState(null, "", link(page, params));
  render();
}

function keep(params) {
  history.replaceState(null, "", `?${params}`);
}

function name() {
  const page = state().get("page") ?? "overview";
  return page in PAGES ? page : "overview";
}

function renderShell() {
  document.documentElement.lang = locale();
  element("language").value = locale();
  element("skip").textContent = t("skip");
  element("foot").replaceChildren(t("foot"), " ", h("a", { href: "api/v1/docs" }, t("reference")));
  const may = (page) => !(page in NEEDS) || NEEDS[page].includes(me.role);
  element("nav").replaceChildren(...Object.keys(PAGES).filter((page) => !(page in WITHIN) && may(page)).map((page) =>
    h("a", { href: link(page), "aria-current": page === name() ? "page" : page === WITHIN[name()] ? "true" : undefined }, t(page))));
  const theme = document.documentElement.dataset.theme;
  element("theme").textContent = t(`theme_${theme}`);
  element("theme").setAttribute("aria-label", t("theme"));
  if (token.get() && me.kind === "user") {
    element("who").replaceChildren(`${me.name} · ${me.role} `, h("button", { type: "button", id: "logout", on: { click: logOut } }, t("logout")));
  } else if (me.is_open) {
    element("who").replaceChildren(h("span", { class: "tag warn", title: t("open_more") }, t("open")));
  } else {
    element("who").replaceChildren(h("a", { href: link("login"), id: "login" }, t("login")));
  }
  document.title = `${t(name())} · Cauce`;
}

async function logOut() {
  await guarded(() => send("admin/token", { method: "DELETE" }));
  token.drop();
  await know();
  go("login");
}

export async function know() {
  try {
    me = await ask("api/v1/me");
  } catch (error) {
    // A token that has ended is as good as none.
    if (error.status !== 401) throw error;
    token.drop();
    me = await ask("api/v1/me");
  }
  return me;
}

export async function render({ quietly = false } = {}) {
  const turn = ++shown;
  stop.abort();
  stop = new AbortController();
  renderShell();
  // What asks only when somebody clicks is refused only then: so who is nobody logs in first.
  if (name() in NEEDS && me.kind === "nobody") return go("login", { then: state().toString() });
  try {
    const page = (await PAGES[name()]()).default;
    const params = state();
    const context = {
      params, me, go, know, signal: stop.signal,
      keep: () => { params.set("page", name()); keep(params); },
      again: () => { params.set("page", name()); keep(params); render({ quietly: true }); },
    };
    const made = await page(context);
    if (turn !== shown) return;
    const isNew = current !== name();
    element("page").replaceChildren(...made);
    element("page").dataset.page = name();
    const charts = made.flatMap((node) => [...node.querySelectorAll("[data-draws]"), node]).filter((node) => node.draw);
    await Promise.all(charts.map((chart) => chart.draw()));
    if (turn !== shown) return;
    current = name();
    if (isNew && !quietly) element("page").focus({ preventScroll: true });
    element("state").textContent = `${t("as_of")} ${new Date().toLocaleTimeString(locale())}`;
    element("page").dataset.ready = String(turn);
  } catch (error) {
    if (turn !== shown || error.name === "AbortError") return;
    if (error.status === 401 && name() !== "login") return go("login", { then: state().toString() });
    element("page").replaceChildren(h("section", { class: "bad" }, h("h2", {}, t("failed_to_load")), h("p", {}, error.message), h("p", { class: "note" }, error.action ?? "")));
    say(error);
  }
}

// Links stay within the page.
document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a[href^='?']");
  if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", anchor.getAttribute("href"));
  render();
});
addEventListener("popstate", () => render());
element("language").addEventListener("change", () => { setLocale(element("language").value); render(); });
element("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  localStorage.setItem("theme", root.dataset.theme);
  render({ quietly: true });
});

// Pages of the moment follow the lake; where somebody types or reads closely nothing moves.
const LIVE = ["overview", "market", "arbitrage", "runs"];
// What the server says is of markets; for payments the page asks now and then.
const ASKED = ["payments", "events", "payment"];
const isBusy = () => element("dialog").open || document.activeElement?.closest?.("form, table") || document.hidden;

function refresh() {
  if (LIVE.includes(name()) && !isBusy()) render({ quietly: true });
}

setInterval(() => {
  if (ASKED.includes(name()) && !isBusy()) render({ quietly: true });
}, POLL_SECONDS * 1_000);

// The server says when something is new, where it can; else the page asks now and then.
async function follow() {
  try {
    const response = await send("api/v1/live");
    const lines = response.body.pipeThrough(new TextDecoderStream()).getReader();
    document.documentElement.dataset.live = "stream";
    for (let part = await lines.read(); !part.done; part = await lines.read()) {
      if (part.value.includes("event: changed")) refresh();
    }
  } catch { /* on AWS, or logged out */ }
  document.documentElement.dataset.live = "poll";
  setTimeout(() => { refresh(); follow(); }, POLL_SECONDS * 1_000);
}

await guarded(know);
await render();
follow();
