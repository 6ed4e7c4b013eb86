// What waits for the server, and what it did not take. Nothing of it is ever dropped without its author's word.

import { element, find } from "./elements.js";
import { page } from "./page.js";

const WORTH_TELLING_MS = 2000;

export class Banner {
  #place;
  #refused;
  #outbox;
  #sending;
  #timer = 0;

  constructor(place, refused, outbox, sending) {
    this.#place = place;
    this.#refused = refused;
    this.#outbox = outbox;
    this.#sending = sending;
  }

  /** Say how it stands. Answers that were just given are no news: they are on their way. */
  show() {
    clearTimeout(this.#timer);
    const waiting = this.#outbox.waiting;
    const age = waiting.length ? Date.now() - Date.parse(waiting[0].body.said_at) : 0;
    const isNews = this.#sending.problem !== null || age > WORTH_TELLING_MS || !this.#outbox.durable;
    if (waiting.length && !isNews) this.#timer = setTimeout(() => this.show(), WORTH_TELLING_MS - age + 50);
    this.#tell(isNews ? this.#parts(waiting.length) : []);
    this.#list(this.#outbox.refused);
  }

  /** Written only when it changed: a live region reads out whatever is written. */
  #tell(parts) {
    const said = parts.map((part) => (typeof part === "string" ? part : part.textContent)).join("");
    if (find("p", this.#place).textContent === said) return;
    find("p", this.#place).replaceChildren(...parts);
    this.#place.hidden = !said;
  }

  #parts(count) {
    const { problem } = this.#sending;
    const kept = this.#outbox.durable ? "" : " This browser keeps nothing: leave the page open until they are sent. ";
    const waits = count ? `${count} ${count === 1 ? "answer waits" : "answers wait"} for the server.${kept} ` : "";
    if (!problem) return waits ? [waits] : [];
    if (problem.status === 401) return [waits, "You are logged out. ", element("a", { href: page.login }, "Log in again"), count ? "; your answers are kept and sent then." : "."];
    const again = element("button", { type: "button", class: "quiet", click: () => this.#sending.now() }, "Try now");
    return [waits, problem.status === 429 ? "The server asks for patience. " : `${problem.message} `, count ? "You can go on; it is tried again by itself. " : "It is tried again by itself. ", again];
  }

  #list(refused) {
    this.#refused.hidden = !refused.length;
    find("summary", this.#refused).textContent = `${refused.length} ${refused.length === 1 ? "answer was" : "answers were"} not taken`;
    const list = find("ul", this.#refused);
    if (list.childElementCount !== refused.length) list.replaceChildren(...refused.map((entry) => this.#item(entry)));
  }

  #item(entry) {
    const { act, label, note, sample_id: sample, said_at: at } = entry.body;
    const said = [act, label, note].filter(Boolean).join(" · ");
    const act3 = (name, does) => element("button", { type: "button", class: "quiet", click: does }, name);
    return element("li", {},
      element("p", {}, element("b", {}, said), ` for sample ${sample.slice(0, 8)}, ${at.slice(0, 16).replace("T", " ")}`),
      element("p", { class: "soft" }, entry.problem),
      element("p", {},
        act3("Copy", (event) => copied(event.target, entry)),
        act3("Try again", () => { this.#outbox.mark(entry, ""); this.#sending.now(); this.show(); }),
        act3("Remove", () => { this.#outbox.clear(entry); this.show(); })));
  }
}

/** Where the clipboard is not to be had (plain HTTP), the text is laid out to be taken by hand. */
async function copied(button, entry) {
  const said = JSON.stringify(entry.body, null, 1);
  try {
    await navigator.clipboard.writeText(said);
    button.textContent = "Copied";
  } catch {
    button.closest("li").append(element("textarea", { readonly: true, rows: 6, "aria-label": "The answer" }, said));
  }
}
