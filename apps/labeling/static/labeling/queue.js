// The samples that this page has leased, the first one on screen; and the annotations made here, for undo.

const AHEAD = 3;
const MAX_LISTED = 20;

export class Queue {
  items = [];
  /** The annotations made here, oldest first: {item, key, act, label}; a remark leaves its sample on screen. */
  answered = [];
  #gone = new Set();

  get current() {
    return this.items[0] ?? null;
  }

  /** The number of assignments to lease, and those held; after many undos not all are listed, which is harmless. */
  get lease() {
    return { count: AHEAD + 1, have: this.items.slice(0, MAX_LISTED).map((item) => item.assignment_id) };
  }

  /** Add leased assignments. Those that were labeled here are skipped: the annotation may still be in the outbox. */
  take(assignments, gone = []) {
    const lost = new Set(gone);
    this.items = this.items.filter((item, place) => place === 0 || !lost.has(item.assignment_id));
    const held = new Set(this.items.map((item) => item.assignment_id));
    const fresh = assignments.filter(({ assignment_id: id }) => !held.has(id) && !this.#gone.has(id));
    this.items.push(...fresh.map((assignment) => ({ ...assignment, first: null, reveal: null })));
  }

  /** Exclude assignments that were labeled, even if the server does not know it yet. */
  without(assignmentIds) {
    for (const id of assignmentIds) this.#gone.add(id);
  }

  /** Record the annotation of the sample on screen, and show the next sample. */
  next(answer) {
    const item = this.items.shift();
    this.#gone.add(item.assignment_id);
    this.answered = this.answered.filter((earlier) => earlier.item !== item || earlier.isRemark);
    this.answered.push({ item, ...answer });
  }

  /** Record a remark. */
  remember(remark) {
    this.answered.push(remark);
  }

  /** Undo the last annotation: its sample is on screen again. Null if there is none. */
  back() {
    const last = this.answered.pop() ?? null;
    if (last && this.current !== last.item) this.#reopen(last.item);
    return last;
  }

  /** Show a labeled sample again for a second label. */
  again(answer) {
    this.answered = this.answered.filter((earlier) => earlier !== answer);
    this.#reopen(answer.item);
  }

  /** Keep the first label of a sample that was shown again. */
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
