// Draws many small pictures from one sheet, each as a button: one file to fetch instead of dozens.

function card(tile, index, data, open) {
  const button = document.createElement("button");
  const size = data.side * data.zoom;
  const column = index % data.columns, row = Math.floor(index / data.columns);
  const picture = document.createElement("div");
  Object.assign(picture.style, {
    width: `${size}px`, height: `${size}px`, borderRadius: "4px",
    backgroundImage: `url(${data.sheet})`, imageRendering: data.zoom < 2 ? "auto" : "pixelated",
    backgroundSize: `${data.columns * size}px auto`,
    backgroundPosition: `-${column * size}px -${row * size}px`,
  });
  const truth = document.createElement("div"), prediction = document.createElement("div");
  truth.textContent = tile.truth;
  prediction.textContent = tile.prediction;
  prediction.className = tile.right ? "right" : "wrong";
  button.append(picture, ...[truth, prediction].filter((line) => line.textContent));
  button.title = tile.title;
  button.setAttribute("aria-label", tile.title);
  button.dataset.image = tile.key;
  if (tile.chosen) button.setAttribute("aria-pressed", "true");
  button.onclick = () => open(tile.key);
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  const open = (key) => setTriggerValue("opened", key);
  root.style.setProperty("--side", `${data.side * data.zoom}px`);
  root.style.setProperty("--gap", data.side * data.zoom < 64 ? "4px" : "12px 8px");
  root.classList.toggle("wrap", data.wrap);
  root.replaceChildren(...data.tiles.map((tile, index) => card(tile, index, data, open)));
}
