// The page without a sample: why there is none, who holds the rest, and when there will be more.

import { element, find } from "../shared/elements.js";

/** Say why nothing is asked. `problem` is what keeps the server away, if anything does. */
export function empty(place, told, problem) {
  const parts = problem ? away(problem) : told?.empty ? because(told.empty) : [heading("Looking for samples …")];
  const list = find("[data-why]", place);
  if (list.textContent !== parts.map((part) => part.textContent).join("")) list.replaceChildren(...parts);
}

const heading = (said) => element("h2", { tabindex: "-1" }, said);

function away(problem) {
  const why = problem.status === 401 ? "You are logged out." : problem.status === 0 ? "There is no connection to the server." : problem.message;
  return [heading("No sample at hand"), element("p", {}, `${why} What you answered is kept on this device; samples come when the server is back.`)];
}

function because({ why, held_by: holders = {}, refill }) {
  const held = Object.entries(holders);
  return [
    heading("Nothing to answer right now"),
    element("p", {}, why),
    held.length && element("p", {}, "Held by others: ", held.map(([name, count]) => `${name} (${count})`).join(", "), "."),
    refill && element("p", {}, refill),
    element("p", { class: "soft" }, "This page looks again every 20 seconds."),
  ].filter(Boolean);
}
