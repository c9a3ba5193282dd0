import { address, ask, send } from "./api.js";
import { t } from "./text.js";
import { badge, card, clock, decimal, guarded, h, note, table } from "./parts.js";

const SHOWN = 500;
const KINDS = { new: "good", duplicate: "", skipped: "", error: "bad", imported: "good", partial: "warn", failed: "bad", key_revoked: "bad", key_not_permitted: "bad" };

export default async function accounts({ params, me, again, signal }) {
  const { accounts: all, layouts, connectors } = await ask("api/v1/accounts", {}, signal);
  const ids = all.map((account) => account.id);
  const chosen = ids.includes(params.get("account")) ? params.get("account") : ids[0];
  const results = chosen ? (await ask(`api/v1/accounts/${encodeURIComponent(chosen)}/results`, { limit: 50 }, signal)).results : [];
  const mayChange = me.role === "admin";
  const sections = [card(t("accounts"), list(all, mayChange, again), ...(mayChange ? [newAccount(layouts, connectors, again)] : []), note(t("accounts_more")))];
  if (chosen && mayChange) sections.push(importing(ids, chosen, again));
  if (chosen) {
    sections.push(card(`${t("results")}: ${chosen}`, table(t("results"), [
      [t("started"), "", (row) => clock(row.run_start_time)], [t("state"), "", (row) => badge(t(row.status), KINDS[row.status] ?? "")],
      [t("new_trades"), "number", (row) => decimal(row.trades)], [t("known_already"), "number", (row) => decimal(row.duplicates)],
      [t("no_trades"), "number", (row) => decimal(row.skipped)], [t("not_read"), "number", (row) => decimal(row.rejected)], [t("message"), "", (row) => row.error ?? ""],
    ], results, t("no_import"))));
  }
  return sections;
}

function list(all, mayChange, again) {
  const state = (account) => {
    if (account.paused) return badge(`${t("paused")}: ${account.paused.reason}`, "bad");
    return account.enabled ? badge(t("enabled"), "good") : badge(t("disabled"), "warn");
  };
  const forget = (account) => h("button", { type: "button", on: { click: () => guarded(async () => {
    if (!confirm(`${t("forget")} ${account.id}?`)) return;
    await send(`api/v1/accounts/${encodeURIComponent(account.id)}`, { method: "DELETE" });
    again();
  }) } }, t("forget"));
  const resume = (account) => h("button", { type: "button", on: { click: () => guarded(async () => {
    await send(`api/v1/accounts/${encodeURIComponent(account.id)}/resume`, { method: "POST" });
    again();
  }) } }, t("resume"));
  return table(t("accounts"), [
    [t("account"), "", (account) => h("a", { href: `?page=trades&account=${encodeURIComponent(account.id)}` }, account.id)], [t("owner"), "", (account) => account.owner ?? "–"],
    [t("broker"), "", (account) => account.broker ?? "–"], [t("time_zone"), "", (account) => account.files.time_zone ?? "–"], [t("currency_of"), "", (account) => account.files.currency ?? "–"],
    [t("starting_balance"), "number", (account) => decimal(account.starting_balance ?? null)], [t("fetched_from"), "", (account) => account.fetch?.from.join(", ") ?? "–"], [t("state"), "", state],
    ...(mayChange ? [["", "", (account) => h("span", {}, account.paused ? resume(account) : "", account.is_configured ? note(t("configured")) : forget(account))]] : []),
  ], all, t("no_account"));
}

function newAccount(layouts, connectors, again) {
  const form = h("form", { class: "choice", id: "new-account", on: { submit: (event) => { event.preventDefault(); guarded(async () => {
    const said = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    const { id, time_zone, currency, layout, from, key, secret, ...rest } = said;
    const fetch = from ? { from: new FormData(form).getAll("from"), key, secret } : undefined;
    await send(`api/v1/accounts/${encodeURIComponent(id)}`, { method: "PUT", body: JSON.stringify({ ...rest, fetch, files: { time_zone, currency, layout } }) });
    again();
  }); } } },
    h("label", {}, t("account"), h("input", { name: "id", required: true, pattern: "[a-z0-9][a-z0-9_\\-]{0,63}", autocapitalize: "none", autocomplete: "off" })),
    h("label", {}, t("owner"), h("input", { name: "owner", size: 10 })),
    h("label", {}, t("broker"), h("input", { name: "broker", size: 10 })),
    h("label", {}, t("time_zone"), h("input", { name: "time_zone", size: 18, placeholder: "America/Caracas" })),
    h("label", {}, t("currency"), h("input", { name: "currency", size: 6, placeholder: "USDT" })),
    h("label", {}, t("starting_balance"), h("input", { name: "starting_balance", size: 8, inputmode: "decimal" })),
    h("label", {}, t("layout"), h("select", { name: "layout" }, h("option", { value: "" }, t("by_header")), layouts.map((layout) => h("option", { value: layout.name }, layout.title)))),
    h("label", {}, t("fetched_from"), h("select", { name: "from", multiple: true, size: 3 }, connectors.map((name) => h("option", { value: name }, name)))),
    h("label", {}, t("key_place"), h("input", { name: "key", size: 18, placeholder: "env:BINANCE_KEY", autocapitalize: "none", autocomplete: "off" })),
    h("label", {}, t("secret_place"), h("input", { name: "secret", size: 18, placeholder: "env:BINANCE_SECRET", autocapitalize: "none", autocomplete: "off" })),
    h("button", {}, t("make_account")));
  return form;
}

// A file is tried first, and kept when who brought it has seen what it would do.
function importing(ids, chosen, again) {
  const outcome = h("div", { id: "import-outcome", role: "status" });
  const bring = async (account, file, dry) => (await send(address(`api/v1/accounts/${encodeURIComponent(account)}/import`, { dry_run: dry }), {
    method: "POST", body: file, type: "application/octet-stream", headers: { "cauce-file": file.name.replace(/[^\x20-\x7e]/g, "_") },
  })).json();
  const form = h("form", { class: "choice", id: "import", on: { submit: (event) => { event.preventDefault(); guarded(async () => {
    const { account, file } = Object.fromEntries(new FormData(form));
    const tried = await bring(account, file, true);
    const confirmed = h("button", { type: "button", id: "confirm-import", disabled: !tried.new && !tried.errors, on: { click: () => guarded(async () => {
      const done = await bring(account, file, false);
      outcome.replaceChildren(summary(done), note(t("imported_more")));
      setTimeout(again, 5_000);
    }) } }, t("confirm_import"));
    outcome.replaceChildren(summary(tried), confirmed, rows(tried));
  }); } } },
    h("label", {}, t("account"), h("select", { name: "account" }, ids.map((id) => h("option", { value: id, selected: id === chosen }, id)))),
    h("label", {}, t("file"), h("input", { name: "file", type: "file", required: true })),
    h("button", { id: "try-import" }, t("try_import")));
  return card(t("import_file"), form, outcome, note(t("import_more")));
}

function summary(tried) {
  return h("p", { class: "summary" }, `${tried.title}: ${decimal(tried.new)} ${t("new_trades")}, ${decimal(tried.duplicates)} ${t("known_already")}, ${decimal(tried.skipped)} ${t("no_trades")}, ${decimal(tried.errors)} ${t("not_read")}`);
}

function rows(tried) {
  // What can't be read first: it is what somebody has to do something about.
  const order = { error: 0, new: 1, duplicate: 2, skipped: 3 };
  const sorted = [...tried.rows].sort((left, right) => order[left.status] - order[right.status] || left.row - right.row);
  return table(t("rows"), [
    [t("row"), "number", (row) => decimal(row.row)], [t("state"), "", (row) => badge(t(`row_${row.status}`), KINDS[row.status] ?? "")], [t("at"), "", (row) => clock(row.executed_at)],
    [t("symbol"), "", (row) => row.symbol ?? "–"], [t("side"), "", (row) => (row.side ? t(row.side) : "–")], [t("quantity"), "number", (row) => decimal(row.quantity ?? null)],
    [t("price"), "number", (row) => decimal(row.price ?? null)], [t("message"), "", (row) => row.reason ?? ""],
  ], sorted.slice(0, SHOWN), t("no_row"));
}
