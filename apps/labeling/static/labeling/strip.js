// The line about the last answer. Its place and height are always there, so that nothing moves when the model's word
// comes in; it never takes the focus. It is a polite live region: what it says is read out.

import { element, find } from "../shared/elements.js";
import { summary } from "../samples/sample.js";

const LONG_ENOUGH_MS = 2000;

export class Strip {
  /** The answer whose reveal is shown: {item, key, act, label}; else null. */
  answer = null;
  #place;
  #told;
  #offer;
  #since = 0;

  constructor(place, { keep, change }) {
    this.#place = place;
    this.#told = find("[data-told]", place);
    this.#offer = find("[data-offer]", place);
    find("[data-keep]", place).addEventListener("click", keep);
    find("[data-change]", place).addEventListener("click", change);
  }

  /** Say one thing. A reveal that just came in stays until it could be read. */
  say(...parts) {
    if (this.answer && performance.now() - this.#since < LONG_ENOUGH_MS) return;
    this.clear(...parts);
  }

  /** Say one thing in place of a reveal. */
  clear(...parts) {
    this.answer = null;
    this.#show(parts, false);
  }

  /** The model's word on a sample that was answered, to keep one's own or to change. */
  reveal(answer, project) {
    const { label, probability, factors = [] } = answer.item.reveal;
    const agrees = label === answer.label;
    this.answer = agrees ? null : answer;
    this.#since = performance.now();
    const names = [...new Set(factors.map(nameOf))].slice(0, 3).join(", ");
    this.#show([
      "You said ", element("b", {}, answer.label), agrees ? ", and so did the model" : ". The model said ",
      agrees ? null : element("b", { class: "model" }, label), sure(probability), ". ",
      element("span", { class: "about" }, `${summary(answer.item, project)}${names && ` – most weight: ${names}`}`),
    ], !agrees);
  }

  #show(parts, isOffer) {
    this.#told.replaceChildren(...parts.filter((part) => part));
    this.#place.classList.toggle("reveal", isOffer);
    this.#offer.hidden = !isOffer;
  }
}

const nameOf = (factor) => (typeof factor === "string" ? factor : factor.word || factor.name);

/** How sure the model is, as people write it. */
const sure = (probability) => (probability === null || probability === undefined ? "" : `, ${probability.toFixed(2)}`);

/** What was just said. */
export const saved = (act, label) => element("b", {}, { label: `Saved: ${label}`, skip: "Skipped", cant_tell: "Saved: can't tell" }[act]);

/** What is known of the model's word on a sample, where it was seen already. */
export function seen({ reveal, first }) {
  const said = ["The model said ", element("b", {}, reveal.label), sure(reveal.probability), "."];
  return first ? ["You said ", element("b", {}, first.label), ". ", ...said, " Give your class, or Escape to leave it."] : said;
}
