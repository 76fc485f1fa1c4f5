// Draws the curves of a run with one Plotly chart that lives as long as the page.
// Plotly.react with a constant uirevision keeps zoom, pan and hidden legend entries.

const base = document.baseURI.replace(/[^/]*([?#].*)?$/, "");

function loadPlotly() {
  window.labPlotly ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("app/static/plotly.min.js", base).href;
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("plotly.min.js could not be loaded"));
    document.head.append(script);
  });
  return window.labPlotly;
}

// uint32 length | JSON padded to 4 bytes | float32 arrays, whose lengths the JSON gives
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = bytes.slice(4 + length).buffer;
  let offset = 0;
  const arrays = header.sizes.map((size) => {
    const array = new Float32Array(body, offset, size);
    offset += 4 * size;
    return array;
  });
  return { ...header, arrays };
}

function themed(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    palette: read("--st-chart-categorical-colors").split(",").map((c) => c.trim()),
    text: read("--st-text-color"),
    grid: read("--st-border-color"),
    faint: read("--st-gray-color"),
    page: read("--st-background-color"),
    font: read("--st-font"),
  };
}

function traces(figure, theme) {
  return figure.traces.map(({ color, ...trace }, i) => {
    const paint = theme.palette[color % theme.palette.length];
    return {
      type: "scatter",
      ...trace,
      x: figure.arrays[2 * i],
      y: figure.arrays[2 * i + 1],
      line: { color: paint, ...trace.line },
      marker: { color: paint, ...trace.marker },
    };
  });
}

const NARROW = 480; // pixels, below which the legend takes a second line
const LINE = 22;

// On a narrow page the legend gets its second line above the curves, not over their title.
function roomForLegend({ height, margin }, width) {
  return width && width < NARROW && height && margin
    ? { height: height + LINE, margin: { ...margin, t: margin.t + LINE } } : {};
}

function layout(figure, theme, touch, width) {
  const axes = Object.entries(figure.layout).map(([name, value]) =>
    /^[xy]axis/.test(name)
      ? [name, { gridcolor: theme.grid, linecolor: theme.grid, zeroline: false, ...value }]
      : [name, value]);
  return {
    ...Object.fromEntries(axes),
    ...roomForLegend(figure.layout, width),
    dragmode: touch ? false : "zoom", // on a phone a finger scrolls the page
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, color: theme.text, size: 12 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.faint, activecolor: theme.text },
    hoverlabel: {
      bgcolor: theme.page, bordercolor: theme.grid, font: { color: theme.text, size: 12 },
    },
  };
}

// Shades the stretch that a finding is about, behind the curves of its panel.
// A panel that is not drawn has no place of its own: then all panels are shaded.
// A chart that follows another shades only what is about the machine.
function shapes(drawn, theme, span, follows) {
  const axis = span && AXES[span.panel];
  const shade = span && (!follows || span.panel === MACHINE) && {
    type: "rect", xref: "x", layer: "below",
    yref: axis && drawn[`yaxis${axis.slice(1)}`] ? `${axis} domain` : "paper",
    x0: span.x0, x1: span.x1, y0: 0, y1: 1, fillcolor: theme.palette[0], opacity: 0.16,
    line: { width: 0 },
  };
  return [...(drawn.shapes ?? []), ...(shade ? [shade] : [])];
}

const AXES = { loss: "y", accuracy: "y2", rate: "y3" };
const MACHINE = "machine";

function followHighlights(element) {
  const show = ({ detail }) => {
    element.span = detail;
    const [, drawn, theme] = element.newest ?? [];
    if (drawn && element._fullLayout) {
      window.Plotly.relayout(element, { shapes: shapes(drawn, theme, detail, element.follows) });
      element.dataset.span = detail ? `${detail.panel} ${detail.x0} ${detail.x1}` : "";
    }
  };
  window.addEventListener("lab-highlight", show);
  return () => window.removeEventListener("lab-highlight", show);
}

// Reports to Python which part is zoomed in on, once the zoom has not changed for a moment.
function reportWindow(element, setStateValue) {
  let timer;
  element.on("plotly_relayout", (change) => {
    if (!Object.keys(change).some((key) => key.startsWith("xaxis."))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const axis = element._fullLayout?.xaxis;
      if (axis) setStateValue("window", axis.autorange ? null : [...axis.range]);
    }, 200);
  });
}

// One chart may follow another: it always shows the same stretch of the same axis. The leader says
// which that is whenever it is drawn or zoomed; a zoom of the follower is done by the leader.
function shareAxis(element) {
  const lead = () => {
    const axis = element._fullLayout?.xaxis;
    if (!axis || !element.unit || element.follows) return;
    window.labAxis = { unit: element.unit, range: [...axis.range] };
    window.dispatchEvent(new CustomEvent("lab-axis"));
  };
  const follow = () => {
    const { unit, range } = window.labAxis;
    const axis = element._fullLayout?.xaxis;
    if (!element.follows || unit !== element.unit || !axis) return;
    if (range.every((end, i) => Math.abs(end - axis.range[i]) < 1e-9)) return;
    element.moved = true;
    window.Plotly.relayout(element, { "xaxis.range": [...range] })
      .finally(() => { element.moved = false; });
  };
  const zoom = ({ detail }) => {
    if (element.follows || detail.unit !== element.unit || !element._fullLayout) return;
    window.Plotly.relayout(element,
      detail.range ? { "xaxis.range": detail.range } : { "xaxis.autorange": true });
  };
  element.lead = lead;
  element.on("plotly_relayout", (change) => {
    if (!element.follows) return lead();
    if (element.moved || !Object.keys(change).some((key) => key.startsWith("xaxis."))) return;
    const axis = element._fullLayout.xaxis;
    const range = axis.autorange || change["xaxis.autorange"] ? null : [...axis.range];
    window.dispatchEvent(new CustomEvent("lab-zoom", { detail: { unit: element.unit, range } }));
  });
  window.addEventListener("lab-axis", follow);
  window.addEventListener("lab-zoom", zoom);
  return () => {
    window.removeEventListener("lab-axis", follow);
    window.removeEventListener("lab-zoom", zoom);
  };
}

// The axis of a follower is always that of its leader, whatever it was zoomed to.
function axisOf(figure, xaxis, start) {
  if (figure.follows && window.labAxis?.unit === figure.unit) {
    const range = [...window.labAxis.range];
    return { ...xaxis, range, uirevision: `${range}` };
  }
  return start ? { ...xaxis, range: start } : xaxis;
}

const MOST_ROWS = 50;

// The numbers of each line as a table, made only while someone has unfolded them.
function writeNumbers(box, figure) {
  box.querySelector("summary").setAttribute("aria-label", `Numbers: ${figure.alt}`);
  box.write = () => box.open && box.querySelector("div").replaceChildren(
    ...figure.traces.flatMap((trace, i) => {
      const [x, y] = [figure.arrays[2 * i], figure.arrays[2 * i + 1]];
      return trace.hoverinfo === "skip" || !x.length ? [] : [table(label(trace), x, y)];
    }));
  box.ontoggle = () => box.write();
  box.write();
}

function label(trace) {
  return trace.hovertemplate?.split("%{")[0].trim() || trace.name;
}

function table(caption, x, y) {
  const every = Math.max(1, Math.ceil(x.length / MOST_ROWS));
  const element = document.createElement("table");
  element.createCaption().textContent = caption + (every > 1 ? `, one point in ${every}` : "");
  for (let i = x.length - 1; i >= 0; i -= every) {
    const row = element.insertRow(0);
    const head = row.appendChild(document.createElement("th"));
    head.scope = "row";
    head.textContent = Number(x[i].toPrecision(7));
    row.insertCell().textContent = Number.isFinite(y[i]) ? Number(y[i].toPrecision(4)) : "\u2013";
  }
  return element;
}

export default function ({ data, parentElement, setStateValue }) {
  const element = parentElement.querySelector(".live-chart");
  const figure = unpack(data instanceof Uint8Array ? data : new Uint8Array(data));
  const touch = matchMedia("(pointer: coarse)").matches;
  if (element.dataset.revision !== figure.revision) {
    element.dataset.revision = figure.revision;
    element.start = figure.window; // must not change, so that Plotly keeps the viewer's own zoom
  }
  element.setAttribute("aria-label", figure.alt);
  writeNumbers(parentElement.querySelector(".numbers"), figure);
  const theme = themed(element);
  const drawn = layout(figure, theme, touch, element.clientWidth);
  element.follows = figure.follows;
  element.unit = figure.unit;
  drawn.xaxis = axisOf(figure, drawn.xaxis, element.start);
  element.newest = [traces(figure, theme), drawn, theme];
  element.stopFollowing ??= followHighlights(element);
  loadPlotly().then((Plotly) => {
    if (!element.isConnected || !element.newest) return;
    const first = !element.classList.contains("js-plotly-plot");
    const options = { responsive: true, displaylogo: false, showSendToCloud: false,
      displayModeBar: touch ? false : "hover",
      modeBarButtonsToRemove: ["lasso2d", "select2d", "zoomIn2d", "zoomOut2d"] };
    const [lines, newest, colors] = element.newest;
    const shaded = { ...newest, shapes: shapes(newest, colors, element.span, element.follows) };
    Plotly.react(element, lines, shaded, options).then(() => {
      element.dataset.step = figure.step;
      element.dataset.updates = Number(element.dataset.updates ?? 0) + 1;
      element.lead?.();
    });
    if (first) {
      if (!element.follows) reportWindow(element, setStateValue);
      element.stopSharing = shareAxis(element);
    }
  }, (problem) => { element.textContent = `The curves cannot be drawn: ${problem.message}.`; });
  return () => {
    element.newest = null;
    element.stopFollowing?.();
    element.stopFollowing = null;
    element.stopSharing?.();
    element.stopSharing = null;
    window.Plotly?.purge(element);
  };
}
