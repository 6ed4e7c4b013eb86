// Annotations that the server has not confirmed yet. Each has its own key in localStorage, so that two tabs cannot
// overwrite each other's, and is written before the next sample is shown.

/** A new client key: 32 hex digits and dashes. `randomUUID` does not exist on pages over plain HTTP. */
export function clientKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export class Outbox {
  #prefix;
  #storage;
  #last = 0;
  /** False once the browser could not store an annotation: then it is lost when the page closes. */
  durable = true;
  #memory = new Map();

  constructor(project, annotator, storage = () => window.localStorage) {
    this.#prefix = `tiltyard.outbox/${project}/${encodeURIComponent(annotator)}/`;
    this.#storage = storage;
  }

  /** Store an annotation; `body` contains its client_key. Returns the entry. */
  add(path, body) {
    this.#last = Math.max(Date.now(), this.#last + 1);
    const name = `${this.#prefix}${String(this.#last).padStart(15, "0")}-${body.client_key}`;
    return this.#write({ name, path, body, problem: "" });
  }

  /** All entries, oldest first. */
  all() {
    return this.#names().map((name) => this.#read(name)).filter((entry) => entry !== null);
  }

  /** The next entries to send, in order and for one path. Refused ones are not sent again by themselves. */
  head(most) {
    const waiting = this.all().filter((entry) => !entry.problem);
    const other = waiting.findIndex((entry) => entry.path !== waiting[0].path);
    return waiting.slice(0, Math.min(most, other < 0 ? most : other));
  }

  /** The assignments that an entry completes; their samples must not be shown again. */
  get answered() {
    const last = new Map(this.all().map(({ body }) => [body.assignment_id, body.act]));
    return [...last].filter(([, act]) => ["label", "skip", "cant_tell"].includes(act)).map(([id]) => id);
  }

  get waiting() {
    return this.all().filter((entry) => !entry.problem);
  }

  get refused() {
    return this.all().filter((entry) => entry.problem);
  }

  /** Remove an entry: the server has it, or the annotator removes it. */
  clear(entry) {
    this.#memory.delete(entry.name);
    this.#kept((storage) => storage.removeItem(entry.name));
  }

  /** Mark an entry as refused, with the reason; an empty reason sends it again. */
  mark(entry, problem) {
    this.#write({ ...entry, problem });
  }

  #write(entry) {
    const kept = this.#kept((storage) => storage.setItem(entry.name, JSON.stringify(entry)) ?? true);
    this.durable &&= kept === true;
    if (kept !== true) this.#memory.set(entry.name, entry);
    return entry;
  }

  #read(name) {
    if (this.#memory.has(name)) return this.#memory.get(name);
    try {
      return JSON.parse(this.#kept((storage) => storage.getItem(name)) ?? "null");
    } catch {
      return null;  // not written by this page
    }
  }

  #names() {
    const stored = this.#kept((storage) => Object.keys(storage)) ?? [];
    return [...new Set([...stored, ...this.#memory.keys()])].filter((name) => name.startsWith(this.#prefix)).sort();
  }

  /** The result of a storage operation; undefined if the browser has no storage or it is full. */
  #kept(act) {
    try {
      return act(this.#storage());
    } catch {
      return undefined;
    }
  }
}
