// Shows news as notifications of the browser while no tab of the dashboard is in sight.
// What was shown, and when a tab was last in sight, lies in the browser's storage for all tabs.

const KEPT = "cifar-lab-news";
const MOST = 500; // ids that are remembered
const IN_SIGHT = 8000; // milliseconds for which a tab counts as in sight
const has = "Notification" in window && "locks" in navigator;

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    return { seen: kept.seen ?? [], at: kept.at ?? 0 };
  } catch {
    return { seen: [], at: 0 };
  }
}

function save(kept) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...kept, seen: kept.seen.slice(-MOST) }));
  } catch {
    // without storage, this tab alone remembers
  }
}

function follow(href) {
  window.focus();
  history.pushState(null, "", new URL(href, document.baseURI));
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function show({ id, title, text, href }) {
  const options = { body: text, tag: id, icon: document.querySelector("link[rel~=icon]")?.href };
  try {
    const notice = new Notification(title, options);
    notice.onclick = () => { notice.close(); follow(href); };
  } catch {
    // some phones have notifications only for installed sites
  }
}

async function consider(root) {
  if (!has) return;
  const isFirst = !root.began;
  root.began = true;
  await navigator.locks.request(KEPT, () => {
    const kept = load(), seen = new Set(kept.seen), now = Date.now();
    const fresh = root.news.filter((one) => !seen.has(one.id));
    const isVisible = document.visibilityState === "visible";
    if (!isVisible && now - kept.at < IN_SIGHT && now >= kept.at) return; // another tab is in sight
    if (!isVisible && !isFirst && Notification.permission === "granted") fresh.forEach(show);
    save({ seen: [...kept.seen, ...fresh.map((one) => one.id)], at: isVisible ? now : kept.at });
  });
}

function watch(root, news) {
  root.news = news;
  if (!root.timer) {
    root.timer = setInterval(() => {
      if (!root.isConnected && root.timer) clearInterval(root.timer);
      else if (document.visibilityState === "visible") consider(root);
    }, IN_SIGHT / 2);
  }
  consider(root);
}

const WORDS = {
  granted: "This browser also shows them, while no tab of the dashboard is in sight.",
  denied: "This browser blocks notifications of this site. Its settings can allow them.",
};

function ask(root) {
  if (!has) return root.replaceChildren();
  if (Notification.permission !== "default") {
    const words = document.createElement("p");
    words.textContent = WORDS[Notification.permission];
    return root.replaceChildren(words);
  }
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Show them in this browser too";
  button.onclick = async () => {
    await Notification.requestPermission();
    ask(root);
  };
  root.replaceChildren(button);
}

const BELL = "M6 10a6 6 0 0 1 12 0v4l2 3H4l2-3zM10 20a2 2 0 0 0 4 0";

function toggle(root, { label, on, reaches }, send) {
  if (!has && !reaches) return root.replaceChildren();
  let button = root.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${BELL}"/></svg>`;
    button.append(document.createElement("span"));
    root.replaceChildren(button);
  }
  button.querySelector("span").textContent = label;
  button.ariaPressed = String(on);
  button.onclick = async () => {
    if (!on && has && Notification.permission === "default") await Notification.requestPermission();
    send("wanted", !on);
  };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".notices");
  if (data.mode === "watch") watch(root, data.news);
  else if (data.mode === "ask") ask(root);
  else toggle(root, data, setTriggerValue);
}
