// Draws the runs that wait, one row each, and changes only what has changed: focus and a drag
// outlive the updates of the page. What the handlers need lies on the root element.

const base = document.baseURI.replace(/[^/]*([?#].*)?$/, "");
const PATIENCE = 10_000; // milliseconds without an answer after which the page's order counts again

function loadSortable() {
  window.labSortable ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("app/static/sortable.min.js", base).href;
    script.onload = () => done(window.Sortable);
    script.onerror = () => failed(new Error("sortable.min.js could not be loaded"));
    document.head.append(script);
  });
  return window.labSortable;
}

const make = (tag, className = "", text = "") => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
};

function icon(name) {
  const element = make("span", "icon", name);
  element.ariaHidden = "true";
  return element;
}

// As the browser's Back does: Streamlit draws the page of the address without loading it again.
function anchor() {
  const link = make("a");
  link.onclick = (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    const app = document.querySelector("[data-testid=stApp]");
    if (elsewhere || app?.dataset.testConnectionState !== "CONNECTED") return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    window.dispatchEvent(new PopStateEvent("popstate"));
  };
  return link;
}

const ids = (root) => [...root.list.children].map((row) => row.dataset.id);
const title = ({ number, name }) => `#${number} ${name}`;

// Where a run may go: others' runs are passed only by giving way to them.
const earlier = (row) => {
  let other = row.previousElementSibling;
  while (other && !other.run.mine) other = other.previousElementSibling;
  return other;
};
const firstOwn = (root) => [...root.list.children].find((row) => row.run.mine);

const STEPS = {
  next: (root, row) => firstOwn(root).before(row),
  up: (root, row) => earlier(row)?.before(row),
  down: (root, row) => row.nextElementSibling?.after(row),
};

function step(root, row, way, button) {
  const before = ids(root).join();
  STEPS[way](root, row);
  if (ids(root).join() === before) return;
  number(root);
  (button.disabled ? row.grip : button).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  send(root, row.run);
}

// Asks for the order as it is here now; while an earlier request is unanswered, after its answer.
function send(root, run) {
  const order = ids(root);
  root.live.textContent = `${title(run)}: place ${order.indexOf(run.id) + 1} of ${order.length}`;
  if (root.asked) {
    root.later = run;
    return;
  }
  root.token += 1;
  root.asked = order;
  clearTimeout(root.timer);
  root.timer = setTimeout(() => { root.asked = root.later = null; draw(root); }, PATIENCE);
  const moved = { ids: order, seen: root.data.runs.map(({ id }) => id), run: run.id };
  root.trigger("moved", { ...moved, token: root.token });
}

// Takes the page's answer; a later move goes out now, unless the page has decided otherwise.
function answer(root) {
  if (!root.asked || root.data.answered < root.token) return;
  const there = new Set(root.data.runs.map(({ id }) => id));
  const got = root.data.runs.map(({ id }) => id).filter((id) => root.asked.includes(id));
  const asAsked = got.join() === root.asked.filter((id) => there.has(id)).join();
  const later = asAsked && root.later;
  clearTimeout(root.timer);
  root.asked = root.later = null;
  if (later && there.has(later.id)) send(root, later);
}

function control(root, row, way, label, name) {
  const button = make("button", way);
  button.type = "button";
  button.title = label;
  if (name) button.append(icon(name));
  else button.textContent = label;
  button.onclick = () => (way === "remove" ? root.trigger("removed", row.run.id) : step(root, row, way, button));
  return button;
}

function chooser(root, row) {
  const select = make("select");
  select.onchange = () => root.trigger("device", { run: row.run.id, device: select.value });
  return select;
}

function newRow(root) {
  const row = make("li");
  row.grip = make("button", "grip");
  row.grip.type = "button";
  row.grip.append(icon("drag_indicator"));
  row.grip.onkeydown = (event) => {
    const way = { ArrowUp: "up", ArrowDown: "down", Home: "next" }[event.key];
    if (!way) return;
    event.preventDefault();
    step(root, row, way, row.grip);
  };
  row.place = make("span", "place");
  row.link = anchor();
  row.owner = make("span", "faint");
  row.name = make("span", "name");
  row.name.append(row.link, row.owner);
  row.takes = make("span", "takes");
  row.starts = make("span", "starts");
  row.device = make("span", "device");
  row.select = chooser(root, row);
  row.words = make("span", "faint");
  row.device.append(row.select, row.words);
  row.controls = {
    next: control(root, row, "next", "Next"),
    up: control(root, row, "up", "Up", "arrow_upward"),
    down: control(root, row, "down", "Down", "arrow_downward"),
    remove: control(root, row, "remove", "Remove", "close"),
  };
  row.buttons = make("span", "buttons");
  row.buttons.append(...Object.values(row.controls));
  row.append(row.grip, row.place, row.name, row.takes, row.starts, row.device, row.buttons);
  return row;
}

function fill(root, row, run) {
  const { choices } = root.data;
  const shown = JSON.stringify([run, choices]);
  if (row.shown === shown) return;
  row.shown = shown;
  row.run = run;
  row.dataset.id = run.id;
  row.link.textContent = title(run);
  row.link.href = `run?id=${run.number}`;
  row.owner.textContent = run.owner;
  row.takes.textContent = run.takes;
  row.starts.textContent = run.why || run.starts;
  row.classList.toggle("held", Boolean(run.why));
  row.grip.hidden = row.buttons.hidden = !run.mine;
  const choose = run.mine && choices.length > 1;
  row.device.hidden = choices.length < 2;
  row.select.hidden = !choose;
  row.words.textContent = choose ? "" : (choices.find(({ key }) => key === run.device)?.title ?? run.device);
  if (choose) {
    row.select.ariaLabel = `Device of ${title(run)}`;
    row.select.replaceChildren(...choices.map(({ key, title: text }) => new Option(text, key)));
    if (!choices.some(({ key }) => key === run.device)) row.select.add(new Option(run.device, run.device));
    row.select.value = run.device;
  }
  for (const [way, button] of Object.entries(row.controls)) button.ariaLabel = `${button.title}: ${title(run)}`;
}

// Numbers the places, and switches off the buttons that would change nothing.
function number(root) {
  const rows = [...root.list.children], first = firstOwn(root);
  rows.forEach((row, index) => {
    row.place.textContent = index + 1;
    row.grip.ariaLabel = `Move ${title(row.run)}, place ${index + 1} of ${rows.length}, with the arrow keys`;
    row.controls.next.disabled = row.controls.up.disabled = row === first;
    row.controls.down.disabled = index === rows.length - 1;
  });
}

function draw(root) {
  if (root.dragged) return; // what is dragged must not move under the hand
  const { runs } = root.data, there = new Map([...root.list.children].map((row) => [row.dataset.id, row]));
  const focused = root.getRootNode().activeElement;
  const sent = runs.map(({ id }) => id);
  const order = root.asked ? [...ids(root), ...sent] : sent; // what is shown counts until the answer
  const byId = new Map(runs.map((run) => [run.id, run]));
  const wanted = [...new Set(order)].filter((id) => byId.has(id)).map((id) => {
    const row = there.get(id) ?? newRow(root);
    fill(root, row, byId.get(id));
    return row;
  });
  const kept = new Set(wanted);
  for (const row of [...root.list.children]) if (!kept.has(row)) row.remove();
  wanted.forEach((row, index) => {
    if (root.list.children[index] !== row) root.list.insertBefore(row, root.list.children[index] ?? null);
  });
  number(root);
  if (focused?.isConnected && root.list.contains(focused) && root.getRootNode().activeElement !== focused)
    focused.focus({ preventScroll: true }); // a row that was moved has lost it
}

function begin(root) {
  root.list = make("ol");
  root.list.ariaLabel = "Runs that wait, next one first";
  root.list.role = "list";
  root.live = make("div", "heard");
  root.live.role = "status";
  root.token = root.data.answered;
  root.replaceChildren(root.list, root.live);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  loadSortable().then((Sortable) => Sortable.create(root.list, {
    handle: ".grip",
    animation: still ? 0 : 120,
    forceFallback: true, // one behavior for mouse and finger
    fallbackTolerance: 3,
    ghostClass: "ghost",
    onStart: () => { root.dragged = true; root.before = ids(root).join(); },
    onEnd: ({ item }) => {
      root.dragged = false;
      const moved = ids(root).join() !== root.before;
      if (moved) { number(root); send(root, item.run); }
      item.grip.focus({ preventScroll: true });
      if (!moved) draw(root);
    },
  })).catch((error) => console.warn(error)); // arrow keys and buttons do without it
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".queue-list");
  root.data = data;
  root.trigger = setTriggerValue;
  if (!root.list) begin(root);
  answer(root);
  draw(root);
  root.dataset.updates = Number(root.dataset.updates ?? 0) + 1;
}
