import { send, token } from "./api.js";
import { t } from "./text.js";
import { card, h, note } from "./parts.js";

export default async function login({ params, go, know }) {
  const failed = h("p", { class: "failed", role: "alert", id: "login-failed" });
  const form = h("form", { class: "login", on: { submit } },
    h("label", {}, t("username"), h("input", { name: "username", autocomplete: "username", required: true, autocapitalize: "none" })),
    h("label", {}, t("password"), h("input", { name: "password", type: "password", autocomplete: "current-password", required: true })),
    h("button", { id: "login-submit" }, t("login")));

  async function submit(event) {
    event.preventDefault();
    failed.textContent = "";
    const { username, password } = Object.fromEntries(new FormData(form));
    try {
      const response = await send("admin/token", { method: "POST", body: JSON.stringify({ username, password }) });
      token.set((await response.json()).access_token);
      await know();
      const then = new URLSearchParams(params.get("then") ?? "");
      const { page = "overview", ...rest } = Object.fromEntries(then);
      go(page === "login" ? "overview" : page, rest);
    } catch (error) {
      failed.textContent = `${error.message}${error.action ? ` – ${error.action}` : ""}`;
    }
  }
  return [card(t("login"), form, failed, note(t("login_more")))];
}
