// The dialog for changing keys.

import { element, find } from "../shared/elements.js";
import { COMMANDS } from "../shared/keys.js";

const RESERVED = new Set(["Tab", "Escape", "Enter", " ", "Shift", "Control", "Alt", "Meta", "CapsLock", "AltGraph", "Dead"]);

/** Connect the dialog; `changed()` is called after each change. */
export function settings(dialog, classes, keys, changed) {
  const message = find("[data-message]", dialog);
  const say = (sentence) => (message.textContent = sentence);
  const all = [
    ...classes.map(({ name }) => ({ kind: "label", name, text: name })),
    ...COMMANDS.map(({ name, text }) => ({ kind: "command", name, text })),
  ];
  const refresh = () => {
    for (const { field, kind, name } of fields) field.value = keys.shown(kind, name);
    find("[data-on]", dialog).checked = keys.on;
    changed();
  };
  const fields = all.map((one) => ({ ...one, field: chooser(one, keys, say, () => refresh()) }));
  find("[data-choices]", dialog).replaceChildren(...fields.map(({ field, text }) => element("label", {}, element("span", {}, text), field)));
  find("[data-on]", dialog).addEventListener("change", (event) => {
    keys.switch(event.target.checked);
    say(event.target.checked ? "Keys are on." : "Keys are off; Ctrl+Z still works as undo.");
    refresh();
  });
  find("[data-reset]", dialog).addEventListener("click", () => {
    keys.reset();
    say("The project's keys are restored.");
    refresh();
  });
  refresh();
}

/** An input that records the key pressed in it. */
function chooser({ kind, name, text }, keys, say, done) {
  const field = element("input", { class: "key", size: 9, readonly: true, "aria-label": `Key for ${text}` });
  field.addEventListener("keydown", (event) => {
    if (RESERVED.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const key = event.key === "Delete" ? "" : event.key;
    const before = keys.choose(kind, name, key);
    say(`${text}: ${key ? `key ${key}` : "the project's key"}.${before ? ` ${before.label ?? before.command} had this key before.` : ""}`);
    done();
  });
  return field;
}
