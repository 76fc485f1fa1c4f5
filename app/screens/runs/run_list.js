// Draws the list of runs as one table, and changes only the cells whose values have changed.
// What the handlers need lies on the root element, because they outlive a single call.

const make = (tag, className = "", text = "") => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
};

function icon(name, label = "") {
  const element = make("span", "icon", name);
  if (!label) element.ariaHidden = "true";
  else Object.assign(element, { role: "img", ariaLabel: label, title: label });
  return element;
}

function badge({ text, color, icon: name }) {
  const element = make("span", `badge ${color}`);
  if (name) element.append(icon(name));
  element.append(text);
  return element;
}

function faint(text) {
  const element = make("span", "faint", text);
  element.title = text; // it may be cut off
  return element;
}

// Opens an address of the dashboard as the browser's Back does: Streamlit draws the page that the
// address names, without loading the dashboard again, and Back returns to the list as it was.
function follow(href) {
  history.pushState(null, "", href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function isConnected() {
  const app = document.querySelector("[data-testid=stApp]");
  return app?.dataset.testConnectionState === "CONNECTED";
}

function anchor({ text, run }) {
  const link = make("a", "", text);
  link.href = `run?id=${run}`;
  link.title = text;
  link.onclick = (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (elsewhere || !isConnected()) return; // the browser itself knows what to do
    event.preventDefault();
    follow(link.href);
  };
  return link;
}

function around(...parts) {
  const element = make("div");
  element.append(...parts);
  return element;
}

const SVG = "http://www.w3.org/2000/svg", WIDTH = 96, HEIGHT = 24;

function curve({ points, pen, label }) {
  const picture = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "polyline");
  const step = (WIDTH - 4) / Math.max(1, points.length - 1);
  const at = points.map((value, i) => [2 + i * step, HEIGHT - 2 - value * (HEIGHT - 4)]);
  if (at.length === 1) at.push([6, at[0][1]]); // so that a single epoch is visible
  line.setAttribute("points", at.map((xy) => xy.map((z) => z.toFixed(1))).join(" "));
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  picture.setAttribute("class", `spark pen-${pen}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", label);
  picture.append(line);
  return picture;
}

// What a cell holds, by the kind of its column.
const FILL = {
  text: (text) => [text],
  number: (text) => [text],
  share: (text) => [text],
  name: ({ text, run, pen, marks, badges }) => [around(
    ...(pen === undefined ? [] : [make("span", `dot pen-${pen}`)]),
    run === undefined ? make("span", "plain", text) : anchor({ text, run }),
    ...marks.map(([name, label]) => icon(name, label)),
    ...badges.map(badge),
  )],
  state: ({ badges, note }) => [...badges.map(badge), ...(note ? [faint(note)] : [])],
  tags: (tags) => tags.map((text) => badge({ text, color: "gray" })),
  curve: (value) => (value ? [curve(value)] : []),
  links: (links) => links.flatMap((link, i) => (i ? [", ", anchor(link)] : [anchor(link)])),
};
const RIGHT = ["number", "share"];
const kinds = ({ kind, key }) => `${kind} key-${key}${RIGHT.includes(kind) ? " right" : ""}`;

function box(label, onclick) {
  const target = make("label"), input = make("input");
  input.type = "checkbox";
  input.ariaLabel = label;
  input.onclick = onclick;
  target.append(input);
  return target;
}

function drawHead(root) {
  const { heads, sort } = root.data;
  const key = JSON.stringify([heads, sort]);
  const row = root.table.tHead.rows[0];
  if (row.shown === key) return;
  row.shown = key;
  const focused = row.getRootNode().activeElement?.dataset.sort;
  const all = make("th", "tick");
  all.append(box("Select every run in view", (event) => tickAll(root, event.target.checked)));
  const others = heads.map((head) => {
    const cell = make("th", kinds(head));
    const title = head.kind === "share" ? `${head.title} %` : head.title;
    const by = sort.replace("-", "") === head.key;
    cell.title = head.about;
    if (by) cell.ariaSort = sort.startsWith("-") ? "descending" : "ascending";
    if (!head.sortable) { cell.textContent = title; return cell; }
    const button = make("button", "", title);
    button.dataset.sort = head.key;
    if (by) button.append(icon(sort.startsWith("-") ? "arrow_downward" : "arrow_upward"));
    button.onclick = () => root.send("sort", head.key);
    cell.append(button);
    return cell;
  });
  row.replaceChildren(all, ...others);
  for (const cell of row.cells) Object.assign(cell, { role: "columnheader", scope: "col" });
  if (focused) row.querySelector(`[data-sort="${focused}"]`)?.focus({ preventScroll: true });
}

function newRow(root, line) {
  const row = make("tr");
  row.role = "row";
  row.dataset.id = line.id;
  const tick = make("td", "tick");
  tick.append(box("", (event) => tickOne(root, line.id, event)));
  row.append(tick, ...root.data.heads.map((head) => {
    const cell = make("td", kinds(head));
    cell.dataset.title = head.title;
    return cell;
  }), make("td", "when"));
  for (const cell of row.cells) cell.role = "cell";
  return row;
}

function fillRow(root, row, line) {
  const input = row.querySelector("input"), on = root.ticks.has(line.id);
  input.checked = on;
  row.classList.toggle("on", on);
  const shown = JSON.stringify(line);
  if (row.shown === shown) return;
  row.shown = shown;
  input.ariaLabel = `Select ${line.label}`;
  line.cells.forEach((value, i) => {
    const cell = row.cells[i + 1], text = JSON.stringify(value);
    if (cell.shown === text) return;
    cell.shown = text;
    cell.replaceChildren(...FILL[root.data.heads[i].kind](value).filter((part) => part !== ""));
  });
  row.cells[line.cells.length + 1].textContent = line.when;
}

function drawRows(root) {
  const { lines, heads } = root.data, body = root.table.tBodies[0];
  const columns = JSON.stringify(heads);
  const focus = focused(root);
  if (body.columns !== columns) body.replaceChildren();
  body.columns = columns;
  const there = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  const wanted = lines.map((line) => {
    const row = there.get(line.id) ?? newRow(root, line);
    fillRow(root, row, line);
    return row;
  });
  const kept = new Set(wanted);
  for (const row of [...body.rows]) if (!kept.has(row)) row.remove();
  wanted.forEach((row, i) => { if (body.rows[i] !== row) body.insertBefore(row, body.rows[i] ?? null); });
  refocus(root, focus);
  showAll(root);
}

// A row that is moved or changed loses the focus; its place is found again by the row's id.
function focused(root) {
  const element = root.getRootNode().activeElement, row = element?.closest?.("tbody tr");
  return row && { id: row.dataset.id, cell: element.closest("td").cellIndex, tag: element.tagName };
}

function refocus(root, focus) {
  if (!focus || root.getRootNode().activeElement?.closest?.("tbody tr")) return;
  const row = [...root.table.tBodies[0].rows].find((other) => other.dataset.id === focus.id);
  row?.cells[focus.cell]?.querySelector(focus.tag)?.focus({ preventScroll: true });
}

function showAll(root) {
  const { lines } = root.data, all = root.table.tHead.querySelector("input");
  const count = lines.filter((line) => root.ticks.has(line.id)).length;
  all.checked = count > 0 && count === lines.length;
  all.indeterminate = count > 0 && count < lines.length;
}

function report(root) {
  drawRows(root);
  root.keep("ticked", { ids: [...root.ticks], version: root.version });
}

function set(root, id, on) {
  if (on) root.ticks.add(id);
  else root.ticks.delete(id);
}

function tickOne(root, id, event) {
  const ids = root.data.lines.map((line) => line.id), on = event.target.checked;
  const from = event.shiftKey ? ids.indexOf(root.anchor) : -1, to = ids.indexOf(id);
  const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  ids.slice(low, high + 1).forEach((other) => set(root, other, on));
  root.anchor = id;
  report(root);
}

function tickAll(root, on) {
  root.data.lines.forEach((line) => set(root, line.id, on));
  report(root);
}

function begin(root) {
  root.table = make("table");
  root.table.role = "table";
  const head = root.table.createTHead(), body = root.table.createTBody();
  head.role = body.role = "rowgroup";
  head.insertRow().role = "row";
  const scroller = make("div", "scroller");
  scroller.append(root.table);
  root.replaceChildren(scroller);
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".run-list");
  if (!root.table) begin(root);
  root.data = data;
  root.send = setTriggerValue;
  root.keep = setStateValue;
  if (root.version !== data.ticks.version) {
    root.version = data.ticks.version;
    root.ticks = new Set(data.ticks.ids);
  }
  root.table.ariaLabel = data.label;
  root.classList.toggle("chosen", data.chosen);
  drawHead(root);
  drawRows(root);
  root.dataset.updates = Number(root.dataset.updates ?? 0) + 1;
}
