// The reference page: the OpenAPI document, drawn. Everything is text from this server, set as text.

const element = (id) => document.getElementById(id);

function make(tag, content = "", kind = "") {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (content) node.textContent = content;
  return node;
}

const resolve = (api, schema) =>
  schema?.$ref ? { ...api.components.schemas[schema.$ref.split("/").at(-1)], ...(schema.description ? { description: schema.description } : {}) } : schema ?? {};

function kindOf(api, schema) {
  const found = resolve(api, schema);
  const options = found.oneOf ?? found.anyOf;
  if (options) return options.map((option) => kindOf(api, option)).filter((kind) => kind !== "null").join(" or ") + (options.some((option) => option.type === "null") ? "?" : "");
  if (found.type === "array") return `list of ${kindOf(api, found.items)}`;
  if (Array.isArray(found.type)) return found.type.filter((kind) => kind !== "null").join(" or ") + (found.type.includes("null") ? "?" : "");
  if (found.enum) return found.enum.join(" | ");
  return schema?.$ref ? schema.$ref.split("/").at(-1) : found.type ?? "object";
}

function table(heads, rows) {
  const node = make("table");
  const head = make("tr");
  head.append(...heads.map((name) => make("th", name)));
  node.append(head, ...rows.map((cells) => {
    const line = make("tr");
    line.append(...cells.map((cell) => make("td", cell, "wrap")));
    return line;
  }));
  const around = make("div", "", "scroll");
  around.append(node);
  return around;
}

// What a member is: its own words, or those of what it may be.
function words(api, member) {
  if (member.description) return member.description;
  for (const option of member.oneOf ?? member.anyOf ?? []) if (option.description) return option.description;
  return resolve(api, member).description ?? "";
}

// Members of an object, those of the parts of an allOf included.
function members(api, schema) {
  const found = resolve(api, schema);
  return [...(found.allOf ?? []).flatMap((part) => members(api, part)), ...Object.entries(found.properties ?? {})];
}

function columns(api, schema) {
  const rows = [];
  for (const [name, member] of members(api, schema)) {
    const found = resolve(api, member);
    rows.push([name, kindOf(api, member), words(api, member)]);
    if (found.type === "array" && found.items?.$ref) {
      for (const [inner, column] of members(api, found.items)) rows.push([`${name}[].${inner}`, kindOf(api, column), words(api, column)]);
    }
  }
  return rows;
}

function route(api, method, path, operation) {
  const node = make("article", "", "route");
  const id = operation.operationId + method;
  node.id = id;
  node.append(make("h3", `${method.toUpperCase()} ${path}`), make("p", operation.summary ?? operation.description ?? ""));
  const parameters = operation.parameters ?? [];
  if (parameters.length) {
    node.append(make("h4", "Parameters"), table(["Name", "", "What it is"], parameters.map((parameter) => [
      parameter.name + (parameter.required ? " *" : ""), `${parameter.in}`, parameter.description ?? "",
    ])));
    const given = parameters.filter((parameter) => parameter.in === "query" && parameter.required && parameter.example !== undefined);
    const filled = path.replace(/\{(\w+)\}/g, (whole, name) => parameters.find((parameter) => parameter.name === name)?.example ?? whole);
    if (method === "get" && !filled.includes("{")) {
      const query = new URLSearchParams(given.map((parameter) => [parameter.name, parameter.example]));
      const link = make("a", `${filled}${given.length ? `?${query}` : ""}`);
      link.href = `../..${link.textContent}`;
      const example = make("p", "Example: ");
      example.append(link);
      node.append(example);
    }
  }
  const lines = [];
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    const forms = Object.keys(response.content ?? {});
    lines.push([status, response.description ?? "", forms.join(", ")]);
  }
  node.append(make("h4", "Answers"), table(["Status", "", "As"], lines));
  const schema = operation.responses?.["200"]?.content?.["application/json"]?.schema;
  const described = schema ? columns(api, schema) : [];
  if (described.length) node.append(make("h4", "Members"), table(["Name", "Type", "What it is"], described));
  return { node, id, title: `${method.toUpperCase()} ${path}` };
}

async function draw() {
  const api = await (await fetch("openapi.json")).json();
  element("about").textContent = `${api.info.description} Version ${api.info.version}.`;
  const contents = [];
  for (const tag of api.tags) {
    const drawn = [];
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of ["get", "post", "put", "patch", "delete"]) {
        if (item[method]?.tags?.includes(tag.name)) drawn.push(route(api, method, path, item[method]));
      }
    }
    if (!drawn.length) continue;
    element("routes").append(make("h2", tag.description), ...drawn.map(({ node }) => node));
    const list = make("ul");
    list.append(...drawn.map(({ id, title }) => {
      const line = make("li");
      const link = make("a", title);
      link.href = `#${id}`;
      line.append(link);
      return line;
    }));
    contents.push(make("strong", tag.name), list);
  }
  element("contents").replaceChildren(...contents);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

draw().catch((error) => { element("about").textContent = `could not load: ${error.message}`; });
