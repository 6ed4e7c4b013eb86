// The page without a sample: the reason, who holds the remaining samples, and when the queue is filled.

import { element, find, sentence } from "../shared/elements.js";

/** Show why there is no sample. `progress` is the server's last progress, `problem` the last error or null. */
export function empty(place, progress, problem) {
  const parts = problem ? away(problem) : progress?.empty ? because(progress.empty) : [heading("Loading samples …")];
  const list = find("[data-why]", place);
  if (list.textContent !== parts.map((part) => part.textContent).join("")) list.replaceChildren(...parts);
}

const heading = (said) => element("h2", { tabindex: "-1" }, said);

function away(problem) {
  const why = problem.status === 401 ? "You are logged out." : problem.status === 0 ? "No connection to the server." : sentence(problem.message);
  return [heading("No sample available"), element("p", {}, `${why} Your annotations are kept on this device; the page continues when the server is available.`)];
}

function because({ why, held_by: holders = {}, refill }) {
  const held = Object.entries(holders);
  return [
    heading("No samples to label"),
    element("p", {}, sentence(why)),
    held.length && element("p", {}, "Held by others: ", held.map(([name, count]) => `${name} (${count})`).join(", "), "."),
    refill && element("p", {}, sentence(refill)),
    element("p", { class: "soft" }, "This page checks again every 20 seconds."),
  ].filter(Boolean);
}
