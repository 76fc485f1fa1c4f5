// The place to drop files on, what is being sent, and uploads that are not finished.

const MEGA = 1e6, ANSWERED = 6000;  // milliseconds in which a page says that files have arrived
const [NUMBER, SMALL] = [0, 1].map((digits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function button(text, act, isMain = false) {
  const element = make("button", isMain ? "main" : "", text);
  element.type = "button";
  element.onclick = act;
  return element;
}

function megabytes(bytes) {
  return (bytes < 10 * MEGA ? SMALL : NUMBER).format(bytes / MEGA);
}

function plural(count, thing) {
  return `${NUMBER.format(count)} ${thing}${count === 1 ? "" : "s"}`;
}

function lasting(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${SMALL.format(seconds / 3600)} h`;
}

function reached(have, bytes) {
  return `${megabytes(have)} of ${megabytes(bytes)} MB`;
}

function words(transfer) {
  const far = reached(transfer.sent, transfer.bytes);
  if (transfer.state === "done") return `${plural(transfer.files.length, "file")}, ${megabytes(transfer.bytes)} MB: all there.`;
  if (transfer.state === "stopped") return `Stopped at ${far}. ${transfer.why}`;
  if (transfer.state === "waiting") return `${far}. ${transfer.why || "The connection is lost."} Trying again.`;
  if (transfer.have >= transfer.bytes) return `${far}. Putting the files in place.`;
  const left = transfer.speed ? `, ${lasting((transfer.bytes - transfer.sent) / transfer.speed)} left` : "";
  return far + (transfer.speed ? `, ${megabytes(transfer.speed)} MB per second${left}` : "");
}

// black or white, whichever can be read on the theme's color
function readable(element) {
  const [r, g, b] = getComputedStyle(element).backgroundColor.match(/[\d.]+/g).map(Number)
    .map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  element.style.color = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#10151C" : "#FFFFFF";
}

function build(root) {
  const zone = make("div", "zone"), lead = make("p", "lead"), row = make("div", "choices");
  const note = make("p", "note"), now = make("div", "now"), waiting = make("div", "waiting");
  const folder = make("input"), files = make("input");
  for (const input of [folder, files]) {
    input.type = "file";
    input.multiple = true;
    input.hidden = true;
    input.onchange = () => {
      take([...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
      input.value = "";
    };
  }
  folder.webkitdirectory = true;
  folder.className = "folder";
  files.className = "files";
  zone.setAttribute("role", "group");
  zone.setAttribute("aria-label", "Files to upload");
  note.setAttribute("role", "status");
  const choose = { folder: button("Choose a folder", () => folder.click()),
    files: button("Choose files", () => files.click()) };
  row.append(choose.folder, choose.files);
  zone.append(lead, row, folder, files);
  root.replaceChildren(now, zone, note, waiting);

  let expected = null, depth = 0;
  const say = root.say = (text) => { note.textContent = text; };
  const lit = (by) => zone.classList.toggle("over", (depth = Math.max(0, depth + by)) > 0);
  zone.ondragenter = (event) => { event.preventDefault(); lit(1); };
  zone.ondragleave = () => lit(-1);
  zone.ondragover = (event) => event.preventDefault();
  zone.ondrop = async (event) => {
    event.preventDefault();
    lit(-depth);
    try {
      take(await dropped(event.dataTransfer.items));
    } catch {
      say("The browser cannot read this folder. Choose it with the button, or drop a zip file of it.");
    }
  };

  // Begin or continue with files, once they are known to be the right ones.
  function take(chosen) {
    const { into, label, title, pictures } = expected ?? { ...root.data };
    const given = arranged(chosen), isPicture = ({ path }) => pictures.some((end) => path.toLowerCase().endsWith(`.${end}`));
    if (label) given.files = given.files.filter(isPicture);
    if (!given.files.length) {
      say(label ? "There is no picture among these files. Choose pictures of this class."
        : "There are no files in it. Choose a folder with pictures.");
      return;
    }
    if (given.files.every(({ path }) => isOdd(path))) {
      say("The names of these files are too long, lie too deep in folders, or have letters that a file may not have. Rename them, and choose them once more.");
      return;
    }
    const single = !label && given.files.length === 1 && !isPicture(given.files[0]);
    if (title) given.title = title;
    const transfer = new Transfer(given, { into, label, single });
    if (expected && expected.key !== transfer.wanted.key) {
      say(`These are not the files of ${expected.title} (${plural(expected.files, "file")}, ${megabytes(expected.bytes)} MB), or they were changed. Choose those, or discard that upload.`);
      expected = null;
      return;
    }
    expected = null;
    say("");
    tab.transfer = transfer;
    transfer.run();
  }

  async function discard(id) {
    if (tab.transfer?.id === id) {
      tab.transfer.stop();
      tab.transfer = null;
    }
    try {
      await ask("DELETE", `upload/${id}`, "");
    } catch (problem) {
      say(problem.message || "The server cannot be reached. Try again.");
    }
    root.changed();
    tab.show();
  }

  function resume(one) {
    expected = { ...one, pictures: root.data.pictures };
    say(`Choose or drop ${one.title} once more: a browser forgets files when its page is loaded again. The upload continues at ${reached(one.have, one.bytes)}.`);
    one.single ? files.click() : choose.folder.focus();
  }

  // What is being sent: built once for each transfer, so that its buttons keep the focus.
  function drawNow(transfer) {
    const name = make("div", "name", transfer.title), bar = make("div", "bar"), fill = make("div", "fill");
    const text = make("div", "text"), acts = make("div", "acts");
    bar.setAttribute("role", "progressbar");
    bar.setAttribute("aria-label", `Upload of ${transfer.title}`);
    bar.append(fill);
    now.replaceChildren(name, bar, text, acts);
    now.of = transfer;
    now.refresh = () => {
      const share = transfer.bytes ? transfer.sent / transfer.bytes : 1;
      fill.style.width = `${100 * share}%`;
      bar.setAttribute("aria-valuenow", Math.floor(100 * share));
      text.textContent = words(transfer);
      if (acts.state === transfer.state) return;
      acts.state = transfer.state;
      const hadFocus = acts.contains(acts.getRootNode().activeElement);
      const isMoving = transfer.state === "sending" || transfer.state === "waiting";
      acts.replaceChildren(...(isMoving ? [button("Cancel", () => transfer.stop())]
        : transfer.state === "stopped" ? [button("Continue", () => transfer.run(), true),
          ...(transfer.id ? [button("Discard", () => discard(transfer.id))] : [])] : []));
      acts.querySelectorAll(".main").forEach(readable);
      if (hadFocus) acts.querySelector("button")?.focus();
    };
  }

  root.refresh = () => {
    const transfer = tab.transfer;
    if (transfer?.state === "done") {
      if (!transfer.reported) root.arrived(transfer.title, { set: transfer.set, label: transfer.wanted.label ?? "", files: transfer.files.length });
      transfer.reported = true;
      tab.transfer = null;
    }
    now.hidden = !tab.transfer;
    const isMoving = ["sending", "waiting"].includes(tab.transfer?.state);
    zone.hidden = waiting.hidden = isMoving;
    if (!tab.transfer) {
      now.of = null;
    } else {
      if (now.of !== tab.transfer) drawNow(tab.transfer);
      now.refresh();
    }
    const { prompt, ready, waiting: known } = root.data, of = tab.transfer?.id;
    lead.textContent = prompt;
    for (const one of Object.values(choose)) one.disabled = !ready;
    choose.folder.hidden = !("webkitdirectory" in folder) || matchMedia("(pointer: coarse)").matches;
    const drawn = JSON.stringify([known, of]);
    if (waiting.drawn === drawn) return;
    waiting.drawn = drawn;
    waiting.replaceChildren(...known.filter(({ id }) => id !== of).map((one) => {
      const line = make("div", "line"), acts = make("div", "acts");
      acts.append(button("Continue", () => resume(one)), button("Discard", () => discard(one.id)));
      line.append(make("span", "", `${one.title}: ${reached(one.have, one.bytes)} are there.`), acts);
      return line;
    }));
  };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".upload");
  root.data = data;
  root.arrived = (title, what) => {
    const { drawn } = root.data;
    setTriggerValue("arrived", what);
    setTimeout(() => {  // a server that was restarted does not know this part of the page
      if (root.data.drawn === drawn) root.say(`${title} has arrived, but this page cannot show it. Load the page again and open this window to look at it.`);
    }, ANSWERED);
  };
  root.changed = () => setTriggerValue("changed", Date.now());
  if (!root.refresh) build(root);
  let isDue = false;
  const show = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => { isDue = false; if (tab.show === show) root.refresh(); });
  };
  tab.show = show;
  root.refresh();
  return () => { if (tab.show === show) tab.show = () => {}; };
}
