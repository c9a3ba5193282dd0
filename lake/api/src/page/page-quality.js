import { ask } from "./api.js";
import { t } from "./text.js";
import { age, badge, card, choice, clock, downloads, market, note, rawLink, table } from "./parts.js";

const METRICS = ["completeness", "duplicate_offers", "schema_drift", "hard_rules", "side_consistency", "price_anomaly", "freshness"];

export default async function quality({ params, me, again, signal }) {
  const form = choice([
    ["passed", t("checks"), "select", [["", t("failed_ones")], ["true", t("passed_ones")]]],
    ["metric", t("metric"), "select", [["", t("any")], ...METRICS.map((name) => [name, t(name)])]],
    ["fiat", t("fiat"), "text", 6],
  ], params, again);
  const asked = () => ({ passed: params.get("passed"), metric: params.get("metric"), fiat: params.get("fiat") });
  const answer = await ask("api/v1/quality", { ...asked(), limit: 100 }, signal);
  const short = (number) => (typeof number === "number" ? Number(number.toPrecision(4)).toString() : "–");
  const columns = [
    [t("taken"), "", (row) => clock(row.check_timestamp)], [t("market"), "", market], [t("metric"), "", (row) => t(row.metric_name)],
    [t("value"), "number", (row) => short(row.metric_value)], [t("bound"), "number", (row) => short(row.threshold_value)],
    [t("state"), "", (row) => badge(row.passed ? t("passed") : t("failed"), row.passed ? "good" : "bad")],
    [t("raw"), "", (row) => (me.role ? rawLink(row) : "–")],
  ];
  const silent = [[t("market"), "", market], [t("age"), "number", (row) => age(row.age_seconds)]];
  return [
    card(t("silent_markets"), table(t("silent_markets"), silent, answer.silent_markets, t("none_silent"))),
    card(t("quality"), form, table(t("quality"), columns, answer.checks, params.get("passed") ? t("no_check") : t("all_passed")),
      downloads("api/v1/quality", asked), note(t("quality_more"))),
  ];
}
