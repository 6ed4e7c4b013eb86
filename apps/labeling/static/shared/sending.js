// Sending the outbox: in order, one request at a time, in batches, with growing pauses after errors. An entry is removed
// only if a result for its client key is "stored" or "known"; otherwise it stays and is sent again.

import { ApiError } from "./api.js";

const BATCH = 20;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const INVALID = new Set([400, 409, 413, 422]);

export class Sending {
  /** The ApiError of the last attempt, or null. */
  problem = null;
  #outbox;
  #exchange;
  #changed;
  #name;
  #busy = false;
  #again = false;
  #tries = 0;
  #timer = 0;

  /** `exchange(entries, isLast)` posts entries and returns results in any order; `changed()` is called after each attempt. */
  constructor(outbox, name, exchange, changed) {
    this.#outbox = outbox;
    this.#name = name;
    this.#exchange = exchange;
    this.#changed = changed;
    const now = () => document.visibilityState === "visible" && this.now();
    for (const event of ["online", "focus"]) window.addEventListener(event, now);
    document.addEventListener("visibilitychange", now);
  }

  /** Send at once, even during a pause. */
  now() {
    this.#tries = 0;
    return this.#run();
  }

  /** Send or fetch unless there is a pause after an error. */
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

  /** In one tab at a time if the browser has locks; otherwise client keys make repeats harmless. */
  #alone(act) {
    return navigator.locks ? navigator.locks.request(this.#name, act) : act();
  }

  /** The first exchange happens even with an empty outbox: it fetches samples. */
  async #drain() {
    let most = BATCH;
    do {
      const entries = this.#outbox.head(most);
      try {
        this.#settle(entries, await this.#exchange(entries, this.#outbox.waiting.length <= entries.length));
        this.problem = null;
        this.#tries = 0;
        most = BATCH;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (entries.length > 1 && INVALID.has(error.status)) most = 1;
        else if (entries.length && INVALID.has(error.status)) this.#outbox.mark(entries[0], error.message);
        else return this.#later(error);
      }
      this.#changed();
    } while (this.#outbox.waiting.length);
  }

  #settle(entries, results) {
    const byKey = new Map(results.map((result) => [result.client_key, result]));
    let cleared = 0;
    for (const entry of entries) {
      const result = byKey.get(entry.body.client_key);
      if (!result) continue;
      cleared += 1;
      if (result.status === "refused") this.#outbox.mark(entry, result.error || "The server gave no reason.");
      else this.#outbox.clear(entry);
    }
    if (entries.length && !cleared) throw new ApiError("The server did not confirm the annotations.", 502);
  }

  /** The pause doubles each time, with a random part, so that not all pages retry in the same second. */
  #later(error) {
    this.problem = error;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries++);
    const pause = wait * (0.75 + Math.random() / 2);
    if (error.status !== 401) this.#timer = setTimeout(() => this.#run(), Math.max(pause, error.waitMs));
    this.#changed();
  }
}
