// Progress: today, in this batch, until the next training, and the last verdict. Annotations in the outbox count, so
// that the numbers follow the keys and not the network.

import { element, find } from "../shared/elements.js";

const COUNTED = { label: 1, skip: 1, cant_tell: 1, withdraw: -1 };

export class Progress {
  /** The server's last progress; null before the first response. */
  latest = null;
  /** The number of samples left in this batch, as text. */
  left = "";
  #place;

  constructor(place) {
    this.#place = place;
  }

  /** Annotations today, including those in the outbox. */
  today(waiting) {
    return Math.max(0, (this.latest?.today ?? 0) + ahead(waiting));
  }

  show(waiting) {
    if (!this.latest) return;
    const { batch, until_retrain: left, retrain_why: why, last_verdict: verdict, stopping } = this.latest;
    const answered = Math.min(batch.asked, Math.max(0, batch.answered + ahead(waiting)));
    this.#set("today", String(this.today(waiting)));
    this.left = `${batch.asked - answered} left`;
    this.#set("left", String(batch.asked - answered));
    this.#set("batch", `${answered} of ${batch.asked} labeled in this batch`);
    this.#bar(answered, batch.asked);
    this.#set("retrain", left === null ? "now" : String(Math.max(0, left - ahead(waiting))));
    this.#set("why", why ?? "");
    find("[data-verdict]", this.#place).replaceChildren(...(verdict ? verdictParts(verdict) : ["No verdict yet."]));
    find("[data-stopping]", this.#place).hidden = !stopping;
    if (stopping) find("[data-advice]", this.#place).replaceChildren(...adviceParts(stopping));
  }

  #set(name, said) {
    const place = find(`[data-${name}]`, this.#place);
    if (place.textContent !== said) place.textContent = said;
  }

  #bar(answered, asked) {
    const bar = find("progress", this.#place);
    bar.max = Math.max(asked, 1);
    bar.value = answered;
  }
}

const ahead = (waiting) => waiting.reduce((sum, { body }) => sum + (body.supersedes_key && body.act !== "withdraw" ? 0 : COUNTED[body.act] ?? 0), 0);

function verdictParts({ decision, metric, champion, challenger, reason }) {
  const did = { promote: "New champion", keep: "The champion stays", roll_back: "Rolled back" }[decision] ?? decision;
  const scores = [champion, challenger].filter((score) => typeof score === "number").map((score) => score.toFixed(3)).join(" → ");
  return [
    element("b", { class: decision }, did), scores ? `: ${metric} ${scores}` : "",
    element("small", { class: "soft" }, reason ?? ""),
  ];
}

function adviceParts({ enough, headline, methods }) {
  const said = headline.charAt(0).toUpperCase() + headline.slice(1);
  return [element("b", {}, said), enough ? ". Further labels are still stored." : "", ...methods.map((method) => element("small", { class: "soft" }, method))];
}
