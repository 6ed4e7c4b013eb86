// Choosing a class: buttons for few classes, a text field with suggestions for many.

import { Combobox } from "./combobox.js";
import { element, keycap } from "./elements.js";

const MOST_BUTTONS = 12;
const MOST_KEYS = 36;
const SHORT = 4;

/** Whether a class is chosen by typing. */
export function isTypedFor(classes) {
  return classes.length > MOST_BUTTONS && !(classes.length <= MOST_KEYS && classes.every(({ key }) => key));
}

/** Show the classes in an element; calls `picked(label)`. Returns {refresh, focus, mark}. */
export function choice(place, classes, keys, picked) {
  return keys.typing ? typed(place, classes, picked) : buttons(place, classes, keys, picked);
}

function buttons(place, classes, keys, picked) {
  const made = new Map(classes.map((one) => [one.name, button(one, picked)]));
  place.classList.add("buttons");
  place.classList.toggle("short", classes.every(({ name, description }) => name.length <= SHORT && !description));
  place.replaceChildren(...made.values());
  const refresh = () => made.forEach((one, label) => showKey(one, keys.shown("label", label)));
  refresh();
  /** Mark the annotator's earlier label and the model's prediction; without arguments, clear the marks. */
  const mark = (said = {}) => made.forEach((one, label) => {
    const words = [said.own === label && "yours", said.model === label && "the model's"].filter(Boolean).join(", ");
    one.classList.toggle("said", Boolean(words));
    one.lastChild.textContent = words;
  });
  return { refresh, mark, focus: () => {} };
}

function button({ name, description }, picked) {
  const attributes = { type: "button", class: "class", click: () => picked(name) };
  const said = element("span", { class: "name" }, name, description && element("small", {}, description));
  return element("button", attributes, element("span", { class: "cap" }), said, element("small"));
}

/** Show a button's key, for screen readers too. */
export function showKey(one, key) {
  one.firstChild.replaceChildren(...(key ? [keycap(key)] : []));
  if (key.length === 1) one.setAttribute("aria-keyshortcuts", key);
  else one.removeAttribute("aria-keyshortcuts");
}

function typed(place, classes, picked) {
  const box = new Combobox(place, classes, picked);
  return { refresh: () => {}, mark: (said = {}) => box.mark(said), focus: () => box.focus() };
}
