// Draws many small pictures from one sheet, each a button: one file and one pass instead of dozens.

const ZOOM = 3;

function card(cell, place, data, open) {
  const button = document.createElement("button");
  const size = data.side * ZOOM;
  const column = place % data.columns, row = Math.floor(place / data.columns);
  const picture = document.createElement("div");
  Object.assign(picture.style, {
    width: `${size}px`, height: `${size}px`, borderRadius: "4px",
    backgroundImage: `url(${data.sheet})`, imageRendering: "pixelated",
    backgroundSize: `${data.columns * size}px auto`,
    backgroundPosition: `-${column * size}px -${row * size}px`,
  });
  const truth = document.createElement("div"), answer = document.createElement("div");
  truth.textContent = cell.truth;
  answer.textContent = cell.answer;
  answer.className = cell.right ? "right" : "wrong";
  button.append(picture, truth, answer);
  button.title = cell.title;
  button.setAttribute("aria-label", cell.title);
  button.dataset.image = cell.key;
  button.onclick = () => open(cell.key);
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  const open = (key) => setTriggerValue("opened", key);
  root.replaceChildren(...data.cells.map((cell, place) => card(cell, place, data, open)));
}
