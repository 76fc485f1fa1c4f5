// Draws the images that a run watches: how each is framed shows whether it is right by now.
// One stop of the Tab key; the arrow keys go from image to image.

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

function mark(right) {
  return right === null ? "none" : right ? "right" : "wrong";
}

function words(picture) {
  const past = picture.recent.map(mark).join(", ").replaceAll("none", "not shown yet");
  return `${picture.words}. Last epochs: ${past}.`;
}

function button(root, index) {
  const element = make("button");
  element.type = "button";
  element.append(make("span", "picture"), make("span", "dots"));
  element.addEventListener("click", () => root.open(root.data.pictures[index].key));
  const say = () => { root.about.textContent = root.data.pictures[index].words; };
  const rest = () => { root.about.textContent = root.data.legend; };
  element.addEventListener("pointerenter", say);
  element.addEventListener("focus", say);
  element.addEventListener("pointerleave", rest);
  element.addEventListener("blur", rest);
  element.addEventListener("keydown", (event) => {
    const buttons = [...root.list.querySelectorAll("button")];
    const across = getComputedStyle(root.list).gridTemplateColumns.split(" ").length;
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1, ArrowDown: index + across,
      ArrowUp: index - across, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (!buttons[to]) return;
    for (const other of buttons) other.tabIndex = -1;
    buttons[to].tabIndex = 0;
    buttons[to].focus();
  });
  return element;
}

function paint(element, picture, index, data) {
  const column = index % data.columns, row = Math.floor(index / data.columns);
  const place = (at, count) => (count > 1 ? `${100 * at / (count - 1)}%` : "0");
  Object.assign(element.querySelector(".picture").style, {
    backgroundImage: `url(${data.sheet})`,
    backgroundSize: `${100 * data.columns}% ${100 * data.rows}%`,
    backgroundPosition: `${place(column, data.columns)} ${place(row, data.rows)}`,
    imageRendering: data.sharp ? "pixelated" : "auto",
  });
  element.className = picture.right ? "right" : "wrong";
  element.dataset.image = picture.key;
  element.setAttribute("aria-label", words(picture));
  element.querySelector(".dots").replaceChildren(
    ...picture.recent.map((right) => make("span", mark(right))));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lab-watched");
  root.open = (key) => setTriggerValue("opened", key);
  const text = JSON.stringify(data);
  if (root.drawn === text) return; // the page repeats what it drew every second
  root.drawn = text;
  root.data = data;
  const colors = getComputedStyle(root).getPropertyValue("--st-chart-categorical-colors").split(",");
  root.style.setProperty("--right", colors[0]);
  root.style.setProperty("--wrong", colors[1]);
  if (root.list?.childElementCount !== data.pictures.length) {
    root.list = make("div", "pictures");
    root.list.setAttribute("role", "group");
    root.list.setAttribute("aria-label", "Pictures, one stop; arrow keys go from one to another");
    root.about = make("p", "about", data.legend);
    root.news = make("p", "news");
    root.list.append(...data.pictures.map((_, index) => button(root, index)));
    root.list.querySelectorAll("button").forEach((one, i) => { one.tabIndex = i ? -1 : 0; });
    root.replaceChildren(root.list, root.news, root.about);
  }
  root.news.textContent = data.news;
  [...root.list.children].forEach((one, i) => paint(one, data.pictures[i], i, data));
}
