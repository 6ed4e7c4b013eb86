// The samples that this page holds: the first is on screen, the others wait behind it. And what was answered, for undo.

const AHEAD = 3;
const MOST_TOLD = 20;

export class Queue {
  items = [];
  /** What was said here, the last at the end: {item, key, act, label}; a remark leaves its sample on screen. */
  answered = [];
  #gone = new Set();

  get current() {
    return this.items[0] ?? null;
  }

  /** How many are to be held, and which are; after many an undo not all of them are told, which costs nothing. */
  get lease() {
    return { count: AHEAD + 1, have: this.items.slice(0, MOST_TOLD).map((item) => item.assignment_id) };
  }

  /** Take what the server leased. What was answered here is not asked again: the answer may still be on its way. */
  take(assignments, gone = []) {
    const lost = new Set(gone);
    this.items = this.items.filter((item, place) => place === 0 || !lost.has(item.assignment_id));
    const held = new Set(this.items.map((item) => item.assignment_id));
    const fresh = assignments.filter(({ assignment_id: id }) => !held.has(id) && !this.#gone.has(id));
    this.items.push(...fresh.map((assignment) => ({ ...assignment, first: null, reveal: null })));
  }

  /** These are answered, though the server may not know it yet. */
  without(assignmentIds) {
    for (const id of assignmentIds) this.#gone.add(id);
  }

  /** The sample on screen is answered: remember it under the answer's client key, and go on. */
  next(answer) {
    const item = this.items.shift();
    this.#gone.add(item.assignment_id);
    this.answered = this.answered.filter((earlier) => earlier.item !== item || earlier.isRemark);
    this.answered.push({ item, ...answer });
  }

  /** A remark was made. */
  remember(remark) {
    this.answered.push(remark);
  }

  /** Take back what was said last: its sample is on screen again. Null when nothing is left. */
  back() {
    const last = this.answered.pop() ?? null;
    if (last && this.current !== last.item) this.#reopen(last.item);
    return last;
  }

  /** Ask an answered sample once more, for a second answer. */
  again(answer) {
    this.answered = this.answered.filter((earlier) => earlier !== answer);
    this.#reopen(answer.item);
  }

  /** Leave a sample that was asked once more as it was answered first. */
  leave(answer) {
    const item = this.items.shift();
    this.#gone.add(item.assignment_id);
    this.answered.push(answer);
  }

  of(key) {
    return this.answered.find((answer) => answer.key === key && !answer.isRemark) ?? null;
  }

  #reopen(item) {
    this.#gone.delete(item.assignment_id);
    this.items = [item, ...this.items.filter((other) => other !== item)];
  }
}
