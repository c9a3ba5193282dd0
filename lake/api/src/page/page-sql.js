import { address, save, send } from "./api.js";
import { t } from "./text.js";
import { card, decimal, guarded, h, note, table } from "./parts.js";

const EXAMPLE = "SELECT fiat, trade_type, count(*) AS offers, min(price) AS cheapest, max(price) AS dearest\nFROM fact_offers\nGROUP BY 1, 2\nORDER BY 1, 2";
const SHOWN = 1_000;

export default async function sql({ params, keep }) {
  const question = h("textarea", { name: "sql", rows: 8, spellcheck: "false", "aria-label": "SQL", id: "sql" });
  question.value = params.get("sql") ?? EXAMPLE;
  const answer = h("div", { id: "answer", "aria-live": "polite" });
  const tables = h("div");
  const post = (format) => send(address("api/v1/sql", { format }), { method: "POST", body: question.value, type: "text/plain" });
  const run = () => guarded(async () => {
    params.set("sql", question.value);
    keep();
    answer.replaceChildren(note(t("asking")));
    try {
      const begun = performance.now();
      const { columns, rows } = await (await post("json")).json();
      const kind = (type) => (/Int|Float|Decimal|UInt/.test(type) ? "number" : "");
      const show = (type) => (value) => (value === null ? "–" : /Decimal/.test(type) ? decimal(value) : typeof value === "object" ? JSON.stringify(value) : String(value));
      const heads = columns.map(({ name, type }) => [name, kind(type), (row) => show(type)(row[name])]);
      const more = rows.length > SHOWN ? ` (${t("first")} ${SHOWN})` : "";
      answer.replaceChildren(table(t("answer"), heads, rows.slice(0, SHOWN), t("no_row")),
        note(`${rows.length} ${t("rows")}${more} · ${Math.round(performance.now() - begun)} ms`));
    } catch (error) {
      answer.replaceChildren(h("p", { class: "failed", role: "alert" }, error.message), note(error.action ?? ""));
    }
  });
  const file = (format) => h("button", { type: "button", on: { click: () => guarded(async () => save(await (await post(format)).blob(), `answer.${format}`)) } }, format.toUpperCase());
  question.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(); });
  const form = h("form", { on: { submit: (event) => { event.preventDefault(); run(); } } }, question,
    h("p", {}, h("button", { id: "ask" }, t("ask")), " ", t("download"), " ", file("csv"), " ", file("parquet")));
  guarded(async () => {
    const list = "SELECT table_name, string_agg(column_name, ', ') AS columns FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1 ORDER BY 1";
    const { rows } = await (await send("api/v1/sql", { method: "POST", body: list, type: "text/plain" })).json();
    tables.replaceChildren(table(t("tables"), [[t("table"), "", (row) => row.table_name], [t("columns"), "wrap", (row) => row.columns]], rows, ""));
  });
  return [card("SQL", note(t("sql_more")), form, answer), card(t("tables"), tables)];
}
