// Emptying the outbox: in order, one request at a time, batched, patient. Only a result that names an entry's client
// key as stored or known clears it; whatever else happens, the entry stays and is tried again.

import { Refusal } from "./api.js";

const BATCH = 20;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const ITS_OWN_FAULT = new Set([400, 409, 413, 422]);

export class Sending {
  /** Nothing is wrong (null), or the Refusal that stopped the last try. */
  problem = null;
  #outbox;
  #exchange;
  #changed;
  #name;
  #busy = false;
  #again = false;
  #tries = 0;
  #timer = 0;

  /** `exchange(entries, isLast)` posts them and returns results in any order; `changed()` is called after each try. */
  constructor(outbox, name, exchange, changed) {
    this.#outbox = outbox;
    this.#name = name;
    this.#exchange = exchange;
    this.#changed = changed;
    const now = () => document.visibilityState === "visible" && this.now();
    for (const event of ["online", "focus"]) window.addEventListener(event, now);
    document.addEventListener("visibilitychange", now);
  }

  /** Try at once, whatever the waiting time. */
  now() {
    this.#tries = 0;
    return this.#run();
  }

  /** There is something to send or to fetch; while the server is away, the waiting time is kept. */
  kick() {
    return this.problem === null ? this.#run() : Promise.resolve();
  }

  async #run() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    clearTimeout(this.#timer);
    try {
      do {
        this.#again = false;
        await this.#alone(() => this.#drain());
      } while (this.#again && this.problem === null);
    } finally {
      this.#busy = false;
      this.#changed();
    }
  }

  /** In one tab at a time, where the browser can say so; elsewhere client keys make a repeat harmless. */
  #alone(act) {
    return navigator.locks ? navigator.locks.request(this.#name, act) : act();
  }

  /** The first exchange is made even with nothing to send: it fetches samples. */
  async #drain() {
    let most = BATCH;
    do {
      const entries = this.#outbox.head(most);
      try {
        this.#settle(entries, await this.#exchange(entries, this.#outbox.waiting.length <= entries.length));
        this.problem = null;
        this.#tries = 0;
        most = BATCH;
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        if (entries.length > 1 && ITS_OWN_FAULT.has(refusal.status)) most = 1;
        else if (entries.length && ITS_OWN_FAULT.has(refusal.status)) this.#outbox.mark(entries[0], refusal.message);
        else return this.#later(refusal);
      }
      this.#changed();
    } while (this.#outbox.waiting.length);
  }

  #settle(entries, results) {
    const told = new Map(results.map((result) => [result.client_key, result]));
    let cleared = 0;
    for (const entry of entries) {
      const result = told.get(entry.body.client_key);
      if (!result) continue;
      cleared += 1;
      if (result.status === "refused") this.#outbox.mark(entry, result.error || "The server gave no reason.");
      else this.#outbox.clear(entry);
    }
    if (entries.length && !cleared) throw new Refusal("The server did not confirm the answers.", 502);
  }

  /** Twice as long each time, with chance in it, so that not all pages come back in the same second. */
  #later(refusal) {
    this.problem = refusal;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries++);
    const chance = wait * (0.75 + Math.random() / 2);
    if (refusal.status !== 401) this.#timer = setTimeout(() => this.#run(), Math.max(chance, refusal.waitMs));
    this.#changed();
  }
}
