import { ask } from "./api.js";
import { t } from "./text.js";
import { card, choice, clock, downloads, h, note, table } from "./parts.js";
import { KINDS, became, bring, dollars, link, money, signature, toEvent, toPayment, words } from "./parts-payment.js";

const DAY = 86_400_000;
const DAYS = 30;
const AT_ONCE = 50;
const IN_A_FILE = 10_000;

const dayOf = (time) => new Date(time).toISOString().slice(0, 10);

export default async function events({ params, again, signal }) {
  for (const name of ["since", "until"]) if (Number.isNaN(Date.parse(params.get(name) ?? ""))) params.delete(name);
  if (!params.get("since")) params.set("since", dayOf((params.get("until") ? Date.parse(params.get("until")) : Date.now()) - (DAYS - 1) * DAY));
  // Whichever way round somebody says it, it is a period.
  if (params.get("until") && params.get("since") > params.get("until")) {
    const [since, until] = [params.get("until"), params.get("since")];
    params.set("since", since);
    params.set("until", until);
  }
  // A cursor belongs to what was asked before.
  const changed = () => { params.delete("cursor"); again(); };
  const form = choice([
    ["provider", t("provider"), "text", 12],
    ["status", t("state"), "select", [["", t("any")], ...Object.keys(KINDS).map((name) => [name, t(name)])]],
    ["payment", t("payment"), "text", 20], ["reference", t("merchant_reference"), "text", 16],
    ["since", t("from_day"), "date"], ["until", t("to_day"), "date"],
  ], params, changed);
  const asked = () => ({
    provider: params.get("provider")?.toLowerCase(), status: params.get("status"), payment: params.get("payment"), reference: params.get("reference"),
    // Both days count here; the API wants the moment before which.
    since: params.get("since"), until: params.get("until") ? dayOf(Date.parse(params.get("until")) + DAY) : null,
  });
  const cursor = params.get("cursor");
  const answer = await ask("api/v1/events", { ...asked(), limit: AT_ONCE, cursor }, signal);
  const columns = [
    [t("happened"), "", (row) => toEvent(row.event_id, clock(row.happened_at))], [t("provider"), "", (row) => row.provider],
    [t("payment"), "", toPayment], [t("merchant_reference"), "", (row) => row.provider_reference], [t("about"), "", (row) => t(`of_${row.event_type}`)],
    [t("state"), "", (row) => became(row.status_category)], [t("reason"), "", (row) => (row.failure_reason ? t(row.failure_reason) : "–")],
    [t("its_words"), "wrap", words], [t("amount"), "number", (row) => money(row.amount_minor, row.currency)],
    [t("in_dollars"), "number", (row) => dollars(row.amount_usd)], [t("signature"), "", (row) => signature(row.signature)],
  ];
  const here = Object.fromEntries(params);
  const list = card(t("events"), form, table(t("events"), columns, answer.events, t("no_event")),
    h("p", {}, cursor ? link("events", { ...here, cursor: "" }, t("to_newest"), { id: "newest" }) : null, cursor && answer.next ? " · " : null,
      answer.next ? link("events", { ...here, cursor: answer.next }, t("older_events"), { id: "older" }) : null),
    note(t("events_more")), downloads("api/v1/events", () => ({ ...asked(), limit: IN_A_FILE })));
  list.id = "events";
  return answer.events.length || cursor ? [list] : [list, bring()];
}
