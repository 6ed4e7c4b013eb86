// Annotations that wait for the server or were refused. Only the annotator can remove them.

import { element, find, sentence } from "./elements.js";
import { page } from "./page.js";

const SHOW_AFTER_MS = 2000;

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

  /** Show the status. Annotations of the last two seconds are not shown: they are being sent. */
  show() {
    clearTimeout(this.#timer);
    const waiting = this.#outbox.waiting;
    const age = waiting.length ? Date.now() - Date.parse(waiting[0].body.said_at) : 0;
    const isShown = this.#sending.problem !== null || age > SHOW_AFTER_MS || !this.#outbox.durable;
    if (waiting.length && !isShown) this.#timer = setTimeout(() => this.show(), SHOW_AFTER_MS - age + 50);
    this.#write(isShown ? this.#parts(waiting.length) : []);
    this.#list(this.#outbox.refused);
  }

  /** Written only when it changed: screen readers read out every change of a live region. */
  #write(parts) {
    const said = parts.map((part) => (typeof part === "string" ? part : part.textContent)).join("");
    if (find("p", this.#place).textContent === said) return;
    find("p", this.#place).replaceChildren(...parts);
    this.#place.hidden = !said;
  }

  #parts(count) {
    const { problem } = this.#sending;
    const kept = this.#outbox.durable ? "" : " This browser cannot store them: keep this page open until they are sent. ";
    const waits = count ? `${count} ${count === 1 ? "annotation is" : "annotations are"} not sent yet.${kept} ` : "";
    if (!problem) return waits ? [waits] : [];
    if (problem.status === 401) return [waits, "You are logged out. ", element("a", { href: page.login }, "Log in again"), count ? "; your annotations are kept and sent then." : "."];
    const again = element("button", { type: "button", class: "quiet", click: () => this.#sending.now() }, "Try now");
    return [waits, problem.status === 429 ? "Too many requests. " : `${sentence(problem.message)} `, count ? "You can continue; this page tries again automatically. " : "This page tries again automatically. ", again];
  }

  #list(refused) {
    this.#refused.hidden = !refused.length;
    find("summary", this.#refused).textContent = `${refused.length} ${refused.length === 1 ? "annotation was" : "annotations were"} refused`;
    const list = find("ul", this.#refused);
    if (list.childElementCount !== refused.length) list.replaceChildren(...refused.map((entry) => this.#item(entry)));
  }

  #item(entry) {
    const { act, label, note, sample_id: sample, said_at: at } = entry.body;
    const said = [act, label, note].filter(Boolean).join(" · ");
    const action = (name, does) => element("button", { type: "button", class: "quiet", click: does }, name);
    return element("li", {},
      element("p", {}, element("b", {}, said), ` for sample ${sample.slice(0, 8)}, ${at.slice(0, 16).replace("T", " ")}`),
      element("p", { class: "soft" }, sentence(entry.problem)),
      element("p", {},
        action("Copy", (event) => copied(event.target, entry)),
        action("Try again", () => { this.#outbox.mark(entry, ""); this.#sending.now(); this.show(); }),
        action("Remove", () => { this.#outbox.clear(entry); this.show(); })));
  }
}

/** Without a clipboard (plain HTTP) the text is shown for copying by hand. */
async function copied(button, entry) {
  const said = JSON.stringify(entry.body, null, 1);
  try {
    await navigator.clipboard.writeText(said);
    button.textContent = "Copied";
  } catch {
    button.closest("li").append(element("textarea", { readonly: true, rows: 6, "aria-label": "The annotation" }, said));
  }
}
