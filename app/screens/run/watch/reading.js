// Draws the reading of the curves. Pointing at a sentence shades its stretch in the live chart,
// a click keeps it shaded and opens the evidence; neither needs the server.

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

function highlight(span) {
  window.dispatchEvent(new CustomEvent("lab-highlight", { detail: span }));
}

function points(element, span, root) {
  element.addEventListener("pointerenter", () => highlight(span));
  element.addEventListener("pointerleave", () => highlight(root.pinned?.span ?? null));
  element.addEventListener("focus", () => highlight(span));
  element.addEventListener("blur", () => highlight(root.pinned?.span ?? null));
}

function strip(phases, root) {
  const bar = make("div", "phases");
  for (const phase of phases) {
    const part = make("div", `phase ${phase.key}`);
    part.style.flexGrow = Math.max(phase.share, 1e-6);
    part.title = `${phase.title}, ${phase.words}`;
    part.append(make("span", "", phase.title));
    points(part, phase.span, root);
    bar.append(part);
  }
  return bar;
}

function evidence(finding) {
  const box = make("div", "evidence");
  box.append(make("p", "", `${finding.title} (${finding.words}, ${finding.confidence}). ${finding.summary}`));
  const list = make("ul");
  for (const line of finding.evidence) list.append(make("li", "", line));
  box.append(list, make("p", "rule", `Reported when: ${finding.rule}`));
  return box;
}

function sentence(finding, root) {
  const item = make("li", finding.tone);
  const button = make("button", "sentence", finding.sentence);
  button.type = "button";
  const pinned = root.pinned?.key === finding.key;
  if (pinned) root.pinned = finding; // the stretch may have grown
  button.setAttribute("aria-expanded", pinned);
  button.addEventListener("click", () => {
    root.pinned = root.pinned?.key === finding.key ? null : finding;
    highlight(root.pinned ? finding.span : null);
    root.draw();
    root.querySelector(`[data-key="${CSS.escape(finding.key)}"]`)?.focus();
  });
  button.dataset.key = finding.key;
  points(button, finding.span, root);
  item.append(button);
  if (pinned) item.append(evidence(finding));
  return item;
}

function next(trials, setTriggerValue) {
  const box = make("div", "trials");
  box.append(make("p", "", "What to try next"));
  trials.forEach((trial, index) => {
    const button = make("button", "trial", trial.label);
    button.type = "button";
    button.title = `${trial.why} Opens New run with this run's settings and this change.`;
    button.addEventListener("click", () => setTriggerValue("tried", index));
    box.append(button);
  });
  return box;
}

const SHOWN = 3; // sentences in sight, the most important ones; the others are a click away

function inSight(findings, root) {
  if (root.all) return findings;
  const ranked = [...findings].sort((a, b) => a.rank - b.rank).slice(0, SHOWN);
  return findings.filter((one) => ranked.includes(one) || one.key === root.pinned?.key);
}

function others(findings, root) {
  if (findings.length <= SHOWN) return [];
  const button = make("button", "others", root.all
    ? "Show only the most important" : `Show all ${findings.length} findings`);
  button.type = "button";
  button.dataset.key = "others";
  button.setAttribute("aria-expanded", Boolean(root.all));
  button.addEventListener("click", () => {
    root.all = !root.all;
    root.draw();
    root.querySelector(".others")?.focus();
  });
  return [button];
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lab-reading");
  root.draw = () => {
    const list = make("ul", "findings");
    for (const finding of inSight(data.findings, root)) list.append(sentence(finding, root));
    root.replaceChildren(
      make("p", "headline", data.headline),
      ...(data.phases.length ? [strip(data.phases, root)] : []),
      list,
      ...others(data.findings, root),
      ...(data.trials.length ? [next(data.trials, setTriggerValue)] : []));
  };
  const text = JSON.stringify(data);
  if (root.drawn !== text) { // so that a list being read does not flicker every second
    const focused = root.contains(document.activeElement) && document.activeElement.dataset.key;
    root.drawn = text;
    root.draw();
    if (focused) root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
  return () => highlight(null);
}
