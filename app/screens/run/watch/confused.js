// Draws how often each class is taken for which: cells that clear as the network learns.
// The slider looks back at earlier epochs without asking the server.

const WORST = 3;

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

function rowSum(frame, row, kinds) {
  return frame.counts.slice(row * kinds, (row + 1) * kinds).reduce((a, b) => a + b, 0);
}

function worst(frame, names) {
  if (frame.pairs) return frame.pairs.map(([t, p, n]) => ({ t, p, n }));
  const kinds = names.length;
  return frame.counts
    .map((n, at) => ({ n, row: Math.floor(at / kinds), column: at % kinds }))
    .filter(({ n, row, column }) => n && row !== column)
    .sort((a, b) => b.n - a.n)
    .slice(0, WORST)
    .map(({ n, row, column }) =>
      ({ t: names[row], p: names[column], n, of: rowSum(frame, row, kinds) }));
}

function grid(root, names) {
  const table = make("table", names.length > 12 ? "many" : "");
  table.createCaption().textContent = "Rows: what it is. Columns: what it is taken for.";
  const head = table.createTHead().insertRow();
  head.append(make("td"), ...names.map((name) => {
    const cell = make("th");
    cell.scope = "col";
    cell.append(make("span", "", name));
    return cell;
  }));
  const body = table.createTBody();
  names.forEach((name, row) => {
    const line = body.insertRow(), label = make("th", "", name);
    label.scope = "row";
    label.title = name;
    line.append(label, ...names.map((_, column) => {
      const cell = make("td", row === column ? "right" : "wrong");
      cell.append(make("span"));
      cell.addEventListener("pointerenter", () => { root.about.textContent = cell.title; });
      cell.addEventListener("pointerleave", () => { root.about.textContent = ""; });
      return cell;
    }));
  });
  return table;
}

function fill(root, frame, names) {
  const kinds = names.length;
  const cells = root.querySelectorAll("tbody td");
  for (let row = 0; row < kinds; row += 1) {
    const all = rowSum(frame, row, kinds);
    for (let column = 0; column < kinds; column += 1) {
      const n = frame.counts[row * kinds + column], cell = cells[row * kinds + column];
      const share = all ? n / all : 0;
      const strength = row === column ? share : Math.sqrt(share); // a few mistakes are visible too
      cell.style.setProperty("--strength", `${Math.round(100 * strength)}%`);
      cell.title = row === column
        ? `${names[row]}: ${n} of ${all} right`
        : `${names[row]} taken for ${names[column]}: ${n} of ${all}`;
      cell.firstChild.textContent = n;
    }
  }
}

function draw(root) {
  const { frames, names } = root.data;
  const last = frames.length - 1;
  const at = root.back === null ? last : Math.max(0, frames.findIndex((f) => f.epoch >= root.back));
  const frame = frames[at];
  root.slider.max = last;
  root.slider.value = at;
  root.slider.setAttribute("aria-valuetext", `Epoch ${frame.epoch}`);
  root.epoch.textContent = frame.epoch;
  root.controls.classList.toggle("single", last === 0);
  if (names.length) fill(root, frame, names);
  const found = worst(frame, names);
  root.list.replaceChildren(...found.map(({ t, p, n, of }) => {
    const item = make("li", "", `${t} taken for ${p}: `);
    item.append(make("span", "count", of ? `${n} of ${of}` : n === 1 ? "1 image" : `${n} images`));
    return item;
  }));
  root.none.textContent = found.length ? "" : "No mistakes in this epoch.";
}

function build(root, names) {
  root.about = make("p", "about");
  root.slider = make("input");
  Object.assign(root.slider, { type: "range", min: 0, step: 1 });
  root.slider.setAttribute("aria-label", "Epoch to look at");
  root.slider.addEventListener("input", () => {
    const at = Number(root.slider.value), { frames } = root.data;
    root.back = at === frames.length - 1 ? null : frames[at].epoch;
    draw(root);
  });
  root.epoch = make("b");
  root.controls = make("div", "controls");
  const title = make("p", "", "Epoch ");
  title.append(root.epoch);
  root.controls.append(title, root.slider, make("p", "hint", "Drag to look back."));
  root.list = make("ul");
  root.none = make("p", "none");
  const side = make("div", "side");
  side.append(root.controls, make("p", "head", "Most frequent mistakes"), root.list, root.none,
    root.about);
  root.replaceChildren(...(names.length ? [grid(root, names)] : []), side);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".lab-confused");
  const text = JSON.stringify(data);
  if (root.drawn === text) return; // the page repeats what it drew every second
  root.drawn = text;
  root.data = data;
  const colors = getComputedStyle(root).getPropertyValue("--st-chart-categorical-colors").split(",");
  root.style.setProperty("--right", colors[0]);
  root.style.setProperty("--wrong", colors[1]);
  const kinds = data.names.join("\n");
  if (root.kinds !== kinds) {
    root.kinds = kinds;
    root.back = null; // the epoch that one has gone back to; null: the last
    build(root, data.names);
  }
  draw(root);
}
