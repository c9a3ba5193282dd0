// What the pages of payments share: money, rates, our words for what became of something, and the way to more.

import { ask } from "./api.js";
import { t, locale } from "./text.js";
import { age, badge, card, decimal, dialog, guarded, h, note, percent } from "./parts.js";

// Digits of the minor unit where ISO 4217, by which the lake counts, has not two. Intl does not know them: it says how
// prices are usually written, which for COP is without the two digits that amounts here have.
const DIGITS = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
  BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4,
};

// The point is moved in the text: an amount is never a fraction of the machine's.
function shifted(minor, digits) {
  const [, sign, number] = /^(-?)(\d+)$/.exec(String(minor));
  const text = number.padStart(digits + 1, "0");
  const [whole, part] = [text.slice(0, text.length - digits), text.slice(text.length - digits)];
  return sign + decimal(whole) + (digits ? (locale() === "es" ? "," : ".") + part : "");
}

export const money = (minor, currency) => (minor === null || minor === undefined || !currency ? "–" : `${shifted(minor, DIGITS[currency] ?? 2)} ${currency}`);

// Worths in dollars have eight digits. They are added as whole numbers of those, and shown to the cent.
const UNIT = 8;
const CENT = 10n ** BigInt(UNIT - 2);

export function dollars(...worths) {
  const known = worths.filter((worth) => worth !== null && worth !== undefined);
  if (!known.length) return "–";
  const units = known.map((worth) => {
    const [whole, part = ""] = worth.split(".");
    return BigInt(whole + part.padEnd(UNIT, "0").slice(0, UNIT));
  }).reduce((sum, worth) => sum + worth, 0n);
  return shifted((units + (units < 0n ? -CENT : CENT) / 2n) / CENT, 2);
}

export const interval = (row) => (row.success_rate === null ? "–" : `${percent(row.success_rate_low)} – ${percent(row.success_rate_high)}`);
export const neither = (row) => row.payments - row.succeeded - row.failed;

export function millis(number) {
  if (number === null || number === undefined) return "–";
  if (number < 1_000) return `${Math.round(number)} ms`;
  return number < 10_000 ? `${decimal((number / 1_000).toFixed(1))} s` : age(number / 1_000);
}

export const KINDS = {
  APPROVED: "good", AUTHORIZED: "good", PENDING: "", DECLINED: "bad", FAILED: "bad", CANCELLED: "", EXPIRED: "bad",
  REFUNDED: "warn", PARTIALLY_REFUNDED: "warn", CHARGEBACK: "bad", NOT_A_PAYMENT: "", UNKNOWN: "warn", UNPROCESSED: "warn",
};
const SIGNATURES = { verified: "good", absent: "warn", not_signed: "" };

export const became = (status) => badge(t(status), KINDS[status] ?? "");
export const signature = (name) => badge(t(name), SIGNATURES[name] ?? "");
// As the provider writes it, in whatever language.
export const words = (event) => [event.provider_status, event.provider_code, event.provider_message].filter(Boolean).join(" · ");

export const link = (page, params, text, more = {}) => {
  const given = Object.entries(params).filter(([name, value]) => value && name !== "page");
  return h("a", { href: `?${new URLSearchParams([["page", page], ...given])}`, ...more }, text);
};

export const toPayment = (row) => (row.provider_payment_id
  ? link("payment", { provider: row.provider, id: row.provider_payment_id }, row.provider_payment_id)
  : "–");

// An event in the columns of its table, which have the same names in every language.
export function toEvent(id, text) {
  const show = () => guarded(async () => {
    const event = await ask(`api/v1/events/${encodeURIComponent(id)}`);
    const said = Object.entries(event).filter(([name, value]) => value !== null && name !== "metadata");
    const shown = (name, value) => (name.endsWith("_minor") ? `${value} (${money(value, event.currency)})` : String(value));
    dialog(t("event"), h("dl", { class: "facts" }, said.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, shown(name, value))])),
      h("h3", {}, "metadata"), h("pre", { tabindex: "0" }, JSON.stringify(event.metadata, null, 2)));
  });
  return h("button", { type: "button", class: "link", on: { click: show } }, text);
}

// Where there is nothing to show: how events come.
export function bring() {
  const hook = new URL("api/v1/webhooks/stripe", document.baseURI);
  const section = card(t("no_event"), note(t("bring_hook")),
    h("pre", { tabindex: "0" }, "POST /api/v1/webhooks/PROVIDER\n\n", `curl -X POST ${hook} -H "X-Api-Key: $KEY" --data-binary @event.json`),
    note(t("bring_file"), " ", h("code", {}, "cauce ingest --source stripe FILE…")), note(t("bring_more"), " ", h("code", {}, "docs/payments.md")));
  section.id = "bring";
  return section;
}
