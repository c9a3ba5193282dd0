import { ask } from "./api.js";
import { t } from "./text.js";
import { badge, card, choice, decimal, downloads, h, note, rawLink, table } from "./parts.js";

const FIELDS = ["fiat", "asset", "amount", "payment_method", "merchants_only"];

export default async function arbitrage({ params, me, again, signal }) {
  const form = choice([
    ["fiat", t("fiat"), "text", 6], ["asset", t("asset"), "text", 6], ["amount", t("my_amount"), "number", 10],
    ["payment_method", t("payment_method"), "text", 14], ["merchants_only", t("merchants_only"), "check"],
  ], params, again);
  const asked = () => Object.fromEntries(FIELDS.map((name) => [name, params.get(name)]));
  const answer = await ask("api/v1/market/arbitrage", asked(), signal);
  const leg = (row, side) => h("span", {}, h("strong", { class: side }, decimal(row[`${side}_price`])),
    ` ${row[`${side}_payment_method`]} · ${row[`${side}_nickname`] ?? row[`${side}_offer`]} · ${row[`${side}_venue`]} `,
    me.role ? rawLink({ raw_id: row[`${side}_raw_id`], raw_pos: row[`${side}_raw_pos`] }, row[`${side}_offer`]) : "");
  return [card(t("arbitrage"), note(t("arbitrage_more")), form,
    table(t("arbitrage"), [
      [t("pair"), "", (row) => `${row.asset} / ${row.fiat}`], [t("kind"), "", (row) => badge(t(row.kind), "")],
      [t("profit"), "number", (row) => `${decimal(Number(row.profit_percentage).toFixed(2))} %`], [t("quantity"), "number", (row) => decimal(row.quantity)],
      [t("buy_at"), "wrap", (row) => leg(row, "buy")], [t("after_fees"), "number", (row) => decimal(row.buy_effective_price)],
      [t("sell_at"), "wrap", (row) => leg(row, "sell")], [t("after_fees"), "number", (row) => decimal(row.sell_effective_price)],
    ], answer.opportunities, t("no_opportunity")),
    note(`${answer.opportunities.length} ${t("opportunities")}`), downloads("api/v1/market/arbitrage", asked))];
}
