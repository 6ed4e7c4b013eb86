// The time spent on a sample. Breaks are not counted: at most half a minute between two user events.

const LONGEST_PAUSE_MS = 30000;
const SIGNS = ["keydown", "pointermove", "pointerdown", "wheel", "scroll", "touchstart", "focus"];

export class Attention {
  #spent = 0;
  #since = performance.now();

  constructor() {
    for (const sign of SIGNS) window.addEventListener(sign, () => this.#mark(), { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => this.#mark());
  }

  /** Start timing a new sample. */
  start() {
    this.#spent = 0;
    this.#since = performance.now();
  }

  /** Milliseconds since the start, without breaks. */
  get ms() {
    this.#mark();
    return Math.round(this.#spent);
  }

  #mark() {
    const now = performance.now();
    this.#spent += Math.min(now - this.#since, LONGEST_PAUSE_MS);
    this.#since = now;
  }
}
