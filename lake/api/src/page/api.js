// Asking the API: with the token of who has logged in, and its errors as errors.

const TOKEN = "token";

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (text) => sessionStorage.setItem(TOKEN, text),
  drop: () => sessionStorage.removeItem(TOKEN),
};

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `status ${status}`);
    this.status = status;
    this.action = problem.action;
  }
}

function given(params) {
  const kept = Object.entries(params).filter(([, value]) => value !== "" && value !== undefined && value !== null && value !== false);
  return new URLSearchParams(kept).toString();
}

export const address = (path, params = {}) => {
  const query = given(params);
  return query ? `${path}?${query}` : path;
};

export async function send(path, { method = "GET", body, type = "application/json", signal, headers: more = {} } = {}) {
  const headers = { ...more };
  if (token.get()) headers.authorization = `Bearer ${token.get()}`;
  if (body !== undefined) headers["content-type"] = type;
  const response = await fetch(path, { method, headers, body, signal });
  if (response.ok) return response;
  let problem = {};
  try { problem = await response.json(); } catch { /* a gateway's answer */ }
  throw new Refused(response.status, problem);
}

export async function ask(path, params = {}, signal) {
  return (await send(address(path, params), { signal })).json();
}

// A file of what is shown: fetched with the token, which no link could carry.
export async function download(path, params, format) {
  const response = await send(address(path, { ...params, format }));
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? `answer.${format}`;
  save(await response.blob(), name);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
