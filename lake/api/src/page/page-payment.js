import { ask } from "./api.js";
import { t } from "./text.js";
import { badge, card, choice, clock, h, note, percent, rawLink, table } from "./parts.js";
import { became, dollars, link, millis, money, signature, toEvent, words } from "./parts-payment.js";

const AMOUNTS = ["authorized", "captured", "refunded", "disputed"];
// The API gives no more of one payment.
const MOST = 1_000;

export default async function payment({ params, me, again, signal }) {
  const [provider, id] = [params.get("provider"), params.get("id")];
  const which = (...why) => [card(t("payment"), choice([["provider", t("provider"), "text", 12], ["id", t("payment_id"), "text", 30]], params, again), ...why)];
  if (!provider || !id) return which(note(t("payment_which")));
  try {
    const found = await ask(`api/v1/payments/${encodeURIComponent(provider)}/${encodeURIComponent(id)}`, {}, signal);
    return [state(found.payment, provider, id, found.events), timeline(found.events, me)];
  } catch (error) {
    if (error.status !== 404) throw error;
    return which(h("p", { class: "failed", role: "alert", id: "payment-unknown" }, error.message));
  }
}

function state(row, provider, id, events) {
  const since = events[0].happened_at.slice(0, 10);
  const title = [`${t("payment")} `, h("code", {}, id)];
  const ways = h("p", {}, link("events", { provider, payment: id, since }, t("as_list")), " · ", link("payments", { provider }, `${t("payments")}: ${provider}`));
  const section = row ? card(title, h("p", {}, became(row.status_category), row.failure_reason ? ` ${t(row.failure_reason)}` : null), flags(row),
    amounts(row), facts(row, provider), ways) : card(title, note(t("no_state")), ways);
  section.id = "payment-state";
  return section;
}

function flags(row) {
  if (!row.flags) return null;
  return h("p", { id: "flags" }, `${t("flags")}: `, row.flags.split(",").flatMap((flag) => [badge(t(flag), "warn"), " "]));
}

function amounts(row) {
  return table(t("amounts"), [
    [t("amounts"), "", (name) => t(name)], [row.currency ?? t("amount"), "number", (name) => money(row[`${name}_minor`], row.currency)],
    [t("in_dollars"), "number", (name) => dollars(row[`${name}_usd`])],
  ], AMOUNTS, "");
}

function facts(row, provider) {
  const known = [
    [t("provider"), provider], [t("merchant_reference"), row.provider_reference], [t("merchant"), row.merchant_id], [t("country"), row.country],
    [t("payment_method"), [row.payment_method, row.card_brand].filter(Boolean).join(" · ")], [t("first_event"), clock(row.first_event_at)],
    [t("last_event"), clock(row.last_event_at)], [t("events"), row.events], [t("rate_of"), row.fx_rate_date],
  ].filter(([, value]) => value);
  return h("dl", { class: "facts" }, known.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
}

// In the order in which it happened, as the API has it. An event that came twice is one event, and is said to have come again.
function timeline(events, me) {
  const seen = new Set();
  const item = (event, at) => {
    const isAgain = seen.has(event.identity);
    seen.add(event.identity);
    const after = at ? `+ ${millis(new Date(event.happened_at) - new Date(events[at - 1].happened_at))}` : null;
    const amount = event.amount_minor === null ? null : [" ", h("strong", {}, money(event.amount_minor, event.currency)),
      event.amount_usd === null || event.currency === "USD" ? null : ` (${dollars(event.amount_usd)} USD)`];
    return h("li", { "data-event": event.event_id, "data-status": event.status_category },
      h("p", {}, h("time", { datetime: event.happened_at }, clock(event.happened_at)), h("span", { class: "note" }, after && ` ${after}`)),
      h("p", {}, `${t(`of_${event.event_type}`)} `, became(event.status_category), event.failure_reason ? ` ${t(event.failure_reason)}` : null, amount,
        isAgain ? [" ", badge(t("came_again"), "")] : null),
      h("p", { class: "words" }, `${t("its_words")}: `, h("q", {}, [event.provider_event_type, words(event)].filter(Boolean).join(" · "))),
      h("p", { class: "note" }, `${t("signature")} `, signature(event.signature), ` · ${t("understood")} ${t(event.normalization_method)}, ${percent(event.confidence_score)} · `,
        event.occurred_at === null ? t("no_occurred") : event.latency_ms === null ? t("odd_clock") : `${t("received_after")} ${millis(event.latency_ms)}`, " · ", toEvent(event.event_id, t("event_more")),
        // The bytes of payments are for administrators.
        me.role === "admin" ? [" · ", rawLink(event)] : null));
  };
  const section = card(t("timeline"), h("ol", { class: "timeline" }, events.map(item)), events.length >= MOST ? note(`${t("first")} ${MOST}`) : null);
  section.id = "timeline";
  return section;
}
