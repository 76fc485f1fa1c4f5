// Cards to choose from: a search box, filters, and one listbox that arrow keys walk through.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function curve(values) {
  const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "polyline");
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const x = (i) => 2 + 116 * i / Math.max(1, values.length - 1), y = (v) => 30 - 26 * (v - low) / span;
  line.setAttribute("points", values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(" "));
  svg.setAttribute("viewBox", "0 0 120 34");
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  return svg;
}

function draw(card, id) {
  const option = make("div", "card");
  option.id = id;
  option.dataset.key = card.key;
  option.setAttribute("role", "option");
  if (card.pictures.length) {
    const row = make("div", "pictures");
    for (const source of card.pictures) {
      const picture = make("img");
      picture.src = source;
      picture.alt = "";
      row.append(picture);
    }
    option.append(row);
  }
  option.append(make("div", "title", card.title));
  if (card.badges.length) {
    const row = make("div", "badges");
    row.append(...card.badges.map((badge) => make("span", "", badge)));
    option.append(row);
  }
  if (card.summary) option.append(make("div", "summary", card.summary));
  if (card.curve.length > 1) option.append(curve(card.curve));
  if (card.facts.length) {
    const row = make("div", "facts");
    row.append(...card.facts.map((fact) => make("span", "", fact)));
    option.append(row);
  }
  if (card.hint) option.append(make("div", "hint", card.hint));
  return option;
}

// what a person may type to find a card, and which filters let it through
function found(card, group, state) {
  const text = [card.title, card.summary, card.words, card.hint, ...card.badges, ...card.facts]
    .join(" ").toLowerCase();
  if (!state.query.toLowerCase().split(/\s+/).every((word) => text.includes(word))) return false;
  const families = new Map();
  for (const one of state.filters.filter((one) => state.on.has(one.key))) {
    families.set(one.family, families.get(one.family) || card.passes.includes(one.key));
  }
  return [...families.values()].every(Boolean);
}

// the nearest card of the next row above or below, else the same card
function beside(cards, from, down) {
  const here = from.getBoundingClientRect();
  const boxes = cards.map((card) => ({ card, box: card.getBoundingClientRect() }))
    .filter(({ box }) => (down ? box.top >= here.bottom - 1 : box.bottom <= here.top + 1));
  if (!boxes.length) return from;
  const edge = down ? Math.min(...boxes.map(({ box }) => box.top))
    : Math.max(...boxes.map(({ box }) => box.top));
  return boxes.filter(({ box }) => Math.abs(box.top - edge) < 2).reduce((best, one) =>
    Math.abs(one.box.left - here.left) < Math.abs(best.box.left - here.left) ? one : best).card;
}

// black or white, whichever can be read on the theme's color
function readable(button) {
  const [r, g, b] = getComputedStyle(button).backgroundColor.match(/[\d.]+/g).map(Number)
    .map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  button.style.color = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#10151C" : "#FFFFFF";
}

function build(root, data) {
  const state = {
    query: "", filters: data.filters, on: new Set(data.filters.filter((f) => f.on).map((f) => f.key)),
    at: data.chosen, wanted: data.chosen, titles: new Map(), shown: [],
  };
  const search = make("input", "search"), bar = make("div", "filters"), count = make("span", "count");
  const list = make("div", "list"), nothing = make("p", "nothing"), foot = make("div", "foot");
  const use = make("button", "use"), note = make("span", "note", data.note && `${data.note} `);
  const everything = make("button", "pill", "Show all");
  search.type = "search";
  search.placeholder = data.search;
  search.setAttribute("aria-label", data.search);
  count.setAttribute("role", "status");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Cards");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Filters");

  const groups = data.groups.map((group, at) => {
    const box = make("div", "group"), heading = make("div", "heading", group.title);
    const grid = make("div", "grid");
    heading.id = `heading-${at}`;
    box.setAttribute("role", "group");
    box.setAttribute("aria-labelledby", heading.id);
    heading.setAttribute("role", "presentation");
    grid.setAttribute("role", "presentation");
    const cards = group.cards.map((card, i) => ({ card, option: draw(card, `card-${at}-${i}`) }));
    grid.append(...cards.map(({ option }) => option));
    group.cards.forEach((card) => state.titles.set(card.key, card.title));
    box.append(heading, grid);
    return { group, box, cards };
  });
  const all = groups.flatMap(({ cards }) => cards.map(({ option }) => option));

  function mark(key, focus) {
    state.at = key;
    for (const option of all) {
      const here = option.dataset.key === key;
      option.setAttribute("aria-selected", String(here));
      option.tabIndex = here ? 0 : -1;
      if (here && focus) {
        option.focus();
        option.scrollIntoView({ block: "nearest" });
      }
    }
    const current = state.shown.find((option) => option.dataset.key === key);
    if (!current && state.shown.length) state.shown[0].tabIndex = 0;  // the list stays one tab stop
    use.disabled = !current;
    use.textContent = current ? `${data.label} ${state.titles.get(key)}` : data.label;
  }
  function refresh() {
    state.shown = [];
    for (const { group, box, cards } of groups) {
      for (const { card, option } of cards) {
        option.hidden = !found(card, group, state);
        if (!option.hidden) state.shown.push(option);
      }
      box.hidden = cards.every(({ option }) => option.hidden);
    }
    count.textContent = state.shown.length === all.length ? `${all.length}`
      : `${state.shown.length} of ${all.length}`;
    nothing.hidden = state.shown.length > 0;
    list.hidden = state.shown.length === 0;
    mark(preselected(), false);
  }
  // what a person marked while it is shown, else the first match of what was typed
  function preselected() {
    const isShown = state.shown.some((option) => option.dataset.key === state.wanted);
    return state.query.trim() && !isShown && state.shown.length
      ? state.shown[0].dataset.key : state.wanted;
  }
  function want(key) {
    state.wanted = key;
    mark(key, true);
  }
  function choose(key) {
    if (key && state.shown.some((option) => option.dataset.key === key)) root.choose(key);
  }

  for (const one of data.filters) {
    const pill = make("button", `pill${one.family ? " small" : ""}`, one.label);
    pill.type = "button";
    pill.title = one.help;
    pill.dataset.filter = one.key;
    pill.setAttribute("aria-pressed", String(state.on.has(one.key)));
    pill.onclick = () => {
      state.on.has(one.key) ? state.on.delete(one.key) : state.on.add(one.key);
      pill.setAttribute("aria-pressed", String(state.on.has(one.key)));
      refresh();
    };
    bar.append(pill);
  }
  search.oninput = () => { state.query = search.value; refresh(); };
  search.onkeydown = (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      if (event.key === "Enter" && state.query.trim()) choose(state.at);
      else if (state.shown.length) {
        const current = state.shown.find((option) => option.dataset.key === state.at);
        want((current || state.shown[0]).dataset.key);
      }
    }
  };
  list.onclick = (event) => {
    const option = event.target.closest(".card");
    if (option) want(option.dataset.key);
  };
  list.ondblclick = (event) => choose(event.target.closest(".card")?.dataset.key);
  list.onkeydown = (event) => {
    const at = state.shown.indexOf(event.target.closest(".card"));
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = {
      ArrowRight: () => state.shown[Math.min(at + 1, state.shown.length - 1)],
      ArrowLeft: () => state.shown[Math.max(at - 1, 0)],
      ArrowDown: () => beside(state.shown, state.shown[at], true),
      ArrowUp: () => beside(state.shown, state.shown[at], false),
      Home: () => state.shown[0],
      End: () => state.shown[state.shown.length - 1],
      " ": () => state.shown[at],
    }[event.key];
    if (to) {
      event.preventDefault();
      want(to().dataset.key);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(state.shown[at].dataset.key);
    }
  };
  use.type = everything.type = "button";
  use.onclick = () => choose(state.at);
  everything.onclick = () => {
    search.value = state.query = "";
    state.on.clear();
    bar.querySelectorAll("button").forEach((pill) => pill.setAttribute("aria-pressed", "false"));
    refresh();
    search.focus();
  };
  note.append(make("span", "keys", "Enter chooses, Esc leaves."));
  nothing.append("Nothing fits this search and these filters. ", everything);

  const top = make("div", "top");
  top.append(bar, count);
  list.append(...groups.map(({ box }) => box));
  foot.append(note, use);
  root.replaceChildren(search, top, list, nothing, foot);
  refresh();
  readable(use);
  const current = all.find((option) => option.dataset.key === state.at);
  if (current) list.scrollTop = Math.max(0, current.offsetTop - list.offsetTop - 40);
  if (matchMedia("(pointer: fine)").matches) search.focus({ preventScroll: true });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".picker");
  root.choose = (key) => setTriggerValue("chosen", key);
  const drawn = JSON.stringify(data);
  if (root.drawn === drawn) return;  // nothing that a person typed or marked is lost
  root.drawn = drawn;
  build(root, data);
}
