import { ask, send } from "./api.js";
import { t } from "./text.js";
import { badge, card, clock, guarded, h, note, table } from "./parts.js";

const SCOPES = ["reader", "analyst", "admin", "ingest", "ingest:binance_p2p"];
const ROLES = ["reader", "analyst", "admin"];

export default async function keys({ again, signal }) {
  const [{ keys: all }, { users }] = await Promise.all([ask("admin/api-keys", {}, signal), ask("admin/users", {}, signal)]);
  const made = h("p", { id: "made", role: "status" });
  const post = (path, body) => send(path, { method: "POST", body: JSON.stringify(body) });
  const act = (name, path, method, body) => h("button", { type: "button", on: { click: () => guarded(async () => {
    if (!confirm(`${name}?`)) return;
    await send(path, { method, body: body && JSON.stringify(body) });
    again();
  }) } }, name);
  const state = (key) => {
    if (key.revoked_at) return badge(t("revoked"), "bad");
    return key.expires_at && new Date(key.expires_at) < new Date() ? badge(t("expired"), "warn") : badge(t("good"), "good");
  };
  const newKey = h("form", { class: "choice", on: { submit: (event) => { event.preventDefault(); guarded(async () => {
    const { name, scope, days } = Object.fromEntries(new FormData(newKey));
    const answer = await (await post("admin/api-keys", { name, scopes: [scope], expires_in_days: days ? Number(days) : null })).json();
    made.replaceChildren(t("key_once"), " ", h("code", {}, answer.key));
  }); } } },
    h("label", {}, t("name"), h("input", { name: "name", required: true, maxlength: 100 })),
    h("label", {}, t("scope"), h("select", { name: "scope" }, SCOPES.map((scope) => h("option", {}, scope)))),
    h("label", {}, t("days"), h("input", { name: "days", type: "number", min: 1, max: 3650, step: 1, placeholder: t("for_ever") })),
    h("button", { id: "new-key" }, t("make_key")));
  const newUser = h("form", { class: "choice", on: { submit: (event) => { event.preventDefault(); guarded(async () => {
    await post("admin/users", Object.fromEntries(new FormData(newUser)));
    again();
  }); } } },
    h("label", {}, t("username"), h("input", { name: "username", required: true, maxlength: 64, autocomplete: "off", autocapitalize: "none" })),
    h("label", {}, t("password"), h("input", { name: "password", type: "password", required: true, minlength: 12, autocomplete: "new-password" })),
    h("label", {}, t("role"), h("select", { name: "role" }, ROLES.map((role) => h("option", {}, role)))),
    h("button", { id: "new-user" }, t("make_user")));
  return [
    card(t("api_keys"), newKey, made, table(t("api_keys"), [
      [t("name"), "", (key) => key.name], [t("scope"), "", (key) => key.scopes.join(" ")], [t("made"), "", (key) => clock(key.created_at)],
      [t("last_used"), "", (key) => clock(key.last_used_at)], [t("state"), "", state],
      ["", "", (key) => (key.revoked_at ? "" : act(t("revoke"), `admin/api-keys/${key.id}`, "DELETE"))],
    ], all, t("no_key")), note(t("keys_more"))),
    card(t("users"), newUser, table(t("users"), [
      [t("username"), "", (user) => user.username], [t("role"), "", (user) => user.role], [t("made"), "", (user) => clock(user.created_at)],
      [t("state"), "", (user) => (user.disabled_at ? badge(t("shut_out"), "bad") : badge(t("good"), "good"))],
      ["", "", (user) => (user.disabled_at
        ? act(t("let_in"), `admin/users/${encodeURIComponent(user.username)}`, "PATCH", { disabled: false })
        : act(t("shut_out_do"), `admin/users/${encodeURIComponent(user.username)}`, "PATCH", { disabled: true }))],
    ], users, t("no_user"))),
  ];
}
