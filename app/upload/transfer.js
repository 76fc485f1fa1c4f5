// Sends files to the server in pieces. A transfer belongs to the tab, not to the part of the page
// that shows it: the dialog may be closed and opened again meanwhile.

const PIECE = 8 << 20, MOST_PARTS = 4000, LETTERS = 300_000;  // bytes, files, and letters of their names in one request
const PAUSES = [1, 2, 4, 8, 15, 30];  // seconds before another try when the connection is lost
const SPEED_OVER = 5000;  // milliseconds that the speed is an average over
const LONGEST_PART = 255, LONGEST_PATH = 1000, DEEPEST = 16;  // bytes of names and paths, folders
const address = document.baseURI.replace(/[^/]*([?#].*)?$/, "");
// what is not worth sending; the server drops more of the kind
const JUNK = /(^|\/)(\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini|__MACOSX|\.git|\.ipynb_checkpoints)(\/|$)/i;
const PACKED = /(\.tar)?\.(zip|tgz|tar|gz|bz2|xz|npz|mat|parquet)$/i;

const tab = (window.labUploads ??= { transfer: null, show: () => {} });

class Refusal extends Error {
  constructor(status, answer) {
    super(answer.why ?? "");
    this.status = status;
    this.have = answer.have;
  }
}

function token() {
  return document.cookie.match(/(?:^|; )_streamlit_xsrf=([^;]+)/)?.[1] ?? "";
}

// Resolves to the server's answer; `began` gets the request, so that it can be aborted.
function ask(method, path, body, began = () => {}) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(method, new URL(path, address));
    request.setRequestHeader("X-Xsrftoken", token());
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer.why = request.responseText; }
      request.status === 200 ? done(answer) : failed(new Refusal(request.status, answer));
    };
    request.onerror = request.onabort = () => failed(new Refusal(0, {}));
    began(request);
    request.send(body);
  });
}

// The same names, sizes and times give the same key, wherever the files were chosen.
// It recognizes files that are chosen again, and protects nothing.
function keyOf(texts) {
  let a = 0x9e3779b9, b = 0x85ebca6b;
  for (const text of texts) {
    for (let i = 0; i <= text.length; i++) {
      const code = i < text.length ? text.charCodeAt(i) : 0x1ffff;
      a = Math.imul(a ^ code, 2654435761); a ^= a >>> 15;
      b = Math.imul(b ^ code, 1597334677); b ^= b >>> 13;
    }
  }
  return [a, b].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join("");
}

// Whether the server leaves a file out because of its name, as in names.py. Such a file is sent
// without its bytes, so that it is listed there.
function isOdd(path) {
  const parts = path.split("/").filter((part) => part && part !== ".");
  const sizes = parts.map((part) => new TextEncoder().encode(part).length);
  return !parts.length || parts.length > DEEPEST || parts.includes("..")
    || /^(\/|[A-Za-z]:)/.test(path) || /[\p{Cc}\p{Cs}]/u.test(path)
    || Math.max(...sizes) > LONGEST_PART || sizes.reduce((sum, size) => sum + size) > LONGEST_PATH;
}

function withoutBytes(file) {
  return new File([], file.name, { lastModified: file.lastModified });
}

// Puts chosen files in order: hidden ones are left out, the folder around all of them is the title.
function arranged(chosen) {
  let files = chosen.map(({ path, file }) => ({ path: path.normalize("NFC").replaceAll("\\", "/"), file }))
    .filter(({ path }) => !JUNK.test(path));
  const tops = new Set(files.map(({ path }) => path.includes("/") ? path.split("/")[0] : ""));
  const top = tops.size === 1 ? [...tops][0] : "";
  if (top) files = files.map(({ path, file }) => ({ path: path.slice(top.length + 1), file }));
  files.sort((x, y) => (x.path < y.path ? -1 : 1));
  const taken = new Set();
  for (const one of files) {
    const dot = one.path.lastIndexOf("."), stem = dot > 0 ? one.path.slice(0, dot) : one.path;
    for (let n = 2; taken.has(one.path); n++) one.path = `${stem}-${n}${dot > 0 ? one.path.slice(dot) : ""}`;
    taken.add(one.path);
  }
  for (const one of files) if (isOdd(one.path)) one.file = withoutBytes(one.file);
  const only = files.length === 1 && !top ? files[0].path.replace(PACKED, "") : "";
  return { files, title: top || only || "My pictures" };
}

class Transfer {
  constructor({ files, title }, wanted) {
    this.files = files;
    this.ends = [];
    this.bytes = files.reduce((sum, { file }) => { this.ends.push(sum + file.size); return sum + file.size; }, 0);
    this.wanted = { title, ...wanted, bytes: this.bytes, files: files.length };
    this.wanted.key = keyOf([
      wanted.into ?? "", wanted.label ?? "",
      ...files.map(({ path, file }) => `${path}|${file.size}|${file.lastModified}`)]);
    this.empty = new Set();  // files without bytes that were sent
    this.state = "stopped";
    this.have = this.sent = 0;
    this.why = "";
  }

  get title() { return this.wanted.title; }

  move(state, why = "") {
    [this.state, this.why] = [state, why];
    tab.show();
  }

  async run() {
    this.tries = 0;
    this.seen = [];
    this.move("sending");
    while (this.state === "sending" || this.state === "waiting") {
      try {
        await this.send();
      } catch (problem) {
        if (!(problem instanceof Refusal)) throw problem;
        await this.cope(problem);
      }
    }
  }

  async send() {
    if (!this.isComplete) {
      const { id, have } = await ask("POST", "upload", JSON.stringify(this.wanted));
      this.id = id;
      this.reach(have);
      this.move("sending");
      for (let piece; (piece = this.piece());) {
        this.reach(await this.put(piece));
        piece.empty.forEach((i) => this.empty.add(i));
        this.tries = 0;
      }
    }
    if (this.state !== "sending" && this.state !== "waiting") return;
    this.isComplete = true;  // if the answer is lost, only this is asked again
    this.set = (await ask("POST", `upload/${this.id}/done`, "")).set;
    this.move("done");
  }

  async put({ body, head }) {
    const at = this.have;
    try {
      const answer = await ask("PUT", `upload/${this.id}?at=${at}`, body, (request) => {
        this.request = request;
        request.upload.onprogress = ({ loaded }) => this.reach(at, Math.max(0, loaded - head));
      });
      return answer.have;
    } catch (problem) {
      if (problem.status === 409) return problem.have;
      throw problem;
    } finally {
      this.request = null;
    }
  }

  // What the server's refusal or its silence means: try again later, or stop and say why.
  async cope({ status, message }) {
    if (this.state !== "sending" && this.state !== "waiting") return;
    const passes = status === 0 || status === 423 || status >= 502 && status <= 504;
    if (!passes || this.tries >= PAUSES.length) {
      this.move("stopped", message || "The server cannot be reached, or a file was changed.");
      return;
    }
    this.move("waiting", message);
    await new Promise((done) => {
      this.wake = done;
      setTimeout(done, 1000 * PAUSES[this.tries++]);
      addEventListener("online", done, { once: true });
    });
  }

  // The next piece: a head with the names, sizes and offsets of its parts, and their bytes.
  piece() {
    let i = this.ends.findIndex((end) => end > this.have);
    if (i < 0) i = this.files.length;
    const isOpen = (k) => !this.files[k].file.size && !this.empty.has(k) && this.ends[k] >= this.have;
    while (i > 0 && isOpen(i - 1)) i--;
    const parts = [], blobs = [], empty = [];
    for (let room = PIECE, letters = 0; i < this.files.length && room > 0 && letters < LETTERS && parts.length < MOST_PARTS; i++) {
      const { path, file } = this.files[i], start = this.ends[i] - file.size;
      letters += path.length;
      const offset = Math.max(0, this.have - start), size = Math.min(file.size - offset, room);
      parts.push([path, size, offset]);
      blobs.push(file.slice(offset, offset + size));
      if (!file.size) empty.push(i);
      room -= size;
    }
    if (!parts.length) return null;
    const names = new TextEncoder().encode(JSON.stringify(parts)), length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, names.length, true);
    return { body: new Blob([length, names, ...blobs]), head: 4 + names.length, empty };
  }

  reach(have, more = 0) {
    this.have = have;
    this.sent = Math.min(this.bytes, have + more);
    const now = performance.now();
    this.seen = this.seen.filter(([at]) => now - at < SPEED_OVER);
    this.seen.push([now, this.sent]);
    tab.show();
  }

  // Bytes per second lately; 0 while that is not known.
  get speed() {
    if (this.seen.length < 2) return 0;
    const [[t0, n0], [t1, n1]] = [this.seen[0], this.seen[this.seen.length - 1]];
    return t1 - t0 > 300 ? Math.max(0, 1000 * (n1 - n0) / (t1 - t0)) : 0;
  }

  stop() {
    this.move("stopped");
    this.request?.abort();
    this.wake?.();
  }
}

// All files in what was dropped, with their paths; folders are read to their depths.
async function dropped(items) {
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((done, failed) => entry.file(done, failed));
      found.push({ path: entry.fullPath.slice(1), file });
      return;
    }
    const reader = entry.createReader();
    for (let more; (more = await new Promise((done, failed) => reader.readEntries(done, failed))).length;) {
      for (const one of more) await walk(one);
    }
  };
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  for (const entry of entries) await walk(entry);
  return found;
}
