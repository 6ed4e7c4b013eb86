// The line about the last annotation. It always has the same place and height, so that nothing moves when the model's
// prediction appears; it never takes the focus. As a polite live region it is read out by screen readers.

import { element, find } from "../shared/elements.js";
import { summary } from "../samples/sample.js";

const LONG_ENOUGH_MS = 2000;

export class Strip {
  /** The annotation whose reveal is shown: {item, key, act, label}; else null. */
  answer = null;
  #place;
  #message;
  #offer;
  #since = 0;

  constructor(place, { keep, change }) {
    this.#place = place;
    this.#message = find("[data-message]", place);
    this.#offer = find("[data-offer]", place);
    find("[data-keep]", place).addEventListener("click", keep);
    find("[data-change]", place).addEventListener("click", change);
  }

  /** Show a message, unless a reveal appeared less than two seconds ago. */
  say(...parts) {
    if (this.answer && performance.now() - this.#since < LONG_ENOUGH_MS) return;
    this.clear(...parts);
  }

  /** Show a message in place of a reveal. */
  clear(...parts) {
    this.answer = null;
    this.#show(parts, false);
  }

  /** Show the model's prediction for a labeled sample, with the choice to keep or change the label. */
  reveal(answer, project) {
    const { label, probability, factors = [] } = answer.item.reveal;
    const agrees = label === answer.label;
    this.answer = agrees ? null : answer;
    this.#since = performance.now();
    const names = [...new Set(factors.map(nameOf))].slice(0, 3).join(", ");
    this.#show([
      "Your label: ", element("b", {}, answer.label), agrees ? ". The model agrees" : ". The model predicts ",
      agrees ? null : element("b", { class: "model" }, label), sure(probability), ". ",
      element("span", { class: "about" }, `${summary(answer.item, project)}${names && ` – most important: ${names}`}`),
    ], !agrees);
  }

  #show(parts, isOffer) {
    this.#message.replaceChildren(...parts.filter((part) => part));
    this.#place.classList.toggle("reveal", isOffer);
    this.#offer.hidden = !isOffer;
  }
}

const nameOf = (factor) => (typeof factor === "string" ? factor : factor.word || factor.name);

/** The model's probability as text. */
const sure = (probability) => (probability === null || probability === undefined ? "" : `, ${probability.toFixed(2)}`);

/** The message after an annotation. */
export const saved = (act, label) => element("b", {}, { label: `Saved: ${label}`, skip: "Skipped", cant_tell: "Saved: can't tell" }[act]);

/** The message on a sample whose prediction was revealed before. */
export function seen({ reveal, first }) {
  const said = ["The model predicts ", element("b", {}, reveal.label), sure(reveal.probability), "."];
  return first ? ["Your label: ", element("b", {}, first.label), ". ", ...said, " Choose a class, or press Escape to keep yours."] : said;
}
